/**
 * Cancels a message by id, so that it is never received again, with one conditional write. A parcel in `messages` is put into
 * `leases` with the slot marked; a row in `leases` is changed; a group's row records cancelled messages of later parcels. The
 * slot keeps the holder's token (`heldBy`), so that a later ack is answered with `cancelled`.
 */
import { DumbwaiterError } from '../../contract/errors.ts';
import { groupCancelledMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { cancelledApart, endKey, keptAs } from '../leases/kept-messages.ts';
import { decodeSnapshot, putIfUnchanged, putIfUnchangedWith, retryOnConflict, type Snapshot } from '../leases/lease-store.ts';
import { cancelledMarker, waitingMarkerEnd } from '../leases/markers.ts';
import { replaceSlots } from '../lifecycle/due-row.ts';
import { slotName } from '../lifecycle/group-parcels.ts';
import { verdictOf, verdictOfAge } from '../lifecycle/verdicts.ts';
import { findCancelled, findMessage, type HeldBy } from '../messages/find.ts';
import { liveSlot } from '../messages/live-slot.ts';
import { stateOf } from '../messages/message-view.ts';
import { moveToLeases } from '../messages/move-to-leases.ts';
import { parcelAt } from '../model/held-parcels.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { encodeLease } from '../model/row-codec.ts';
import type { LeaseRow, Parcel, Slot } from '../model/rows.ts';
import { returnPermitsOf } from '../permits/limiter.ts';
import { markOf } from '../permits/permits.ts';
import { leasedNow, messageNotFound, searchesMax } from './messages.ts';

/** Throws DumbwaiterError `message_not_found`; `message_leased` unless `force`. */
export async function cancelMessage(ctx: Context, queueName: string, id: string, force: boolean): Promise<object> {
  const queue = await ctx.settings.get(queueName);
  for (let search = 0; search < searchesMax; search++) {
    const found = await findMessage(ctx, queue, id);
    if (!found) break;
    if ('parcel' in found) {
      const { parcel, slot } = found;
      if (verdictOfAge(queue, parcel.since, parcel.retentionEnd, ctx.clock.now()) === 'gone') break;
      if (found.group) {
        const outcome = await cancelWaiting(ctx, queue, found.group.seen, parcel, slot);
        if (outcome === 'cancelled') return {};
        continue;
      }
      const { applied } = await moveToLeases(ctx, queue, found, (lease) => withoutSlot(lease, slot, queue, ctx.clock.now()));
      if (applied) {
        ctx.wakeups.wake(endKey(queueName, id));
        return {};
      }
    } else {
      const { outcome, heldBy } = await cancelIn(ctx, queue, found, force);
      if (outcome === 'cancelled') await endLease(ctx, queue, id, heldBy);
      if (outcome === 'leased') throw leasedNow(id, 'force cancels it all the same');
      if (outcome === 'cancelled') return {};
      if (outcome === 'gone') break;
    }
  }
  // A repeated call, after a lost response, finds its message cancelled and succeeds.
  const cancelled = await findCancelled(ctx, queue, id);
  if (!cancelled) throw messageNotFound(queueName, id);
  await endLease(ctx, queue, id, cancelled.heldBy);
  return {};
}

/** Wakes calls that wait for the message's end, and returns the permit of a holder whose lease a forced cancel ended. */
async function endLease(ctx: Context, queue: QueueRecord, id: string, heldBy: HeldBy | undefined): Promise<void> {
  ctx.wakeups.wake(endKey(queue.name, id));
  await returnPermitsOf(ctx, queue, heldBy ? [markOf(heldBy)] : []);
}

function withoutSlot(lease: LeaseRow, slot: number, queue: QueueRecord, now: number): LeaseRow {
  const slots = lease.slots.map((one, index) =>
    index === slot ? { ...cancelled(one), ...keptAs(queue, 'cancelled', now) } : one,
  );
  return { ...lease, slots };
}

function cancelled({ token, ...rest }: Slot): Slot {
  return { ...rest, end: 'cancelled', ...(token === undefined ? {} : { heldBy: token }) };
}

interface CancelOutcome {
  outcome: 'cancelled' | 'leased' | 'gone' | 'moved';
  heldBy?: HeldBy;
}

function cancelIn(
  ctx: Context,
  queue: QueueRecord,
  { seen: first, lease: found, slot }: { seen: Snapshot; lease: LeaseRow; slot: number },
  force: boolean,
): Promise<CancelOutcome> {
  let written: string | undefined;
  let token: string | undefined;
  const cancelled = (): CancelOutcome => ({
    outcome: 'cancelled',
    ...(token === undefined ? {} : { heldBy: { rowId: first.id, slot, token } }),
  });
  return retryOnConflict<CancelOutcome>(ctx, first, async (seen) => {
    // After its last message, a group's row no longer shows the cancelled slot. Our version in the row proves that the cancel
    // applied.
    if (written !== undefined && seen.row?.version === written) return { done: cancelled() };
    const now = ctx.clock.now();
    const { lease: current, tombstone } = decodeSnapshot(seen, now);
    const live = liveSlot(queue, { lease: found, slot }, current);
    if (live === 'moved') return { done: { outcome: 'moved' } };
    const former = current?.slots[slot];
    const ended = tombstone?.slots[slot];
    token = former?.token ?? former?.heldBy ?? ended?.token;
    if (former?.end === 'cancelled' || ended?.cancelled) return { done: cancelled() };
    if (live === 'gone') return { done: { outcome: 'gone' } };
    const { lease, there } = live;
    if (verdictOf(queue, parcelAt(lease, slot), there, now) === 'gone') return { done: { outcome: 'gone' } };
    if (!force && stateOf(lease, slot, now) === 'leased') return { done: { outcome: 'leased' } };
    written = ctx.newVersion();
    const next: LeaseRow = { ...withoutSlot(lease, slot, queue, now), version: written };
    return { seen: await replaceSlots(ctx, seen, next, now, await cancelledMarker(ctx, next, slot, now)) };
  });
}

/** Cancels a message of a parcel that its group has not reached, by a note in the group's row. */
async function cancelWaiting(
  ctx: Context,
  queue: QueueRecord,
  first: Snapshot,
  parcel: Parcel,
  slot: number,
): Promise<'cancelled' | 'moved'> {
  const apart = await cancelledApart(ctx, queue, first, parcel, slot);
  return retryOnConflict(ctx, first, async (seen) => {
    const others = await waitingMarkerEnd(ctx, parcel, slot, apart);
    const { lease } = decodeSnapshot(seen, ctx.clock.now());
    if (lease?.kind !== 'group' || lease.group.head >= parcel.id) return { done: 'moved' };
    const { group } = lease;
    const { cancelled: noted = [] } = group;
    const name = slotName(parcel.id, slot);
    if (noted.includes(name)) return { done: 'cancelled' };
    if (noted.length >= groupCancelledMax) {
      throw new DumbwaiterError(
        'unavailable',
        `id: ${groupCancelledMax} waiting messages of this group are already cancelled; try again when receives have passed them`,
      );
    }
    const now = ctx.clock.now();
    // The group may wait for the delay of this message alone.
    const due = group.dueAt !== undefined && group.dueAt > now ? { dueAt: Math.max(now, group.notBefore ?? 0) } : {};
    const next = { ...lease, version: ctx.newVersion(), group: { ...group, ...due, cancelled: [...noted, name] } };
    return {
      seen:
        others.length > 0
          ? await putIfUnchangedWith(ctx, seen, encodeLease(next), others)
          : await putIfUnchanged(ctx, seen, encodeLease(next)),
    };
  });
}
