/** Handing over what a receive has claimed: first the rows of `messages` go, then what may still be delivered is. */
import type { ReceivedMessage } from '../sdk/contract.ts';
import { callBytesMax, clockMarginMs, readToWriteMsMax } from '../sdk/limits.ts';
import { type Claimed, giveBack, type Taker } from './claims.ts';
import { readContents, sizeOf } from './contents.ts';
import type { Context } from './context.ts';
import { idInMessages } from './groups.ts';
import { leaseEnd, type Parcel, parcelKey } from './rows.ts';
import { messageOverheadBytes, receivedMessage } from './views.ts';

export type Waiting = Pick<Parcel, 'shard' | 'id'>;

export interface Taken {
  claimed: Claimed[];
  /** Rows of `messages` that are overridden now, or hold nothing more to deliver. */
  removals: Waiting[];
}

/** Removes what was claimed from `messages`, and answers what may be handed over by then. */
export async function deliver(ctx: Context, taker: Taker, { claimed, removals }: Taken): Promise<ReceivedMessage[]> {
  const [errors, contents] = await Promise.all([
    removals.length === 0
      ? []
      : ctx.store.writeAll(
          removals.map((parcel) => ({ key: parcelKey(parcel.shard, parcel.id), then: { remove: true as const } })),
        ),
    readContents(
      ctx.store,
      claimed.map(({ lease }) => lease.contents),
    ),
  ]);
  const standing = new Set(removals.filter((_, index) => errors[index] !== undefined).map((parcel) => parcel.id));
  const stands = ({ lease }: Claimed) => standing.has(idInMessages(lease));
  const excess = beyondOneAnswer(claimed);
  const undeliverable = claimed.filter((one) => stands(one) || excess.has(one) || !isCovered(taker, one));
  await Promise.all(undeliverable.map((one) => giveBack(ctx, taker, one).catch(() => {})));

  // Before it is judged whether leases last: to give permits back may take longer than they do.
  const left = claimed.filter((one) => !undeliverable.includes(one));
  await taker.limiter?.settle(left.reduce((sum, { slots }) => sum + slots.length, 0));

  const now = ctx.clock.now();
  const messages: ReceivedMessage[] = [];
  claimed.forEach((one, index) => {
    if (undeliverable.includes(one)) return;
    const inTime = one.slots.filter((slot) => mayDeliver(taker, one, slot, now));
    if (inTime.length === 0) return;
    const content = contents[index];
    if (content) messages.push(...inTime.map((slot) => receivedMessage(taker.queue, one.lease, slot, content[slot]!)));
    else ctx.observe?.({ kind: 'anomaly', what: 'the bodies of a message are gone', queue: taker.queue.name, row: one.lease.id });
  });
  const failure = errors.find((error) => error !== undefined);
  if (messages.length === 0 && failure) throw failure;
  return messages;
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
  return limiter === undefined || slots.every((slot) => limiter.covers(leaseEnd(lease.slots[slot]!)));
}

/** A process that slept must not hand over a lease that is over, or nearly: another may have the message already. */
function mayDeliver(taker: Taker, { lease }: Claimed, slot: number, now: number): boolean {
  const end = leaseEnd(lease.slots[slot]!);
  // A lease of no time is over at once; but its message may have ended, and its bodies be gone, when he wakes.
  if (taker.visibilityTimeoutMs === 0) return now <= end + readToWriteMsMax;
  return now < end - Math.min(clockMarginMs, taker.visibilityTimeoutMs / 2);
}
