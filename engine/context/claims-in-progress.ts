/**
 * Rows that receives of this process are taking. Another of its receives leaves those to the last: it would be refused, for a
 * charge. (Of other processes it knows nothing; against them there is the window.)
 */
import { readToWriteMsMax } from '../../contract/limits.ts';
import type { Clock } from '../port/port.ts';

export function createClaimsInProgress(clock: Clock) {
  const takers = new Map<string, number>();
  /** When they were let go, the oldest first. */
  const letGo = new Map<string, number>();

  return {
    /** Rows being taken now. */
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
    /** Whether what was read of this row from `readAt` on may be out of date by this process's own doing. */
    touchedSince(row: string, readAt: number): boolean {
      return takers.has(row) || (letGo.get(row) ?? Number.NEGATIVE_INFINITY) >= readAt;
    },
  };
}

export type InHand = ReturnType<typeof createClaimsInProgress>;
