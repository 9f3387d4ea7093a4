/** Which queues had writes throttled since they were last asked about. */
import { incarnationOf, type QueueRecord } from './settings.ts';

export function createThrottles() {
  const throttled = new Set<string>();
  return {
    /** A write to this shard was throttled: its queue grows with the next call. */
    note(shard: string): void {
      throttled.add(incarnationOf(shard));
    },
    /** Whether one of its shards was; told once. */
    take(queue: QueueRecord): boolean {
      return throttled.delete(queue.incarnation);
    },
  };
}

export type Throttles = ReturnType<typeof createThrottles>;
