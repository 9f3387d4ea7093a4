/**
 * Claims messages of one row for a receive: an unreceived parcel of `messages`, or a due row of `leases`. Every claim is one
 * conditional write of one row in `leases`. A message is delivered only after its row in `messages` is removed (`deliver.ts`).
 * The visibility timeout is decided here, for extends too (`visibilityTimeoutOf`).
 */

import type { InputOf } from '../../contract/contract.ts';
import { readToWriteMsMax, retentionGraceMs } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { endingOfParcel, keepExpired } from '../leases/kept-messages.ts';
import {
  decodeSnapshot,
  lacksTtl,
  putIfAbsent,
  putIfUnchanged,
  readRow,
  retryOnConflict,
  type Snapshot,
} from '../leases/lease-store.ts';
import { rowOfParcel } from '../leases/new-lease-row.ts';
import { withLastingBodies } from '../leases/offloaded-bodies.ts';
import { removeOverridden } from '../leases/removals.ts';
import { processDueRow } from '../lifecycle/due-row.ts';
import { overriddenParcels } from '../lifecycle/group-parcels.ts';
import { moveSlots } from '../lifecycle/moves.ts';
import { isExpired, reportExpired, verdictOfAge } from '../lifecycle/verdicts.ts';
import { maxPerReceive, withoutRateDelay, withRateDelay } from '../model/group-row.ts';
import { slotsOf } from '../model/held-parcels.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { encodeLease } from '../model/row-codec.ts';
import { isLive, type LeaseRow, type Parcel } from '../model/rows.ts';
import { afterLeaseExpiry, claimedSlot, type LeaseTerms, withoutReceive } from '../model/slot-lease.ts';
import type { Limiter } from '../permits/limiter.ts';

/** What a receive claims with. */
export interface Claimer {
  queue: QueueRecord;
  /** When the settings of `queue` were asked for, ms. */
  settingsAt: number;
  token: string;
  visibilityTimeoutMs: number;
  /** Aborts once the caller is known to have disconnected. */
  signal?: AbortSignal;
  /** Only for queues with limits. */
  limiter?: Limiter;
  /** Only for a receive with an attempt id. Stores the receipts of what is about to be delivered. */
  remember?: (receipts: readonly string[]) => Promise<void>;
}

export interface Claimed {
  lease: LeaseRow;
  slots: number[];
  /** When the call began whose response proves that this receive holds the lease. */
  readAt: number;
}

/** The result of one claim. `'lost'`: another receiver has the row. Undefined: the row yields nothing. */
export type ClaimOutcome = Claimed | 'lost' | undefined;

/** The visibility timeout of a receive or an extend, ms: the call's own, else the queue's. */
export function visibilityTimeoutOf(
  queue: QueueRecord,
  { visibilityTimeoutSeconds }: Pick<InputOf<'extend'>, 'visibilityTimeoutSeconds'>,
): number {
  return (visibilityTimeoutSeconds ?? queue.visibilityTimeoutSeconds) * 1000;
}

/**
 * When a lease ends that is claimed at `now`, based on a read begun at `readAt`. The visibility timeout counts from about the
 * response. The claim and the removal of the parcel are expected to take twice as long as the read. The end stays within what a
 * permit covers, which counts F from the read. With a visibility timeout of 0 the lease ends at once.
 */
function leaseEndAt({ visibilityTimeoutMs }: Claimer, readAt: number, now: number): number {
  if (visibilityTimeoutMs === 0) return now;
  const readMs = now - readAt;
  return now + visibilityTimeoutMs + Math.max(0, Math.min(2 * readMs, readToWriteMsMax - readMs));
}

function leaseTerms(ctx: Context, claimer: Claimer, readAt: number, now: number): LeaseTerms {
  const { queue, token, visibilityTimeoutMs } = claimer;
  const leasedUntil = leaseEndAt(claimer, readAt, now);
  return { queue, token, visibilityTimeoutMs, now, leasedUntil, drawn: ctx.random.number() };
}

/**
 * The row with bodies that last as long as its leases. Offloaded bodies outlive their message's retention by a long grace period;
 * only a lease that lasts longer needs more. Write the row that it returns.
 */
export async function keepThroughLease<Lease extends LeaseRow>(ctx: Context, lease: Lease): Promise<Lease> {
  return withLastingBodies(ctx, lease, (parcel) => {
    const latest = Math.max(...slotsOf(lease, parcel).map((slot) => (isLive(slot) ? slot.visibleAt : 0)));
    return latest > parcel.retentionEnd + retentionGraceMs / 2 ? latest : undefined;
  });
}

const slotsHeldBy = (claimer: Claimer, lease: LeaseRow | undefined) =>
  lease ? lease.slots.flatMap((slot, index) => (isLive(slot) && slot.token === claimer.token ? [index] : [])) : [];

/**
 * Claims up to `want` messages of an unreceived parcel by putting its row into `leases`, if absent. That row is the lock. The
 * caller must remove the row in `messages`, and have the response, before it delivers anything. If `leases` already has a row,
 * returns it as `inTheWay`.
 */
export async function claimUnreceived(
  ctx: Context,
  claimer: Claimer,
  parcel: Parcel,
  want: number,
  readAt: number,
): Promise<{ claimed: Claimed } | { inTheWay: Snapshot }> {
  const now = ctx.clock.now();
  const found = rowOfParcel(ctx, claimer.queue, parcel, now);
  const terms = leaseTerms(ctx, claimer, readAt, now);
  const slots = found.slots.map((slot, index) => (index < want ? claimedSlot(slot, terms) : slot));
  const lease = await keepThroughLease(ctx, { ...found, slots });
  const after = await putIfAbsent(ctx, encodeLease(lease), readAt, { isFollowed: true });
  const { lease: there } = decodeSnapshot(after, now);
  const held = slotsHeldBy(claimer, there);
  return held.length > 0 ? { claimed: { lease: there!, slots: held, readAt: after.readAt } } : { inTheWay: after };
}

/**
 * Claims up to `want` messages of a due row in `leases`. Returns `'lost'` if another receiver claimed what was ready, and undefined
 * if nothing was ready. If the returned row has `sourceShard`, its parcels are still to be removed from `messages` before
 * anything is delivered.
 */
export async function claimDue(ctx: Context, claimer: Claimer, from: Snapshot, want: number): Promise<ClaimOutcome> {
  let isLost = false;
  return retryOnConflict<ClaimOutcome>(ctx, from, async (current) => {
    const already = decodeSnapshot(current, ctx.clock.now()).lease;
    const claimedSlots = slotsHeldBy(claimer, already);
    if (already && claimedSlots.length > 0) return { done: { lease: already, slots: claimedSlots, readAt: current.readAt } };

    const inGroup = maxPerReceive(claimer.queue, want);
    const { ready } = await processDueRow(ctx, claimer.queue, current, inGroup);
    if (!ready) return { done: isLost ? 'lost' : undefined };
    const { seen, lease, loadsParcels = false } = ready;
    if (!loadsParcels) await removeOverridden(ctx, overriddenParcels(lease));
    const room = lease.kind === 'group' ? inGroup : want;

    const now = ctx.clock.now();
    const terms = leaseTerms(ctx, claimer, seen.readAt, now);
    let count = 0;
    const slots = lease.slots.map((slot, index) => {
      // Use the slots that `processDueRow` approved: a lease that has expired since then may have used up maxReceives. In a group,
      // an expired lease loses its token once an earlier message is claimed.
      if (!ready.slots.includes(index) || count >= room)
        return lease.kind === 'group' && isLive(slot) && slot.visibleAt <= now ? afterLeaseExpiry(claimer.queue, slot) : slot;
      count++;
      return claimedSlot(slot, terms);
    });
    const next: LeaseRow = { ...lease, version: ctx.newVersion(), slots };
    // If parcels are loaded now, `sourceShard` stays: the caller removes them from `messages` before it delivers anything.
    if (!loadsParcels) delete next.sourceShard;
    if (next.kind === 'group') next.group = withRateDelay(claimer.queue, next.group, count, now);
    if (claimer.queue.deadLetter) next.maxReceives = claimer.queue.deadLetter.maxReceives;
    else delete next.maxReceives;
    const after = await putIfUnchanged(ctx, seen, encodeLease(await keepThroughLease(ctx, next)));
    if (after.row?.version !== next.version) {
      isLost = true;
      ctx.windows.conflicted(lease.shard);
    }
    return { seen: after };
  });
}

/**
 * Clears a parcel at the head of `messages` whose messages are expired or purged. Returns undefined if the parcel may be
 * received. In a queue with a dead-letter queue, expired messages move there through a row in `leases`, which overrides the
 * parcel. Other messages are only removed. `remove` tells the caller to remove the parcel from `messages`.
 */
export async function clearParcel(
  ctx: Context,
  queue: QueueRecord,
  parcel: Parcel,
  readAt: number,
): Promise<{ remove: boolean; deadLettered: number } | undefined> {
  const now = ctx.clock.now();
  const verdict = verdictOfAge(queue, parcel.since, parcel.retentionEnd, now);
  if (verdict === 'ready') return undefined;
  if (typeof verdict !== 'object') {
    // Bodies without a TTL are deleted through an overriding row. So a receiver that has not seen the purge cannot deliver the
    // message without its body.
    const isOverridden = lacksTtl(parcel.content, parcel.retentionEnd) || endingOfParcel(queue, parcel, now) !== undefined;
    const lease = rowOfParcel(ctx, queue, parcel, parcel.since);
    const remove = !isOverridden || (await keepExpired(ctx, queue, lease, readAt)).row?.version === lease.version;
    if (remove && isExpired(queue, parcel)) reportExpired(ctx, queue, parcel.count);
    return { remove, deadLettered: 0 };
  }
  const target = queue.deadLetter && (await ctx.settings.find(queue.deadLetter.queue));
  if (!target) return undefined;
  const lease = rowOfParcel(ctx, queue, parcel, now);
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
 * Gives back what this receive claimed of a row but does not deliver. The messages are ready at once, and the receive is not
 * counted. Does nothing if this receive no longer holds any message of the row.
 */
export async function giveBack(ctx: Context, claimer: Claimer, rowId: string): Promise<void> {
  await retryOnConflict<void>(ctx, await readRow(ctx, rowId), async (seen) => {
    const now = ctx.clock.now();
    const { lease } = decodeSnapshot(seen, now);
    const slots = slotsHeldBy(claimer, lease);
    if (!lease || slots.length === 0) return { done: undefined };
    const next: LeaseRow = {
      ...lease,
      version: ctx.newVersion(),
      slots: lease.slots.map((slot, index) => {
        if (!slots.includes(index)) return slot;
        const { token: _, leasedUntil: __, ...rest } = withoutReceive(slot);
        return { ...rest, visibleAt: now };
      }),
    };
    if (next.kind === 'group') next.group = withoutRateDelay(claimer.queue, next.group, slots.length);
    return { seen: await putIfUnchanged(ctx, seen, encodeLease(next)) };
  });
}
