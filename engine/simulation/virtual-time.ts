/**
 * Time that advances only when every process waits. Asynchronous processes run one step at a time, in an order that the seed
 * determines. This holds only while they await nothing but this time.
 */
import type { Random } from '../port/port.ts';

export interface VirtualTime {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls `wake` at the instant. Wakes at the same instant run in random order. */
  at(instant: number, wake: () => void): void;
  /** Resolves after this many milliseconds. */
  after(ms: number): Promise<void>;
  /** Advances time until nothing waits any more, or until the instant. */
  run(until?: number): Promise<void>;
}

interface Sleeper {
  instant: number;
  tie: number;
  wake: () => void;
}

/** Steps between two turns of the event loop, because a turn takes longer than most steps. */
const stepsAtOnce = 1000;

export function createVirtualTime(random: Random, start: number): VirtualTime {
  let now = start;
  const waiting: Sleeper[] = [];

  function at(instant: number, wake: () => void): void {
    const entry: Sleeper = { instant: Math.max(instant, now), tie: random.number(), wake };
    let low = 0;
    let high = waiting.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBefore(entry, waiting[middle]!)) high = middle;
      else low = middle + 1;
    }
    waiting.splice(low, 0, entry);
  }

  return {
    now: () => now,
    at,
    after: (ms) => new Promise((resolve) => at(now + ms, resolve)),
    async run(until = Number.POSITIVE_INFINITY) {
      // A process that was woken runs to its next wait before the next one is woken.
      await settled();
      for (let steps = 1; waiting.length > 0 && waiting[0]!.instant <= until; steps++) {
        const { instant, wake } = waiting.shift()!;
        now = instant;
        wake();
        await settled();
        if (steps % stepsAtOnce === 0) await others();
      }
      if (Number.isFinite(until)) now = Math.max(now, until);
    },
  };
}

function isBefore(a: Sleeper, b: Sleeper): boolean {
  return a.instant < b.instant || (a.instant === b.instant && a.tie < b.tie);
}

/** Resolves when all pending promise callbacks have run: the next tick comes after all microtasks. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    process.nextTick(resolve);
  });
}

/** Lets other work of the program run. */
function others(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
