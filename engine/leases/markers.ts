/**
 * Ends the markers of messages with own ids in groups. While such a message is in its group, its marker names it. The write that takes the
 * message out of the group's row also writes the marker, in one transaction: as a tombstone, or as the row to which the message moves.
 */
import { defined } from '../../contract/defined.ts';
import type { Context } from '../context/context.ts';
import { bodyTtl } from '../model/content-codec.ts';
import { slotInParcel } from '../model/held-parcels.ts';
import { groupKeyOf, keptRowId, slotRowId } from '../model/ids.ts';
import type { MarkedPlace, Marker, OwnRows } from '../model/marker.ts';
import { encodeTombstone } from '../model/row-codec.ts';
import {
  absentAt,
  endOf,
  type GroupLeaseRow,
  type LeaseRow,
  leaseKey,
  newTombstone,
  type Parcel,
  type Slot,
} from '../model/rows.ts';
import type { Condition, Write } from '../port/port.ts';
import { decodeSnapshot, readRows, type Snapshot } from './lease-store.ts';

/** The marker in this row, if it names this message. An id that a purge freed may name another by now. */
function markerOf(seen: Snapshot, { group, parcel, slot }: Omit<MarkedPlace, 'at'>, now: number): Marker | undefined {
  const { marker } = decodeSnapshot(seen, now);
  const isSame = marker?.marks.group === group && marker.marks.parcel === parcel && marker.marks.slot === slot;
  return isSame ? marker : undefined;
}

function placeIn(lease: GroupLeaseRow, slot: number): Omit<MarkedPlace, 'at'> {
  return { group: lease.id, ...slotInParcel(lease, slot) };
}

/** Reads the markers of these slots. The answer is by slot, and lacks slots without a marker. */
async function markersIn(
  ctx: Context,
  lease: GroupLeaseRow,
  slots: readonly number[],
  now: number,
): Promise<Map<number, Marker>> {
  const marked = slots.filter((slot) => lease.ownRows?.[slot]);
  const seen = await readRows(
    ctx,
    marked.map((slot) => lease.ownRows![slot]!),
  );
  return new Map(
    marked.flatMap((slot, index): [number, Marker][] => {
      const marker = markerOf(seen[index]!, placeIn(lease, slot), now);
      return marker ? [[slot, marker]] : [];
    }),
  );
}

/**
 * The writes that end the markers of acked and removed messages of a group's row that ends. A cancel has ended the marker of its message
 * before, and a message that moved has taken the place of its marker.
 */
export async function markerEnds(ctx: Context, lease: LeaseRow, now: number): Promise<Write[]> {
  if (lease.kind !== 'group' || !lease.ownRows) return [];
  const isEnding = ({ end }: Slot) => end === 'done' || end === 'expired';
  const slots = lease.slots.flatMap((slot, index) => (isEnding(slot) ? [index] : []));
  return [...(await markersIn(ctx, lease, slots, now))].map(([slot, marker]) => markerEnd(ctx, marker, lease.slots[slot]!, now));
}

/** The write that ends the marker of a message that is cancelled; none if it has no marker. */
export async function cancelledMarker(ctx: Context, lease: LeaseRow, slot: number, now: number): Promise<Write[]> {
  if (lease.kind !== 'group') return [];
  return [...(await markersIn(ctx, lease, [slot], now)).values()].map((marker) =>
    markerEnd(ctx, marker, lease.slots[slot]!, now, slot),
  );
}

/**
 * The writes that end a message which is cancelled before its parcel is loaded, besides that of the group's row. `apart`: the write of the row
 * that keeps the message. That of a message with an own id takes the place of its marker.
 */
export async function waitingMarkerEnd(ctx: Context, parcel: Parcel, slot: number, apart: Write | undefined): Promise<Write[]> {
  const id = parcel.ownRows?.[slot];
  if (!id) return apart ? [apart] : [];
  const now = ctx.clock.now();
  const [seen] = (await readRows(ctx, [id])) as [Snapshot];
  const marker = markerOf(seen, { group: parcel.shard, parcel: parcel.id, slot }, now);
  if (!marker) return [];
  if (apart) return [{ ...apart, when: { equals: [['version'], marker.version] } }];
  return [markerEnd(ctx, marker, { visibleAt: now, receives: 0, failures: 0, end: 'cancelled' }, now)];
}

/** `rowSlot`: the slot in the group's row. Only for a message that is cancelled there. */
function markerEnd(ctx: Context, { id, version, marks }: Marker, slot: Slot, now: number, rowSlot?: number): Write {
  const tombstone = newTombstone(id, ctx.newVersion(), [endOf(slot)], now);
  const until = Math.max(tombstone.until, slot.kept?.until ?? 0);
  const ended = { ...tombstone, until, marks: defined({ ...marks, keptUntil: slot.kept?.until, rowSlot }) };
  return { key: leaseKey(id), when: { equals: [['version'], version] }, then: { put: encodeTombstone(ended) } };
}

/** A message with an own id, and the id of its marker. */
interface Marked {
  id: string;
  place: Omit<MarkedPlace, 'at'>;
}

function markedIn({ ownRows = [] }: OwnRows, placeOf: (slot: number) => Omit<MarkedPlace, 'at'>): Marked[] {
  return ownRows.flatMap((id, slot) => (id === '' ? [] : [{ id, place: placeOf(slot) }]));
}

/**
 * Ends the markers of a parcel that is removed from its group without being loaded: its messages expired or were purged, or their queue is
 * deleted, so no other process needs them. `kept`: of the messages, if they are kept.
 */
export function endMarkersOf(ctx: Context, parcel: Parcel, now: number, kept?: Slot['kept']): Promise<void> {
  const marked = markedIn(parcel, (slot) => ({ group: parcel.shard, parcel: parcel.id, slot }));
  return endMarked(ctx, marked, now, kept);
}

/** Ends the markers of the messages in a group's row of a deleted queue. */
export async function endMarkersIn(ctx: Context, lease: LeaseRow, now: number): Promise<void> {
  if (lease.kind === 'group')
    await endMarked(
      ctx,
      markedIn(lease, (slot) => placeIn(lease, slot)),
      now,
    );
}

async function endMarked(ctx: Context, marked: readonly Marked[], now: number, kept?: Slot['kept']): Promise<void> {
  const seen = await readRows(
    ctx,
    marked.map(({ id }) => id),
  );
  const ended: Slot = { visibleAt: now, receives: 0, failures: 0, end: 'done', ...defined({ kept }) };
  await Promise.all(
    marked.map(async ({ place }, index) => {
      const marker = markerOf(seen[index]!, place, now);
      if (marker) await ctx.store.write(markerEnd(ctx, marker, ended, now));
    }),
  );
}

/** The rows of their own to which messages with own ids move, by slot, and the condition to put each. Others lack one. */
export async function rowsOfMarkers(
  ctx: Context,
  lease: LeaseRow,
  slots: readonly number[],
): Promise<Map<number, { id: string; when: Condition }>> {
  if (lease.kind !== 'group') return new Map();
  const now = ctx.clock.now();
  const marked = slots.filter((slot) => lease.ownRows?.[slot]);
  const seen = await readRows(
    ctx,
    marked.map((slot) => lease.ownRows![slot]!),
  );
  return new Map(
    marked.flatMap((slot, index): [number, { id: string; when: Condition }][] => {
      const { id, row } = seen[index]!;
      const marker = markerOf(seen[index]!, placeIn(lease, slot), now);
      if (marker) return [[slot, { id, when: { equals: [['version'], marker.version] } }]];
      return row ? [] : [[slot, { id, when: absentAt(now) }]];
    }),
  );
}

/** The row of its own to which a message moves that waits in the partition of its group, and the condition to put it. */
export async function rowOfWaiting(ctx: Context, parcel: Parcel, slot: number): Promise<{ id: string; when: Condition }> {
  const now = ctx.clock.now();
  const own = parcel.ownRows?.[slot];
  const [seen] = own ? await readRows(ctx, [own]) : [];
  const marker = seen && markerOf(seen, { group: parcel.shard, parcel: parcel.id, slot }, now);
  if (marker) return { id: marker.id, when: { equals: [['version'], marker.version] } };
  return { id: slotRowId(keptRowId(parcel.id, groupKeyOf(parcel.shard)), slot), when: absentAt(now) };
}

/** When TTL may remove the marker of a message with this retention, epoch seconds; undefined: it ends with the message. */
export function markerTtl(retentionEnd: number | undefined, hasDeadLetter: boolean): number | undefined {
  return retentionEnd === undefined || hasDeadLetter ? undefined : bodyTtl(retentionEnd);
}
