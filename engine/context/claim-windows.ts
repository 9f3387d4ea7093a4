/**
 * How many receives' worth of rows, at the head of a shard, a receiver chooses from. Receivers that all take the first rows get in each
 * other's way. So each takes one random stretch of the window, of about as many rows as give what it asks for. A refused write costs a
 * write unit and a call's time; rows that are read and left cost read units. The window widens with each conflict, and narrows
 * with each read by what the rows beyond those asked for cost. It comes to rest where both cost the same, which is where they cost
 * least together. One receiver alone takes the rows in order.
 */
import { headRowsMax, parcelSlotsMax } from '../../contract/limits.ts';

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
  /** Messages in a row, as the last read found them; 1 where a shard has no entry. */
  const perRow = new Map<string, number>();
  /** Where the last receive took what it asked for, and no other was in its way. */
  const alone = new Set<string>();
  return {
    /** Whether no other receivers of the shard were met. */
    isAlone(shard: string): boolean {
      return alone.has(shard) && !sizes.has(shard);
    },
    /** A receive met no conflict. */
    undisturbed(shard: string): void {
      alone.add(shard);
    },
    /** In receives. */
    size(shard: string): number {
      return Math.floor(sizes.get(shard) ?? 1);
    },
    messagesPerRow(shard: string): number {
      return perRow.get(shard) ?? 1;
    },
    /** Rows that are expected to give so many messages. */
    rowsFor(shard: string, messages: number): number {
      return Math.ceil(messages / this.messagesPerRow(shard));
    },
    conflicted(shard: string): void {
      alone.delete(shard);
      sizes.set(shard, Math.min(headRowsMax, (sizes.get(shard) ?? 1) * widenBy + 1));
    },
    /** The head was read: so many rows with so many messages, and so many bytes more than were asked for. */
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
