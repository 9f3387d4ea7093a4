/**
 * Publishes a message into a row of its own in `leases`, put if absent. The message is prepared, or has an id given by the
 * caller, by which a second publish finds the first.
 */

import type { PublishResult } from '../../contract/contract.ts';
import { retryMsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { endingOf, isForgotten } from '../leases/kept-messages.ts';
import {
  type DecodedRow,
  decodeSnapshot,
  holdsBodies,
  lacksTtl,
  putIfAbsent,
  putIfUnchanged,
  type Snapshot,
  unknownOutcome,
} from '../leases/lease-store.ts';
import { publishedRow } from '../leases/new-lease-row.ts';
import { type OffloadedBody, withBodies } from '../leases/offloaded-bodies.ts';
import { removeChunks } from '../leases/removals.ts';
import { verdictOfAge } from '../lifecycle/verdicts.ts';
import { prepare } from '../messages/commit-rollback.ts';
import { joinEntries, type StoredContent } from '../model/content-codec.ts';
import { messageId, ownRowId } from '../model/ids.ts';
import {
  incarnationOf,
  levelIn,
  type QueueRecord,
  randomShard,
  retentionEndAfter,
  shardKey,
  writeDeadline,
} from '../model/queue-record.ts';
import { encodeLease } from '../model/row-codec.ts';
import { roomForContents } from '../model/row-room.ts';
import type { LeaseRow, Tombstone } from '../model/rows.ts';
import { visibleAtOf } from '../model/timing.ts';
import { StoreError } from '../port/port.ts';
import { type Target, targetOf } from '../queues/publish-target.ts';
import type { Pending } from './parcels.ts';
import { type PlaceBody, placeOwn } from './place-body.ts';

export async function publishOwn(ctx: Context, queueName: string, pending: Pending): Promise<PublishResult> {
  const target = await targetOf(ctx, queueName);
  const { lease, body } = newOwnRow(ctx, target.queue, pending);
  return withBodies(ctx, [body], writeDeadline(target.readAt), () => putOwn(ctx, target, pending, lease));
}

async function putOwn(ctx: Context, { queue, readAt }: Target, pending: Pending, lease: LeaseRow): Promise<PublishResult> {
  const now = ctx.clock.now();
  const id = messageId(lease.id, 0);
  const isOurs = (seen: Snapshot) => seen.row?.version === lease.version;
  let after = await putIfAbsent(ctx, encodeLease(lease), readAt);
  // If set, an earlier try may have been applied, and no later failure can rule that out.
  const { maybeApplied } = after;
  if (!isOurs(after) && isFree(queue, after, now)) {
    // After W, an absent row may mean that the message was published, received and forgotten. Its shard may be forgotten too.
    if (ctx.clock.now() - readAt > retryMsMax) throw unknownOutcome(after);
    const former = decodeSnapshot(after, now);
    // The message that ended may be this one. Without a given id, a retry generates a new id, and the first request may still
    // create a message of its own.
    if (maybeApplied && (former.tombstone || pending.id === undefined)) throw unknownOutcome();
    const before = after;
    after = await putIfUnchanged(ctx, before, encodeLease(lease)).catch((error: unknown) => {
      throw maybeApplied && error instanceof StoreError ? unknownOutcome() : error;
    });
    // The write may still be in flight.
    if (after.maybeApplied && after.row?.version === before.row?.version) throw unknownOutcome();
    const left = displacedContent(former);
    if (isOurs(after) && left) await removeChunks(ctx, left);
  }
  if (isOurs(after)) return { ok: true, id };
  if (after.row === undefined) throw unknownOutcome(maybeApplied ? { maybeApplied } : after);
  // Our row was put although the response was lost, and it has changed since, for example by a receive.
  if (holdsBodies(after, lease.content)) return { ok: true, id };
  // The row in the way refuses every request of this publish that is still in flight, so its bodies are not needed.
  if (lacksTtl(lease.content, lease.retentionEnd)) await removeChunks(ctx, lease.content);
  return { ok: true, id, duplicate: true };
}

/** Builds the row of a message that is prepared, or under a given id or a key; and its offloaded bodies. */
export function newOwnRow(
  ctx: Context,
  queue: QueueRecord,
  { id: own, timing, encoded, level, prepared }: Pending,
  withKey = false,
  placeBody: PlaceBody = placeOwn,
): { lease: LeaseRow; body: OffloadedBody } {
  const shard = randomShard(queue, ctx.random);
  const id = own === undefined ? ctx.ids.parcel(shard, levelIn(queue, level)) : ownRowId(queue.incarnation, own);
  const now = ctx.clock.now();
  const visibleAt = visibleAtOf(timing, now);
  const retentionEnd = prepared ? undefined : retentionEndAfter(queue, visibleAt);
  const room = roomForContents(1, id.length, queue.backoff, queue.deadLetter !== null, withKey) + (ctx.moreRowBytes ?? 0);
  const body = placeBody(joinEntries([encoded]), room, () => ctx.ids.parcel(shard), retentionEnd);
  const at = shardKey(queue, shard, levelIn(queue, level));
  const waiting = publishedRow(ctx, queue, { id, shard: at, count: 1, since: now, visibleAt, content: body.content });
  const lease = prepared ? prepare(queue, waiting, timing, level) : waiting;
  return { lease, body };
}

/**
 * Whether the id is free although a row is in the way. Its message was purged, is expired, or has ended and the setting
 * `idempotency` releases the id. The new row replaces exactly that version, so a delayed duplicate of an older write still
 * matches no row.
 */
export function isFree(queue: QueueRecord, seen: Snapshot, now: number): boolean {
  const { lease, tombstone, marker } = decodeSnapshot(seen, now);
  // A purge frees the id of a message in a group. Otherwise it is free when its marker has ended.
  if (marker) return incarnationOf(marker.marks.group) === queue.incarnation && marker.marks.at < queue.purgedBefore;
  if (!lease) return !tombstone || isForgotten(queue, tombstone, now) || releasesId(queue, tombstone);
  if (!lease.shard.startsWith(`${queue.incarnation}:`)) return false;
  // A purged message is gone even while it is leased; its ack is told so. A message that expires while leased may still be acked.
  if (lease.since < queue.purgedBefore) return true;
  const isLeased = lease.slots.some((slot) => slot.token !== undefined && slot.visibleAt > now);
  if (isLeased || verdictOfAge(queue, lease.since, lease.retentionEnd, now) !== 'gone') return false;
  return queue.idempotency === 'live' || !lease.slots.some((slot) => endingOf(queue, lease, slot, now));
}

/** The content that nothing names any more once another row is put over this one, if no TTL removes it. */
export function displacedContent({ lease, tombstone }: DecodedRow): StoredContent | undefined {
  return tombstone?.pendingCleanup?.content ?? (lease?.needsCleanup ? lease.content : undefined);
}

function releasesId({ idempotency }: QueueRecord, { slots }: Tombstone): boolean {
  if (idempotency === 'live') return true;
  return idempotency === 'acked' && slots.every(({ cancelled }) => cancelled);
}
