/**
 * What receives in this process are claiming or about to claim. Other receives here read that many rows more, and try rows that are
 * being claimed last: a failed conditional write is billed. Contention between processes is handled by claim windows.
 */
import { readToWriteMsMax } from '../../contract/limits.ts';
import type { Clock } from '../port/port.ts';

export function createClaimsInProgress(clock: Clock) {
  const claimants = new Map<string, number>();
  /** How many rows the reads in progress are for, by shard. */
  const awaited = new Map<string, number>();
  /** When each row was released: since `startedAt`, and in the F or more before it. */
  let recent = new Map<string, number>();
  let earlier = new Map<string, number>();
  let startedAt = clock.now();

  return {
    /** How many rows at the head of a shard other receives may take first: rows being claimed, and rows that reads in progress are for. */
    ahead: (shard: string) => claimants.size + (awaited.get(shard) ?? 0),
    /** Notes a read of a shard for a receive that needs `rows` rows. Returns how to note its end. */
    beginRead(shard: string, rows: number): () => void {
      const add = (more: number) => {
        const left = (awaited.get(shard) ?? 0) + more;
        if (left > 0) awaited.set(shard, left);
        else awaited.delete(shard);
      };
      add(rows);
      return () => add(-rows);
    },
    take(row: string): void {
      claimants.set(row, (claimants.get(row) ?? 0) + 1);
    },
    release(row: string): void {
      const others = claimants.get(row)! - 1;
      if (others > 0) claimants.set(row, others);
      else claimants.delete(row);
      const now = clock.now();
      if (now - startedAt > readToWriteMsMax) {
        earlier = recent;
        recent = new Map();
        startedAt = now;
      }
      recent.set(row, now);
    },
    /** Whether a claim in this process may have changed the row since `readAt`, so that a read from then may be outdated. */
    touchedSince(row: string, readAt: number): boolean {
      if (claimants.has(row)) return true;
      const releasedAt = recent.get(row) ?? earlier.get(row);
      return releasedAt !== undefined && releasedAt >= readAt && clock.now() - releasedAt <= readToWriteMsMax;
    },
  };
}

export type ClaimsInProgress = ReturnType<typeof createClaimsInProgress>;
