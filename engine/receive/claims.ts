/** Taking messages of one row for a receiver: a fresh row out of `messages`, or a due one in `leases`. */

import { readToWriteMsMax, retentionGraceMs } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { endingOfParcel, keepExpired } from '../leases/kept-messages.ts';
import {
  decodeSnapshot,
  keepBodies,
  needsEnding,
  putIfAbsent,
  putIfUnchanged,
  readRow,
  retryOnConflict,
  type Snapshot,
} from '../leases/lease-store.ts';
import { leaseOf } from '../leases/new-lease.ts';
import { settle } from '../lifecycle/due-row.ts';
import { parcelBehind } from '../lifecycle/group-parcels.ts';
import { moveSlots } from '../lifecycle/moves.ts';
import { isExpired, tellExpired, verdictOfAge } from '../lifecycle/verdicts.ts';
import type { Limiter } from '../limits/limiter.ts';
import { backoffMs } from '../model/backoff.ts';
import { atOnce, withoutRateDelay, withRateDelay } from '../model/group-row.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { encodeLease } from '../model/row-codec.ts';
import { afterLeaseExpiry, isLive, type Lease, type Parcel, parcelKey, type Slot } from '../model/rows.ts';

/** What one receive call takes with. */
export interface Taker {
  queue: QueueRecord;
  token: string;
  visibilityTimeoutMs: number;
  /** Aborts when the caller is known to be gone. */
  signal?: AbortSignal;
  /** Where the queue has limits. */
  limiter?: Limiter;
}

export interface Claimed {
  lease: Lease;
  slots: number[];
  /** The start of the call that shows the lease to be this receive's. */
  readAt: number;
}

/**
 * The end of a lease that is claimed at `now`, on what was read at `readAt`. The visibility timeout counts from about the answer: the claim and
 * the removal of the message's row are expected to take twice as long as the read did. The sum stays within what a permit covers, which
 * counts F from the read. A lease of no time ends at once.
 */
function leaseEndAt({ visibilityTimeoutMs }: Taker, readAt: number, now: number): number {
  if (visibilityTimeoutMs === 0) return now;
  const readMs = now - readAt;
  return now + visibilityTimeoutMs + Math.max(0, Math.min(2 * readMs, readToWriteMsMax - readMs));
}

/** `drawn`: the same for all messages of a row, so that those that are not acked come back together. */
function claimedSlot({ queue, token, visibilityTimeoutMs }: Taker, slot: Slot, leasedUntil: number, drawn: number): Slot {
  const receives = slot.receives + 1;
  // A token still here means that its lease expired: a failure that nobody told.
  const failures = slot.failures + (slot.token === undefined ? 0 : 1);
  const next: Slot = { ...slot, visibleAt: leasedUntil, token, receives, failures };
  delete next.leasedUntil;
  delete next.progress;
  const isLast = queue.deadLetter !== null && receives >= queue.deadLetter.maxReceives;
  // Who takes a message for no time only looks at it.
  if (queue.backoff && !isLast && visibilityTimeoutMs > 0) {
    const wait = backoffMs(queue.backoff, failures + 1, drawn);
    if (wait > 0) {
      next.visibleAt = leasedUntil + wait;
      next.leasedUntil = leasedUntil;
    }
  }
  return next;
}

/** Bodies beside a row outlive its message's retention by far; a lease longer than that asks for more. */
export async function keepThroughLease(ctx: Context, lease: Lease): Promise<void> {
  if (lease.expiresAt === undefined || !('beside' in lease.contents)) return;
  const latest = Math.max(...lease.slots.filter(isLive).map((slot) => slot.visibleAt));
  if (latest > lease.expiresAt + retentionGraceMs / 2) await keepBodies(ctx, lease.contents, lease.expiresAt, latest);
}

const mine = (taker: Taker, lease: Lease | undefined) =>
  lease ? lease.slots.flatMap((slot, index) => (isLive(slot) && slot.token === taker.token ? [index] : [])) : [];

/**
 * Takes up to `want` messages of a fresh row by putting its row into `leases`, the lock. The row in `messages` is still to be removed,
 * and the answer to that had, before anything is delivered. Answers what is in the way when another was first.
 */
export async function claimFresh(
  ctx: Context,
  taker: Taker,
  parcel: Parcel,
  want: number,
  readAt: number,
): Promise<{ claimed: Claimed } | { inTheWay: Snapshot }> {
  const now = ctx.clock.now();
  const lease = leaseOf(ctx, taker.queue, parcel, now);
  const leasedUntil = leaseEndAt(taker, readAt, now);
  const drawn = ctx.random.number();
  lease.slots = lease.slots.map((slot, index) => (index < want ? claimedSlot(taker, slot, leasedUntil, drawn) : slot));
  await keepThroughLease(ctx, lease);
  const after = await putIfAbsent(ctx, encodeLease(lease), readAt);
  const { lease: there } = decodeSnapshot(after, now);
  const slots = mine(taker, there);
  return slots.length > 0 ? { claimed: { lease: there!, slots, readAt: after.readAt } } : { inTheWay: after };
}

/**
 * Takes up to `want` messages of a row in `leases` that is due; `lost`: another was faster, and left nothing. Where the row answered is
 * `fresh`, it took a parcel, and the row of that in `messages` is still to be removed before anything is delivered.
 */
export async function claimDue(ctx: Context, taker: Taker, first: Snapshot, want: number): Promise<Claimed | 'lost' | undefined> {
  let isLost = false;
  return retryOnConflict<Claimed | 'lost' | undefined>(ctx, first, async (current) => {
    const already = decodeSnapshot(current, ctx.clock.now()).lease;
    const held = mine(taker, already);
    if (already && held.length > 0) return { done: { lease: already, slots: held, readAt: current.readAt } };

    const { ready } = await settle(ctx, taker.queue, current);
    if (!ready) return { done: isLost ? 'lost' : undefined };
    const { seen, lease, takesParcel = false } = ready;
    const mayBeTaken = new Set(ready.slots);
    const behind = takesParcel ? undefined : parcelBehind(lease);
    if (behind) await removeParcel(ctx, behind.shard, behind.id);
    const room = lease.group ? atOnce(taker.queue, want) : want;

    const now = ctx.clock.now();
    const leasedUntil = leaseEndAt(taker, seen.readAt, now);
    const drawn = ctx.random.number();
    let taken = 0;
    const slots = lease.slots.map((slot, index) => {
      // As they were settled: a lease that ends between then and now may have been the last one its message has.
      // Of a group, whoever let a lease run out holds it no more, now that another takes what comes before.
      if (!mayBeTaken.has(index) || taken >= room)
        return lease.group && isLive(slot) && slot.visibleAt <= now ? afterLeaseExpiry(slot) : slot;
      taken++;
      return claimedSlot(taker, slot, leasedUntil, drawn);
    });
    const next: Lease = { ...lease, version: ctx.newVersion(), slots };
    // Of a parcel that is taken now, the row in `messages` is removed before anything is delivered, by whoever called.
    if (!takesParcel) delete next.fresh;
    if (lease.group) next.group = withRateDelay(taker.queue, lease.group, taken, now);
    if (taker.queue.deadLetter) next.maxReceives = taker.queue.deadLetter.maxReceives;
    else delete next.maxReceives;
    await keepThroughLease(ctx, next);
    const after = await putIfUnchanged(ctx, seen, encodeLease(next));
    if (after.row?.version !== next.version) {
      isLost = true;
      ctx.windows.conflicted(lease.shard);
    }
    return { seen: after };
  });
}

/**
 * Removes a row of `messages` that `leases` overrides, and has the answer. It is read first: mostly its first receiver has removed
 * it, and a read costs a fifth of a removal of nothing. (A late copy that comes after the read is overridden like any other.)
 */
async function removeParcel(ctx: Context, shard: string, id: string): Promise<void> {
  const key = parcelKey(shard, id);
  const [row] = await ctx.store.get([key]);
  if (row) await ctx.store.write({ key, then: { remove: true } });
}

/**
 * What has to be done to a row at the head of `messages` whose messages are too old or purged: undefined where it may be received.
 * Expired ones of a queue with dead-letter are put into its row there, which overrides this one; the others only removed.
 */
export async function clearParcel(
  ctx: Context,
  queue: QueueRecord,
  parcel: Parcel,
  readAt: number,
): Promise<{ remove: boolean; deadLettered: number } | undefined> {
  const now = ctx.clock.now();
  const verdict = verdictOfAge(queue, parcel.since, parcel.expiresAt, now);
  if (verdict === 'ready') return undefined;
  if (typeof verdict !== 'object') {
    // Bodies that nothing else removes go with a row that overrides this one: who has not learnt of a purge must not take it without them.
    const isOverridden = needsEnding(parcel.contents, parcel.expiresAt) || endingOfParcel(queue, parcel, now) !== undefined;
    const lease = leaseOf(ctx, queue, parcel, parcel.since);
    const remove = !isOverridden || (await keepExpired(ctx, queue, lease, readAt)).row?.version === lease.version;
    if (remove && isExpired(queue, parcel)) tellExpired(ctx, queue, parcel.count);
    return { remove, deadLettered: 0 };
  }
  const target = queue.deadLetter && (await ctx.settings.find(queue.deadLetter.queue));
  if (!target) return undefined;
  const lease = leaseOf(ctx, queue, parcel, now);
  const after = await putIfAbsent(ctx, encodeLease(lease), readAt);
  if (after.row?.version !== lease.version) return { remove: false, deadLettered: 0 };
  const all = lease.slots.map((_, index) => index);
  const moved = await moveSlots(ctx, {
    seen: after,
    lease,
    slots: all,
    target,
    death: { queue: queue.name, reason: verdict.reason, at: now },
  });
  return { remove: true, deadLettered: moved.applied ? all.length : 0 };
}

/**
 * Gives back what this receive claimed of a row and does not deliver: the messages are ready at once, and the receive is not counted. Changes
 * nothing where the row holds nothing of it any more.
 */
export async function giveBack(ctx: Context, taker: Taker, rowId: string): Promise<void> {
  await retryOnConflict<void>(ctx, await readRow(ctx, rowId), async (seen) => {
    const now = ctx.clock.now();
    const { lease } = decodeSnapshot(seen, now);
    const slots = mine(taker, lease);
    if (!lease || slots.length === 0) return { done: undefined };
    const next: Lease = {
      ...lease,
      version: ctx.newVersion(),
      slots: lease.slots.map((slot, index) => {
        if (!slots.includes(index)) return slot;
        const { token: _, leasedUntil: __, ...rest } = slot;
        return { ...rest, visibleAt: now, receives: slot.receives - 1 };
      }),
      ...(lease.group ? { group: withoutRateDelay(taker.queue, lease.group, slots.length) } : {}),
    };
    return { seen: await putIfUnchanged(ctx, seen, encodeLease(next)) };
  });
}
