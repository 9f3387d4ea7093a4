/**
 * Cancels a message by its id: it is never received again. One conditional write, wherever it is: the row of a parcel that waits is put
 * into `leases` with the slot marked; a row there is changed. A holder's token stays beside the slot, so that his ack is told.
 */
import { adopt } from '../adopt.ts';
import type { Context } from '../context.ts';
import { findMessage, wasCancelled } from '../find.ts';
import { judgeable, type Seen, untilSettled } from '../lease-writes.ts';
import { isLive, type Lease, type Slot } from '../rows.ts';
import type { QueueRecord } from '../settings.ts';
import { replaceSlots, verdictOf, verdictOfAge } from '../settle.ts';
import { incarnationOf } from '../shards.ts';
import { stateOf } from '../views.ts';
import { leasedNow, messageNotFound } from './by-message.ts';

/** How often to look for a message that moves while it is to be cancelled. */
const looksMax = 5;

/** Throws DumbwaiterError `message_not_found`; `message_leased` unless `force`. */
export async function cancelMessage(ctx: Context, queueName: string, id: string, force: boolean): Promise<object> {
  const queue = await ctx.settings.get(queueName);
  for (let look = 0; look < looksMax; look++) {
    const found = await findMessage(ctx, queue, id);
    if (!found) break;
    if ('parcel' in found) {
      const { parcel, slot } = found;
      if (verdictOfAge(queue, parcel.since, parcel.expiresAt, ctx.clock.now()) === 'gone') break;
      const { applied } = await adopt(ctx, queue, found, (lease) => withoutSlot(lease, slot));
      if (applied) return {};
    } else {
      const outcome = await cancelIn(ctx, queue, found.seen, found.slot, force);
      if (outcome === 'leased') throw leasedNow(id, 'force cancels it all the same');
      if (outcome === 'cancelled') return {};
      if (outcome === 'gone') break;
    }
  }
  // A call whose answer was lost is made again.
  if (await wasCancelled(ctx, queue, id)) return {};
  throw messageNotFound(queueName, id);
}

function withoutSlot(lease: Lease, slot: number): Lease {
  return { ...lease, slots: lease.slots.map((one, index) => (index === slot ? cancelled(one) : one)) };
}

function cancelled({ token, ...rest }: Slot): Slot {
  return { ...rest, end: 'cancelled', ...(token === undefined ? {} : { heldBy: token }) };
}

function cancelIn(
  ctx: Context,
  queue: QueueRecord,
  first: Seen,
  slot: number,
  force: boolean,
): Promise<'cancelled' | 'leased' | 'gone' | 'moved'> {
  return untilSettled(ctx, first, async (seen) => {
    const now = ctx.clock.now();
    const { lease, stone } = judgeable(seen, now);
    const there = lease?.slots[slot];
    if (there?.end === 'cancelled' || stone?.slots[slot]?.cancelled) return { done: 'cancelled' };
    if (there?.end === 'moved') return { done: 'moved' };
    if (!lease || !there || !isLive(there) || incarnationOf(lease.shard) !== queue.incarnation) return { done: 'gone' };
    if (verdictOf(queue, lease, there, now) === 'gone') return { done: 'gone' };
    if (!force && stateOf(lease, there, now) === 'leased') return { done: 'leased' };
    return { seen: await replaceSlots(ctx, seen, { ...withoutSlot(lease, slot), version: ctx.newVersion() }, now) };
  });
}
