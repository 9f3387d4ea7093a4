/**
 * Extend: a held lease ends `visibilityTimeoutSeconds` from now. This also works after the lease expired, unless the message was
 * received again. In a queue with a concurrency limit, an expired lease also needs a free permit.
 */
import type { ExtendResult, InputOf } from '../../contract/contract.ts';
import type { Context } from '../context/context.ts';
import { decodeSnapshot, readRow, retryOnConflict } from '../leases/lease-store.ts';
import { replaceSlots } from '../lifecycle/due-row.ts';
import type { Receipt } from '../model/receipts.ts';
import { type LeaseRow, leaseEnd } from '../model/rows.ts';
import { extendedSlot } from '../model/slot-lease.ts';
import { returnPermits } from '../permits/limiter.ts';
import { isLost, lengthenPermits } from '../permits/permit-extends.ts';
import { noteUse } from '../queues/last-receive.ts';
import { keepThroughLease, visibilityTimeoutOf } from '../receive/claims.ts';
import { answerByRow, inOrder, isHeldBy, notHeld, parseReceipts, rowsOf } from './receipts-by-row.ts';

export async function extend(
  ctx: Context,
  queueName: string,
  texts: readonly unknown[],
  { progress, ...input }: Pick<InputOf<'extend'>, 'visibilityTimeoutSeconds' | 'progress'>,
): Promise<{ results: ExtendResult[] }> {
  const queue = await ctx.settings.get(queueName);
  // A subscription does not end while its consumers are busy.
  await noteUse(ctx, queue);
  const leaseMs = visibilityTimeoutOf(queue, input);
  const receipts = parseReceipts(queue, texts);
  const permits = await lengthenPermits(ctx, queue, [...rowsOf(receipts).values()].flat(), leaseMs);
  const answers = await answerByRow<ExtendResult>(ctx, queue, receipts, async (rowId, ofRow) => {
    let extended: LeaseRow | undefined;
    let pending: readonly Receipt[] = [];
    return retryOnConflict(ctx, await readRow(ctx, rowId), async (seen) => {
      const now = ctx.clock.now();
      const row = decodeSnapshot(seen, now);
      const { lease } = row;
      if (extended !== undefined && seen.row?.version === extended.version) {
        const { slots } = extended;
        return {
          done: ofRow.map((receipt): ExtendResult => {
            if (!pending.includes(receipt)) return notHeld(row, receipt);
            return { ok: true, leasedUntil: new Date(leaseEnd(slots[receipt.slot]!)).toISOString() };
          }),
        };
      }
      pending = ofRow.filter(
        (receipt) => isHeldBy(lease, receipt) && (!permits?.isRefused(receipt) || leaseEnd(lease!.slots[receipt.slot]!) > now),
      );
      if (!lease || pending.length === 0) return { done: ofRow.map((receipt) => notHeld(row, receipt)) };
      const slots = new Set(pending.map(({ slot }) => slot));
      const leasedUntil = Math.min(now + leaseMs, permits?.leaseEndMax ?? Number.POSITIVE_INFINITY);
      extended = await keepThroughLease(ctx, {
        ...lease,
        version: ctx.newVersion(),
        slots: lease.slots.map((slot, index) =>
          slots.has(index)
            ? { ...extendedSlot(slot, leasedUntil, leaseMs === 0), ...(progress === undefined ? {} : { progress }) }
            : slot,
        ),
      });
      return { seen: await replaceSlots(ctx, seen, extended, now) };
    });
  });
  if (permits) {
    await permits.shorten(
      [...answers].flatMap(([receipt, one]) => (one.ok ? [{ receipt, leaseEnd: Date.parse(one.leasedUntil) }] : [])),
    );
    ctx.wakeups.wake(queueName);
    await returnPermits(ctx, queue, answers, isLost);
  }
  return { results: inOrder(receipts, answers) };
}
