/**
 * Messages that cannot be read: their stored text is damaged, or pieces of it are missing. The receive that finds one moves it to
 * the dead-letter queue, or sets it aside in its own queue as if it had died there. No receive finds it again; peek and get show
 * what is stored.
 */

import type { Context } from '../context/context.ts';
import { decodeSnapshot, readRow, retryOnConflict } from '../leases/lease-store.ts';
import { moveSlots } from '../lifecycle/moves.ts';
import { type Content, contentAt } from '../model/content-codec.ts';
import { isLive } from '../model/rows.ts';
import { StoreError } from '../port/port.ts';
import type { Claimed, Taker } from './claims.ts';

/** The messages that can be read, with their contents. Sets the others aside, without counting the receive. */
export async function readableOf(
  ctx: Context,
  taker: Taker,
  claimed: readonly Claimed[],
  contentsOf: (one: Claimed) => readonly Content[] | undefined,
): Promise<Map<Claimed, readonly Content[]>> {
  const readable = new Map<Claimed, readonly Content[]>();
  for (const one of claimed) {
    const contents = contentsOf(one) ?? [];
    const lost = one.slots.filter((slot) => contentAt(contents, slot).unreadable !== undefined);
    if (lost.length > 0) await setAside(ctx, taker, one, lost);
    const slots = one.slots.filter((slot) => !lost.includes(slot));
    if (slots.length > 0) readable.set(lost.length === 0 ? one : { ...one, slots }, contents);
  }
  return readable;
}

/** If the store fails, a receive finds the message again after its lease has ended. */
async function setAside(ctx: Context, taker: Taker, { lease: claimed }: Claimed, slots: readonly number[]): Promise<void> {
  const { queue, token } = taker;
  try {
    const first = await readRow(ctx, claimed.id);
    const moved = await retryOnConflict<number>(ctx, first, async (seen) => {
      const now = ctx.clock.now();
      const { lease } = decodeSnapshot(seen, now);
      const affected = slots.filter((slot) => {
        const there = lease?.slots[slot];
        return there && isLive(there) && there.token === token;
      });
      // The message has ended meanwhile, by a purge or a cancel. That may be why its pieces are gone.
      if (!lease || affected.length === 0) return { done: 0 };
      const uncounted = lease.slots.map((slot, at) => (affected.includes(at) ? { ...slot, receives: slot.receives - 1 } : slot));
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
