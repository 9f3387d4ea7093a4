/**
 * How many rows of a shard's head a receiver chooses from. Receivers that all take the first row get in each other's way; so each
 * takes random rows of a window. A refused write costs a write unit and a call's time; rows that are read and left cost read
 * units. The window widens with each conflict, and narrows with each read by what the rows beyond those asked for cost: it
 * comes to rest where both cost the same, which is where they cost least together. One receiver alone takes the rows in order.
 */
import { headRowsMax } from '../sdk/limits.ts';

const widenBy = 2;
/**
 * What a conflict is reckoned to cost, in write units: its own, and the time of a call in vain. The figure was found by trial, with 32
 * receivers on one shard (`bench/cost.ts`): with 3 there were too many conflicts for the bound on write units.
 */
const conflictUnits = 8;
/** Bytes that DynamoDB reads, consistently, for the price of one write unit: 4 KiB a read unit, five of those for a write unit. */
const bytesPerWriteUnit = 5 * 4096;

export function createWindows() {
  const sizes = new Map<string, number>();
  return {
    size(shard: string): number {
      return Math.floor(sizes.get(shard) ?? 1);
    },
    conflicted(shard: string): void {
      sizes.set(shard, Math.min(headRowsMax, (sizes.get(shard) ?? 1) * widenBy + 1));
    },
    /** The head was read with so many bytes more than were asked for. */
    read(shard: string, bytesBeyond: number): void {
      const size = sizes.get(shard);
      if (size === undefined) return;
      const narrowed = size * widenBy ** (-bytesBeyond / bytesPerWriteUnit / conflictUnits);
      if (narrowed < 2) sizes.delete(shard);
      else sizes.set(shard, narrowed);
    },
  };
}

export type Windows = ReturnType<typeof createWindows>;
