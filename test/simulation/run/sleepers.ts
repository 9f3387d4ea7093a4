/** What must be true of the tables while the sweep passes over a queue: none of its rows waits, or is due before the queue wakes. */

import { clockMarginMs } from '../../../contract/limits.ts';
import type { MemoryStore } from '../../../engine/memory/store.ts';
import { readQueue } from '../../../engine/model/queue-record.ts';

/** One text for each queue that sleeps though it holds something to visit. `now`: true time, ms. */
export function oversleeping(memory: MemoryStore, now: number): string[] {
  const asleep = memory
    .rows('queues')
    .filter(({ kind }) => kind === 'queue')
    .map(readQueue)
    .filter(({ asleepUntil }) => asleepUntil !== undefined && asleepUntil > now + clockMarginMs);
  return asleep.flatMap(({ name, incarnation, asleepUntil }) => {
    const isHere = (shard: unknown) => typeof shard === 'string' && shard.startsWith(`${incarnation}:`);
    const waiting = memory.rows('messages').filter(({ shard }) => isHere(shard));
    const due = memory
      .rows('leases')
      .filter(({ shard, expiry }) => isHere(shard) && expiry !== undefined && (expiry as number) < asleepUntil!);
    return [...waiting, ...due].map(({ id }) => `the queue "${name}" sleeps until ${asleepUntil}, and holds the row ${id}`);
  });
}
