/** Finds the next parcels that wait in a group's partition of `messages`, and loads them into the group's row. */
import { defined } from '../../contract/defined.ts';
import { groupRowBytesMax, headRowsMax, parcelBytesMax, parcelSlotsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { endingOfParcel, keepExpired } from '../leases/kept-messages.ts';
import { lacksTtl } from '../leases/lease-store.ts';
import { endMarkersOf } from '../leases/markers.ts';
import { newLeaseRow } from '../leases/new-lease-row.ts';
import { removeParcels } from '../leases/removals.ts';
import { sizeOf } from '../model/content-codec.ts';
import { type LoadedParcel, parcelsIn } from '../model/held-parcels.ts';
import { groupKeyOf, keptRowId } from '../model/ids.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { decodeParcel, encodeLease } from '../model/row-codec.ts';
import { type Group, type GroupLeaseRow, isLive, type LeaseRow, type Parcel, parcelKey, type Slot } from '../model/rows.ts';
import { encodeLoaded, encodeSlot } from '../model/slot-codec.ts';
import type { Key, Row } from '../port/port.ts';
import { storedBytes } from '../port/row-limits.ts';
import { isExpired, reportExpired, verdictOfAge } from './verdicts.ts';

/**
 * A group's next parcels: the first, and those behind it that are ready too. `removed`: expired or purged messages removed before
 * them. `more`: none found yet, but rows may follow.
 */
export interface NextParcels {
  parcels: Parcel[];
  removed: number;
  more: boolean;
}

/** The key of a group's next parcel, if the group's row holds no messages and names that parcel. */
export function nextParcelKey(lease: LeaseRow): Key | undefined {
  if (lease.kind !== 'group' || lease.group.nextId === undefined || lease.slots.length > 0) return undefined;
  return parcelKey(lease.id, lease.group.nextId);
}

/**
 * Finds the next parcels, and removes the rows before them: parcels loaded earlier, whose receiver crashed or whose row another
 * process ended, and parcels that expired or were purged. If `known` is the parcel that the group's row names, and has `want`
 * messages or is the last one, no query is needed. No delayed publish can restore removed rows: a publish to a group is refused
 * unless it comes after `tail`.
 */
export async function nextParcels(
  ctx: Context,
  queue: QueueRecord,
  lease: GroupLeaseRow,
  { known, want, now }: { known: Parcel | undefined; want: number; now: number },
): Promise<NextParcels> {
  const { group } = lease;
  const suffices = known && known.id === group.nextId && (known.count >= want || known.id === group.tail);
  // No row precedes it, so there is nothing to remove.
  if (suffices && verdictOfAge(queue, known.since, known.retentionEnd, now) !== 'gone') {
    return { parcels: [known], removed: 0, more: false };
  }
  const { rows, next } = await ctx.store.range({ table: 'messages', partition: lease.id, limit: headRowsMax, consistent: true });
  const before: Parcel[] = [];
  let removed = 0;
  let expired = 0;
  const parcels: Parcel[] = [];
  let more = next !== undefined;
  for (const [index, row] of rows.entries()) {
    const one = decodeParcel(row);
    // Up to `head`, parcels were loaded before: the group's row deletes their bodies.
    if (one.id > group.head) {
      if (verdictOfAge(queue, one.since, one.retentionEnd, now) !== 'gone') {
        parcels.push(...readyFrom(queue, rows.slice(index, index + parcelSlotsMax), now));
        break;
      }
      if (!(await putEnded(ctx, queue, lease, one, now))) {
        more = true;
        break;
      }
      await endMarkersOf(ctx, one, now, endingOfParcel(queue, one, now));
      removed += one.count;
      if (isExpired(queue, one)) expired += one.count;
    }
    before.push(one);
  }
  await removeParcels(ctx, before);
  if (expired > 0) reportExpired(ctx, queue, expired);
  return { parcels, removed, more: parcels.length === 0 && more };
}

/** The first of these parcels, and those that follow it while all are ready: one that has expired or is delayed is loaded alone. */
function readyFrom(queue: QueueRecord, rows: readonly Row[], now: number): Parcel[] {
  const parcels = rows.map(decodeParcel);
  const notReady = parcels.findIndex(
    ({ since, retentionEnd, visibleAt = 0 }) => visibleAt > now || verdictOfAge(queue, since, retentionEnd, now) !== 'ready',
  );
  return notReady < 0 ? parcels : parcels.slice(0, Math.max(1, notReady));
}

/**
 * Puts a row for what must outlive messages that are gone before their turn. It shows kept messages that expired; cancelled
 * ones have rows of their own. It also deletes bodies without a TTL, but late enough for a receiver that has not seen a purge
 * yet. Returns false if the row is needed and does not exist.
 */
async function putEnded(
  ctx: Context,
  queue: QueueRecord,
  { id: place, shard, group }: GroupLeaseRow,
  parcel: Parcel,
  now: number,
): Promise<boolean> {
  if (!lacksTtl(parcel.content, parcel.retentionEnd) && !endingOfParcel(queue, parcel, now)) return true;
  const { since, content, retentionEnd, ownRows, publishedAt, death } = parcel;
  const id = keptRowId(parcel.id, groupKeyOf(place));
  const kept = newLeaseRow(ctx, queue, { id, shard, slots: loadedSlots(parcel, group), since, content, retentionEnd });
  return (
    (await keepExpired(ctx, queue, { ...kept, ...defined({ ownRows, publishedAt, death }), groupName: group.name }, now)).row !==
    undefined
  );
}

/**
 * The group's row with the first of these parcels loaded, and with those behind it as long as `want` messages are not reached and
 * the row has room. All their messages are due, except those cancelled while they waited. A receive that wants one message loads
 * one parcel, because each write of the row costs as much as all that it holds.
 */
export function loadParcels(
  ctx: Context,
  queue: QueueRecord,
  before: GroupLeaseRow,
  [first, ...following]: readonly Parcel[],
  want: number,
): GroupLeaseRow {
  let lease = withParcels(ctx, queue, before, [first!]);
  let rowBytes = largestBytes(lease);
  let bodyBytes = sizeOf(first!.content);
  const loaded = [first!];
  for (const parcel of following) {
    const slots = loadedSlots(parcel, before.group);
    const deadSlotBytes = parcel.slot ? storedBytes(encodeSlot(parcel.slot)) : 0;
    rowBytes +=
      storedBytes(encodeLoaded(parcel)) + slots.length * slotBytesMax + deadSlotBytes + (parcel.ownRows?.join().length ?? 0);
    bodyBytes += sizeOf(parcel.content);
    const isFull =
      lease.slots.length + slots.length > parcelSlotsMax || rowBytes > groupRowBytesMax || bodyBytes > parcelBytesMax;
    if (isFull || lease.slots.filter(isLive).length >= want) break;
    loaded.push(parcel);
    lease = withParcels(ctx, queue, before, loaded);
  }
  return lease;
}

/** Bytes of a leased slot, about. */
const slotBytesMax = 50;

/** Bytes of a row whose slots are all leased, about. */
function largestBytes(lease: GroupLeaseRow): number {
  return storedBytes(encodeLease({ ...lease, slots: [] })) + lease.slots.length * slotBytesMax;
}

function withParcels(
  ctx: Context,
  queue: QueueRecord,
  { id, shard, group: before }: GroupLeaseRow,
  parcels: readonly Parcel[],
): GroupLeaseRow {
  const { dueAt: _, until: __, failedLeave: ___, nextId: ____, cancelled = [], ...rest } = before;
  const head = parcels.at(-1)!.id;
  const group: Group = { ...rest, head, ...(queue.groups?.onFailure === 'aside' ? { failedLeave: true } : {}) };
  const later = cancelled.filter((one) => one.slice(0, head.length) > head);
  if (later.length > 0) group.cancelled = later;
  const [first, ...others] = parcels as [Parcel, ...Parcel[]];
  const { shard: sourceShard, id: firstId, since, publishedAt, content, retentionEnd, death } = first;
  const slots = parcels.flatMap((parcel) => loadedSlots(parcel, before));
  const ownRows = parcels.some((parcel) => parcel.ownRows)
    ? parcels.flatMap(({ count, ownRows: own = [] }) => Array.from({ length: count }, (_, slot) => own[slot] ?? ''))
    : undefined;
  const row: GroupLeaseRow = {
    ...newLeaseRow(ctx, queue, { id, shard, slots, since, content, retentionEnd, sourceShard }),
    ...defined({ ownRows, publishedAt, death }),
    kind: 'group',
    group,
  };
  if (others.length === 0) return row;
  row.more = { firstId, parcels: others.map(loadedParcel) };
  if (parcels.some((parcel) => lacksTtl(parcel.content, parcel.retentionEnd))) row.needsCleanup = true;
  return row;
}

function loadedParcel({ id, count, since, publishedAt, retentionEnd, content, death }: Parcel): LoadedParcel {
  return defined({ id, count, since, publishedAt, retentionEnd, content, death });
}

/** The slots of a parcel as it is loaded: due since the publish or the end of its delay, except those cancelled while they waited. */
function loadedSlots(parcel: Parcel, { cancelled = [] }: Group): Slot[] {
  const slot: Slot = parcel.slot ?? { visibleAt: parcel.visibleAt ?? parcel.since, receives: 0, failures: 0 };
  return Array.from({ length: parcel.count }, (_, index) =>
    cancelled.includes(slotName(parcel.id, index)) ? { ...slot, end: 'cancelled' } : slot,
  );
}

/** How a group's row names a message whose parcel it has not loaded yet. */
export function slotName(parcel: string, slot: number): string {
  return `${parcel}.${slot}`;
}

/** The rows of `messages` that a row of `leases` overrides and that may still exist. */
export function overriddenParcels(lease: LeaseRow): { shard: string; id: string }[] {
  const { sourceShard } = lease;
  return sourceShard === undefined ? [] : parcelsIn(lease).map(({ id }) => ({ shard: sourceShard, id }));
}
