/**
 * Counts how many writes this process sent to each shard recently. A throttle without a reason may be caused by the table, the
 * account or chance. It proves a hot key only if this process alone sends a large part of what a partition takes.
 */
import type { Write } from '../port/port.ts';
import { shardOf } from '../port/row-limits.ts';

/** A tenth of the 1,000 write units per second that a partition takes. */
const hotWrites = 100;
const windowMs = 1_000;

export function createKeyLoads(now: () => number) {
  let since = now();
  let current = new Map<string, number>();
  let last = new Map<string, number>();

  function turn(): void {
    const windows = Math.floor((now() - since) / windowMs);
    if (windows === 0) return;
    last = windows === 1 ? current : new Map();
    current = new Map();
    since += windows * windowMs;
  }

  return {
    /** Counts a write that is about to be sent. */
    note(write: Pick<Write, 'key' | 'then'>): void {
      turn();
      const shard = shardOf(write);
      if (shard !== undefined) current.set(shard, (current.get(shard) ?? 0) + 1);
    },
    /** Whether one of the last two seconds had enough writes to the shard that its key may be hot. */
    isHot(shard: string): boolean {
      turn();
      return Math.max(current.get(shard) ?? 0, last.get(shard) ?? 0) >= hotWrites;
    },
  };
}
