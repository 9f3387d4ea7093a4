/**
 * Rows that receives in this process are claiming. Other receives here try them last: a failed conditional write is billed.
 * Contention between processes is handled by claim windows.
 */
import { readToWriteMsMax } from '../../contract/limits.ts';
import type { Clock } from '../port/port.ts';

export function createClaimsInProgress(clock: Clock) {
  const claimants = new Map<string, number>();
  /** When each row was released, oldest first. */
  const releasedAt = new Map<string, number>();

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
      releasedAt.delete(row);
      releasedAt.set(row, now);
      for (const [earlier, at] of releasedAt) {
        if (now - at <= readToWriteMsMax) break;
        releasedAt.delete(earlier);
      }
    },
    /** Whether a claim in this process may have changed the row since `readAt`, so that a read from then may be outdated. */
    touchedSince(row: string, readAt: number): boolean {
      return claimants.has(row) || (releasedAt.get(row) ?? Number.NEGATIVE_INFINITY) >= readAt;
    },
  };
}

export type ClaimsInProgress = ReturnType<typeof createClaimsInProgress>;
