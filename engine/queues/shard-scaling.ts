/**
 * How many shards a queue has. One takes about 1,000 write units a second (a DynamoDB partition:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html). A queue doubles its shards when
 * a key is throttled, and halves them when little waits. Messages are published to the first `shards`. Receives and the sweep
 * visit `shardsVisited`, which includes retired shards until they are surely empty. Of the shards forgotten since, up to
 * `shardsEver`, each sweep looks at one: a caller's transaction may write to them at any time.
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
import { levelsOf, type QueueRecord } from '../model/queue-record.ts';
import { changeQueue } from './change-queue.ts';

/** Once settings are this old, no process that read them can still write under them, ms. */
export const settingsForgottenMs = settingsCacheMs + readToWriteMsMax + retryMsMax + signedRequestMsMax;

/**
 * Whether more shards would help: publishing was throttled, or any write to the newer half of the shards was. An older shard may
 * be throttled only by draining its backlog, and more shards do not help with that.
 */
function isAsked({ shards }: QueueRecord, { published, written }: Throttled): boolean {
  if (shards >= shardsMax) return false;
  return [...published].some((shard) => shard < shards) || [...written].some((shard) => shard < shards && shard >= shards >> 1);
}

/** Doubles the shards of a queue that was throttled, but not before the previous growth can have shown its effect. */
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

/** Visits a forgotten shard again because it still holds rows. */
async function visitAgain(ctx: Context, queue: QueueRecord, shard: number): Promise<void> {
  await changeQueue(ctx, queue.name, (record, now) => {
    if (shard < record.shardsVisited || record.incarnation !== queue.incarnation) return record;
    return { ...record, shardsVisited: shard + 1, shardsChangedAt: now };
  });
}

/**
 * Retires half of the shards of a queue in which little waits, and forgets retired shards that are surely empty. The rate of
 * publishing is not known. So if a queue must grow again soon after, the time before the next halving doubles, until the queue is
 * found empty.
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

/** Looks at one forgotten shard, another each minute. So what a late transaction put there is found, though not at once. */
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
