/**
 * messages/ finds, lists, shows and changes messages without a receipt. Start here: this file finds one message by its id, in
 * `messages`, in its parcel's row of `leases`, or in a row of its own.
 */
import type { Context } from '../context/context.ts';
import { decodeSnapshot, readRow, type Snapshot } from '../leases/lease-store.ts';
import { slotName } from '../lifecycle/group-parcels.ts';
import { groupPlace } from '../model/group-row.ts';
import { parcelsIn } from '../model/held-parcels.ts';
import { groupKeyOf, isServerId, keptRowId, ownRowId, parseMessageId, slotRowId } from '../model/ids.ts';
import type { MarkedPlace } from '../model/marker.ts';
import { incarnationOf, type QueueRecord, shardKey } from '../model/queue-record.ts';
import type { Receipt } from '../model/receipts.ts';
import { decodeParcel } from '../model/row-codec.ts';
import { type GroupLeaseRow, isLive, type LeaseRow, leaseKey, type Parcel, parcelKey, type Slot } from '../model/rows.ts';
import type { Key, Row } from '../port/port.ts';

/** Where a message is: in `messages` (for a group, with the group's row), or in a row of `leases`. */
export type Found =
  | { parcel: Parcel; slot: number; readAt: number; group?: { seen: Snapshot; name: string } }
  | { lease: LeaseRow; seen: Snapshot; slot: number };

/** How often to look: a message that moves between two reads is missed by both. */
const searchesMax = 3;

/** Which slots of a row may be found: live ones only, or also those kept after their end. */
export type Wanted = (slot: Slot) => boolean;

export const isShown: Wanted = (slot) => isLive(slot) || slot.kept !== undefined;

/** The message with this id, if it is in this queue or was published to it. */
export async function findMessage(
  ctx: Context,
  queue: QueueRecord,
  id: string,
  wanted: Wanted = isLive,
): Promise<Found | undefined> {
  for (let search = 0; search < searchesMax; search++) {
    const found = isServerId(id) ? await findByParcel(ctx, queue, id, wanted) : await findOwn(ctx, queue, id, wanted);
    if (found !== 'moved') return found;
  }
  return undefined;
}

async function findByParcel(ctx: Context, queue: QueueRecord, id: string, wanted: Wanted): Promise<Found | 'moved' | undefined> {
  const { parcel: parcelId, slot, shard, level, group: key } = parseMessageId(id);
  if (key !== undefined) return findInGroup(ctx, queue, { group: groupPlace(queue, key), parcel: parcelId, slot }, wanted);
  const ownRow = slotRowId(parcelId, slot);
  const keys: Key[] = [leaseKey(parcelId), leaseKey(ownRow)];
  // Read `messages` first: a row is put into `leases` before it is removed from `messages`.
  const readAt = ctx.clock.now();
  const [parcelRow] = await ctx.store.get([parcelKey(shardKey(queue, shard, level), parcelId)]);
  const [leased, own] = await ctx.store.get(keys);
  const ofOwn = messageIn(ctx, { id: ownRow, row: own, readAt }, 0, wanted);
  if (ofOwn) return ofOwn;
  if (leased) {
    const seen: Snapshot = { id: parcelId, row: leased, readAt };
    const { lease, tombstone } = decodeSnapshot(seen, ctx.clock.now());
    if ((lease ?? tombstone?.kept)?.slots[slot]?.end === 'moved') return 'moved';
    if (lease || tombstone) return messageIn(ctx, seen, slot, wanted);
  }
  if (!parcelRow) return undefined;
  const parcel = decodeParcel(parcelRow);
  return slot < parcel.count ? { parcel, slot, readAt } : undefined;
}

async function findInGroup(
  ctx: Context,
  queue: QueueRecord,
  { group: place, parcel: parcelId, slot }: Omit<MarkedPlace, 'at'>,
  wanted: Wanted,
): Promise<Found | 'moved' | undefined> {
  const keptRow = keptRowId(parcelId, groupKeyOf(place));
  const ownRow = slotRowId(keptRow, slot);
  const readAt = ctx.clock.now();
  const [parcelRow] = await ctx.store.get([parcelKey(place, parcelId)]);
  const [row] = await ctx.store.get([leaseKey(place)]);
  // Read these after the group's row: a message that leaves that row is put here in the same write.
  const [own, kept] = await ctx.store.get([leaseKey(ownRow), leaseKey(keptRow)]);
  // The message was moved to a group: by a redrive, or as a dead letter.
  const marks = marksIn(ctx, { id: ownRow, row: own, readAt });
  if (marks && marks.parcel !== parcelId) {
    return incarnationOf(marks.group) === queue.incarnation ? findInGroup(ctx, queue, marks, wanted) : undefined;
  }
  const apart =
    messageIn(ctx, { id: ownRow, row: own, readAt }, 0, wanted) ??
    messageIn(ctx, { id: keptRow, row: kept, readAt }, slot, wanted);
  if (apart) return apart;
  const seen: Snapshot = { id: place, row, readAt };
  const { lease } = decodeSnapshot(seen, ctx.clock.now());
  if (lease?.kind !== 'group') return undefined;
  const { group } = lease;
  const index = slotIn(lease, parcelId, slot);
  if (index !== undefined) return lease.slots[index]?.end === 'moved' ? 'moved' : messageIn(ctx, seen, index, wanted);
  if (group.head >= parcelId) return undefined;
  const parcel = parcelRow && decodeParcel(parcelRow);
  const isThere = parcel && slot < parcel.count && !group.cancelled?.includes(slotName(parcelId, slot));
  return isThere ? { parcel, slot, readAt, group: { seen, name: group.name } } : undefined;
}

/** The slot of a group's row that holds a message of this parcel; undefined if the row does not hold it. */
function slotIn(lease: GroupLeaseRow, parcelId: string, slot: number): number | undefined {
  const held = parcelsIn(lease).find(({ id }) => id === parcelId);
  return held && slot < held.count ? held.from + slot : undefined;
}

function messageIn(ctx: Context, seen: Snapshot, slot: number, wanted: Wanted): Found | undefined {
  const { lease: live, tombstone } = decodeSnapshot(seen, ctx.clock.now());
  const lease = live ?? tombstone?.kept;
  const there = lease?.slots[slot];
  return lease && there && wanted(there) ? { lease, seen, slot } : undefined;
}

/**
 * Finds a message under its caller's own id. It was published to this queue, to one whose dead letters come here, or to any
 * other queue: from there it came through a third queue or by a redrive.
 */
async function findOwn(ctx: Context, queue: QueueRecord, id: string, wanted: Wanted): Promise<Found | 'moved' | undefined> {
  const others = (await ctx.settings.list()).filter((other) => other.name !== queue.name);
  const leadsHere = (other: QueueRecord) => other.deadLetter?.queue === queue.name;
  const near = [queue, ...others.filter(leadsHere)];
  return (
    (await findOwnFrom(ctx, queue, near, id, wanted)) ??
    (await findOwnFrom(
      ctx,
      queue,
      others.filter((other) => !leadsHere(other)),
      id,
      wanted,
    ))
  );
}

async function findOwnFrom(
  ctx: Context,
  queue: QueueRecord,
  origins: readonly QueueRecord[],
  id: string,
  wanted: Wanted,
): Promise<Found | 'moved' | undefined> {
  const readAt = ctx.clock.now();
  const ids = origins.map(({ incarnation }) => ownRowId(incarnation, id));
  const rows: (Row | undefined)[] = await ctx.store.get(ids.map(leaseKey));
  for (const [index, rowId] of ids.entries()) {
    const seen: Snapshot = { id: rowId, row: rows[index], readAt };
    const marks = marksIn(ctx, seen);
    if (marks && incarnationOf(marks.group) === queue.incarnation) {
      const inGroup = await findInGroup(ctx, queue, marks, wanted);
      if (inGroup) return inGroup;
    }
    const found = messageIn(ctx, seen, 0, wanted);
    const isOwn = origins[index]!.incarnation === queue.incarnation;
    const isHere = isOwn || (found && 'lease' in found && incarnationOf(found.lease.shard) === queue.incarnation);
    if (found && isHere) return found;
  }
  return undefined;
}

/** The message with this id that was published to this queue, if it is in a group of another queue, and that queue. */
export async function findMoved(
  ctx: Context,
  queue: QueueRecord,
  id: string,
): Promise<{ holder: QueueRecord; found: Found } | undefined> {
  const { parcel, slot, group: key } = parseMessageId(id);
  if (isServerId(id) && key === undefined) return undefined;
  const rowId = isServerId(id) ? slotRowId(keptRowId(parcel, key!), slot) : ownRowId(queue.incarnation, id);
  const marks = marksIn(ctx, await readRow(ctx, rowId));
  const holder = marks && (await ctx.settings.byIncarnation(incarnationOf(marks.group)));
  if (!holder || holder.name === queue.name) return undefined;
  const found = await findInGroup(ctx, holder, marks, isShown);
  return found && found !== 'moved' ? { holder, found } : undefined;
}

/** Where the message of a group is that this marker names. */
function marksIn(ctx: Context, seen: Snapshot): MarkedPlace | undefined {
  const { marker, tombstone } = decodeSnapshot(seen, ctx.clock.now());
  return marker?.marks ?? (tombstone?.keyed ? undefined : tombstone?.marks);
}

/** The lease under which a message was cancelled. */
export type HeldBy = Pick<Receipt, 'rowId' | 'slot' | 'token'>;

/**
 * Whether the message with this id was cancelled in this queue, and which lease was on it then. Known while its row shows it:
 * `tombstoneMs` at least, for a group until it advances. Undefined: not cancelled, or not known any more.
 */
export async function findCancelled(ctx: Context, queue: QueueRecord, id: string): Promise<{ heldBy?: HeldBy } | undefined> {
  const { parcel, slot: ofParcel, group: key } = parseMessageId(id);
  if (isServerId(id) && key !== undefined) {
    const inGroup =
      (await findCancelledInGroup(ctx, groupPlace(queue, key), parcel, ofParcel)) ??
      (await findCancelledAt(ctx, [{ row: slotRowId(keptRowId(parcel, key), ofParcel), slot: 0 }]));
    if (inGroup) return inGroup;
    const kept = await findMessage(ctx, queue, id, isShown);
    return kept && 'lease' in kept && kept.lease.slots[kept.slot]?.end === 'cancelled' ? {} : undefined;
  }
  const places = isServerId(id)
    ? [
        { row: parcel, slot: ofParcel },
        { row: slotRowId(parcel, ofParcel), slot: 0 },
      ]
    : [{ row: ownRowId(queue.incarnation, id), slot: 0 }];
  return findCancelledAt(ctx, places);
}

async function findCancelledAt(
  ctx: Context,
  places: readonly { row: string; slot: number }[],
): Promise<{ heldBy?: HeldBy } | undefined> {
  const readAt = ctx.clock.now();
  const rows = await ctx.store.get(places.map(({ row }) => leaseKey(row)));
  for (const [index, { row: rowId, slot }] of places.entries()) {
    const { lease, tombstone } = decodeSnapshot({ id: rowId, row: rows[index], readAt }, ctx.clock.now());
    const there = lease?.slots[slot];
    const ended = tombstone?.slots[slot];
    if (there?.end === 'cancelled') return heldBy(rowId, slot, there.heldBy);
    const marks = tombstone?.marks;
    if (ended?.cancelled)
      return marks ? heldBy(marks.group, marks.rowSlot ?? marks.slot, ended.token) : heldBy(rowId, slot, ended.token);
  }
  return undefined;
}

function heldBy(rowId: string, slot: number, token: string | undefined): { heldBy?: HeldBy } {
  return token === undefined ? {} : { heldBy: { rowId, slot, token } };
}

/** Like `findCancelled`, from the group's row: known until the group has advanced past the message's parcel. */
async function findCancelledInGroup(
  ctx: Context,
  place: string,
  parcel: string,
  slot: number,
): Promise<{ heldBy?: HeldBy } | undefined> {
  const { lease } = decodeSnapshot(await readRow(ctx, place), ctx.clock.now());
  if (lease?.kind !== 'group') return undefined;
  const index = slotIn(lease, parcel, slot);
  if (index === undefined) return lease.group.cancelled?.includes(slotName(parcel, slot)) ? {} : undefined;
  const there = lease.slots[index]!;
  return there.end === 'cancelled' ? heldBy(place, index, there.heldBy) : undefined;
}
