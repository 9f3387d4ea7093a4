/**
 * Moves failed messages out of their group into rows of their own in the same queue, so that the group continues without them.
 */

import { defined } from '../../contract/defined.ts';
import type { Context } from '../context/context.ts';
import type { Snapshot } from '../leases/lease-store.ts';
import { type QueueRecord, randomShard, shardKey } from '../model/queue-record.ts';
import { isLive, type LeaseRow, leaseEnd, type Slot } from '../model/rows.ts';
import type { Moved } from './moved-slots.ts';
import { moveMessages } from './moves.ts';

export function leaveGroup(
  ctx: Context,
  queue: QueueRecord,
  { seen, lease, slots }: { seen: Snapshot; lease: LeaseRow; slots: readonly number[] },
  slotOf: (slot: Slot) => Slot,
): Promise<Moved> {
  return moveMessages(ctx, {
    seen,
    lease,
    slots,
    slotOf,
    target: queue,
    row: {
      shard: shardKey(queue, randomShard(queue, ctx.random)),
      version: ctx.newVersion(),
      since: lease.since,
    },
    ageOf: ({ since, publishedAt, retentionEnd, death }) => defined({ since, publishedAt, retentionEnd, death }),
  });
}

/** The slots of a group's row whose leases expired, if the group moves failed messages out (`onFailure: 'aside'`). */
export function expiredToLeave(lease: LeaseRow, now: number): number[] {
  if (lease.kind !== 'group' || !lease.group.failedLeave) return [];
  return lease.slots.flatMap((slot, index) => (isLive(slot) && slot.token !== undefined && leaseEnd(slot) <= now ? [index] : []));
}
