/** Drawing lots: what is left to chance of a plan, and of what its processes do. */
import type { Random } from '../../../engine/port/port.ts';

export const secondMs = 1000;
export const minuteMs = 60 * secondMs;
export const daySeconds = 24 * 3600;

export interface Drawing {
  random: Random;
  pick: <T>(values: readonly T[]) => T;
  chance: (share: number) => boolean;
  /** 0 ≤ n < below, whole. */
  whole: (below: number) => number;
  /** One of them, where there is any. */
  any: <T>(values: readonly T[]) => T | undefined;
  /** About half of them. */
  some: <T>(values: readonly T[]) => T[];
}

export function drawing(random: Random): Drawing {
  const whole = (below: number) => Math.floor(random.number() * below);
  const chance = (share: number) => random.number() < share;
  return {
    random,
    whole,
    chance,
    pick: (values) => values[whole(values.length)]!,
    any: (values) => values[whole(values.length)],
    some: (values) => values.filter(() => chance(0.5)),
  };
}
