/**
 * Receive. Looks at the head of a shard in `messages` beside the due rows in `leases`, takes the oldest of both, and, when there is
 * nothing, looks again until `waitSeconds` are over.
 *
 * A fresh message: put its row into `leases` if absent; remove it from `messages`, have the answer; deliver, unless the lease is
 * over by then. Crash anywhere, and the message is due again when the lease ends.
 */
import type { InputOf, OutputOf, ReceivedMessage } from '../../sdk/contract.ts';
import { DumbwaiterError } from '../../sdk/errors.ts';
import { callBytesMax, clockMarginMs, headRowsMax, tombstoneMs } from '../../sdk/limits.ts';
import { type Candidate, candidatesOf, othersLast, rowOf } from '../candidates.ts';
import { type Claimed, claimDue, claimFresh, clearParcel, giveBack, type Taker } from '../claims.ts';
import type { Context } from '../context.ts';
import { deliver, type Taken, type Waiting } from '../deliveries.ts';
import { parcelBehind } from '../group-parcels.ts';
import { growIfThrottled } from '../growth.ts';
import { judgeable } from '../lease-writes.ts';
import { createPatience, patiently } from '../patience.ts';
import { createLimiter } from '../permit-writes.ts';
import { StoreError } from '../port.ts';
import { tokenChars } from '../receipts.ts';
import { storedBytes } from '../stored-row.ts';
import { messageOverheadBytes } from '../views.ts';
import { visitShards } from '../visits.ts';

const waitMsFirst = 50;
const waitMsLast = 1000;
const waitGrowth = 1.5;
/** Looks at one shard for one answer, each at so many times more rows than the one before. */
const looksMax = 5;
const lookGrowth = 4;

export async function receive(
  ctx: Context,
  queueName: string,
  input: InputOf<'receive'>,
  signal?: AbortSignal,
): Promise<OutputOf<'receive'>> {
  const max = input.max ?? 1;
  const waitUntil = Math.min(ctx.clock.now() + (input.waitSeconds ?? 0) * 1000, ctx.lastTryAt ?? Number.POSITIVE_INFINITY);
  const patience = createPatience(ctx, waitUntil, signal);
  let waitMs = waitMsFirst;
  for (;;) {
    // Listening starts before the look, so that a publish during it is not missed.
    const wakeup = ctx.wakeups.listen(queueName, signal);
    try {
      const messages = await patiently(patience, async () => {
        const queue = await growIfThrottled(ctx, await ctx.settings.get(queueName));
        const seconds = input.visibilityTimeoutSeconds ?? queue.visibilityTimeoutSeconds;
        const taker: Omit<Taker, 'token'> = { queue, visibilityTimeoutMs: seconds * 1000 };
        if (signal) taker.signal = signal;
        const limiter = createLimiter(ctx, taker, patience);
        if (limiter) taker.limiter = limiter;
        return queue.paused ? [] : visitShards(ctx, queue, patience, (shard) => receiveFrom(ctx, taker, shard, max));
      });
      const remaining = waitUntil - ctx.clock.now();
      if (messages.length > 0 || remaining <= 0 || signal?.aborted) return { messages };
      await ctx.clock.sleep(Math.min(waitMs, remaining), wakeup.signal).catch(() => {});
    } finally {
      wakeup.end();
    }
    waitMs = Math.min(waitMsLast, waitMs * waitGrowth);
  }
}

/**
 * Rows may have nothing to give: purged, too old, ended in parts, or taken by another just before. Messages behind them are
 * looked for in a longer stretch each time, before the answer is that there are none.
 */
async function receiveFrom(ctx: Context, taker: Omit<Taker, 'token'>, shard: string, max: number): Promise<ReceivedMessage[]> {
  let rows = ctx.windows.size(shard) - 1 + max + ctx.inHand.count();
  for (let look = 1; ; look++) {
    // A new token for each look: a give-back of the one before may still be applied, to its claims and to its permits.
    const own = { ...taker, token: ctx.random.chars(tokenChars) };
    const { messages, met } = await lookInto(ctx, own, shard, max, Math.min(headRowsMax, rows));
    if (messages.length > 0 || met === 0 || look === looksMax) return messages;
    rows *= lookGrowth;
  }
}

async function lookInto(
  ctx: Context,
  taker: Taker,
  shard: string,
  max: number,
  limit: number,
): Promise<{ messages: ReceivedMessage[]; met: number }> {
  if (taker.limiter?.isSpent) return { messages: [], met: 0 };
  const readAt = ctx.clock.now();
  const window = ctx.windows.size(shard);
  const [heads, due] = await Promise.all([
    ctx.store.range({ table: 'messages', partition: shard, limit, consistent: true }),
    ctx.store.range({ table: 'leases', index: 'due', partition: shard, to: readAt, limit }),
  ]);
  if (!ctx.clock.trusted()) {
    throw new DumbwaiterError(
      'clock_skewed',
      `the clock was found to be off by more than ${clockMarginMs} ms and is being set right`,
    );
  }
  const [first] = heads.rows;
  if (first && window > 1) ctx.windows.read(shard, storedBytes(first) * Math.max(0, heads.rows.length - max));
  const candidates = await candidatesOf(ctx, window, heads.rows, due.rows);
  if (candidates.length === 0) return { messages: [], met: 0 };
  const there = candidates.reduce((sum, { count }) => sum + Math.max(count, 1), 0);
  const permitted = taker.limiter ? await taker.limiter.take(taker.token, Math.min(max, there)) : max;
  if (permitted === 0) return { messages: [], met: 0 };
  const inHand: string[] = [];
  try {
    const taken = await take(ctx, taker, shard, othersLast(ctx, candidates, readAt), permitted, readAt, inHand);
    const messages = await deliver(ctx, taker, taken);
    return { messages, met: candidates.length };
  } finally {
    // Where it broke off, nothing is delivered.
    await taker.limiter?.settle(0);
    for (const row of inHand) ctx.inHand.release(row);
  }
}

/** Claims rows in turn, as many side by side as are needed, until there are `max` messages or one answer is full. */
async function take(
  ctx: Context,
  taker: Taker,
  shard: string,
  candidates: Candidate[],
  max: number,
  readAt: number,
  inHand: string[],
): Promise<Taken> {
  const taken: Taken = { claimed: [], removals: [] };
  let failure: StoreError | undefined;
  let messages = 0;
  let bytes = 0;
  let next = 0;
  while (next < candidates.length && messages < max && !failure) {
    const round: { candidate: Candidate; want: number }[] = [];
    let planned = 0;
    while (next < candidates.length && planned < max - messages) {
      const candidate = candidates[next]!;
      const size = candidate.size + candidate.count * messageOverheadBytes;
      if (bytes > 0 && bytes + size > callBytesMax) break;
      const want = Math.min(Math.max(candidate.count, 1), max - messages - planned);
      round.push({ candidate, want });
      ctx.inHand.take(rowOf(candidate));
      inHand.push(rowOf(candidate));
      planned += want;
      bytes += size;
      next++;
    }
    if (round.length === 0) break;
    const outcomes = await Promise.all(
      round.map(async ({ candidate, want }) => {
        try {
          return await claim(ctx, taker, shard, candidate, want, readAt, taken.removals);
        } catch (error) {
          // What the others have claimed is still to be delivered.
          if (!(error instanceof StoreError)) throw error;
          failure = error;
          if (error.applied === 'unknown') await giveBack(ctx, taker, rowOf(candidate)).catch(ofStore);
          return undefined;
        }
      }),
    );
    // In the order of the candidates, whichever answered first.
    for (const claimed of outcomes) {
      // A row met in `messages` and among the due ones too is claimed once, and answered twice.
      if (!claimed || taken.claimed.some(({ lease }) => lease.id === claimed.lease.id)) continue;
      taken.claimed.push(claimed);
      messages += claimed.slots.length;
    }
  }
  if (failure && taken.claimed.length === 0) throw failure;
  return taken;
}

/** What the store does not take back stays leased for its time. */
function ofStore(error: unknown): void {
  if (!(error instanceof StoreError)) throw error;
}

async function claim(
  ctx: Context,
  taker: Taker,
  shard: string,
  candidate: Candidate,
  want: number,
  readAt: number,
  removals: Waiting[],
): Promise<Claimed | undefined> {
  if ('seen' in candidate) {
    const claimed = await claimDue(ctx, taker, candidate.seen, want);
    // Of a group's row alone: another that is fresh was claimed by this very call, which met it in `messages` too.
    const behind = claimed?.lease.group && parcelBehind(claimed.lease);
    if (behind) removals.push(behind);
    return claimed;
  }
  const { parcel } = candidate;
  const cleared = await clearParcel(ctx, taker.queue, parcel, readAt);
  if (cleared) {
    if (cleared.remove) removals.push(parcel);
    return undefined;
  }
  const result = await claimFresh(ctx, taker, parcel, want, readAt);
  if ('claimed' in result) {
    removals.push(parcel);
    return result.claimed;
  }
  ctx.windows.conflicted(shard);
  const { lease, stone } = judgeable(result.inTheWay, ctx.clock.now());
  // The row of another receiver, who removes the parcel himself. So did whoever made a tombstone since the read; the maker of an
  // older one may be long gone. (Should his clock be behind, the removal is one too many; ahead, a later look sees to it.)
  if (stone && stone.until - tombstoneMs <= readAt) removals.push(parcel);
  return lease && (result.inTheWay.row!.expiry as number) <= ctx.clock.now()
    ? claimDue(ctx, taker, result.inTheWay, want)
    : undefined;
}
