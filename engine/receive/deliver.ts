/**
 * Delivers what a receive has claimed. First removes the claimed parcels from `messages` and waits for the responses. Then
 * delivers what may still be delivered, moves what cannot be read out of the way, and gives back the rest.
 */
import type { ReceivedMessage } from '../../contract/contract.ts';
import { callBytesMax, clockMarginMs, readToWriteMsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { decodeSnapshot, readRow, retryOnConflict } from '../leases/lease-store.ts';
import { moveSlots } from '../lifecycle/moves.ts';
import { messageOverheadBytes, receiptOf, receivedMessage } from '../messages/message-view.ts';
import { type Content, contentAt } from '../model/content-codec.ts';
import { contentBytes, parcelAt, parcelsIn, readSlotContents } from '../model/held-parcels.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { isLive, leaseEnd, type Parcel, parcelKey } from '../model/rows.ts';
import { withoutReceive } from '../model/slot-lease.ts';
import { ignoreStoreError, StoreError } from '../port/port.ts';
import { type Claimed, type Claimer, giveBack } from './claims.ts';

export type ParcelToRemove = Pick<Parcel, 'shard' | 'id'>;

export interface Claims {
  claimed: Claimed[];
  /** Rows of `messages` that a row in `leases` now overrides, or that have nothing left to deliver. */
  removals: ParcelToRemove[];
}

/** Removes the claimed parcels from `messages`, then returns the messages that may be delivered. Gives back the others. */
export async function deliver(ctx: Context, claimer: Claimer, { claimed, removals: all }: Claims): Promise<ReceivedMessage[]> {
  // Two claims from one group's row override the same parcels.
  const removals = [...new Map(all.map((parcel) => [`${parcel.shard} ${parcel.id}`, parcel])).values()];
  const [errors, contents] = await Promise.all([
    removals.length === 0
      ? []
      : ctx.store.writeAll(
          removals.map((parcel) => ({ key: parcelKey(parcel.shard, parcel.id), then: { remove: true as const } })),
        ),
    claimedContents(ctx, claimed),
  ]);
  if (contents instanceof StoreError) {
    await giveBackAll(ctx, claimer, claimed);
    throw contents;
  }
  const unremoved = new Set(removals.filter((_, index) => errors[index] !== undefined).map((parcel) => parcel.id));
  const isUnremoved = ({ lease }: Claimed) => parcelsIn(lease).some(({ id }) => unremoved.has(id));
  const excess = beyondOneAnswer(claimed);
  const undeliverable = claimed.filter((one) => isUnremoved(one) || excess.has(one) || !isCovered(claimer, one));
  await giveBackAll(ctx, claimer, undeliverable);

  const whole = claimed.filter((one) => !undeliverable.includes(one));
  // A message is unreadable only if it may be delivered: the sweep removes the bodies of a deleted queue.
  const allowed = await stillDeliverable(ctx, claimer, whole);
  const readable = await readableOf(ctx, claimer, allowed, (one) => contents[claimed.indexOf(one)]);
  const deliverable = await stillDeliverable(ctx, claimer, [...readable.keys()]);
  await claimer.limiter?.returnUnused(deliverable.reduce((sum, { slots }) => sum + slots.length, 0));
  const receivedAt = ctx.clock.now();
  const receipts = ({ lease, slots }: Claimed) => slots.map((slot) => receiptOf(claimer.queue, lease, slot, receivedAt));
  await claimer.remember?.(deliverable.flatMap(receipts));
  // What came before may outlast the leases, so check them again.
  const left = await stillDeliverable(ctx, claimer, deliverable);
  await claimer.limiter?.returnUndelivered(
    claimer.token,
    deliverable.filter((one) => !left.includes(one)),
  );

  const messages = left.flatMap((one): ReceivedMessage[] =>
    one.slots.map((slot) => receivedMessage(claimer.queue, one.lease, slot, readable.get(one)![slot]!, receivedAt)),
  );
  const failure = errors.find((error) => error !== undefined);
  if (messages.length === 0 && failure) throw failure;
  return messages;
}

/** The contents of each row by slot, or the error of the store. */
function claimedContents(ctx: Context, claimed: readonly Claimed[]) {
  return readSlotContents(
    ctx.store,
    claimed.map(({ lease }) => lease),
  ).catch((error: unknown) => {
    if (!(error instanceof StoreError)) throw error;
    return error;
  });
}

/**
 * The claims that may be delivered at the instant in which this resolves, by the settings in force then. Gives back the others.
 * That takes time, so the rest is checked again afterwards.
 */
async function stillDeliverable(ctx: Context, claimer: Claimer, claimed: readonly Claimed[]): Promise<readonly Claimed[]> {
  let left = claimed;
  while (left.length > 0) {
    const queue = await ctx.settings.inForce(claimer.queue.name).catch(async (error: unknown) => {
      await giveBackAll(ctx, claimer, left);
      throw error;
    });
    const now = ctx.clock.now();
    const refused = left.filter((one) => !mayDeliver(claimer, queue, one, now));
    if (refused.length === 0) break;
    left = left.filter((one) => !refused.includes(one));
    await giveBackAll(ctx, claimer, refused);
  }
  return left;
}

/** If the store fails, the messages stay leased until their leases end, and the receive counts. */
async function giveBackAll(ctx: Context, claimer: Claimer, claimed: readonly Claimed[]): Promise<void> {
  if (claimed.length === 0) return;
  await Promise.all(claimed.map(({ lease }) => giveBack(ctx, claimer, lease.id).catch(ignoreStoreError)));
  ctx.wakeups.wake(claimer.queue.name);
}

/** Claims that do not fit one answer. The size of a group's next parcel is known only once it is loaded. */
function beyondOneAnswer(claimed: readonly Claimed[]): Set<Claimed> {
  let bytes = 0;
  return new Set(
    claimed.filter(({ lease, slots }, index) => {
      const size = contentBytes(lease) + slots.length * messageOverheadBytes;
      if (index > 0 && bytes + size > callBytesMax) return true;
      bytes += size;
      return false;
    }),
  );
}

function isCovered({ limiter }: Claimer, { lease, slots }: Claimed): boolean {
  return (
    limiter === undefined || slots.every((slot) => limiter.covers(leaseEnd(lease.slots[slot]!), parcelAt(lease, slot).since))
  );
}

/**
 * Whether a message may be delivered now. The caller must not be known to have disconnected, and the settings in force must allow
 * it. Like a write, a delivery must happen within F of the read that it rests on. A lease that has ended, or is about to end, is
 * not delivered: another receiver may already have the message.
 */
export function mayDeliver(
  { queue: asked, visibilityTimeoutMs, signal }: Pick<Claimer, 'queue' | 'visibilityTimeoutMs' | 'signal'>,
  queue: QueueRecord | undefined,
  { lease, slots, readAt }: Pick<Claimed, 'lease' | 'slots' | 'readAt'>,
  now: number,
): boolean {
  if (signal?.aborted) return false;
  if (queue?.incarnation !== asked.incarnation || queue.paused) return false;
  if (slots.some((slot) => parcelAt(lease, slot).since < queue.purgedBefore)) return false;
  if (now > readAt + readToWriteMsMax) return false;
  // With a visibility timeout of 0 the lease ends at once, as intended.
  if (visibilityTimeoutMs === 0) return true;
  const end = Math.min(...slots.map((slot) => leaseEnd(lease.slots[slot]!)));
  return now < end - Math.min(clockMarginMs, visibilityTimeoutMs / 2);
}

/**
 * The messages that can be read, with their contents. The text of the others is damaged, or chunks of it are missing. Those go to
 * the dead-letter queue, or are set aside in their own queue as if they had died there, without counting the receive. No receive
 * finds them again; peek and get show what is stored.
 */
async function readableOf(
  ctx: Context,
  claimer: Claimer,
  claimed: readonly Claimed[],
  contentsOf: (one: Claimed) => readonly (Content | undefined)[] | undefined,
): Promise<Map<Claimed, readonly (Content | undefined)[]>> {
  const readable = new Map<Claimed, readonly (Content | undefined)[]>();
  for (const one of claimed) {
    const contents = contentsOf(one) ?? [];
    const unreadable = one.slots.filter((slot) => contentAt(contents, slot).unreadable !== undefined);
    if (unreadable.length > 0) await setAside(ctx, claimer, one, unreadable);
    const slots = one.slots.filter((slot) => !unreadable.includes(slot));
    if (slots.length > 0) readable.set(unreadable.length === 0 ? one : { ...one, slots }, contents);
  }
  return readable;
}

/** If the store fails, a receive finds the message again after its lease has ended. */
async function setAside(ctx: Context, claimer: Claimer, { lease: claimed }: Claimed, slots: readonly number[]): Promise<void> {
  const { queue, token } = claimer;
  try {
    const first = await readRow(ctx, claimed.id);
    const moved = await retryOnConflict<number>(ctx, first, async (seen) => {
      const now = ctx.clock.now();
      const { lease } = decodeSnapshot(seen, now);
      const affected = slots.filter((slot) => {
        const there = lease?.slots[slot];
        return there && isLive(there) && there.token === token;
      });
      // The message has ended meanwhile, by a purge or a cancel. That may be why its chunks are gone.
      if (!lease || affected.length === 0) return { done: 0 };
      const uncounted = lease.slots.map((slot, at) => (affected.includes(at) ? withoutReceive(slot) : slot));
      const target = (queue.deadLetter && (await ctx.settings.find(queue.deadLetter.queue))) ?? queue;
      const death = { queue: queue.name, reason: 'unreadable' as const, at: now };
      const result = await moveSlots(ctx, { seen, lease: { ...lease, slots: uncounted }, slots: affected, target, death });
      return result.applied ? { done: affected.length } : { seen: result.seen };
    });
    if (moved > 0) ctx.observe?.({ kind: 'anomaly', what: 'a message can not be read', queue: queue.name, row: claimed.id });
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
  }
}
