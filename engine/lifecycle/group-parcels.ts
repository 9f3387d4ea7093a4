/** The parcels that wait in a group's partition: finding the next one, and taking it into the group's row. */
import { headRowsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { endingOfParcel, keepExpired } from '../leases/kept-messages.ts';
import { needsEnding } from '../leases/lease-store.ts';
import { removeParcels } from '../leases/removals.ts';
import { idInMessages } from '../model/group-row.ts';
import { groupKeyOf, keptRowId } from '../model/ids.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { decodeParcel } from '../model/row-codec.ts';
import { type Group, type Lease, type Parcel, parcelKey, type Slot } from '../model/rows.ts';
import type { Key } from '../port/port.ts';
import { isExpired, tellExpired, verdictOfAge } from './verdicts.ts';

/** What is next in a group; how many messages, too old or purged, were removed before it; and whether there may be more behind those. */
export interface NextParcel {
  parcel?: Parcel;
  removed: number;
  more: boolean;
}

/** The key of the parcel that a group is to take next, where its row says which. */
export function firstKey({ id, slots, group }: Lease): Key | undefined {
  return group?.first === undefined || slots.length > 0 ? undefined : parcelKey(id, group.first);
}

/**
 * Looks for the next parcel, and removes what lies before it: what was taken before (its receiver died, or its row was ended by others) and
 * what is too old or purged; unless the row says which is first, and that was read already. Nothing can put those again: a publish to a group is refused behind its `tail`.
 */
export async function nextParcel(
  ctx: Context,
  queue: QueueRecord,
  { lease, group, first }: { lease: Lease; group: Group; first?: Parcel | undefined },
  now: number,
): Promise<NextParcel> {
  // Nothing lies before it.
  if (first && first.id === group.first && verdictOfAge(queue, first.since, first.expiresAt, now) !== 'gone') {
    return { parcel: first, removed: 0, more: false };
  }
  const { rows, next } = await ctx.store.range({ table: 'messages', partition: lease.id, limit: headRowsMax, consistent: true });
  const before: Parcel[] = [];
  let removed = 0;
  let expired = 0;
  let parcel: Parcel | undefined;
  let more = next !== undefined;
  for (const one of rows.map(decodeParcel)) {
    // The bodies of one that was taken are its row's, and go with it.
    if (one.id > group.head) {
      if (verdictOfAge(queue, one.since, one.expiresAt, now) !== 'gone') {
        parcel = one;
        break;
      }
      if (!(await putEnded(ctx, queue, lease, group, one, now))) {
        more = true;
        break;
      }
      removed += one.count;
      if (isExpired(queue, one)) expired += one.count;
    }
    before.push(one);
  }
  await removeParcels(ctx, before);
  if (expired > 0) tellExpired(ctx, queue, expired);
  return { ...(parcel ? { parcel } : {}), removed, more: !parcel && more };
}

/**
 * A row for what outlives messages that are gone before their turn: what is kept of those that grew too old, but for those that were
 * cancelled, which have rows of their own; and bodies that nothing else removes, for as long as one who has not learnt of a purge may take them.
 * Answers whether it is there, or nothing needs it.
 */
async function putEnded(
  ctx: Context,
  queue: QueueRecord,
  { id: place, shard }: Lease,
  group: Group,
  parcel: Parcel,
  now: number,
): Promise<boolean> {
  const ending = needsEnding(parcel.contents, parcel.expiresAt);
  if (!ending && !endingOfParcel(queue, parcel, now)) return true;
  const slots = slotsOf(parcel, group);
  const kept: Lease = {
    ...{ id: keptRowId(parcel.id, groupKeyOf(place)), shard, version: ctx.newVersion(), slots },
    ...{ since: parcel.since, contents: parcel.contents, groupName: group.name },
    ...(parcel.expiresAt === undefined ? {} : { expiresAt: parcel.expiresAt }),
    ...(ending ? { ending } : {}),
  };
  return (await keepExpired(ctx, queue, kept, now)).row !== undefined;
}

/** The group's row with this parcel's messages, all of them due; but those that were cancelled while they waited. */
export function taking(ctx: Context, queue: QueueRecord, lease: Lease, group: Group, parcel: Parcel): Lease {
  const { due: _, until: __, aside: ___, first: ____, cancelled = [], ...rest } = group;
  const next: Lease = {
    id: lease.id,
    shard: lease.shard,
    version: ctx.newVersion(),
    slots: slotsOf(parcel, group),
    since: parcel.since,
    contents: parcel.contents,
    fresh: parcel.shard,
    group: {
      ...rest,
      head: parcel.id,
      ...(queue.groups?.onFailure === 'aside' ? { aside: true } : {}),
    },
    ...(parcel.expiresAt === undefined ? {} : { expiresAt: parcel.expiresAt }),
    ...(needsEnding(parcel.contents, parcel.expiresAt) ? { ending: true } : {}),
    ...(queue.deadLetter ? { maxReceives: queue.deadLetter.maxReceives } : {}),
  };
  const later = cancelled.filter((one) => one.slice(0, parcel.id.length) > parcel.id);
  if (later.length > 0) next.group!.cancelled = later;
  return next;
}

/** The messages of a parcel whose turn has come: due since they were published, but for those that were cancelled while they waited. */
function slotsOf(parcel: Parcel, { cancelled = [] }: Group): Slot[] {
  const slot: Slot = { visibleAt: parcel.since, receives: 0, failures: 0 };
  return Array.from({ length: parcel.count }, (_, index) =>
    cancelled.includes(slotName(parcel.id, index)) ? { ...slot, end: 'cancelled' } : slot,
  );
}

/** How a group's row names a message that it has not taken yet. */
export function slotName(parcel: string, slot: number): string {
  return `${parcel}.${slot}`;
}

/** The row in `messages` of what a group's row holds. */
export function parcelBehind(lease: Lease): { shard: string; id: string } | undefined {
  if (lease.fresh === undefined) return undefined;
  return { shard: lease.fresh, id: idInMessages(lease) };
}
