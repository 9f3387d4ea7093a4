/**
 * Processes that push from one queue, in memory: each with an engine and a dispatcher of its own, all on one store and one clock that the
 * test drives. A function of the test takes the place of Lambda.
 */

import { anyHost } from '../../contract/host-rule.ts';
import { createMemoryStore } from '../../engine/memory/store.ts';
import { StoreError } from '../../engine/port/port.ts';
import { seededRandom } from '../../engine/port/random.ts';
import { assembleQueue, type ServedQueue } from '../../functions/assembly.ts';
import type { Invoke } from '../../functions/service/check-back.ts';
import type { LogFields } from '../../functions/service/log.ts';
import { createDrivenClock, type DrivenClock } from './driven-clock.ts';
import { type StoreSpy, spyOnStore } from './store-spy.ts';

export interface PushProcess extends ServedQueue {
  spy: StoreSpy;
  /** Nothing that the process still does reaches the store. */
  die(): void;
  drain(options?: {
    until?: number;
    endsAt?: number;
    signal?: AbortSignal;
    target?: string;
    keepsWaiting?: boolean;
  }): Promise<string>;
}

export interface PushBed {
  clock: DrivenClock;
  /** The events that the function got. */
  events: { Records: { messageId: string; body: string; receiptHandle: string; attributes: Record<string, string> }[] }[];
  /** The lines of targets in the log. */
  lines: LogFields[];
  /** Decides what the function answers. */
  invoke: Invoke;
  process(): PushProcess;
  /** Advances the clock by steps, and lets what it wakes run. */
  pass(ms: number): Promise<void>;
}

const stepMs = 1_000;
let seeds = 1;

export function createPushBed(): PushBed {
  const clock = createDrivenClock();
  clock.leaping = false;
  const store = createMemoryStore({ now: clock.now });
  const note = (_: string, fields: LogFields) => {
    if (String(fields.kind).startsWith('target_')) bed.lines.push(fields);
  };
  const bed: PushBed = {
    clock,
    events: [],
    lines: [],
    invoke: async () => '',
    process() {
      const spy = spyOnStore(store);
      const served = assembleQueue({
        parts: { store: spy.store, clock, random: seededRandom(seeds++) },
        log: {
          info: note,
          warn: note,
          error: (message, fields, error) => {
            throw new Error(`${message} ${JSON.stringify(fields)}`, { cause: error });
          },
        },
        hosts: anyHost,
        invoke: (functionName, payload, signal) => {
          bed.events.push(JSON.parse(payload));
          return bed.invoke(functionName, payload, signal);
        },
      });
      return {
        ...served,
        spy,
        die() {
          spy.before = () => {
            throw new StoreError('the process is dead', 'no');
          };
        },
        async drain({ target = 'f', until, signal = new AbortController().signal, endsAt, keepsWaiting = false } = {}) {
          const found = await served.records.ofQueue('q');
          const one = found!.targets.find(({ name }) => name === target)!;
          const ends = endsAt === undefined ? {} : { endsAt };
          return served.dispatcher.drain(one, { until: until ?? Number.MAX_SAFE_INTEGER, signal, keepsWaiting, ...ends });
        },
      };
    },
    async pass(ms) {
      for (let passed = 0; passed < ms; passed += stepMs) {
        await settle();
        clock.advance(stepMs);
      }
      await settle();
    },
  };
  return bed;
}

/** Lets everything run that waits for nothing but the turn of the event loop. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
}
