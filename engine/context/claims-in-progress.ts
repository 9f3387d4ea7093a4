/**
 * Rows that receives in this process are claiming. Other receives here try them last: a failed conditional write is billed.
 * Contention between processes is handled by claim windows.
 */
import { readToWriteMsMax } from '../../contract/limits.ts';
import type { Clock } from '../port/port.ts';

export function createClaimsInProgress(clock: Clock) {
  const claimants = new Map<string, number>();
  /** When each row was released: since `startedAt`, and in the F or more before it. */
  let recent = new Map<string, number>();
  let earlier = new Map<string, number>();
  let startedAt = clock.now();

  return {
    /** The number of rows being claimed now. */
    count: () => claimants.size,
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
