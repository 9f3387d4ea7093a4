/** Builds new rows of `leases`. */
import { defined } from '../../contract/defined.ts';
import type { Context } from '../context/context.ts';
import { type QueueRecord, retentionEndAfter } from '../model/queue-record.ts';
import type { LeaseRow, Parcel, ParcelLeaseRow, Slot } from '../model/rows.ts';
import { lacksTtl } from './lease-store.ts';

type LeaseStart = Pick<LeaseRow, 'id' | 'shard' | 'slots' | 'since' | 'content'> &
  Partial<Pick<LeaseRow, 'version' | 'publishedAt' | 'death' | 'level' | 'sourceShard'>> & { retentionEnd?: number | undefined };

/** What its retention, and the settings of its queue, add to a row of `leases`. */
export function termsOf(queue: QueueRecord, retentionEnd: number | undefined): Pick<LeaseRow, 'retentionEnd' | 'maxReceives'> {
  return defined({ retentionEnd, maxReceives: queue.deadLetter?.maxReceives });
}

/** A new row for messages in `queue`, with a version, the queue's `maxReceives` and what must be cleaned up at its end. */
export function newLeaseRow(ctx: Context, queue: QueueRecord, { retentionEnd, ...fields }: LeaseStart): ParcelLeaseRow {
  const needsCleanup = lacksTtl(fields.content, retentionEnd) || undefined;
  const version = fields.version ?? ctx.newVersion();
  return { kind: 'parcel', ...fields, version, ...termsOf(queue, retentionEnd), ...defined({ needsCleanup }) };
}

function unreceivedSlots(count: number, visibleAt: number): Slot[] {
  return Array.from({ length: count }, (): Slot => ({ visibleAt, receives: 0, failures: 0 }));
}

/** A parcel as a row of `leases` in which every message is due at `now`. */
export function rowOfParcel(ctx: Context, queue: QueueRecord, parcel: Parcel, now: number): ParcelLeaseRow {
  const { id, shard, count, since, retentionEnd, content } = parcel;
  return newLeaseRow(ctx, queue, {
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
export function publishedRow(
  ctx: Context,
  queue: QueueRecord,
  { count, visibleAt, ...fields }: Pick<LeaseRow, 'id' | 'shard' | 'since' | 'content'> & { count: number; visibleAt: number },
): ParcelLeaseRow {
  const retentionEnd = retentionEndAfter(queue, visibleAt);
  return newLeaseRow(ctx, queue, { ...fields, slots: unreceivedSlots(count, visibleAt), retentionEnd });
}
