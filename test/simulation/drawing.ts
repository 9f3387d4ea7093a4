/** Drawing lots: what of a plan is left to chance. */
import type { Random } from '../../engine/port.ts';

export const secondMs = 1000;
export const minuteMs = 60 * secondMs;
export const daySeconds = 24 * 3600;

export interface Drawing {
  random: Random;
  pick: <T>(values: readonly T[]) => T;
  chance: (share: number) => boolean;
  /** 0 ≤ n < below, whole. */
  whole: (below: number) => number;
}

export function drawing(random: Random): Drawing {
  const whole = (below: number) => Math.floor(random.number() * below);
  return { random, whole, pick: (values) => values[whole(values.length)]!, chance: (share) => random.number() < share };
}
