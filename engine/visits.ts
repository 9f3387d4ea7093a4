/** Looking for messages partition by partition: level by level of priority, and in each shard by shard. */
import type { Context } from './context.ts';
import { isThrottled, type Patience } from './patience.ts';
import type { Random, StoreError } from './port.ts';
import type { QueueRecord } from './settings.ts';
import { shardKey } from './shards.ts';

/**
 * Visits the queue's levels, and of each the shards, from a random one on, until one has something to give. A throttled one is passed
 * over; if no other has anything, that is the answer, unless patience allows to visit them all once more.
 */
export async function visitShards<Found>(
  ctx: Context,
  queue: QueueRecord,
  patience: Patience,
  look: (shard: string) => Promise<Found[]>,
): Promise<Found[]> {
  let throttled: StoreError | undefined;
  for (const level of levelsInTurn(queue, ctx.random)) {
    const first = Math.floor(ctx.random.number() * queue.shardsVisited);
    for (let i = 0; i < queue.shardsVisited; i++) {
      try {
        const found = await look(shardKey(queue, (first + i) % queue.shardsVisited, level));
        if (found.length > 0) return found;
      } catch (error) {
        if (!isThrottled(error)) throw error;
        throttled = error;
        if (!(await patience.pause())) throw throttled;
      }
    }
  }
  if (throttled) throw throttled;
  return [];
}

/** The highest first; weighted, each comes next with a chance of its number and one more, among those that are left. */
export function levelsInTurn({ priority, levelsVisited }: QueueRecord, random: Pick<Random, 'number'>): number[] {
  const left = Array.from({ length: levelsVisited }, (_, index) => levelsVisited - 1 - index);
  if (priority?.order !== 'weighted') return left;
  const turn: number[] = [];
  while (left.length > 0) {
    let rest = random.number() * left.reduce((sum, level) => sum + level + 1, 0);
    let at = 0;
    while (at < left.length - 1 && rest >= left[at]! + 1) rest -= left[at++]! + 1;
    turn.push(...left.splice(at, 1));
  }
  return turn;
}
