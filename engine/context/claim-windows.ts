/**
 * Claim windows: how far into a shard a receiver looks for rows to claim. The size is in receives: the rows that one receive
 * needs, times the size. If all receivers claimed the first rows, their writes would conflict. So each takes a random
 * stretch of the window. A single receiver takes the rows in order.
 */
import { headRowsMax, parcelSlotsMax } from '../../contract/limits.ts';

/**
 * A failed conditional write costs a write unit and a call. A row that is read but not claimed costs read units. So each
 * conflict widens the window, and each read narrows it by the cost of the extra rows. The size settles where both costs are
 * equal, which is also where their sum is lowest.
 */
const widenBy = 2;
/**
 * The assumed cost of a conflict in write units: the write itself and the wasted call. Tuned with 32 receivers on one shard
 * (`bench/cost.ts`): a value of 3 gave too many conflicts for the bound on write units.
 */
const conflictUnits = 8;
/** Bytes of consistent reads for the price of one write unit: 4 KiB for each read unit, five read units for a write unit. */
const bytesPerWriteUnit = 5 * 4096;

export function createWindows() {
  const sizes = new Map<string, number>();
  /** Messages for each row, by shard, as the last read found them. No entry means 1. */
  const perRow = new Map<string, number>();
  /** Shards where the last receive that claimed messages met no conflict. */
  const alone = new Set<string>();
  return {
    /** Whether no other receiver of the shard was noticed. */
    isAlone(shard: string): boolean {
      return alone.has(shard) && !sizes.has(shard);
    },
    /** A receive met no conflict. */
    undisturbed(shard: string): void {
      alone.add(shard);
    },
    /** The size of the window, in receives. */
    size(shard: string): number {
      return Math.floor(sizes.get(shard) ?? 1);
    },
    messagesPerRow(shard: string): number {
      return perRow.get(shard) ?? 1;
    },
    /** How many rows are expected to hold `messages` messages. */
    rowsFor(shard: string, messages: number): number {
      return Math.ceil(messages / this.messagesPerRow(shard));
    },
    conflicted(shard: string): void {
      alone.delete(shard);
      sizes.set(shard, Math.min(headRowsMax, (sizes.get(shard) ?? 1) * widenBy + 1));
    },
    /** Records a read of the head: its rows, their messages, and the bytes read beyond the rows that were needed. */
    read(shard: string, rows: number, messages: number, bytesBeyond: number): void {
      if (rows > 0 && messages > rows) perRow.set(shard, Math.min(parcelSlotsMax, messages / rows));
      else if (rows > 0) perRow.delete(shard);
      const size = sizes.get(shard);
      if (size === undefined) return;
      const narrowed = size * widenBy ** (-bytesBeyond / bytesPerWriteUnit / conflictUnits);
      if (narrowed < 2) sizes.delete(shard);
      else sizes.set(shard, narrowed);
    },
  };
}

export type Windows = ReturnType<typeof createWindows>;
