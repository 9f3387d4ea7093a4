/** Builds new rows of `leases`. */
import { defined } from '../../contract/defined.ts';
import type { Context } from '../context/context.ts';
import { type QueueRecord, retentionEndAfter } from '../model/queue-record.ts';
import type { Lease, Parcel, ParcelLease, Slot } from '../model/rows.ts';
import { lacksTtl } from './lease-store.ts';

type LeaseStart = Pick<Lease, 'id' | 'shard' | 'slots' | 'since' | 'content'> &
  Partial<Pick<Lease, 'version' | 'publishedAt' | 'death' | 'level' | 'sourceShard'>> & { retentionEnd?: number | undefined };

/** What its retention, and the settings of its queue, add to a row of `leases`. */
export function termsOf(queue: QueueRecord, retentionEnd: number | undefined): Pick<Lease, 'retentionEnd' | 'maxReceives'> {
  return defined({ retentionEnd, maxReceives: queue.deadLetter?.maxReceives });
}

/** A new row for messages in `queue`, with a version, the queue's `maxReceives` and what must be cleaned up at its end. */
export function newLease(ctx: Context, queue: QueueRecord, { retentionEnd, ...fields }: LeaseStart): ParcelLease {
  const needsCleanup = lacksTtl(fields.content, retentionEnd) || undefined;
  const version = fields.version ?? ctx.newVersion();
  return { kind: 'parcel', ...fields, version, ...termsOf(queue, retentionEnd), ...defined({ needsCleanup }) };
}

function unreceivedSlots(count: number, visibleAt: number): Slot[] {
  return Array.from({ length: count }, (): Slot => ({ visibleAt, receives: 0, failures: 0 }));
}

/** A parcel as a row of `leases` in which every message is due at `now`. */
export function leaseOf(ctx: Context, queue: QueueRecord, parcel: Parcel, now: number): ParcelLease {
  const { id, shard, count, since, retentionEnd, content } = parcel;
  return newLease(ctx, queue, {
    id,
    shard,
    sourceShard: shard,
    slots: unreceivedSlots(count, now),
    since,
    retentionEnd,
    content,
  });
}

/** A row of `leases` for `count` messages that were published straight into it, none of them received yet. */
export function unreceived(
  ctx: Context,
  queue: QueueRecord,
  { count, visibleAt, ...fields }: Pick<Lease, 'id' | 'shard' | 'since' | 'content'> & { count: number; visibleAt: number },
): ParcelLease {
  const retentionEnd = retentionEndAfter(queue, visibleAt);
  return newLease(ctx, queue, { ...fields, slots: unreceivedSlots(count, visibleAt), retentionEnd });
}
