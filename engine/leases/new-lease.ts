/** Builds new rows of `leases`. */
import { defined } from '../../contract/defined.ts';
import type { Context } from '../context/context.ts';
import { type QueueRecord, retentionEndAfter } from '../model/queue-record.ts';
import type { Lease, Parcel, Slot } from '../model/rows.ts';
import { lacksTtl } from './lease-store.ts';

/** What its retention, and the settings of its queue, add to a row of `leases`. */
export function termsOf(queue: QueueRecord, retentionEnd: number | undefined): Pick<Lease, 'retentionEnd' | 'maxReceives'> {
  return defined({ retentionEnd, maxReceives: queue.deadLetter?.maxReceives });
}

/** A row of `leases` for messages of this queue. */
export function newLease(
  ctx: Context,
  queue: QueueRecord,
  row: Pick<Lease, 'id' | 'shard' | 'slots' | 'since' | 'content'>,
  retentionEnd: number | undefined,
): Lease {
  const needsCleanup = lacksTtl(row.content, retentionEnd) || undefined;
  return { ...row, version: ctx.newVersion(), ...termsOf(queue, retentionEnd), ...defined({ needsCleanup }) };
}

/** Slots of messages that were never received. */
export function newSlots(count: number, visibleAt: number): Slot[] {
  return Array.from({ length: count }, () => ({ visibleAt, receives: 0, failures: 0 }));
}

/** A parcel as a row of `leases` in which every message is due at `now`. */
export function leaseOf(
  ctx: Context,
  queue: QueueRecord,
  { id, shard, count, retentionEnd, ...rest }: Parcel,
  now: number,
): Lease {
  return { ...newLease(ctx, queue, { id, shard, slots: newSlots(count, now), ...rest }, retentionEnd), sourceShard: shard };
}

/** A row of `leases` for messages that were published straight into it, none of them received yet. */
export function unreceived(
  ctx: Context,
  queue: QueueRecord,
  { visibleAt, count, ...row }: Pick<Lease, 'id' | 'shard' | 'since' | 'content'> & { count: number; visibleAt: number },
): Lease {
  return newLease(ctx, queue, { ...row, slots: newSlots(count, visibleAt) }, retentionEndAfter(queue, visibleAt));
}
