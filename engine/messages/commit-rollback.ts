/**
 * Prepared messages: kept, and received by nobody until their publisher commits them. One lies in a row of `leases` of its own, under a
 * partition of the index that no receive looks at; `visibleAt` says when the sweep is to see to it. A commit puts the row under a shard
 * and lets it come due; a rollback ends it. Either is one write, conditional on the row's version: of a commit and a rollback, by whomever,
 * the first counts, and the other finds that out.
 */

import type { Context } from '../context/context.ts';
import { endKey, keptAs } from '../leases/kept-messages.ts';
import { decodeSnapshot, needsEnding, putIfUnchanged, readRow, retryOnConflict, type Snapshot } from '../leases/lease-store.ts';
import { replaceSlots } from '../lifecycle/due-row.ts';
import { isServerId, messageId, ownRowId, parseMessageId } from '../model/ids.ts';
import { type QueueRecord, retentionEnd } from '../model/queue-record.ts';
import { encodeLease } from '../model/row-codec.ts';
import { isLive, type Lease, type Prepared } from '../model/rows.ts';
import { incarnationOf, placeAt, preparedKey, randomShard, shardNumberOf } from '../model/shards.ts';
import { type Timing, visibleAtOf } from '../model/timing.ts';
import { targetOf } from '../queues/publish-target.ts';
import { findMessage } from './find.ts';

/** A row that was to be published, prepared instead. It has no end of its own: its retention begins with the commit. */
export function prepare(queue: QueueRecord, lease: Lease, timing: Timing, level: number): Lease {
  const { expiresAt: _, ...rest } = lease;
  const prepared: Prepared = { timing, level, checks: 0 };
  return {
    ...rest,
    shard: preparedKey(queue, shardNumberOf(lease.shard)),
    slots: lease.slots.map((slot) => ({ ...slot, visibleAt: timeoutAt(queue, lease.since) })),
    prepared,
    ...(needsEnding(lease.contents, undefined) ? { ending: true } : {}),
  };
}

/** When a message is seen to that nobody has committed by then. */
export function timeoutAt(queue: QueueRecord, now: number): number {
  return now + (queue.prepared?.timeoutSeconds ?? 0) * 1000;
}

export type Decision = 'commit' | 'rollback';
/** What has become of a message, by this decision or by another before. */
export type Decided = 'committed' | 'rolled_back' | 'unknown';

/** Commits or rolls back, if that is still to be decided. */
export async function decide(ctx: Context, queueName: string, id: string, decision: Decision): Promise<Decided> {
  const queue = await ctx.settings.get(queueName);
  const { row, slot } = isServerId(id)
    ? { row: parseMessageId(id).parcel, slot: parseMessageId(id).slot }
    : { row: ownRowId(queue.incarnation, id), slot: 0 };
  const decided = await decideRow(ctx, queueName, await readRow(ctx, row), slot, decision);
  return decided === 'elsewhere' ? elsewhere(ctx, queue, id) : decided;
}

/** Whatever of this queue lies where no prepared message does can be received already. */
async function elsewhere(ctx: Context, queue: QueueRecord, id: string): Promise<Decided> {
  const found = await findMessage(ctx, queue, id);
  const isHere = found && ('parcel' in found || incarnationOf(found.lease.shard) === queue.incarnation);
  return isHere ? 'committed' : 'unknown';
}

function decideRow(
  ctx: Context,
  queueName: string,
  first: Snapshot,
  slot: number,
  decision: Decision,
): Promise<Decided | 'elsewhere'> {
  return retryOnConflict<Decided | 'elsewhere'>(ctx, first, async (seen) => {
    // Read for each write: by older settings the shard may be one that nobody visits any more.
    const { queue } = await targetOf(ctx, queueName);
    const now = ctx.clock.now();
    const { lease, tombstone } = decodeSnapshot(seen, now);
    const there = lease?.slots[slot];
    if (there?.end === 'cancelled' || tombstone?.slots[slot]?.cancelled) return { done: 'rolled_back' };
    if (tombstone) return { done: tombstone.slots[slot]?.token === undefined ? 'unknown' : 'committed' };
    if (!lease || there?.end === 'moved') return { done: 'elsewhere' };
    if (!there || incarnationOf(lease.shard) !== queue.incarnation) return { done: 'unknown' };
    if (!lease.prepared || !isLive(there)) return { done: 'committed' };
    if (lease.since < queue.purgedBefore) return { done: 'unknown' };
    if (decision === 'rollback') return { seen: await rollBack(ctx, queue, seen, lease, now) };
    const after = await commit(ctx, queue, seen, lease, now);
    ctx.wakeups.wake(queue.name);
    return { seen: after };
  });
}

/** From now on it waits as if it had been published now, but for a purge: that takes what was prepared before it. */
async function commit(ctx: Context, queue: QueueRecord, seen: Snapshot, lease: Lease, now: number): Promise<Snapshot> {
  const { prepared, ...rest } = lease;
  const visibleAt = visibleAtOf(prepared!.timing, now);
  const expiresAt = retentionEnd(queue, visibleAt);
  const shard = randomShard(queue, ctx.random);
  return putIfUnchanged(
    ctx,
    seen,
    encodeLease({
      ...rest,
      version: ctx.newVersion(),
      ...placeAt(queue, shard, prepared!.level),
      slots: lease.slots.map((slot) => ({ ...slot, visibleAt })),
      ...(expiresAt === undefined ? {} : { expiresAt }),
      ...(queue.deadLetter ? { maxReceives: queue.deadLetter.maxReceives } : {}),
    }),
  );
}

export async function rollBack(ctx: Context, queue: QueueRecord, seen: Snapshot, lease: Lease, now: number): Promise<Snapshot> {
  const slots = lease.slots.map((slot) => ({ ...slot, end: 'cancelled' as const, ...keptAs(queue, 'cancelled', now) }));
  const after = await replaceSlots(ctx, seen, { ...lease, version: ctx.newVersion(), slots }, now);
  ctx.wakeups.wake(endKey(queue.name, messageId(lease.id, 0)));
  return after;
}
