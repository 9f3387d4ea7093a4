/**
 * A schedule is put, swept, paused, resumed, changed and deleted while the store fails once: at each of its calls in turn, in each way.
 * Another process, as a caller or as the next sweep, repeats the call that was broken off.
 */
import { describe, expect, it } from 'vitest';
import { DumbwaiterError } from '../../contract/errors.ts';
import { sweepPeriodMs } from '../../contract/limits.ts';
import type { Engine } from '../../engine/engine.ts';
import { createMemoryStore } from '../../engine/memory/store.ts';
import { type Key, type Store, StoreError, type Write } from '../../engine/port/port.ts';
import type { DrivenClock } from '../support/driven-clock.ts';
import { type DrivenEngine, driveEngine } from '../support/driven-engine.ts';
import { minuteMs } from '../support/durations.ts';
import { type Fault, failingStore, faults, Killed } from '../support/failing-store.ts';
import { noise } from '../support/noise.ts';
import { onBothStores } from '../support/on-both-stores.ts';

const noon = Date.parse('2027-05-03T12:00:00Z');
const params = { name: 's' };
const padding = noise(2000);
const content = (of: string) => ({ body: { of, padding } });

/** One step after the sweep of its minute. */
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

/** Returns what was received in each minute, and whether the fault occurred. */
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

  /** Repeats the call after a failure, in another process if the first one died. */
  const withRetry = async (run: (engine: Engine) => Promise<unknown>, mayBeGone = false) => {
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
    if (step) await withRetry(step.run, minute === 6);
  }
  // Late copies of all requests.
  for (const writes of seen.transactions) await memory!.transact(writes);
  clock!.advance(5 * minuteMs);
  await driven.sweep();
  for (const { attributes } of await driven.receive('q')) received.push([Date.parse(attributes.tick as string), 'late']);
  return { received, hasFailed: seen.calls > at, calls: seen.calls };
}

describe.each(Object.entries(faults))('a schedule when %s', (_, fault) => {
  it('a schedule publishes one message for each tick, whichever store call fails', async () => {
    let at = 0;
    for (; ; at++) {
      const { received, hasFailed } = await history(fault, at);
      expect(
        received.sort(([a], [b]) => a - b),
        `at call ${at}`,
      ).toEqual(expected);
      if (!hasFailed) break;
    }
    // With fewer calls the histories would test too little.
    expect(at).toBeGreaterThan(60);
  });
});

const lost = () => new StoreError('the answer was lost', 'unknown');

/** A store that reports the first transaction as lost, and applies it right before the second. */
function delayingStore({ spy: { store } }: DrivenEngine) {
  const seen: { late: readonly Write[] | undefined; hasArrived: boolean } = { late: undefined, hasArrived: false };
  const over: Store = {
    ...store,
    async transact(writes, options) {
      if (!seen.late) {
        seen.late = writes;
        throw lost();
      }
      if (!seen.hasArrived) seen.hasArrived = (await store.transact(seen.late)).ok;
      return store.transact(writes, options);
    },
  };
  return { over, seen };
}

/** The ticks and bodies of twenty minutes, with a sweep in each. */
async function twentyMinutes({ clock, sweep, receive, ack }: DrivenEngine): Promise<{ ticks: number[]; bodies: unknown[] }> {
  const ticks: number[] = [];
  const bodies = new Set<unknown>();
  for (let minute = 0; minute < 20; minute++) {
    clock.advance(minuteMs);
    await sweep();
    const messages = await receive('q');
    if (messages.length > 0) await ack('q', messages);
    for (const { body, attributes } of messages) {
      ticks.push((Date.parse(attributes.tick as string) - noon) / minuteMs);
      bodies.add(body);
    }
  }
  return { ticks: ticks.sort((a, b) => a - b), bodies: [...bodies] };
}

onBothStores('a schedule with an offloaded message', (driven) => {
  const everyFiveMinutes = { queue: 'q', everySeconds: 300, startAt: new Date(noon).toISOString() };
  const [body, other] = [noise(3000), noise(4000)];
  const four = [5, 10, 15, 20];
  const open = async () => {
    const { clock, create } = driven();
    clock.advance(noon - clock.now());
    await create('q', { retentionSeconds: null });
  };

  it('a schedule keeps its offloaded message when the request that put it is given up and arrives late', async () => {
    await open();
    const { over, seen } = delayingStore(driven());
    await driven()
      .another(over)
      .call('putSchedule', params, { ...everyFiveMinutes, message: { body } });
    expect(seen.hasArrived).toBe(true);
    expect((await driven().engine.call('getSchedule', params, {})).message.body).toBe(body);
    expect(await twentyMinutes(driven())).toEqual({ ticks: four, bodies: [body] });
  });

  it('a schedule keeps its offloaded message when the answer is lost and a sweep has moved the schedule on since', async () => {
    await open();
    const { spy, clock, sweep, another, engine } = driven();
    let moved = 0;
    const over: Store = {
      ...spy.store,
      async transact(writes, options) {
        const result = await spy.store.transact(writes, options);
        if (moved++ > 0) return result;
        clock.advance(4 * minuteMs);
        await sweep();
        throw lost();
      },
    };
    await another(over).call('putSchedule', params, { ...everyFiveMinutes, message: { body } });
    expect(moved).toBe(1);
    expect((await engine.call('getSchedule', params, {})).message.body).toBe(body);
    expect(await twentyMinutes(driven())).toEqual({ ticks: four, bodies: [body] });
  });

  it('a schedule publishes its offloaded message when the request of a sweep is given up and arrives late', async () => {
    await open();
    const { clock, another, engine, events } = driven();
    await engine.call('putSchedule', params, { ...everyFiveMinutes, message: { body } });
    clock.advance(4 * minuteMs);
    const { over, seen } = delayingStore(driven());
    await another(over).sweep({ until: clock.now() + sweepPeriodMs });
    await another(over).sweep({ until: clock.now() + sweepPeriodMs });
    expect(seen.hasArrived).toBe(true);
    expect(await twentyMinutes(driven())).toEqual({ ticks: four, bodies: [body] });
    expect(events).toEqual([]);
  });

  it.each([
    'putSchedule',
    'updateSchedule',
  ] as const)('a schedule reports that its offloaded message is gone, and goes on with the one that %s gives', async (operation) => {
    await open();
    const { clock, sweep, engine, events, rows, spy } = driven();
    await engine.call('putSchedule', params, { ...everyFiveMinutes, message: { body } });
    const chunks = (await rows('messages')).map(({ shard, id }) => ({ table: 'messages', shard, id }) as Key);
    await spy.store.writeAll(chunks.map((key) => ({ key, then: { remove: true } })));
    clock.advance(4 * minuteMs);
    await sweep();
    await sweep();
    expect(events).toEqual([
      { kind: 'schedule_failed', schedule: 's', queue: 'q', reason: expect.stringContaining('message: ') },
    ]);
    expect((await rows('queues')).find(({ name }) => name === 's')).toMatchObject({ error: { at: clock.now() } });
    await expect(engine.call('updateSchedule', params, { paused: true })).rejects.toMatchObject({ code: 'unavailable' });
    // The same message as before is stored again, too.
    const given = operation === 'putSchedule' ? { ...everyFiveMinutes, message: { body } } : { message: { body: other } };
    const changed = await engine.call(operation, params, given as never);
    expect(changed.lastError).toBeNull();
    expect(await twentyMinutes(driven())).toEqual({ ticks: four, bodies: [given.message.body] });
  });
});
