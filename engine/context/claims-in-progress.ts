/**
 * Rows that receives in this process are claiming. Other receives here try them last: a failed conditional write is billed.
 * Contention between processes is handled by claim windows.
 */
import { readToWriteMsMax } from '../../contract/limits.ts';
import type { Clock } from '../port/port.ts';

export function createClaimsInProgress(clock: Clock) {
  const takers = new Map<string, number>();
  /** When each row was released, oldest first. */
  const letGo = new Map<string, number>();

  return {
    /** The number of rows being claimed now. */
    count: () => takers.size,
    take(row: string): void {
      takers.set(row, (takers.get(row) ?? 0) + 1);
    },
    release(row: string): void {
      const others = takers.get(row)! - 1;
      if (others > 0) takers.set(row, others);
      else takers.delete(row);
      const now = clock.now();
      letGo.delete(row);
      letGo.set(row, now);
      for (const [earlier, at] of letGo) {
        if (now - at <= readToWriteMsMax) break;
        letGo.delete(earlier);
      }
    },
    /** Whether a claim in this process may have changed the row since `readAt`, so that a read from then may be outdated. */
    touchedSince(row: string, readAt: number): boolean {
      return takers.has(row) || (letGo.get(row) ?? Number.NEGATIVE_INFINITY) >= readAt;
    },
  };
}

export type InHand = ReturnType<typeof createClaimsInProgress>;
