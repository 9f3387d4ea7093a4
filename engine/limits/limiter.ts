/**
 * Permits come before leases and go after them: a receive has them before it claims, an extend lengthens them before the lease, and ack and
 * release give them back when they have succeeded. Whoever dies in between only leaves a permit that ends with its time.
 */
import type { AckResult } from '../../contract/contract.ts';
import { clockMarginMs, parcelSlotsMax, readToWriteMsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { isTransient, type RetryBudget } from '../context/retry.ts';
import { isCurrent, putIfUnchanged, readRow, retryOnConflict, type Snapshot, writeLease } from '../leases/lease-store.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { parseReceipt } from '../model/receipts.ts';
import { StoreError } from '../port/port.ts';
import {
  type Grant,
  granted,
  isNewer,
  type Marked,
  markOf,
  permitsRow,
  permitsRowId,
  readPermits,
  returning,
  unreturned,
  usedOnly,
  withoutPurged,
} from './permits.ts';

/** How often a receive tries to write the row of permits, when others are first, before it finds nothing. */
const roundsMax = 16;
/** So many tries follow at once, each on the row that was in the way; then there is a crowd, which pauses thin out. */
const roundsAtOnce = 2;
/** Messages of which one write in place tells: their places make the expression long, and DynamoDB takes 4 KB of it. */
const inPlaceMax = parcelSlotsMax;

/** What holds one receive to the limits of its queue. */
export interface Limiter {
  /** How many messages it may deliver, `want` at most. */
  take(token: string, want: number): Promise<number>;
  /** Whether what was taken last lasts as long as a lease that ends then, and is early enough for a message that entered its queue at `since`. */
  covers(leaseEnd: number, since: number): boolean;
  /** Of what was taken last so many are delivered; the others are given back. The first call of it counts. */
  settle(delivered: number): Promise<void>;
  /** Of those counted as delivered, these are not after all. */
  giveBack(token: string, claimed: readonly { lease: { id: string }; slots: readonly number[] }[]): Promise<void>;
  /** None was free when last asked. */
  readonly isSpent: boolean;
}

/** Undefined for a queue without limits. */
export function createLimiter(
  ctx: Context,
  { queue, visibilityTimeoutMs }: { queue: QueueRecord; visibilityTimeoutMs: number },
  retryBudget: RetryBudget,
): Limiter | undefined {
  const { limits } = queue;
  if (!limits || (limits.concurrency === null && limits.ratePerSecond === null)) return undefined;
  const id = permitsRowId(queue);
  let taken: { grant: Grant; leaseEndMax: number; seen: Snapshot } | undefined;
  let isSpent = false;

  async function take(token: string, want: number): Promise<number> {
    taken = undefined;
    let seen: Snapshot | undefined;
    for (let round = 0; round < roundsMax; round++) {
      if (round > roundsAtOnce && !(await retryBudget.pause())) break;
      try {
        if (!seen || !isCurrent(ctx, seen)) seen = await readRow(ctx, id);
        const now = ctx.clock.now();
        const leaseEndMax = latestLeaseEnd(now, visibilityTimeoutMs);
        const ask = { token, want, now, until: permitEnd(leaseEndMax) };
        const { permits, grant } = granted(withoutPurged(readPermits(seen.row), queue.purgedBefore), limits!, ask);
        if (grant.count === 0) break;
        const version = ctx.newVersion();
        seen = await putIfUnchanged(ctx, seen, permitsRow(id, version, permits, now));
        if (seen.row?.version === version) {
          taken = { grant, leaseEndMax, seen };
          return grant.count;
        }
      } catch (error) {
        if (!isTransient(error)) throw error;
        seen = undefined;
        if (!(await retryBudget.pause())) break;
      }
    }
    isSpent = true;
    return 0;
  }

  async function settle(delivered: number): Promise<void> {
    const last = taken;
    taken = undefined;
    if (!last || delivered >= last.grant.count) return;
    const { grant, seen: first } = last;
    let version: string | undefined;
    await leavingToTime(
      retryOnConflict<void>(ctx, first, async (seen) => {
        // Once at the most: what may have been given back is not given back again.
        if (seen.maybeApplied || (version !== undefined && seen.row?.version === version)) return { done: undefined };
        const permits = usedOnly(readPermits(seen.row), grant, delivered);
        if (!permits) return { done: undefined };
        version = ctx.newVersion();
        return { seen: await putIfUnchanged(ctx, seen, permitsRow(id, version, permits, ctx.clock.now())) };
      }),
    );
  }

  async function giveBack(...[token, claimed]: Parameters<Limiter['giveBack']>): Promise<void> {
    const marked = claimed.flatMap(({ lease, slots }) => slots.map((slot) => markOf({ rowId: lease.id, slot, token })));
    if (marked.length > 0 && limits!.concurrency !== null) await leavingToTime(markOver(ctx, id, marked));
  }

  return {
    take,
    settle,
    giveBack,
    covers: (leaseEnd, since) => taken !== undefined && leaseEnd <= taken.leaseEndMax && !isNewer(since, taken.grant.at),
    get isSpent() {
      return isSpent;
    },
  };
}

/**
 * Of a lease that is claimed now: its write may go out for so long (F), and reckons its end from then. One that ends later was claimed by a
 * process that stood still meanwhile.
 */
export function latestLeaseEnd(now: number, leaseMs: number): number {
  return now + readToWriteMsMax + leaseMs;
}

/** Whoever finds a permit ended, by a clock ahead, must not be earlier than who holds its lease by a clock behind. */
export function permitEnd(leaseEndMax: number): number {
  return leaseEndMax + 2 * clockMarginMs;
}

/** Gives back the permits of those messages whose leases are over by these results. */
export async function returnPermits<Result extends AckResult>(
  ctx: Context,
  queueName: string,
  receipts: readonly unknown[],
  results: readonly Result[],
  isOver: (result: Result) => boolean = (result) => result.ok || result.code === 'cancelled',
): Promise<void> {
  const queue = await ctx.settings.find(queueName);
  if (!queue || (queue.limits?.concurrency ?? null) === null) return;
  const over = marksOf(
    queue,
    receipts.filter((_, index) => isOver(results[index]!)),
  );
  await returnPermitsOf(ctx, queue, over);
}

/** Gives back the permits of messages whose leases were ended, by whomever. */
export async function returnPermitsOf(ctx: Context, queue: QueueRecord, over: readonly Marked[]): Promise<void> {
  if ((queue.limits?.concurrency ?? null) === null || over.length === 0) return;
  await leavingToTime(markOver(ctx, permitsRowId(queue), over));
  ctx.wakeups.wake(queue.name);
}

async function markOver(ctx: Context, id: string, over: readonly Marked[]): Promise<void> {
  const inPlace = (marked: readonly Marked[], readAt: number) => {
    const { when, set } = returning(marked, ctx.newVersion());
    return writeLease(ctx, id, when, { set }, readAt);
  };
  const first = over.length <= inPlaceMax ? await inPlace(over, ctx.clock.now()) : await readRow(ctx, id);
  await retryOnConflict<void>(ctx, first, async (seen) => {
    const left = unreturned(readPermits(seen.row), over);
    return left.length === 0 ? { done: undefined } : { seen: await inPlace(left.slice(0, inPlaceMax), seen.readAt) };
  });
}

/** Those of this queue, each once. */
export function marksOf(queue: QueueRecord, receipts: readonly unknown[]): Marked[] {
  const marked = new Map<string, Marked>();
  for (const text of receipts) {
    const receipt = parseReceipt(text);
    if (receipt?.incarnation !== queue.incarnation) continue;
    const one = markOf(receipt);
    marked.set(`${one.token}${one.mark}`, one);
  }
  return [...marked.values()];
}

/** What the store does not take is left to its time. */
export async function leavingToTime(run: Promise<void>): Promise<void> {
  await run.catch((error: unknown) => {
    if (!(error instanceof StoreError)) throw error;
  });
}
