/**
 * Enforces a queue's setting `limits`: `concurrency` and `ratePerSecond`. (The bounds of inputs are in contract/limits.ts.) A permit
 * covers its lease from before the lease begins until after it ends: a receive takes permits before it claims, an extend
 * lengthens them before the lease, ack and release return them after they succeed. A crash in between leaves at most a permit too
 * many, which expires.
 */
import type { AckResult } from '../../contract/contract.ts';
import { clockMarginMs, parcelSlotsMax, readToWriteMsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { isTransient, type RetryBudget } from '../context/retry.ts';
import { isCurrent, putIfUnchanged, readRow, retryOnConflict, type Snapshot, writeRow } from '../leases/lease-store.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import type { Receipt } from '../model/receipts.ts';
import { ignoreStoreError } from '../port/port.ts';
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

/** How often a receive tries to write the permits row under contention, before it returns no messages. */
const roundsMax = 16;
/** Retries without a pause, each on the row that failed the condition. Later retries pause, to reduce contention. */
const roundsAtOnce = 2;
/** Messages that one update can mark: each adds paths to its expression, which DynamoDB limits to 4 KB. */
const inPlaceMax = parcelSlotsMax;

/** Holds one receive to the limits of its queue. */
export interface Limiter {
  /**
   * Takes permits, after it has returned those taken last: their look claimed nothing. Otherwise dead messages in one partition
   * would use up the permits for the living messages in the next. Returns how many messages the receive may deliver, at most `want`.
   */
  take(token: string, want: number): Promise<number>;
  /**
   * Whether the permits taken last cover a lease that ends at `leaseEnd`, on a message that entered its queue at `since`. They
   * must last as long as the lease, and the message must not be newer than they are.
   */
  covers(leaseEnd: number, since: number): boolean;
  /** Returns the permits taken last, except for `delivered` messages. Only the first call after a `take` has an effect. */
  returnUnused(delivered: number): Promise<void>;
  /** Returns the permits of messages that were counted as delivered but are not delivered after all. */
  returnUndelivered(token: string, claimed: readonly { lease: { id: string }; slots: readonly number[] }[]): Promise<void>;
  /** Whether a `take` got no permit. */
  readonly isSpent: boolean;
}

/** Creates the limiter of one receive; undefined for a queue without limits. */
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
    await returnUnused(0);
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

  async function returnUnused(delivered: number): Promise<void> {
    const last = taken;
    taken = undefined;
    if (!last || delivered >= last.grant.count) return;
    const { grant, seen: first } = last;
    let version: string | undefined;
    await leavingToTime(
      retryOnConflict<void>(ctx, first, async (seen) => {
        // Return permits at most once: do not repeat a write that may have been applied.
        if (seen.maybeApplied || (version !== undefined && seen.row?.version === version)) return { done: undefined };
        const permits = usedOnly(readPermits(seen.row), grant, delivered);
        if (!permits) return { done: undefined };
        version = ctx.newVersion();
        return { seen: await putIfUnchanged(ctx, seen, permitsRow(id, version, permits, ctx.clock.now())) };
      }),
    );
  }

  async function giveBack(...[token, claimed]: Parameters<Limiter['returnUndelivered']>): Promise<void> {
    const marked = claimed.flatMap(({ lease, slots }) => slots.map((slot) => markOf({ rowId: lease.id, slot, token })));
    if (marked.length > 0 && limits!.concurrency !== null) await leavingToTime(markOver(ctx, id, marked));
  }

  return {
    take,
    returnUnused: returnUnused,
    returnUndelivered: giveBack,
    covers: (leaseEnd, since) => taken !== undefined && leaseEnd <= taken.leaseEndMax && !isNewer(since, taken.grant.at),
    get isSpent() {
      return isSpent;
    },
  };
}

/**
 * The latest end of a lease that is claimed now, ms. Its write may be sent until F from now, and its end counts from then. A
 * lease that ends later was claimed by a process that paused in between.
 */
export function latestLeaseEnd(now: number, leaseMs: number): number {
  return now + readToWriteMsMax + leaseMs;
}

/** A permit must outlive its lease even if the reader's clock is ahead and the holder's is behind. */
export function permitEnd(leaseEndMax: number): number {
  return leaseEndMax + 2 * clockMarginMs;
}

/** Returns the permits of the messages whose leases are over according to these results (`isOver`). */
export async function returnPermits<Result extends AckResult>(
  ctx: Context,
  queue: QueueRecord,
  answers: ReadonlyMap<Receipt, Result>,
  isOver: (result: Result) => boolean = (result) => result.ok || result.code === 'cancelled',
): Promise<void> {
  if (!limitsConcurrency(queue)) return;
  const over = [...answers].flatMap(([receipt, result]) => (isOver(result) ? [receipt] : []));
  await returnPermitsOf(ctx, queue, marksOf(over));
}

function limitsConcurrency({ limits }: QueueRecord): boolean {
  return (limits?.concurrency ?? null) !== null;
}

/** Returns the permits of messages whose leases any process has ended. */
export async function returnPermitsOf(ctx: Context, queue: QueueRecord, over: readonly Marked[]): Promise<void> {
  if (!limitsConcurrency(queue) || over.length === 0) return;
  await leavingToTime(markOver(ctx, permitsRowId(queue), over));
  ctx.wakeups.wake(queue.name);
}

async function markOver(ctx: Context, id: string, over: readonly Marked[]): Promise<void> {
  const inPlace = (marked: readonly Marked[], readAt: number) => {
    const { when, set } = returning(marked, ctx.newVersion());
    return writeRow(ctx, id, when, { set }, readAt);
  };
  const first = over.length <= inPlaceMax ? await inPlace(over, ctx.clock.now()) : await readRow(ctx, id);
  await retryOnConflict<void>(ctx, first, async (seen) => {
    const left = unreturned(readPermits(seen.row), over);
    return left.length === 0 ? { done: undefined } : { seen: await inPlace(left.slice(0, inPlaceMax), seen.readAt) };
  });
}

/** The messages that these receipts name, without duplicates. */
export function marksOf(receipts: readonly Receipt[]): Marked[] {
  return [...new Map(receipts.map(markOf).map((one) => [`${one.token}${one.mark}`, one])).values()];
}

/** If the store refuses the write, let the permits expire. */
export async function leavingToTime(run: Promise<void>): Promise<void> {
  await run.catch(ignoreStoreError);
}
