/**
 * A schedule is put, swept, paused, resumed, changed and deleted, while the store fails once: at each of its calls in turn, in each way. What
 * was broken off is asked again by another process, as a caller or the next sweep would.
 */
import { describe, expect, it } from 'vitest';
import type { Engine } from '../../engine/engine.ts';
import { createMemoryStore } from '../../engine/memory-store.ts';
import { type Store, StoreError, type Write } from '../../engine/port.ts';
import { DumbwaiterError } from '../../sdk/errors.ts';
import { sweepPeriodMs } from '../../sdk/limits.ts';
import type { DrivenClock } from './driven-clock.ts';
import { driveEngine } from './driven-engine.ts';
import { noise } from './noise.ts';

class Killed extends Error {}

const faults = {
  'its process dies before the call': { isMade: false, thrown: () => new Killed() },
  'its process dies after the call': { isMade: true, thrown: () => new Killed() },
  'the answer is lost': { isMade: true, thrown: () => new StoreError('the answer was lost', 'unknown') },
  'the request is lost': { isMade: false, thrown: () => new StoreError('the request was lost', 'unknown') },
  'the request is refused': { isMade: false, thrown: () => new StoreError('too busy', 'no', undefined, 'throttled') },
} as const;
type Fault = (typeof faults)[keyof typeof faults];

/** Fails at the call of this number; a process that died calls no more. Transactions are noted, to be sent once more. */
function failingStore(store: Store, at: number, { isMade, thrown }: Fault) {
  const seen = { calls: 0, isDead: false, transactions: [] as (readonly Write[])[] };
  const failing = async <T>(run: () => Promise<T>): Promise<T> => {
    if (seen.isDead) throw new Killed();
    if (seen.calls++ !== at) return run();
    if (isMade) await run();
    const error = thrown();
    seen.isDead = error instanceof Killed;
    throw error;
  };
  const over: Store = {
    get: (keys) => failing(() => store.get(keys)),
    range: (range) => failing(() => store.range(range)),
    write: (write, options) => failing(() => store.write(write, options)),
    writeAll: (writes, options) => failing(() => store.writeAll(writes, options)),
    transact(writes, options) {
      seen.transactions.push(writes);
      return failing(() => store.transact(writes, options));
    },
  };
  return { over, seen };
}

const noon = Date.parse('2027-05-03T12:00:00Z');
const minuteMs = 60_000;
const params = { name: 's' };
const padding = noise(2000);
const content = (of: string) => ({ body: { of, padding } });

/** Each minute's sweep is followed by one step; the ticks that each step leaves. */
const steps: { minute: number; run(engine: Engine): Promise<unknown> }[] = [
  {
    minute: 0,
    run: (engine) =>
      engine.call('putSchedule', params, {
        queue: 'q',
        everySeconds: 60,
        startAt: new Date(noon).toISOString(),
        message: content('first'),
      }),
  },
  { minute: 2, run: (engine) => engine.call('updateSchedule', params, { paused: true }) },
  { minute: 4, run: (engine) => engine.call('updateSchedule', params, { paused: false }) },
  { minute: 5, run: (engine) => engine.call('updateSchedule', params, { message: content('second') }) },
  { minute: 6, run: (engine) => engine.call('deleteSchedule', params, {}) },
];
const lastMinute = 8;
const expected = [...[1, 2, 5].map((minute) => [minute, 'first'] as const), [6, 'second'] as const];

/** Answers what was received of each minute, and whether the fault struck. */
async function history(fault: Fault, at: number) {
  let clock: DrivenClock | undefined;
  let memory: Store | undefined;
  const driven = await driveEngine(async (driving) => {
    clock = driving;
    const store = createMemoryStore({ now: driving.now });
    memory = store;
    return { store, rows: async (table) => store.rows(table) };
  });
  clock!.advance(noon - clock!.now());
  await driven.create('q', { retentionSeconds: null });
  const { over, seen } = failingStore(memory!, at, fault);
  let process = driven.another(over);
  const isGone = (error: unknown) => error instanceof DumbwaiterError && error.code === 'schedule_not_found';

  /** Once more after a failure; by another process where the first one died. */
  const surely = async (run: (engine: Engine) => Promise<unknown>, mayBeGone = false) => {
    try {
      await run(process);
    } catch (error) {
      const isFailure = error instanceof Killed || (error instanceof DumbwaiterError && error.code === 'unavailable');
      if (!isFailure) throw error;
      if (error instanceof Killed) process = driven.engine;
      await run(process).catch((again: unknown) => {
        if (!mayBeGone || !isGone(again)) throw again;
      });
    }
  };

  const received: (readonly [number, string])[] = [];
  for (let minute = 0; minute <= lastMinute; minute++) {
    clock!.advance(noon + minute * sweepPeriodMs - clock!.now());
    // A sweep that fails is not repeated: the next one is a minute later.
    await process.sweep({ until: clock!.now() + sweepPeriodMs }).catch((error: unknown) => {
      if (!(error instanceof Killed || error instanceof DumbwaiterError)) throw error;
      if (error instanceof Killed) process = driven.engine;
    });
    const messages = await driven.receive('q');
    if (messages.length > 0) await driven.ack('q', messages);
    for (const { body, attributes } of messages) {
      received.push([(Date.parse(attributes.tick as string) - noon) / minuteMs, (body as { of: string }).of]);
    }
    const step = steps.find((one) => one.minute === minute);
    if (step) await surely(step.run, minute === 6);
  }
  // Requests that come once more, after all is over.
  for (const writes of seen.transactions) await memory!.transact(writes);
  clock!.advance(5 * minuteMs);
  await driven.sweep();
  for (const { attributes } of await driven.receive('q')) received.push([Date.parse(attributes.tick as string), 'late']);
  return { received, struck: seen.calls > at, calls: seen.calls };
}

describe.each(Object.entries(faults))('a schedule has one message for each tick though %s', (_, fault) => {
  it('at any call of the store', async () => {
    let at = 0;
    for (; ; at++) {
      const { received, struck } = await history(fault, at);
      expect(
        received.sort(([a], [b]) => a - b),
        `at call ${at}`,
      ).toEqual(expected);
      if (!struck) break;
    }
    // Fewer would mean that the histories are not what they seem.
    expect(at).toBeGreaterThan(60);
  });
});
