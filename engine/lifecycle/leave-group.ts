/** Moving messages that failed out of their group, into rows of their own in the same queue: the group goes on without them. */
import type { Context } from '../context/context.ts';
import type { Seen } from '../leases/lease-store.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { isLive, type Lease, leaseEnd, type Slot } from '../model/rows.ts';
import { anyShard, shardKey } from '../model/shards.ts';
import { depart, type Moved } from './moves.ts';

export function moveAside(
  ctx: Context,
  queue: QueueRecord,
  { seen, lease, slots }: { seen: Seen; lease: Lease; slots: readonly number[] },
  slotOf: (slot: Slot) => Slot,
): Promise<Moved> {
  return depart(ctx, {
    seen,
    lease,
    slots,
    slotOf,
    target: queue,
    row: {
      shard: shardKey(queue, anyShard(queue, ctx.random)),
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
