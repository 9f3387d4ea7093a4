/** What a row records of a `dedupKey`. `dedup-row.ts` has the rules. */

/** How many accepted publishes the row of a `dedupKey` remembers. */
export const acceptedMax = 3;

/** The part of a row for a message published under a `dedupKey`. */
export interface Keyed {
  /** Until when the key is taken, ms, even if the message ends earlier; undefined: as long as the message lives. */
  freeAt?: number;
  /** The last accepted publishes, newest first: the time (later than the one before) and the version. */
  accepted: { at: number; by: string }[];
  /** The token that acked the previous message of the key. */
  acked?: string;
}
