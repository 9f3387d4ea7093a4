/**
 * How many writes this process has sent to each shard of late. A throttle that states no reason may be the table's, the account's or
 * chance. It is taken for proof of a hot key only where this process alone loads the key with a good part of what a partition takes.
 */
import type { Write } from '../port/port.ts';
import { shardOf } from '../port/row-limits.ts';

/** A tenth of the 1,000 write units a second that a partition takes. */
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
    /** Another write goes out. */
    note(write: Pick<Write, 'key' | 'then'>): void {
      turn();
      const shard = shardOf(write);
      if (shard !== undefined) current.set(shard, (current.get(shard) ?? 0) + 1);
    },
    /** Whether one of the last two seconds had so many writes to the shard that it may be too hot. */
    isHot(shard: string): boolean {
      turn();
      return Math.max(current.get(shard) ?? 0, last.get(shard) ?? 0) >= hotWrites;
    },
  };
}
