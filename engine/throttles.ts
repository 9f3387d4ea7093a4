/** Which shards had writes throttled since their queue was last asked about. */
import { incarnationOf, type QueueRecord, shardNumberOf } from './settings.ts';

export function createThrottles() {
  const throttled = new Map<string, Set<number>>();
  return {
    /** A write to this shard was throttled: its queue may grow with the next call. */
    note(shard: string): void {
      const shards = throttled.get(incarnationOf(shard)) ?? new Set();
      throttled.set(incarnationOf(shard), shards.add(shardNumberOf(shard)));
    },
    /** Which of its shards were, by their numbers; told once. */
    take(queue: QueueRecord): number[] {
      const shards = throttled.get(queue.incarnation) ?? [];
      throttled.delete(queue.incarnation);
      return [...shards];
    },
  };
}

export type Throttles = ReturnType<typeof createThrottles>;
