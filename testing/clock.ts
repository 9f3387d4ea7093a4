/** A clock that runs as the machine's does, and that a test moves forward. */
import type { Clock } from '../engine/port/port.ts';

export interface TestClock extends Clock {
  /** Moves the clock, and wakes the sleeps whose time has come. */
  advance(ms: number): void;
}

interface Sleep {
  until: number;
  arm(): void;
}

const timerMsMax = 2 ** 31 - 1;

export function createTestClock(): TestClock {
  let ahead = 0;
  const sleeps = new Set<Sleep>();
  const now = () => Date.now() + ahead;
  return {
    now,
    trusted: () => true,
    advance(ms) {
      if (!(Number.isFinite(ms) && ms >= 0)) throw new RangeError(`advance: ${ms} is not a number of milliseconds from 0`);
      ahead += ms;
      for (const sleep of [...sleeps]) sleep.arm();
    },
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        let timer: NodeJS.Timeout | undefined;
        const end = () => {
          clearTimeout(timer);
          sleeps.delete(sleep);
          signal?.removeEventListener('abort', abort);
        };
        const abort = () => {
          end();
          reject(signal?.reason);
        };
        const sleep: Sleep = {
          until: now() + ms,
          arm() {
            clearTimeout(timer);
            const left = sleep.until - now();
            timer = setTimeout(left > timerMsMax ? sleep.arm : wake, Math.min(Math.max(0, left), timerMsMax));
          },
        };
        const wake = () => {
          end();
          resolve();
        };
        if (signal?.aborted) return reject(signal.reason);
        signal?.addEventListener('abort', abort, { once: true });
        sleeps.add(sleep);
        sleep.arm();
      }),
  };
}
