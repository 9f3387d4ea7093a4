/**
 * Publishing into a row of its own of `leases`, put if absent: under an id of the caller's own, so that a second publish finds the first;
 * or prepared.
 */

import type { PublishResult } from '../../contract/contract.ts';
import { retryMsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { endingOf, isForgotten } from '../leases/kept-messages.ts';
import {
  decodeSnapshot,
  holdsBodies,
  needsEnding,
  putIfAbsent,
  putIfUnchanged,
  type Snapshot,
  unknownOutcome,
} from '../leases/lease-store.ts';
import { unreceived } from '../leases/new-lease.ts';
import { type OffloadedBody, withBodies } from '../leases/offloaded-bodies.ts';
import { removeChunks } from '../leases/removals.ts';
import { verdictOfAge } from '../lifecycle/verdicts.ts';
import { prepare } from '../messages/commit-rollback.ts';
import { joinEntries, keptUntil, place } from '../model/content-codec.ts';
import { messageId, ownRowId } from '../model/ids.ts';
import { type QueueRecord, retentionEnd, writeDeadline } from '../model/queue-record.ts';
import { encodeLease, roomForContents } from '../model/row-codec.ts';
import type { Lease, Tombstone } from '../model/rows.ts';
import { levelIn, randomShard, shardKey } from '../model/shards.ts';
import { visibleAtOf } from '../model/timing.ts';
import { StoreError } from '../port/port.ts';
import { type Target, targetOf } from '../queues/publish-target.ts';
import type { Pending } from './parcels.ts';

export async function publishOwn(ctx: Context, queueName: string, pending: Pending): Promise<PublishResult> {
  const target = await targetOf(ctx, queueName);
  const { lease, beside } = placeOwn(ctx, target.queue, pending);
  return withBodies(ctx, [beside], writeDeadline(target.readAt), () => putOwn(ctx, target, pending, lease));
}

async function putOwn(ctx: Context, { queue, readAt }: Target, pending: Pending, lease: Lease): Promise<PublishResult> {
  const now = ctx.clock.now();
  const id = messageId(lease.id, 0);
  const isOurs = (seen: Snapshot) => seen.row?.version === lease.version;
  let after = await putIfAbsent(ctx, encodeLease(lease), readAt);
  // An earlier write that may have been applied: no later failure makes certain that it was not.
  const { maybeApplied } = after;
  if (!isOurs(after) && isFree(queue, after, now)) {
    // Later than W after it began, nothing there may mean that the message was published, received and forgotten; and its shard may be.
    if (ctx.clock.now() - readAt > retryMsMax) throw unknownOutcome(after);
    const former = decodeSnapshot(after, now);
    // The message that ended may be this one. And another try without an own id would make a second message.
    if (maybeApplied && (former.tombstone || pending.id === undefined)) throw unknownOutcome();
    const before = after;
    after = await putIfUnchanged(ctx, before, encodeLease(lease)).catch((error: unknown) => {
      throw maybeApplied && error instanceof StoreError ? unknownOutcome() : error;
    });
    // The write may still be on its way.
    if (after.maybeApplied && after.row?.version === before.row?.version) throw unknownOutcome();
    const left = former.tombstone?.left?.contents ?? (former.lease?.ending && former.lease.contents);
    if (isOurs(after) && left) await removeChunks(ctx, left);
  }
  if (isOurs(after)) return { ok: true, id };
  if (after.row === undefined) throw unknownOutcome(maybeApplied ? { maybeApplied } : after);
  // Put without word of it, and changed since: by a receive, say.
  if (holdsBodies(after, lease.contents)) return { ok: true, id };
  // Whatever of this publish is still under way is refused by the row that stands there.
  if (needsEnding(lease.contents, lease.expiresAt)) await removeChunks(ctx, lease.contents);
  return { ok: true, id, duplicate: true };
}

/** The row of a message under its own id, under a key, or prepared; and what is to lie beside it. */
export function placeOwn(
  ctx: Context,
  queue: QueueRecord,
  { id: own, timing, packed, level, prepared }: Pending,
  withKey = false,
): { lease: Lease; beside: OffloadedBody } {
  const shard = randomShard(queue, ctx.random);
  const id = own === undefined ? ctx.ids.parcel(shard, levelIn(queue, level)) : ownRowId(queue.incarnation, own);
  const now = ctx.clock.now();
  const visibleAt = visibleAtOf(timing, now);
  const expiresAt = prepared ? undefined : retentionEnd(queue, visibleAt);
  const room = roomForContents(1, id.length, queue.backoff, queue.deadLetter !== null, withKey);
  const { placed, chunks } = place(joinEntries([packed]), room, () => ctx.ids.parcel(shard));
  const at = shardKey(queue, shard, levelIn(queue, level));
  const waiting = unreceived(ctx, queue, { id, at, count: 1, now, visibleAt, placed });
  const lease = prepared ? prepare(queue, waiting, timing, level) : waiting;
  return { lease, beside: { placed, chunks, ttl: expiresAt && keptUntil(expiresAt) } };
}

/**
 * Whether the id is free though a row is in the way: its message was purged, is too old, or has ended, as far as the queue's setting
 * `idempotency` gives the id up then. The new row replaces that very version, so a late copy of an older write still finds no row that it fits.
 */
function isFree(queue: QueueRecord, seen: Snapshot, now: number): boolean {
  const { lease, tombstone } = decodeSnapshot(seen, now);
  if (!lease) return !tombstone || isForgotten(queue, tombstone, now) || isGivenUp(queue, tombstone);
  if (!lease.shard.startsWith(`${queue.incarnation}:`)) return false;
  // A purged message is gone though somebody holds it: his ack will be told so. One that grew too old in his hands may yet be acked.
  if (lease.since < queue.purgedBefore) return true;
  const held = lease.slots.some((slot) => slot.token !== undefined && slot.visibleAt > now);
  if (held || verdictOfAge(queue, lease.since, lease.expiresAt, now) !== 'gone') return false;
  return queue.idempotency === 'live' || !lease.slots.some((slot) => endingOf(queue, lease, slot, now));
}

function isGivenUp({ idempotency }: QueueRecord, { slots }: Tombstone): boolean {
  if (idempotency === 'live') return true;
  return idempotency === 'acked' && slots.every(({ cancelled }) => cancelled);
}
