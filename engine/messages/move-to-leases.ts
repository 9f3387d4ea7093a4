/**
 * Taking messages out of their turn: a parcel that waits in `messages` is put into `leases`, where each of its messages can be changed,
 * cancelled or moved. Nobody met it at the head, so a late copy of its publish is looked for once more when the row has ended.
 */

import type { Context } from '../context/context.ts';
import { keepOffloaded } from '../leases/kept-messages.ts';
import { endedRow, isEnded, putIfAbsent, type Snapshot, unknownOutcome } from '../leases/lease-store.ts';
import { leaseOf } from '../leases/new-lease.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { encodeLease } from '../model/row-codec.ts';
import { type Lease, type Parcel, parcelKey } from '../model/rows.ts';

/**
 * Puts the row, changed by `change`, if none is there, and removes the parcel. `readAt`: when the parcel was read. Answers the row as it is
 * afterwards, and whether it is the one put. Throws StoreError where that cannot be said: removed, a parcel that nothing overrides would be lost.
 */
export async function moveToLeases(
  ctx: Context,
  queue: QueueRecord,
  { parcel, readAt }: { parcel: Parcel; readAt: number },
  change: (lease: Lease) => Lease = (lease) => lease,
): Promise<{ seen: Snapshot; applied: boolean }> {
  const lease = change({
    ...leaseOf(ctx, queue, parcel, parcel.since),
    fresh: parcel.shard,
    outOfOrder: parcel.shard,
    ending: true,
  });
  if (isEnded(lease)) await keepOffloaded(ctx, lease);
  const row = isEnded(lease) ? endedRow(lease, lease.version, ctx.clock.now()) : encodeLease(lease);
  const seen = await putIfAbsent(ctx, row, readAt);
  if (!seen.row) throw unknownOutcome(seen);
  await ctx.store.write({ key: parcelKey(parcel.shard, parcel.id), then: { remove: true } });
  return { seen, applied: seen.row.version === lease.version };
}
