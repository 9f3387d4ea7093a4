/**
 * Permits of extended leases. They are lengthened before the lease and shortened after it, so that a permit never ends before
 * its lease.
 */
import type { Refused } from '../../contract/contract.ts';
import type { Context } from '../context/context.ts';
import { createRetryBudget, withRetry } from '../context/retry.ts';
import { putIfUnchanged, readRow, retryOnConflict } from '../leases/lease-store.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import type { Receipt } from '../model/receipts.ts';
import { latestLeaseEnd, leavingToTime, marksOf, permitEnd } from './limiter.ts';
import { lengthened, type Marked, markOf, permitsRow, permitsRowId, readPermits, shortened, withoutPurged } from './permits.ts';

/** What an extend may do under the queue's limits. `leaseEndMax`: the latest lease end that the permits cover, ms. */
export interface LengthenedPermits {
  leaseEndMax: number;
  /**
   * Whether the message got no permit. Its lease, if expired, must stay expired: another message may be in flight in its place.
   */
  isRefused(receipt: Receipt): boolean;
  /** Shortens permits to the new ends of their leases, where those now end earlier than before. */
  shorten(extended: readonly { receipt: Receipt; leaseEnd: number }[]): Promise<void>;
}

/** Makes permits last as long as leases that are extended to `leaseMs` from now; undefined if no permits are needed. */
export async function lengthenPermits(
  ctx: Context,
  queue: QueueRecord,
  receipts: readonly Receipt[],
  leaseMs: number,
): Promise<LengthenedPermits | undefined> {
  const concurrency = queue.limits?.concurrency ?? null;
  const marked = marksOf(receipts);
  if (concurrency === null || marked.length === 0) return undefined;
  const id = permitsRowId(queue);
  return withRetry(createRetryBudget(ctx), async () => {
    let written: { version: string; outcome: LengthenedPermits } | undefined;
    return retryOnConflict<LengthenedPermits>(ctx, await readRow(ctx, id), async (seen) => {
      if (written && seen.row?.version === written.version) return { done: written.outcome };
      const now = ctx.clock.now();
      const leaseEndMax = latestLeaseEnd(now, leaseMs);
      const until = permitEnd(leaseEndMax);
      const counting = withoutPurged(readPermits(seen.row), queue.purgedBefore);
      const { permits, refused, ends } = lengthened(counting, concurrency, marked, { now, until });
      const outcome: LengthenedPermits = {
        leaseEndMax,
        isRefused: (receipt) => refused.some((one) => isOf(receipt, one)),
        shorten: (extended) =>
          shortenPermits(
            ctx,
            id,
            ends.flatMap(({ marked: one, end }) => {
              const lease = end > until ? extended.find(({ receipt }) => isOf(receipt, one)) : undefined;
              return lease ? [{ marked: one, end, until: permitEnd(lease.leaseEnd) }] : [];
            }),
          ),
      };
      if (ends.length === 0) return { done: outcome };
      written = { version: ctx.newVersion(), outcome };
      return { seen: await putIfUnchanged(ctx, seen, permitsRow(id, written.version, permits, now)) };
    });
  });
}

function isOf(receipt: Receipt, { token, mark }: Marked): boolean {
  return receipt.token === token && markOf(receipt).mark === mark;
}

async function shortenPermits(ctx: Context, id: string, changes: Parameters<typeof shortened>[1]): Promise<void> {
  if (changes.length === 0) return;
  await leavingToTime(
    readRow(ctx, id).then((first) =>
      retryOnConflict<void>(ctx, first, async (seen) => {
        const permits = shortened(readPermits(seen.row), changes);
        if (!permits) return { done: undefined };
        return { seen: await putIfUnchanged(ctx, seen, permitsRow(id, ctx.newVersion(), permits, ctx.clock.now())) };
      }),
    ),
  );
}

/** Whether the lease is lost or its message was cancelled: then the permit is returned, even if this call lengthened it. */
export function isLost(result: { ok: true } | Refused): boolean {
  return !result.ok && (result.code === 'lease_lost' || result.code === 'cancelled');
}
