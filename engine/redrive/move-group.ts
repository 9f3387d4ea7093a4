/**
 * Moves the selected dead letters of one group, in order: first those that its row has loaded, then those that wait in its partition of
 * `messages`. Other messages of the group have not been dead-lettered, so they stay.
 */
import { headRowsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { decodeSnapshot, retryOnConflict, type Snapshot } from '../leases/lease-store.ts';
import { moveParcelToGroup, moveToGroup } from '../lifecycle/group-moves.ts';
import { slotName } from '../lifecycle/group-parcels.ts';
import { verdictOfAge } from '../lifecycle/verdicts.ts';
import type { Filter } from '../messages/filter.ts';
import { sightLease, sightParcel } from '../messages/list.ts';
import { stateOf } from '../messages/message-view.ts';
import { selectedOf } from '../messages/selection.ts';
import { holdsDeadLetters } from '../model/group-row.ts';
import { parcelAt } from '../model/held-parcels.ts';
import { incarnationOf, type QueueRecord } from '../model/queue-record.ts';
import { decodeParcel } from '../model/row-codec.ts';
import { type GroupLeaseRow, isLive, type Parcel, parcelKey } from '../model/rows.ts';
import type { Task } from './task.ts';

/** What a page moves, and from where. */
export interface Work {
  queue: QueueRecord;
  task: Task;
  filter: Filter | undefined;
}

export interface MovedOfRow {
  moved: number;
  skipped: number;
  /** False if the row has more messages to move. */
  isDone: boolean;
  /** Of a group: the last parcel that was handled. */
  after?: string;
}

/** What of a group to move: one parcel, or what comes after this parcel. From the beginning if neither is given. */
interface GroupPart {
  parcelId?: string | undefined;
  after?: string | undefined;
}

/** Moves at most `max` messages of the group. */
export async function moveFromGroup(
  ctx: Context,
  work: Work,
  first: Snapshot,
  { parcelId, after }: GroupPart,
  max: number,
): Promise<MovedOfRow> {
  const loaded = after === undefined ? await moveLoaded(ctx, work, first, parcelId, max) : undefined;
  const { seen = first, moved = 0, skipped = 0, isDone = true } = loaded ?? {};
  if (!isDone) return { moved, skipped, isDone };
  const waiting = await moveWaiting(ctx, work, seen, { parcelId, after }, max - moved);
  return { ...waiting, moved: moved + waiting.moved, skipped: skipped + waiting.skipped };
}

function groupIn(ctx: Context, queue: QueueRecord, seen: Snapshot): GroupLeaseRow | undefined {
  const { lease } = decodeSnapshot(seen, ctx.clock.now());
  return lease?.kind === 'group' && incarnationOf(lease.shard) === queue.incarnation ? lease : undefined;
}

function isMovable({ queue, task }: Work, { death, since, retentionEnd }: Omit<Parcel, 'shard'>, now: number): boolean {
  return death !== undefined && since <= task.startedAt && verdictOfAge(queue, since, retentionEnd, now) !== 'gone';
}

function targetOf(ctx: Context, { task }: Work, { death }: Pick<Parcel, 'death'>): Promise<QueueRecord | undefined> {
  return ctx.settings.find(task.toQueue ?? death!.queue);
}

function moveLoaded(
  ctx: Context,
  work: Work,
  first: Snapshot,
  parcelId: string | undefined,
  max: number,
): Promise<MovedOfRow & { seen: Snapshot }> {
  const { queue, filter } = work;
  let moved = 0;
  return retryOnConflict<MovedOfRow & { seen: Snapshot }>(ctx, first, async (seen) => {
    const now = ctx.clock.now();
    const lease = groupIn(ctx, queue, seen);
    if (!lease) return { done: { seen, moved, skipped: 0, isDone: true } };
    const parcelOf = (slot: number) => parcelAt(lease, slot);
    const live = lease.slots.flatMap((slot, index) => {
      return isLive(slot) && (parcelId === undefined || parcelOf(index).id === parcelId) ? [index] : [];
    });
    const movable = live.filter((slot) => isMovable(work, parcelOf(slot), now) && stateOf(lease, slot, now) !== 'leased');
    const selected = filter && (await selectedOf(ctx, sightLease(queue, lease, now), { filter })).map(({ slot }) => slot);
    const wanted = selected ? movable.filter((slot) => selected.includes(slot)) : movable;
    const targets = await Promise.all(wanted.map((slot) => targetOf(ctx, work, parcelOf(slot))));
    const target = targets.find((one) => one !== undefined);
    if (!target) return { done: { seen, moved, skipped: live.length, isDone: true } };
    if (moved >= max) return { done: { seen, moved, skipped: 0, isDone: false } };
    const slots = wanted.filter((_, index) => targets[index]?.name === target.name).slice(0, max - moved);
    const result = await moveToGroup(ctx, { seen, lease, slots, target, groupName: lease.group.name });
    if (result.applied) moved += slots.length;
    return { seen: result.seen };
  });
}

async function moveWaiting(
  ctx: Context,
  work: Work,
  first: Snapshot,
  { parcelId, after = '' }: GroupPart,
  max: number,
): Promise<MovedOfRow> {
  const { queue, filter, task } = work;
  const lease = groupIn(ctx, queue, first);
  if (!lease || !holdsDeadLetters(lease.group)) return { moved: 0, skipped: 0, isDone: true };
  const { group, id: partition } = lease;
  const start = after > group.head ? after : group.head;
  const { parcels, more } = await parcelsFrom(ctx, partition, parcelId, start);
  let seen = first;
  let [moved, skipped, last] = [0, 0, start];
  for (const parcel of parcels) {
    const now = ctx.clock.now();
    const isCancelled = (slot: number) => group.cancelled?.includes(slotName(parcel.id, slot));
    const messages = sightParcel(queue, parcel, now, group.name).filter(({ slot }) => !isCancelled(slot));
    const isWanted = isMovable(work, parcel, now) && (!filter || (await selectedOf(ctx, messages, { filter })).length > 0);
    const target = isWanted && messages.length > 0 ? await targetOf(ctx, work, parcel) : undefined;
    if (target && moved >= max) return { moved, skipped, isDone: false, after: last };
    const result = target && (await moveOne(ctx, queue, seen, parcel, target));
    if (result) seen = result.seen;
    if (result?.outcome === 'moved') moved++;
    else if (result?.outcome !== 'gone' && parcel.since <= task.startedAt) skipped += messages.length;
    last = parcel.id;
  }
  return { moved, skipped, isDone: !more, after: last };
}

/** The parcels of a page of the group after `start`, or the one parcel. */
async function parcelsFrom(
  ctx: Context,
  partition: string,
  parcelId: string | undefined,
  start: string,
): Promise<{ parcels: Parcel[]; more: boolean }> {
  if (parcelId !== undefined) {
    const [row] = await ctx.store.get([parcelKey(partition, parcelId)]);
    return { parcels: row && parcelId > start ? [decodeParcel(row)] : [], more: false };
  }
  const from = start === '' ? {} : { from: start };
  const range = { table: 'messages', partition, limit: headRowsMax, consistent: true, ...from } as const;
  const { rows, next } = await ctx.store.range(range);
  return { parcels: rows.map(decodeParcel).filter(({ id }) => id > start), more: next !== undefined };
}

/** `loaded`: a receive has loaded the message meanwhile. `seen`: the group's row afterwards. */
interface MovedOne {
  outcome: 'moved' | 'loaded' | 'gone';
  seen: Snapshot;
}

/** Moves one message that waits. */
function moveOne(ctx: Context, queue: QueueRecord, first: Snapshot, parcel: Parcel, target: QueueRecord): Promise<MovedOne> {
  let isFirst = true;
  return retryOnConflict<MovedOne>(ctx, first, async (seen) => {
    const lease = groupIn(ctx, queue, seen);
    if (!lease || lease.group.cancelled?.includes(slotName(parcel.id, 0))) return { done: { outcome: 'gone', seen } };
    if (lease.group.head >= parcel.id) return { done: { outcome: 'loaded', seen } };
    const [there] = isFirst ? [parcel] : await ctx.store.get([parcelKey(parcel.shard, parcel.id)]);
    if (!there) return { done: { outcome: 'gone', seen } };
    isFirst = false;
    const result = await moveParcelToGroup(ctx, { seen, parcel, target, groupName: lease.group.name });
    return result.applied ? { done: { outcome: 'moved', seen: result.seen } } : { seen: result.seen };
  });
}
