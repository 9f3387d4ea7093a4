/** A clock that moves only when a test advances it. */
import type { Clock } from '../../engine/port/port.ts';

export interface DrivenClock extends Clock {
  /** Moves the clock and wakes the sleepers whose time has come. */
  advance(ms: number): void;
  /** If true (the default), a sleep moves the clock and returns at once. If false, a sleep waits for `advance`. */
  leaping: boolean;
  /** How many sleeps are waiting. */
  sleepers(): number;
  /** The length of each sleep so far, in ms. */
  slept: number[];
}

export function createDrivenClock(start = Date.now()): DrivenClock {
  let now = start;
  const sleeping = new Set<{ until: number; wake: () => void }>();
  const slept: number[] = [];
  return {
    leaping: true,
    slept,
    now: () => now,
    trusted: () => true,
    advance(ms) {
      now += ms;
      for (const sleeper of sleeping) if (sleeper.until <= now) sleeper.wake();
    },
    sleepers: () => sleeping.size,
    async sleep(ms, signal) {
      slept.push(ms);
      if (this.leaping) {
        // Like a machine's clock, it shows whole milliseconds.
        now += Math.max(0, Math.ceil(ms));
        await Promise.resolve();
        signal?.throwIfAborted();
        return;
      }
      await new Promise<void>((resolve, reject) => {
        const end = (settle: () => void) => () => {
          sleeping.delete(sleeper);
          signal?.removeEventListener('abort', abort);
          settle();
        };
        const abort = end(() => reject(signal?.reason));
        const sleeper = { until: now + ms, wake: end(resolve) };
        sleeping.add(sleeper);
        if (signal?.aborted) abort();
        else signal?.addEventListener('abort', abort);
      });
    },
  };
}
