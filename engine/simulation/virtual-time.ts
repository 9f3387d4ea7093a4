/**
 * Time that passes only when everything waits: many asynchronous processes run one step at a time, in an order that a
 * seed decides. Holds as long as they await nothing but this time.
 */
import type { Random } from '../port/port.ts';

export interface VirtualTime {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls `wake` when the instant has come; those of one instant in an order that chance decides. */
  at(instant: number, wake: () => void): void;
  /** Resolves after so many milliseconds. */
  after(ms: number): Promise<void>;
  /** Lets time pass until nothing is waiting any more, or the instant has come. */
  run(until?: number): Promise<void>;
}

interface Waiting {
  instant: number;
  tie: number;
  wake: () => void;
}

/** Going round the event loop takes longer than most steps do. */
const stepsAtOnce = 1000;

export function createVirtualTime(random: Random, start: number): VirtualTime {
  let now = start;
  const waiting: Waiting[] = [];

  function at(instant: number, wake: () => void): void {
    const entry: Waiting = { instant: Math.max(instant, now), tie: random.number(), wake };
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
      // What was woken runs on to its next wait before anything else is woken.
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

function isBefore(a: Waiting, b: Waiting): boolean {
  return a.instant < b.instant || (a.instant === b.instant && a.tie < b.tie);
}

/** Resolves when no promise has anything left to do: what is to come at the next tick comes after all microtasks. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    process.nextTick(resolve);
  });
}

/** Lets what else the program waits for have its turn. */
function others(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
