/**
 * Publishing into a row of its own of `leases`, put if absent: under an id of the caller's own, so that a second publish finds the first;
 * or prepared.
 */
import type { PublishResult } from '../sdk/contract.ts';
import { retryMsMax } from '../sdk/limits.ts';
import { type Beside, withBodies } from './beside.ts';
import { joinEntries, keptUntil, place } from './contents.ts';
import type { Context } from './context.ts';
import { messageId, ownRowId } from './ids.ts';
import { endingOf, isForgotten } from './keeping.ts';
import { holdsBodies, judgeable, needsEnding, putIfAbsent, replace, type Seen } from './lease-writes.ts';
import { StoreError } from './port.ts';
import { prepare } from './prepared.ts';
import { notSaid, type Pending, type Target, targetOf, unreceived, visibleAtOf } from './publish-parcels.ts';
import { removeChunks } from './removals.ts';
import { leaseRow, roomForContents } from './row-format.ts';
import type { Lease } from './rows.ts';
import { expiryOf, type QueueRecord, writeBy } from './settings.ts';
import { anyShard, levelIn, shardKey } from './shards.ts';
import { verdictOfAge } from './verdicts.ts';

export async function publishOwn(ctx: Context, queueName: string, pending: Pending): Promise<PublishResult> {
  const target = await targetOf(ctx, queueName);
  const { lease, beside } = placeOwn(ctx, target.queue, pending);
  return withBodies(ctx, [beside], writeBy(target.readAt), () => putOwn(ctx, target, pending, lease));
}

async function putOwn(ctx: Context, { queue, readAt }: Target, pending: Pending, lease: Lease): Promise<PublishResult> {
  const now = ctx.clock.now();
  let after = await putIfAbsent(ctx, leaseRow(lease), readAt);
  // What may have been put once, no failure after it makes certain not to be.
  const { unsure } = after;
  if (after.row?.version !== lease.version && isGone(queue, after, now)) {
    // Later than W after it began, nothing there may mean that the message was published, received and forgotten; and its shard may be.
    if (ctx.clock.now() - readAt > retryMsMax) throw notSaid(after);
    // Decided again, it would have another id, and the request of which nothing was heard may yet make a message of its own.
    if (unsure && pending.id === undefined) throw notSaid();
    const former = judgeable(after, now);
    after = await replace(ctx, after, leaseRow(lease)).catch((error: unknown) => {
      throw unsure && error instanceof StoreError ? notSaid() : error;
    });
    const left = former.stone?.left?.contents ?? (former.lease?.ending && former.lease.contents);
    if (after.row?.version === lease.version && left) await removeChunks(ctx, left);
  }
  const id = messageId(lease.id, 0);
  if (after.row?.version === lease.version) return { ok: true, id };
  if (after.row === undefined) throw notSaid(unsure ? { unsure } : after);
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
): { lease: Lease; beside: Beside } {
  const shard = anyShard(queue, ctx.random);
  const id = own === undefined ? ctx.ids.parcel(shard, levelIn(queue, level)) : ownRowId(queue.incarnation, own);
  const now = ctx.clock.now();
  const visibleAt = visibleAtOf(timing, now);
  const expiresAt = prepared ? undefined : expiryOf(queue, visibleAt);
  const room = roomForContents(1, id.length, queue.backoff !== null, queue.deadLetter !== null, withKey);
  const { placed, chunks } = place(joinEntries([packed]), room, () => ctx.ids.parcel(shard));
  const at = shardKey(queue, shard, levelIn(queue, level));
  const waiting = unreceived(ctx, queue, { id, at, count: 1, now, visibleAt, placed });
  const lease = prepared ? prepare(queue, waiting, timing, level) : waiting;
  return { lease, beside: { placed, chunks, ttl: expiresAt && keptUntil(expiresAt) } };
}

/** Whether what is in the way of a message under the same id is only a message that was purged, or is too old. */
function isGone(queue: QueueRecord, seen: Seen, now: number): boolean {
  const { lease, stone } = judgeable(seen, now);
  if (!lease) return !stone || isForgotten(queue, stone, now);
  if (!lease.shard.startsWith(`${queue.incarnation}:`)) return false;
  // A purged message is gone though somebody holds it: his ack will be told so. One that grew too old in his hands may yet be acked.
  if (lease.since < queue.purgedBefore) return true;
  const held = lease.slots.some((slot) => slot.token !== undefined && slot.visibleAt > now);
  if (held || verdictOfAge(queue, lease.since, lease.expiresAt, now) !== 'gone') return false;
  return !lease.slots.some((slot) => endingOf(queue, lease, slot, now));
}
