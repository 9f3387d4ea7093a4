/**
 * lifecycle/ decides what becomes of messages, and moves them. Start here: this file brings a due row up to date before
 * messages of it are claimed. Messages with no receives or retention left are dead-lettered or removed. Purged messages are
 * removed. A row with no live message ends. An `expiry` that is too early is corrected. Any process that finds a due row does
 * this: a receive at once, the sweep within a minute.
 */

import type { Context } from '../context/context.ts';
import { removedSlot, replaceEnded } from '../leases/kept-messages.ts';
import {
  decodeSnapshot,
  expireBodies,
  isEnded,
  putIfUnchanged,
  putIfUnchangedWith,
  retryOnConflict,
  type Snapshot,
} from '../leases/lease-store.ts';
import { removeAll } from '../leases/removals.ts';
import { ownChunkKeys } from '../model/content-codec.ts';
import { deliverablePrefix, emptyGroupRow, parcelsDone, withRest } from '../model/group-row.ts';
import { parcelAt } from '../model/held-parcels.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { encodeLease, encodeTombstone } from '../model/row-codec.ts';
import { type GroupLeaseRow, isLive, type LeaseRow, parcelKey, type Tombstone } from '../model/rows.ts';
import { afterLeaseExpiry, withExpiryRecorded } from '../model/slot-lease.ts';
import type { Key, Write } from '../port/port.ts';
import { loadParcels, nextParcels } from './group-parcels.ts';
import { expiredToLeave, leaveGroup } from './leave-group.ts';
import { moveSlots } from './moves.ts';
import { isExpired, reportExpired, verdictOf, verdictOfAge } from './verdicts.ts';

export interface ProcessedRow {
  /**
   * The lease as read, and its ready slots; undefined if none is ready. With `loadsParcels`, the row of a group as it will be
   * with its next parcels: the claim also loads the parcels (from the partition `sourceShard`).
   */
  ready?: { seen: Snapshot; lease: LeaseRow; slots: number[]; loadsParcels?: true };
  deadLettered: number;
  removed: number;
  /** The row needs more changes than one call makes. It stays due, and the next process that finds it continues. */
  unfinished?: true;
}

/**
 * Changes to one row during one call, including those by other processes. In a group, each expired or purged parcel takes one
 * or two changes. A long backlog of them must not delay the caller or the other rows.
 */
const changesMax = 8;

/**
 * Makes the changes that are due to a row of this queue: all of them, up to `changesMax`. `want`: for how many messages a group
 * loads parcels; it loads one parcel at least.
 */
export async function processDueRow(ctx: Context, queue: QueueRecord, first: Snapshot, want = 1): Promise<ProcessedRow> {
  const processed: ProcessedRow = { deadLettered: 0, removed: 0 };
  let changes = 0;
  return retryOnConflict<ProcessedRow>(ctx, first, async (seen) => {
    if (changes === changesMax) return { done: { ...processed, unfinished: true } };
    const outcome = await processDueRowOnce(ctx, queue, seen, processed, want);
    // A write that missed its deadline re-reads an unchanged row; do not count it as a change.
    if ('seen' in outcome && (outcome.seen === seen || outcome.seen.row?.version !== seen.row?.version)) changes++;
    return outcome;
  });
}

/** Makes one of the changes that are due to the row, and counts it in `processed`; returns `done` if none is due. */
async function processDueRowOnce(
  ctx: Context,
  queue: QueueRecord,
  seen: Snapshot,
  processed: ProcessedRow,
  want: number,
): Promise<{ done: ProcessedRow } | { seen: Snapshot }> {
  const now = ctx.clock.now();
  const { lease: found, tombstone } = decodeSnapshot(seen, now);
  const lease = found?.kind === 'group' ? withRest(queue, found) : found;
  if (tombstone?.pendingCleanup && tombstone.pendingCleanup.dueAt <= now)
    return { seen: await finishCleanup(ctx, seen, tombstone) };
  if (!lease?.shard.startsWith(`${queue.incarnation}:`)) return { done: processed };
  if (lease.kind === 'group' && isEnded(lease)) return advanceGroup(ctx, queue, { seen, lease, now, want }, processed);

  const verdicts = lease.slots.map((slot, index) => verdictOf(queue, parcelAt(lease, index), slot, now));
  const gone = verdicts.flatMap((verdict, index) => (verdict === 'gone' ? [index] : []));
  if (gone.length > 0 || isEnded(lease)) {
    const slots = lease.slots.map((slot, index) =>
      gone.includes(index) ? removedSlot(queue, parcelAt(lease, index), slot, now) : slot,
    );
    const version = ctx.newVersion();
    const after = await replaceSlots(ctx, seen, { ...lease, version, slots }, now);
    if (after.row?.version === version) {
      processed.removed += gone.length;
      const expired = gone.filter((slot) => isExpired(queue, parcelAt(lease, slot)));
      if (expired.length > 0) reportExpired(ctx, queue, expired.length);
    }
    return { seen: after };
  }

  const death = verdicts.find((verdict) => typeof verdict === 'object');
  const target = death && queue.deadLetter ? await ctx.settings.find(queue.deadLetter.queue) : undefined;
  if (death && target) {
    const slots = verdicts.flatMap((verdict, index) =>
      typeof verdict === 'object' && verdict.reason === death.reason ? [index] : [],
    );
    const moved = await moveSlots(ctx, {
      seen,
      lease: {
        ...lease,
        slots: lease.slots.map((slot, index) => (slots.includes(index) ? withExpiryRecorded(queue, slot) : slot)),
      },
      slots,
      target,
      death: { queue: queue.name, reason: death.reason, at: now },
    });
    if (moved.applied) processed.deadLettered += slots.length;
    return { seen: moved.seen };
  }
  if (death) {
    ctx.observe?.({ kind: 'anomaly', what: 'the dead-letter queue does not exist', queue: queue.name, row: seen.id });
  }

  const failed = expiredToLeave(lease, now);
  if (failed.length > 0) {
    const leaving = { seen, lease, slots: failed };
    return { seen: (await leaveGroup(ctx, queue, leaving, (slot) => afterLeaseExpiry(queue, slot))).seen };
  }

  // If the dead-letter queue does not exist, the message is delivered again: a message is never dropped for lack of a target.
  const lasting = verdicts.flatMap((verdict, index) => (verdict === 'ready' || typeof verdict === 'object' ? [index] : []));
  const ready = lease.kind === 'group' ? deliverablePrefix(lease, lasting, now) : lasting;
  if (ready.length > 0) {
    processed.ready = { seen, lease, slots: ready };
    return { done: processed };
  }
  if ((seen.row!.expiry as number) > now) return { done: processed };
  return { seen: await replaceSlots(ctx, seen, { ...lease, version: ctx.newVersion() }, now) };
}

/** Advances a group whose row holds no live message: to its next parcels, or to an idle row if none waits. */
async function advanceGroup(
  ctx: Context,
  queue: QueueRecord,
  { seen, lease: last, now, want }: { seen: Snapshot; lease: GroupLeaseRow; now: number; want: number },
  processed: ProcessedRow,
): Promise<{ done: ProcessedRow } | { seen: Snapshot }> {
  const due = seen.row!.expiry as number | undefined;
  const { notBefore = 0, pace } = last.group;
  if (due === undefined || (due > now && (notBefore > now || !pace))) return { done: processed };
  // The row's `expiry` was computed with a higher rate: correct it.
  if (notBefore > now) {
    const resting = { ...last, version: ctx.newVersion(), group: { ...last.group, dueAt: notBefore } };
    return { seen: await putIfUnchanged(ctx, seen, encodeLease(resting)) };
  }
  // The last message ended without ending the row: end it now, with what is kept of its messages, and with their markers.
  if (last.ownRows || last.slots.some(({ kept }) => kept))
    return { seen: await replaceEnded(ctx, seen, { ...last, version: ctx.newVersion() }, now) };
  const done = last.slots.length > 0 ? parcelsDone(last, now) : last;
  const { leftover = [], ...group } = done.group;
  const lease: GroupLeaseRow = { ...done, group };
  await removeAll(ctx, leftover.flatMap(ownChunkKeys));
  const { parcels, removed, more } = await nextParcels(ctx, queue, lease, { known: seen.nextParcel, want, now });
  processed.removed += removed;
  if (more) return { seen };
  const [first] = parcels;
  if (!first) return { seen: await putIfUnchanged(ctx, seen, encodeLease(emptyGroupRow(lease, ctx.newVersion(), now))) };
  const next = loadParcels(ctx, queue, lease, parcels, want);
  const slots = next.slots.flatMap((slot, index) => (isLive(slot) ? [index] : []));
  const isReady = verdictOfAge(queue, first.since, first.retentionEnd, now) === 'ready' && (first.visibleAt ?? 0) <= now;
  if (slots.length > 0 && isReady) return { done: { ...processed, ready: { seen, lease: next, slots, loadsParcels: true } } };
  // An expired parcel is loaded into the row and dead-lettered from there. A delayed one is loaded, so that the row is due after the delay.
  // Parcels whose messages were all cancelled end.
  return { seen: await replaceSlots(ctx, seen, next, now) };
}

/** Writes a lease with changed slots, or its end if no slot is live. `others`: writes of the same transaction. */
export async function replaceSlots(
  ctx: Context,
  seen: Snapshot,
  lease: LeaseRow,
  now: number,
  others: readonly Write[] = [],
): Promise<Snapshot> {
  if (isEnded(lease)) return replaceEnded(ctx, seen, lease, now, others);
  const row = encodeLease(lease);
  return others.length > 0 ? putIfUnchangedWith(ctx, seen, row, others) : putIfUnchanged(ctx, seen, row);
}

/** Does the pending cleanup of an ended row, waits for every response, then makes the row an ordinary tombstone. */
async function finishCleanup(ctx: Context, seen: Snapshot, tombstone: Tombstone): Promise<Snapshot> {
  const left = tombstone.pendingCleanup!;
  // The kept messages show their bodies until then: let TTL remove them afterwards.
  if (left.content && tombstone.kept) await expireBodies(ctx, left.content, tombstone.until);
  const keys: Key[] = left.content && !tombstone.kept ? ownChunkKeys(left.content) : [];
  if (left.outOfOrder !== undefined) keys.push(parcelKey(left.outOfOrder, tombstone.id));
  const errors = await ctx.store.writeAll(keys.map((key) => ({ key, then: { remove: true } })));
  const failure = errors.find((error) => error !== undefined);
  if (failure) throw failure;
  const { pendingCleanup: _, ...plain } = tombstone;
  return putIfUnchanged(ctx, seen, encodeTombstone({ ...plain, version: ctx.newVersion() }));
}
