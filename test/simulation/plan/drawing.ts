/** Random choices, for plans and for what processes do. */
import type { Random } from '../../../engine/port/port.ts';

export const secondMs = 1000;
export const minuteMs = 60 * secondMs;
export const daySeconds = 24 * 3600;

export interface Drawing {
  random: Random;
  pick: <T>(values: readonly T[]) => T;
  chance: (share: number) => boolean;
  /** A whole number, 0 ≤ n < below. */
  whole: (below: number) => number;
  /** One of the values. Undefined if there is none. */
  any: <T>(values: readonly T[]) => T | undefined;
  /** About half of the values. */
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
