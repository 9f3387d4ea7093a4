/** What a publish to a topic writes into one group of a queue. */
import type { Context } from '../context/context.ts';
import { removeLasting } from '../leases/offloaded-bodies.ts';
import { tailOf } from '../lifecycle/group-tail.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { appendedTo, groupWrites, readGroups, type SeenGroup } from '../publish/group-writes.ts';
import { markerIdOf, takenBy } from '../publish/markers.ts';
import type { Pending } from '../publish/parcels.ts';
import { type PlaceBody, placeOwn } from '../publish/place-body.ts';
import type { Delivery, Told } from './one-delivery.ts';

/** The messages that one subscription gets in one group. */
export interface GroupShare {
  queue: QueueRecord;
  name: string;
  rowId: string;
  parcels: readonly (readonly Pending[])[];
  messages: readonly Pending[];
}

interface Delivering {
  told: Told;
  placeBody: PlaceBody;
  /** The versions that this publish tried to give to the rows. */
  ours?: Set<unknown>;
}

/** Undefined: the queue has all these messages already. */
export function groupDelivery(
  ctx: Context,
  share: GroupShare,
  seen: SeenGroup,
  { told, placeBody, ours = new Set() }: Delivering,
): Delivery | undefined {
  const free = withoutTaken(ctx, share, seen, told);
  if (free.messages.length === 0) return undefined;
  const { queue, rowId, parcels } = free;
  const appended = appendedTo(ctx, queue, free, parcels, placeBody);
  const bodies = appended.parcels.map(({ body }) => body);

  /** `refused`: the last parcel of the transaction that the group's row refused before. */
  const at = (rows: SeenGroup, refused = ''): Delivery => {
    const { writes, version, last, displaced } = groupWrites(ctx, queue, appended, rows);
    ours.add(version);
    return {
      writes,
      bodies,
      displaced,
      async again(inTheWay, sentAt) {
        if (inTheWay.some((one) => one?.row && ours.has(one.row.version))) return 'applied';
        const [group, ...others] = inTheWay;
        if (others.every((one) => one === undefined))
          return at({ ...rows, row: { id: rowId, row: group?.row, readAt: sentAt } }, last);
        // An id or a key was taken meanwhile, so late copies of this request are refused. The group's tail refuses those of the previous one.
        if (refused <= tailOf(ctx, rows.row)) await removeLasting(ctx, bodies);
        const [now] = (await readGroups(ctx, [free])) as [SeenGroup];
        if ([now.row, ...now.markers.values()].some(({ row }) => ours.has(row?.version))) return 'applied';
        return groupDelivery(ctx, free, now, { told, placeBody: placeOwn, ours }) ?? 'nothing';
      },
    };
  };
  return at(seen);
}

function withoutTaken(ctx: Context, share: GroupShare, seen: SeenGroup, told: Told): GroupShare {
  const now = ctx.clock.now();
  const isFree = (pending: Pending) => {
    const markerId = markerIdOf(share.queue, pending);
    if (markerId === undefined || takenBy(share.queue, pending, seen.markers.get(markerId)!, now) === undefined) return true;
    told.duplicate(pending.index, share.queue.name);
    return false;
  };
  const parcels = share.parcels.map((parcel) => parcel.filter(isFree)).filter((parcel) => parcel.length > 0);
  return { ...share, parcels, messages: parcels.flat() };
}
