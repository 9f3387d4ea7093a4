/** Records which shards had throttled writes, by queue, until `take` reads and clears them. Shard scaling uses it. */
import { isGroupRow } from '../model/ids.ts';
import { incarnationOf, type QueueRecord, shardNumberOf } from '../model/queue-record.ts';

/** The numbers of a queue's throttled shards. */
export interface Throttled {
  published: ReadonlySet<number>;
  /** Any write, including publishing. */
  written: ReadonlySet<number>;
}

export function createThrottles() {
  const queues = new Map<string, { published: Set<number>; written: Set<number> }>();
  return {
    /** Records a throttled write to the shard. */
    note(shard: string, isPublish = false): void {
      // More shards do not help a group's partition.
      if (isGroupRow(shard)) return;
      const throttled = queues.get(incarnationOf(shard)) ?? { published: new Set(), written: new Set() };
      queues.set(incarnationOf(shard), throttled);
      throttled.written.add(shardNumberOf(shard));
      if (isPublish) throttled.published.add(shardNumberOf(shard));
    },
    /** The throttled shards of the queue since the last call; undefined if there are none. */
    take(queue: QueueRecord): Throttled | undefined {
      const throttled = queues.get(queue.incarnation);
      queues.delete(queue.incarnation);
      return throttled;
    },
  };
}

export type Throttles = ReturnType<typeof createThrottles>;
