/** While the sweep skips a sleeping queue, no message waits in it, and no row is due before it wakes. */

import { clockMarginMs } from '../../../contract/limits.ts';
import type { MemoryStore } from '../../../engine/memory/store.ts';
import { readQueue } from '../../../engine/model/queue-record.ts';

/** One text for each row that breaks this rule. `now`: true time, ms. */
export function rowsDueWhileAsleep(memory: MemoryStore, now: number): string[] {
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
    return [...waiting, ...due].map(
      ({ id }) => `the queue "${name}" sleeps until ${asleepUntil}, and has the row ${id} due before`,
    );
  });
}
