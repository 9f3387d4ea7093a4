/**
 * How many rows of a shard's head a receiver chooses from. Receivers that all take the first row get in each other's way, and
 * each refused write is charged; so each starts at a random row of a window, which widens with the conflicts met and narrows
 * without them: one receiver alone takes the rows in order.
 */
import { headRowsMax } from '../sdk/limits.ts';

/** With these, about one claim in forty conflicts once the window has settled. */
const widenBy = 1.5;
const narrowBy = 0.985;

export function createWindows() {
  const sizes = new Map<string, number>();
  return {
    size(shard: string): number {
      return Math.floor(sizes.get(shard) ?? 1);
    },
    conflicted(shard: string): void {
      sizes.set(shard, Math.min(headRowsMax, (sizes.get(shard) ?? 1) * widenBy + 1));
    },
    claimed(shard: string): void {
      const size = sizes.get(shard);
      if (size === undefined) return;
      if (size <= 1) sizes.delete(shard);
      else sizes.set(shard, Math.max(1, size * narrowBy));
    },
  };
}

export type Windows = ReturnType<typeof createWindows>;
