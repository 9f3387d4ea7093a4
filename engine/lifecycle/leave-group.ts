/** Moving messages that failed out of their group, into rows of their own in the same queue: the group goes on without them. */
import type { Context } from '../context/context.ts';
import type { Snapshot } from '../leases/lease-store.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { isLive, type Lease, leaseEnd, type Slot } from '../model/rows.ts';
import { randomShard, shardKey } from '../model/shards.ts';
import { type Moved, moveMessages } from './moves.ts';

export function leaveGroup(
  ctx: Context,
  queue: QueueRecord,
  { seen, lease, slots }: { seen: Snapshot; lease: Lease; slots: readonly number[] },
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
      ...(lease.expiresAt === undefined ? {} : { expiresAt: lease.expiresAt }),
      ...(queue.deadLetter ? { maxReceives: queue.deadLetter.maxReceives } : {}),
    },
  });
}

/** Those of a group's row whose holders let their leases expire, where that moves them aside. */
export function expiredAside({ group, slots }: Lease, now: number): number[] {
  if (!group?.aside) return [];
  return slots.flatMap((slot, index) => (isLive(slot) && slot.token !== undefined && leaseEnd(slot) <= now ? [index] : []));
}
