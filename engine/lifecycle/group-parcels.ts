/** Finds the next parcel that waits in a group's partition of `messages`, and loads it into the group's row. */
import { defined } from '../../contract/defined.ts';
import { headRowsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { endingOfParcel, keepExpired } from '../leases/kept-messages.ts';
import { lacksTtl } from '../leases/lease-store.ts';
import { endMarkersOf } from '../leases/markers.ts';
import { newLeaseRow } from '../leases/new-lease-row.ts';
import { removeParcels } from '../leases/removals.ts';
import { idInMessages } from '../model/group-row.ts';
import { groupKeyOf, keptRowId } from '../model/ids.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { decodeParcel } from '../model/row-codec.ts';
import { type Group, type GroupLeaseRow, type LeaseRow, type Parcel, parcelKey, type Slot } from '../model/rows.ts';
import type { Key } from '../port/port.ts';
import { isExpired, reportExpired, verdictOfAge } from './verdicts.ts';

/**
 * A group's next parcel, and how many expired or purged messages were removed before it. `more`: none found yet, but rows may
 * follow.
 */
export interface NextParcel {
  parcel?: Parcel;
  removed: number;
  more: boolean;
}

/** The key of a group's next parcel, if the group's row holds no messages and names that parcel. */
export function nextParcelKey(lease: LeaseRow): Key | undefined {
  if (lease.kind !== 'group' || lease.group.nextId === undefined || lease.slots.length > 0) return undefined;
  return parcelKey(lease.id, lease.group.nextId);
}

/**
 * Finds the next parcel, and removes the rows before it: parcels loaded earlier, whose receiver crashed or whose row another
 * process ended, and parcels that expired or were purged. If `first` is the parcel that the group's row names, no query is
 * needed. No delayed publish can restore removed rows: a publish to a group is refused unless it comes after `tail`.
 */
export async function nextParcel(
  ctx: Context,
  queue: QueueRecord,
  lease: GroupLeaseRow,
  known: Parcel | undefined,
  now: number,
): Promise<NextParcel> {
  const { group } = lease;
  // No row precedes it, so there is nothing to remove.
  if (known && known.id === group.nextId && verdictOfAge(queue, known.since, known.retentionEnd, now) !== 'gone') {
    return { parcel: known, removed: 0, more: false };
  }
  const { rows, next } = await ctx.store.range({ table: 'messages', partition: lease.id, limit: headRowsMax, consistent: true });
  const before: Parcel[] = [];
  let removed = 0;
  let expired = 0;
  let parcel: Parcel | undefined;
  let more = next !== undefined;
  for (const one of rows.map(decodeParcel)) {
    // Up to `head`, parcels were loaded before: the group's row deletes their bodies.
    if (one.id > group.head) {
      if (verdictOfAge(queue, one.since, one.retentionEnd, now) !== 'gone') {
        parcel = one;
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
  return { ...(parcel ? { parcel } : {}), removed, more: !parcel && more };
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
  const { since, content, retentionEnd, ownRows, publishedAt } = parcel;
  const id = keptRowId(parcel.id, groupKeyOf(place));
  const kept = newLeaseRow(ctx, queue, { id, shard, slots: slotsOf(parcel, group), since, content, retentionEnd });
  return (
    (await keepExpired(ctx, queue, { ...kept, ...defined({ ownRows, publishedAt }), groupName: group.name }, now)).row !==
    undefined
  );
}

/** The group's row with this parcel loaded. All its messages are due, except those cancelled while they waited. */
export function loadParcel(
  ctx: Context,
  queue: QueueRecord,
  { id, shard, group: before }: GroupLeaseRow,
  parcel: Parcel,
): GroupLeaseRow {
  const { dueAt: _, until: __, failedLeave: ___, nextId: ____, cancelled = [], ...rest } = before;
  const group: Group = { ...rest, head: parcel.id, ...(queue.groups?.onFailure === 'aside' ? { failedLeave: true } : {}) };
  const later = cancelled.filter((one) => one.slice(0, parcel.id.length) > parcel.id);
  if (later.length > 0) group.cancelled = later;
  const { since, content, retentionEnd, shard: sourceShard, ownRows, publishedAt } = parcel;
  const slots = slotsOf(parcel, before);
  const row = newLeaseRow(ctx, queue, { id, shard, slots, since, content, retentionEnd, sourceShard });
  return { ...row, ...defined({ ownRows, publishedAt }), kind: 'group', group };
}

/** The slots of a parcel as it is loaded: due since the publish or the end of its delay, except those cancelled while they waited. */
function slotsOf(parcel: Parcel, { cancelled = [] }: Group): Slot[] {
  const slot: Slot = { visibleAt: parcel.visibleAt ?? parcel.since, receives: 0, failures: 0 };
  return Array.from({ length: parcel.count }, (_, index) =>
    cancelled.includes(slotName(parcel.id, index)) ? { ...slot, end: 'cancelled' } : slot,
  );
}

/** How a group's row names a message whose parcel it has not loaded yet. */
export function slotName(parcel: string, slot: number): string {
  return `${parcel}.${slot}`;
}

/** The row of `messages` that a row of `leases` overrides and that may still exist; undefined if there is none. */
export function overriddenParcel(lease: LeaseRow): { shard: string; id: string } | undefined {
  if (lease.sourceShard === undefined) return undefined;
  return { shard: lease.sourceShard, id: idInMessages(lease) };
}
