/** Looking for messages shard by shard. */
import type { Context } from './context.ts';
import { isThrottled, type Patience } from './patience.ts';
import type { StoreError } from './port.ts';
import { type QueueRecord, shardKey } from './settings.ts';

/**
 * Visits the queue's shards, from a random one on, until one has something to give. A throttled one is passed over; if no other
 * has anything, that is the answer, unless patience allows to visit them all once more.
 */
export async function visitShards<Found>(
  ctx: Context,
  queue: QueueRecord,
  patience: Patience,
  look: (shard: string) => Promise<Found[]>,
): Promise<Found[]> {
  const first = Math.floor(ctx.random.number() * queue.shardsVisited);
  let throttled: StoreError | undefined;
  for (let i = 0; i < queue.shardsVisited; i++) {
    try {
      const found = await look(shardKey(queue, (first + i) % queue.shardsVisited));
      if (found.length > 0) return found;
    } catch (error) {
      if (!isThrottled(error)) throw error;
      throttled = error;
      if (!(await patience.pause())) break;
    }
  }
  if (throttled) throw throttled;
  return [];
}
