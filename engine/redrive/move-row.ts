/** Moves the selected messages of one row of `leases`, or of one parcel. Those of a group: `move-group.ts`. */
import type { Context } from '../context/context.ts';
import { decodeSnapshot, readRow, retryOnConflict } from '../leases/lease-store.ts';
import { moveToGroup } from '../lifecycle/group-moves.ts';
import { moveSlots } from '../lifecycle/moves.ts';
import { verdictOfAge } from '../lifecycle/verdicts.ts';
import { sightLease, sightParcel } from '../messages/list.ts';
import { stateOf } from '../messages/message-view.ts';
import { moveToLeases } from '../messages/move-to-leases.ts';
import { selectedOf } from '../messages/selection.ts';
import { incarnationOf } from '../model/queue-record.ts';
import { isLive, isUnreadable, type LeaseRow, type ParcelLeaseRow } from '../model/rows.ts';
import { type MovedOfRow, moveFromGroup, type Work } from './move-group.ts';
import type { RedriveCandidate } from './pages.ts';

/** Moves the selected messages of one row, at most `max`, or of one group. */
export async function moveSelected(ctx: Context, work: Work, candidate: RedriveCandidate, max: number): Promise<MovedOfRow> {
  const { queue, task, filter } = work;
  const { waiting, parcelId } = candidate;
  const done = (moved: number, skipped: number) => ({ moved, skipped, isDone: true });
  if (waiting) {
    const { parcel } = waiting;
    // An unreceived message has not been dead-lettered: it has no origin queue and no reason, so it needs an explicit `toQueue`.
    if (parcel.since > task.startedAt) return done(0, 0);
    const messages = () => sightParcel(queue, parcel, ctx.clock.now());
    const isMovable = task.toQueue !== null && (!filter || (await selectedOf(ctx, messages(), { filter })).length > 0);
    if (!isMovable) return done(0, candidate.slot === undefined ? parcel.count : 1);
  }
  const first = waiting ? (await moveToLeases(ctx, queue, waiting)).seen : await readRow(ctx, candidate.id);
  let moved = 0;
  return retryOnConflict(ctx, first, async (seen) => {
    const now = ctx.clock.now();
    const { lease } = decodeSnapshot(seen, now);
    if (lease?.kind === 'group') {
      const after = task.inGroup?.row === lease.id ? task.inGroup.after : undefined;
      return { done: await moveFromGroup(ctx, work, seen, { parcelId, after }, max) };
    }
    const isHere =
      lease && incarnationOf(lease.shard) === queue.incarnation && lease.since <= task.startedAt && lease.kind !== 'prepared';
    if (!isHere || verdictOfAge(queue, lease.since, lease.retentionEnd, now) === 'gone') return { done: done(moved, 0) };
    const { movable, leased } = movableSlots(lease, candidate.slot, now);
    const selected = filter
      ? (await selectedOf(ctx, sightLease(queue, lease, now), { filter })).map(({ slot }) => slot)
      : movable;
    const wanted = movable.filter((slot) => selected.includes(slot));
    const targetName = task.toQueue ?? lease.death?.queue;
    const target = targetName === undefined ? undefined : await ctx.settings.find(targetName);
    // The redrive meets the rest of a parcel again in `leases`.
    const rest = waiting && candidate.slot === undefined ? 0 : leased + movable.length;
    if (wanted.length === 0 || !target) return { done: done(moved, rest) };
    if (moved >= max) return { done: { moved, skipped: 0, isDone: false } };
    const slots = wanted.slice(0, max - moved);
    const result = await (diedInGroup(lease)
      ? moveToGroup(ctx, { seen, lease, slots, target, groupName: lease.groupName })
      : moveSlots(ctx, { seen, lease, slots, target }));
    if (result.applied) moved += slots.length;
    return { seen: result.seen };
  });
}

type DeadInGroup = Omit<ParcelLeaseRow, 'groupName'> & { groupName: string };

/** Whether the message goes back to its group. An unreadable one is moved as it is. */
export function diedInGroup(lease: LeaseRow): lease is DeadInGroup {
  return lease.kind === 'parcel' && lease.groupName !== undefined && lease.slots.length === 1 && !isUnreadable(lease);
}

function movableSlots(lease: LeaseRow, only: number | undefined, now: number): { movable: number[]; leased: number } {
  const wanted = lease.slots.flatMap((slot, index) => (isLive(slot) && (only === undefined || index === only) ? [index] : []));
  const movable = wanted.filter((index) => stateOf(lease, index, now) !== 'leased');
  return { movable, leased: wanted.length - movable.length };
}
