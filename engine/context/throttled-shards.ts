/** Which shards had writes throttled since their queue was last asked about. */
import { isGroupRow } from '../model/ids.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { incarnationOf, shardNumberOf } from '../model/shards.ts';

/** What was throttled of a queue: the numbers of its shards. */
export interface Throttled {
  published: ReadonlySet<number>;
  /** Whatever was written, publishing included. */
  written: ReadonlySet<number>;
}

export function createThrottles() {
  const queues = new Map<string, { published: Set<number>; written: Set<number> }>();
  return {
    /** A write to this shard was throttled: its queue may grow with the next call. */
    note(shard: string, isPublish = false): void {
      // More shards do not help a group's partition.
      if (isGroupRow(shard)) return;
      const throttled = queues.get(incarnationOf(shard)) ?? { published: new Set(), written: new Set() };
      queues.set(incarnationOf(shard), throttled);
      throttled.written.add(shardNumberOf(shard));
      if (isPublish) throttled.published.add(shardNumberOf(shard));
    },
    /** Which of its shards were; told once. */
    take(queue: QueueRecord): Throttled | undefined {
      const throttled = queues.get(queue.incarnation);
      queues.delete(queue.incarnation);
      return throttled;
    },
  };
}

export type Throttles = ReturnType<typeof createThrottles>;
