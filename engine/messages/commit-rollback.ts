/**
 * Prepared messages: stored, but not delivered until their publisher commits them. Each has its own row of `leases`, in an
 * index partition that no receive reads; `visibleAt` is when the sweep handles its time-out. A commit moves the row to a shard,
 * a rollback ends it. Each is one write, conditional on the row's version. The first of them, by any process, decides. A later
 * one returns what was decided.
 */

import type { Context } from '../context/context.ts';
import { endKey, keptAs } from '../leases/kept-messages.ts';
import { decodeSnapshot, lacksTtl, putIfUnchanged, readRow, retryOnConflict, type Snapshot } from '../leases/lease-store.ts';
import { termsOf } from '../leases/new-lease-row.ts';
import { replaceSlots } from '../lifecycle/due-row.ts';
import { isServerId, messageId, ownRowId, parseMessageId } from '../model/ids.ts';
import {
  incarnationOf,
  placeAt,
  preparedKey,
  type QueueRecord,
  randomShard,
  retentionEndAfter,
  shardNumberOf,
} from '../model/queue-record.ts';
import { encodeLease } from '../model/row-codec.ts';
import { isLive, type LeaseRow, type ParcelLeaseRow, type Prepared, type PreparedLeaseRow } from '../model/rows.ts';
import { type Timing, visibleAtOf } from '../model/timing.ts';
import { targetOf } from '../queues/publish-target.ts';
import { findMessage } from './find.ts';

/** Turns a row to be published into a prepared one. It has no retention: that begins with the commit. */
export function prepare(queue: QueueRecord, lease: ParcelLeaseRow, timing: Timing, level: number): PreparedLeaseRow {
  const { retentionEnd: _, ...rest } = lease;
  const prepared: Prepared = { timing, level, checks: 0 };
  return {
    ...rest,
    shard: preparedKey(queue, shardNumberOf(lease.shard)),
    slots: lease.slots.map((slot) => ({ ...slot, visibleAt: timeoutAt(queue, lease.since) })),
    kind: 'prepared',
    prepared,
    ...(lacksTtl(lease.content, undefined) ? { needsCleanup: true } : {}),
  };
}

/** When the sweep handles a message that is still not committed, ms. */
export function timeoutAt(queue: QueueRecord, now: number): number {
  return now + (queue.prepared?.timeoutSeconds ?? 0) * 1000;
}

export type Decision = 'commit' | 'rollback';
/** What became of a message, by this decision or an earlier one. */
export type Decided = 'committed' | 'rolled_back' | 'unknown';

/** Commits or rolls back a message, unless that is decided already. */
export async function decide(ctx: Context, queueName: string, id: string, decision: Decision): Promise<Decided> {
  const queue = await ctx.settings.get(queueName);
  const { row, slot } = isServerId(id)
    ? { row: parseMessageId(id).parcel, slot: parseMessageId(id).slot }
    : { row: ownRowId(queue.incarnation, id), slot: 0 };
  const decided = await decideRow(ctx, queueName, await readRow(ctx, row), slot, decision);
  return decided === 'elsewhere' ? elsewhere(ctx, queue, id) : decided;
}

/** The answer for an id without a prepared row: a message of this queue that is found elsewhere has been deliverable already. */
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
    // Read the settings for each write: by older ones, the shard may be one that is not visited any more.
    const { queue } = await targetOf(ctx, queueName);
    const now = ctx.clock.now();
    const { lease, tombstone } = decodeSnapshot(seen, now);
    const there = lease?.slots[slot];
    if (there?.end === 'cancelled' || tombstone?.slots[slot]?.cancelled) return { done: 'rolled_back' };
    if (tombstone) return { done: tombstone.slots[slot]?.token === undefined ? 'unknown' : 'committed' };
    if (!lease || there?.end === 'moved') return { done: 'elsewhere' };
    if (!there || incarnationOf(lease.shard) !== queue.incarnation) return { done: 'unknown' };
    if (lease.kind !== 'prepared' || !isLive(there)) return { done: 'committed' };
    if (lease.since < queue.purgedBefore) return { done: 'unknown' };
    if (decision === 'rollback') return { seen: await rollBack(ctx, queue, seen, lease) };
    const after = await commit(ctx, queue, seen, lease, now);
    ctx.wakeups.wake(queue.name);
    return { seen: after };
  });
}

/** From now on the message waits as if it were published now. A purge still removes it if it was prepared before the purge. */
async function commit(ctx: Context, queue: QueueRecord, seen: Snapshot, lease: PreparedLeaseRow, now: number): Promise<Snapshot> {
  const { prepared, ...rest } = lease;
  const visibleAt = visibleAtOf(prepared.timing, now);
  const retentionEnd = retentionEndAfter(queue, visibleAt);
  const shard = randomShard(queue, ctx.random);
  return putIfUnchanged(
    ctx,
    seen,
    encodeLease({
      ...rest,
      kind: 'parcel',
      version: ctx.newVersion(),
      ...placeAt(queue, shard, prepared.level),
      slots: lease.slots.map((slot) => ({ ...slot, visibleAt })),
      ...termsOf(queue, retentionEnd),
    }),
  );
}

export async function rollBack(ctx: Context, queue: QueueRecord, seen: Snapshot, lease: LeaseRow): Promise<Snapshot> {
  const now = ctx.clock.now();
  const slots = lease.slots.map((slot) => ({ ...slot, end: 'cancelled' as const, ...keptAs(queue, 'cancelled', now) }));
  const after = await replaceSlots(ctx, seen, { ...lease, version: ctx.newVersion(), slots }, now);
  ctx.wakeups.wake(endKey(queue.name, messageId(lease.id, 0)));
  return after;
}
