/**
 * Moves a parcel out of order from `messages` to `leases`, where each of its messages can be changed, cancelled or moved. A
 * delayed duplicate of its publish may put the parcel again, too far from the head of the shard to be found there in time. So
 * the row in `messages` is removed once more after the row in `leases` has ended.
 */

import type { Context } from '../context/context.ts';
import { keepOffloaded } from '../leases/kept-messages.ts';
import { endedRow, isEnded, putIfAbsent, type Snapshot, unknownOutcome } from '../leases/lease-store.ts';
import { rowOfParcel } from '../leases/new-lease-row.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { encodeLease } from '../model/row-codec.ts';
import { type LeaseRow, type Parcel, parcelKey } from '../model/rows.ts';

/**
 * Puts the row, changed by `change`, if no row exists, then removes the parcel. `readAt`: when the parcel was read. Returns the
 * row as it is afterwards, and whether this call put it. Throws StoreError if no row is found: a parcel removed without a row
 * that overrides it would be lost.
 */
export async function moveToLeases(
  ctx: Context,
  queue: QueueRecord,
  { parcel, readAt }: { parcel: Parcel; readAt: number },
  change: (lease: LeaseRow) => LeaseRow = (lease) => lease,
): Promise<{ seen: Snapshot; applied: boolean }> {
  const changed = change({
    ...rowOfParcel(ctx, queue, parcel, parcel.since),
    sourceShard: parcel.shard,
    outOfOrder: parcel.shard,
    needsCleanup: true,
  });
  const lease = isEnded(changed) ? await keepOffloaded(ctx, changed) : changed;
  const row = isEnded(lease) ? endedRow(lease, ctx.clock.now()) : encodeLease(lease);
  const seen = await putIfAbsent(ctx, row, readAt);
  if (!seen.row) throw unknownOutcome(seen);
  await ctx.store.write({ key: parcelKey(parcel.shard, parcel.id), then: { remove: true } });
  return { seen, applied: seen.row.version === lease.version };
}
