/**
 * Extend: a held lease ends `visibilityTimeoutSeconds` from now. This also works after the lease expired, unless the message was
 * received again. In a queue with a concurrency limit, an expired lease also needs a free permit.
 */
import type { ExtendResult, InputOf } from '../../contract/contract.ts';
import type { Context } from '../context/context.ts';
import { decodeSnapshot, readRow, retryOnConflict } from '../leases/lease-store.ts';
import { replaceSlots } from '../lifecycle/due-row.ts';
import { returnPermits } from '../limits/limiter.ts';
import { isLost, lengthenPermits } from '../limits/permit-extends.ts';
import { parseReceipt, type Receipt } from '../model/receipts.ts';
import { isLive, type Lease, leaseEnd, type Slot } from '../model/rows.ts';
import { keepThroughLease } from '../receive/claims.ts';
import { byRow, notHeld } from './receipts-by-row.ts';

export async function extend(
  ctx: Context,
  queueName: string,
  receipts: readonly unknown[],
  { visibilityTimeoutSeconds, progress }: Pick<InputOf<'extend'>, 'visibilityTimeoutSeconds' | 'progress'>,
): Promise<{ results: ExtendResult[] }> {
  const settings = await ctx.settings.get(queueName);
  const leaseMs = (visibilityTimeoutSeconds ?? settings.visibilityTimeoutSeconds) * 1000;
  const permits = await lengthenPermits(ctx, settings, receipts, leaseMs);
  const answer = await byRow<ExtendResult>(ctx, queueName, receipts, async (_queue, rowId, held) => {
    let extended: Lease | undefined;
    let pending: readonly Receipt[] = [];
    return retryOnConflict(ctx, await readRow(ctx, rowId), async (seen) => {
      const now = ctx.clock.now();
      const judged = decodeSnapshot(seen, now);
      const { lease } = judged;
      if (extended !== undefined && seen.row?.version === extended.version) {
        const { slots } = extended;
        return {
          done: held.map((receipt): ExtendResult => {
            if (!pending.includes(receipt)) return notHeld(judged, receipt);
            return { ok: true, leasedUntil: new Date(leaseEnd(slots[receipt.slot]!)).toISOString() };
          }),
        };
      }
      pending = held.filter((receipt) => {
        const there = lease?.slots[receipt.slot];
        if (!there || !isLive(there) || there.token !== receipt.token) return false;
        return !permits?.isRefused(receipt) || leaseEnd(there) > now;
      });
      if (!lease || pending.length === 0) return { done: held.map((receipt) => notHeld(judged, receipt)) };
      const slots = new Set(pending.map(({ slot }) => slot));
      const leasedUntil = Math.min(now + leaseMs, permits?.leaseEndMax ?? Number.POSITIVE_INFINITY);
      extended = {
        ...lease,
        version: ctx.newVersion(),
        slots: lease.slots.map((slot, index) =>
          slots.has(index)
            ? { ...until(slot, leasedUntil, leaseMs === 0), ...(progress === undefined ? {} : { progress }) }
            : slot,
        ),
      };
      await keepThroughLease(ctx, extended);
      return { seen: await replaceSlots(ctx, seen, extended, now) };
    });
  });
  await permits?.shorten(
    answer.results.flatMap((result, index) => {
      const receipt = parseReceipt(receipts[index]);
      return result.ok && receipt ? [{ receipt, leaseEnd: Date.parse(result.leasedUntil) }] : [];
    }),
  );
  if (permits) ctx.wakeups.wake(queueName);
  await returnPermits(ctx, queueName, permits ? receipts : [], answer.results, isLost);
  return answer;
}

/** A backoff after the lease now starts at its new end. A lease that ends now gives the message back, which is not a failure. */
function until({ leasedUntil: former, ...slot }: Slot, leasedUntil: number, isGivenBack: boolean): Slot {
  if (former === undefined || isGivenBack) return { ...slot, visibleAt: leasedUntil };
  return { ...slot, leasedUntil, visibleAt: leasedUntil + (slot.visibleAt - former) };
}
