/** Handing over what a receive has claimed: first the rows of `messages` go, then what may still be delivered is. */
import type { ReceivedMessage } from '../../contract/contract.ts';
import { callBytesMax, clockMarginMs, readToWriteMsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { messageOverheadBytes, receivedMessage } from '../messages/message-view.ts';
import { readContents, sizeOf } from '../model/content-codec.ts';
import { idInMessages } from '../model/group-row.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { leaseEnd, type Parcel, parcelKey } from '../model/rows.ts';
import { StoreError } from '../port/port.ts';
import { type Claimed, giveBack, type Taker } from './claims.ts';
import { readableOf } from './unreadable.ts';

export type Waiting = Pick<Parcel, 'shard' | 'id'>;

export interface Taken {
  claimed: Claimed[];
  /** Rows of `messages` that are overridden now, or hold nothing more to deliver. */
  removals: Waiting[];
}

/** Removes what was claimed from `messages`, and answers what may be handed over by then. What may not is given back. */
export async function deliver(ctx: Context, taker: Taker, { claimed, removals }: Taken): Promise<ReceivedMessage[]> {
  const [errors, contents] = await Promise.all([
    removals.length === 0
      ? []
      : ctx.store.writeAll(
          removals.map((parcel) => ({ key: parcelKey(parcel.shard, parcel.id), then: { remove: true as const } })),
        ),
    contentsOf(ctx, claimed),
  ]);
  if (contents instanceof StoreError) {
    await giveBackAll(ctx, taker, claimed);
    throw contents;
  }
  const standing = new Set(removals.filter((_, index) => errors[index] !== undefined).map((parcel) => parcel.id));
  const stands = ({ lease }: Claimed) => standing.has(idInMessages(lease));
  const excess = beyondOneAnswer(claimed);
  const undeliverable = claimed.filter((one) => stands(one) || excess.has(one) || !isCovered(taker, one));
  await giveBackAll(ctx, taker, undeliverable);

  const whole = claimed.filter((one) => !undeliverable.includes(one));
  const readable = await readableOf(ctx, taker, whole, (one) => contents[claimed.indexOf(one)]);
  const deliverable = await stillDeliverable(ctx, taker, [...readable.keys()]);
  await taker.limiter?.settle(deliverable.reduce((sum, { slots }) => sum + slots.length, 0));
  // To give permits back may take longer than the leases last.
  const left = await stillDeliverable(ctx, taker, deliverable);
  await taker.limiter?.giveBack(
    taker.token,
    deliverable.filter((one) => !left.includes(one)),
  );

  const messages = left.flatMap((one): ReceivedMessage[] =>
    one.slots.map((slot) => receivedMessage(taker.queue, one.lease, slot, readable.get(one)![slot]!)),
  );
  const failure = errors.find((error) => error !== undefined);
  if (messages.length === 0 && failure) throw failure;
  return messages;
}

/** The bodies, or why the store did not give them. */
function contentsOf(ctx: Context, claimed: readonly Claimed[]) {
  return readContents(
    ctx.store,
    claimed.map(({ lease }) => lease.contents),
  ).catch((error: unknown) => {
    if (!(error instanceof StoreError)) throw error;
    return error;
  });
}

/**
 * Those that may be handed over at the instant in which this resolves, by the settings in force then. The others are given back, which takes
 * time: so all is judged again after that.
 */
async function stillDeliverable(ctx: Context, taker: Taker, claimed: readonly Claimed[]): Promise<readonly Claimed[]> {
  let left = claimed;
  while (left.length > 0) {
    const queue = await ctx.settings.inForce(taker.queue.name).catch(async (error: unknown) => {
      await giveBackAll(ctx, taker, left);
      throw error;
    });
    const now = ctx.clock.now();
    const refused = left.filter((one) => !mayDeliver(taker, queue, one, now));
    if (refused.length === 0) break;
    left = left.filter((one) => !refused.includes(one));
    await giveBackAll(ctx, taker, refused);
  }
  return left;
}

/** What the store does not take stays leased for its time, and counts as received. */
async function giveBackAll(ctx: Context, taker: Taker, claimed: readonly Claimed[]): Promise<void> {
  if (claimed.length === 0) return;
  await Promise.all(
    claimed.map(({ lease }) =>
      giveBack(ctx, taker, lease.id).catch((error: unknown) => {
        if (!(error instanceof StoreError)) throw error;
      }),
    ),
  );
  ctx.wakeups.wake(taker.queue.name);
}

/** What one answer cannot carry: how large a group's next messages are shows only when they are taken. */
function beyondOneAnswer(claimed: readonly Claimed[]): Set<Claimed> {
  let bytes = 0;
  return new Set(
    claimed.filter(({ lease, slots }, index) => {
      const size = sizeOf(lease.contents) + slots.length * messageOverheadBytes;
      if (index > 0 && bytes + size > callBytesMax) return true;
      bytes += size;
      return false;
    }),
  );
}

function isCovered({ limiter }: Taker, { lease, slots }: Claimed): boolean {
  return limiter === undefined || slots.every((slot) => limiter.covers(leaseEnd(lease.slots[slot]!), lease.since));
}

/**
 * Whether a message may be handed over now. Its caller must not be known to be gone, and the settings in force must allow it. It must rest on a
 * read within F, as a write does. A lease that is over, or nearly, is no use: another may have the message already.
 */
function mayDeliver(taker: Taker, queue: QueueRecord | undefined, { lease, slots, readAt }: Claimed, now: number): boolean {
  if (taker.signal?.aborted) return false;
  if (queue?.incarnation !== taker.queue.incarnation || queue.paused || lease.since < queue.purgedBefore) return false;
  if (now > readAt + readToWriteMsMax) return false;
  // A lease of no time is over at once.
  if (taker.visibilityTimeoutMs === 0) return true;
  const end = Math.min(...slots.map((slot) => leaseEnd(lease.slots[slot]!)));
  return now < end - Math.min(clockMarginMs, taker.visibilityTimeoutMs / 2);
}
