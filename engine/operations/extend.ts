/** Extend: a lease that is still held ends so long from now instead. It may have run out, as long as nobody took the message since. */
import type { ExtendResult, InputOf } from '../../sdk/contract.ts';
import { keepThroughLease } from '../claims.ts';
import type { Context } from '../context.ts';
import { judgeable, lookAt, untilSettled } from '../lease-writes.ts';
import { isLive, type Lease, type Slot } from '../rows.ts';
import { replaceSlots } from '../settle.ts';
import { byRow, notHeld } from './by-row.ts';

export function extend(
  ctx: Context,
  queueName: string,
  receipts: readonly unknown[],
  { visibilityTimeoutSeconds, progress }: Pick<InputOf<'extend'>, 'visibilityTimeoutSeconds' | 'progress'>,
): Promise<{ results: ExtendResult[] }> {
  return byRow<ExtendResult>(ctx, queueName, receipts, async (queue, rowId, held) => {
    const seconds = visibilityTimeoutSeconds ?? queue.visibilityTimeoutSeconds;
    let extended: Lease | undefined;
    return untilSettled(ctx, await lookAt(ctx, rowId), async (seen) => {
      const now = ctx.clock.now();
      const judged = judgeable(seen, now);
      const { lease } = judged;
      const isHeld = (of: Lease, slot: number, token: string) => {
        const there = of.slots[slot];
        return there !== undefined && isLive(there) && there.token === token;
      };
      const pending = lease ? held.filter(({ slot, token }) => isHeld(lease, slot, token)) : [];
      const isWritten = extended !== undefined && seen.row?.version === extended.version;
      if (!lease || pending.length === 0 || isWritten) {
        return {
          done: held.map((receipt): ExtendResult => {
            const { slot, token } = receipt;
            if (!isWritten || !isHeld(extended!, slot, token)) return notHeld(judged, receipt);
            return { ok: true, leasedUntil: new Date(leaseEnd(extended!.slots[slot]!)).toISOString() };
          }),
        };
      }
      const slots = new Set(pending.map(({ slot }) => slot));
      const leasedUntil = now + seconds * 1000;
      extended = {
        ...lease,
        version: ctx.newVersion(),
        slots: lease.slots.map((slot, index) =>
          slots.has(index) ? { ...until(slot, leasedUntil), ...(progress === undefined ? {} : { progress }) } : slot,
        ),
      };
      await keepThroughLease(ctx, extended);
      return { seen: await replaceSlots(ctx, seen, extended, now) };
    });
  });
}

const leaseEnd = (slot: Slot) => slot.leasedUntil ?? slot.visibleAt;

/** The backoff that was to follow the lease follows its new end. */
function until(slot: Slot, leasedUntil: number): Slot {
  if (slot.leasedUntil === undefined) return { ...slot, visibleAt: leasedUntil };
  return { ...slot, leasedUntil, visibleAt: leasedUntil + (slot.visibleAt - slot.leasedUntil) };
}
