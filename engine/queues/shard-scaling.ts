/**
 * How many shards a queue has. One takes about 1,000 write units a second (a DynamoDB partition:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html); so a queue whose writes are
 * throttled for the load on a key doubles its shards, and one in which little waits halves them. Messages are published to the first `shards`; receives and the
 * sweep visit `shardsVisited`, which includes retired ones until they are surely empty. Of those that were forgotten since, up to
 * `shardsEver`, each sweep looks at one: a transaction of a caller's own is not bound to the time in which the queue's writes go out.
 */
import {
  readToWriteMsMax,
  retryMsMax,
  settingsCacheMs,
  shardsCalmMsMax,
  shardsGrowPauseMs,
  shardsIdleMs,
  shardsLightWaitingMax,
  shardsMax,
  signedRequestMsMax,
  sweepPeriodMs,
} from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import type { Throttled } from '../context/throttled-shards.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { levelsOf } from '../model/shards.ts';
import { changeQueue } from './change-queue.ts';

/** After this, nobody who read the settings before can still write under them. */
export const settingsForgottenMs = settingsCacheMs + readToWriteMsMax + retryMsMax + signedRequestMsMax;

/**
 * Whether more shards would help: publishing was throttled, or one of the newer half was. An older one may be so for no more than
 * being drained of what was published to it before, and no other shard will ever take that.
 */
function isAsked({ shards }: QueueRecord, { published, written }: Throttled): boolean {
  if (shards >= shardsMax) return false;
  return [...published].some((shard) => shard < shards) || [...written].some((shard) => shard < shards && shard >= shards >> 1);
}

/** Gives the queue more shards if it was throttled; not again before the last growth can have told. */
export async function growIfThrottled(ctx: Context, queue: QueueRecord): Promise<QueueRecord> {
  const throttled = ctx.throttles.take(queue);
  const isTooSoon = (record: QueueRecord, now: number) => now - record.shardsChangedAt < shardsGrowPauseMs;
  if (!throttled || !isAsked(queue, throttled) || isTooSoon(queue, ctx.clock.now())) return queue;
  return changeQueue(ctx, queue.name, (record, now) => {
    if (!isAsked(record, throttled) || isTooSoon(record, now)) return record;
    const shards = Math.min(shardsMax, record.shards * 2);
    const shrankTooSoon = shards <= record.shardsEver && now - record.shardsChangedAt < record.shardsCalmMs;
    return {
      ...record,
      shards,
      shardsCalmMs: shrankTooSoon ? Math.min(shardsCalmMsMax, 2 * record.shardsCalmMs) : record.shardsCalmMs,
      shardsVisited: Math.max(shards, record.shardsVisited),
      shardsEver: Math.max(shards, record.shardsEver),
      shardsChangedAt: now,
    };
  });
}

/** Has a shard visited again that was forgotten, and holds something all the same. */
async function visitAgain(ctx: Context, queue: QueueRecord, shard: number): Promise<void> {
  await changeQueue(ctx, queue.name, (record, now) => {
    if (shard < record.shardsVisited || record.incarnation !== queue.incarnation) return record;
    return { ...record, shardsVisited: shard + 1, shardsChangedAt: now };
  });
}

/**
 * Retires half of the shards of a queue in which little waits, and forgets retired ones that are surely empty. How much is published shows
 * nowhere: a queue that has to grow again soon after is left alone for twice as long each time, until it is found empty.
 */
export async function shrinkIfLight(
  ctx: Context,
  queue: QueueRecord,
  { waiting, emptyFrom, asOf }: { waiting: number; emptyFrom: number; asOf: number },
): Promise<void> {
  const age = asOf - queue.shardsChangedAt;
  const canForget = queue.shardsVisited > queue.shards && emptyFrom <= queue.shards && age > settingsForgottenMs;
  const isEmpty = emptyFrom === 0;
  const isCalm = isEmpty ? age > shardsIdleMs : waiting <= shardsLightWaitingMax && age > queue.shardsCalmMs;
  const canRetire = !canForget && isCalm && queue.shards > 1 && queue.shardsVisited === queue.shards;
  if (!canForget && !canRetire) return;
  await changeQueue(ctx, queue.name, (record, now) => {
    if (record.shardsChangedAt !== queue.shardsChangedAt) return record;
    if (canForget) return { ...record, shardsVisited: record.shards };
    const shardsCalmMs = isEmpty ? shardsIdleMs : record.shardsCalmMs;
    return { ...record, shards: Math.ceil(record.shards / 2), shardsCalmMs, shardsChangedAt: now };
  });
}

/** Looks into another forgotten shard each minute: what a late transaction put there is found, if not at once. */
export async function lookIntoForgotten(ctx: Context, queue: QueueRecord, now: number): Promise<void> {
  const forgotten = queue.shardsEver - queue.shardsVisited;
  if (forgotten <= 0) return;
  const shard = queue.shardsVisited + (Math.floor(now / sweepPeriodMs) % forgotten);
  for (const partition of levelsOf(queue, shard)) {
    if (!(await holdsNothing(ctx, partition))) return visitAgain(ctx, queue, shard);
  }
}

export async function holdsNothing(ctx: Context, partition: string): Promise<boolean> {
  const [parcels, leases] = await Promise.all([
    ctx.store.range({ table: 'messages', partition, limit: 1, consistent: true }),
    ctx.store.range({ table: 'leases', index: 'due', partition, limit: 1 }),
  ]);
  return parcels.rows.length === 0 && leases.rows.length === 0;
}
