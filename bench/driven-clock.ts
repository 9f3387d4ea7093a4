/** A clock that a measurement drives: sleeping advances the time at once. */
import type { CorrectedClock } from '../engine/dynamo/corrected-clock.ts';

export function drivenClock(): CorrectedClock {
  let now = Date.now();
  return {
    now: () => now,
    local: () => now,
    observe: () => {},
    trusted: () => true,
    async sleep(ms) {
      now += ms;
    },
  };
}
