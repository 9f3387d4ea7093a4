/** Builds new rows of `leases`. */
import type { Context } from '../context/context.ts';
import type { StoredContent } from '../model/content-codec.ts';
import { type QueueRecord, retentionEndAfter } from '../model/queue-record.ts';
import type { Lease, Parcel, Slot } from '../model/rows.ts';
import { lacksTtl } from './lease-store.ts';

/** A parcel as a row of `leases` in which every message is due at `now`. */
export function leaseOf(ctx: Context, queue: QueueRecord, parcel: Parcel, now: number): Lease {
  return {
    id: parcel.id,
    shard: parcel.shard,
    version: ctx.newVersion(),
    slots: Array.from({ length: parcel.count }, (): Slot => ({ visibleAt: now, receives: 0, failures: 0 })),
    since: parcel.since,
    content: parcel.content,
    sourceShard: parcel.shard,
    ...(parcel.retentionEnd === undefined ? {} : { retentionEnd: parcel.retentionEnd }),
    ...(lacksTtl(parcel.content, parcel.retentionEnd) ? { needsCleanup: true } : {}),
    ...(queue.deadLetter ? { maxReceives: queue.deadLetter.maxReceives } : {}),
  };
}

/** A row of `leases` for messages that were published straight into it, none of them received yet. */
export function unreceived(
  ctx: Context,
  queue: QueueRecord,
  {
    id,
    at,
    count,
    now,
    visibleAt,
    content,
  }: { id: string; at: string; count: number; now: number; visibleAt: number; content: StoredContent },
): Lease {
  const retentionEnd = retentionEndAfter(queue, visibleAt);
  return {
    id,
    shard: at,
    version: ctx.newVersion(),
    slots: Array.from({ length: count }, (): Slot => ({ visibleAt, receives: 0, failures: 0 })),
    since: now,
    content,
    ...(retentionEnd === undefined ? {} : { retentionEnd }),
    ...(lacksTtl(content, retentionEnd) ? { needsCleanup: true } : {}),
    ...(queue.deadLetter ? { maxReceives: queue.deadLetter.maxReceives } : {}),
  };
}
