/**
 * Receive. Looks at the head of a shard in `messages` beside the due rows in `leases`, takes the oldest of both, and, when there is
 * nothing, looks again until `waitSeconds` are over.
 *
 * A fresh message: put its row into `leases` if absent; remove it from `messages`, have the answer; deliver, unless the lease is
 * over by then. Crash anywhere, and the message is due again when the lease ends.
 */
import type { InputOf, OutputOf, ReceivedMessage } from '../../sdk/contract.ts';
import { DumbwaiterError } from '../../sdk/errors.ts';
import { clockMarginMs, headRowsMax, windowRowsMax } from '../../sdk/limits.ts';
import { type Found, oldestFirst, readCandidates, rowOf, stretchesOf } from '../candidates.ts';
import type { Taker } from '../claims.ts';
import type { Context } from '../context.ts';
import { deliver, type Taken } from '../deliveries.ts';
import { growIfThrottled } from '../growth.ts';
import { createPatience, patiently } from '../patience.ts';
import { createLimiter } from '../permit-writes.ts';
import { type Ranged, type Row, StoreError } from '../port.ts';
import { tokenChars } from '../receipts.ts';
import { storedBytes } from '../stored-row.ts';
import { claimInTurn, messagesOf } from '../taking.ts';
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
  for (let look = 1; ; look++) {
    // A new token for each look: a give-back of the one before may still be applied, to its claims and to its permits.
    const own = { ...taker, token: ctx.random.chars(tokenChars) };
    const { messages, met } = await lookInto(ctx, own, shard, max, lookGrowth ** (look - 1));
    if (messages.length > 0 || met === 0 || look === looksMax) return messages;
  }
}

/** `times`: so many times the rows that are expected to do. */
async function lookInto(
  ctx: Context,
  taker: Taker,
  shard: string,
  max: number,
  times: number,
): Promise<{ messages: ReceivedMessage[]; met: number }> {
  if (taker.limiter?.isSpent) return { messages: [], met: 0 };
  const taken: Taken = { claimed: [], removals: [] };
  const claiming: string[] = [];
  let met = 0;
  try {
    let head = await readHead(ctx, shard, taker.limiter ? max : ctx.windows.rowsFor(shard, max), times);
    for (;;) {
      const { window, readAt } = head;
      // The index may show a row once more that this receive has claimed meanwhile.
      const found = head.found.filter((one) => !claiming.includes(rowOf(one)));
      met += found.length;
      // Of a queue with limits all are read first: it takes permits for what is there.
      const known = taker.limiter ? await readCandidates(ctx, found) : found;
      const there = known.reduce((sum, { count }) => sum + Math.max(count, 1), 0);
      const want = max - messagesOf(taken);
      const permitted = taker.limiter && there > 0 ? await taker.limiter.take(taker.token, Math.min(want, there)) : want;
      if (found.length === 0 || permitted === 0) break;
      const stretches = stretchesOf(ctx, known, permitted, window, readAt);
      const isShared = !ctx.windows.isAlone(shard);
      const plan = { shard, stretches, max: messagesOf(taken) + permitted, isShared, readAt, claiming };
      const { isExhausted } = await claimInTurn(ctx, taker, taken, plan);
      // Rows may hold fewer messages than those before did.
      if (!isExhausted || taker.limiter || messagesOf(taken) === 0 || !head.rest) break;
      // What is claimed already is delivered, though the store fails now.
      const next = await orFailure(readHead(ctx, shard, max - messagesOf(taken), 1, head.rest));
      if (next instanceof Error) break;
      head = next;
    }
    return { messages: await deliver(ctx, taker, taken), met };
  } finally {
    // Where it broke off, nothing is delivered.
    await taker.limiter?.settle(0);
    for (const row of claiming) ctx.inHand.release(row);
  }
}

/** Where the rows go on that are behind those read; undefined where there are none. */
type Rest = { heads: Row | undefined; due: Row | undefined };

interface Head {
  found: Found[];
  /** Stretches to choose from. */
  window: number;
  readAt: number;
  rest?: Rest;
}

/** Reads the rows of the window, each of whose stretches has so many rows; `times`: so many times that. */
async function readHead(ctx: Context, shard: string, stretch: number, times: number, rest?: Rest): Promise<Head> {
  const readAt = ctx.clock.now();
  const window = Math.min(ctx.windows.size(shard), Math.max(1, Math.floor(windowRowsMax / stretch)));
  const wanted = Math.min(windowRowsMax, window * stretch + ctx.inHand.count());
  const limit = Math.max(wanted, Math.min(headRowsMax, wanted * times));
  const none: Ranged = { rows: [] };
  const [heads, due] = await Promise.all([
    rest && !rest.heads
      ? none
      : ctx.store.range({ table: 'messages', partition: shard, limit, consistent: true, ...after(rest?.heads) }),
    rest && !rest.due
      ? none
      : ctx.store.range({ table: 'leases', index: 'due', partition: shard, to: readAt, limit, ...after(rest?.due) }),
  ]);
  if (!ctx.clock.trusted()) {
    throw new DumbwaiterError(
      'clock_skewed',
      `the clock was found to be off by more than ${clockMarginMs} ms and is being set right`,
    );
  }
  const found = oldestFirst(heads.rows, due.rows, ctx.windows.messagesPerRow(shard));
  const beyond = (rows: readonly Row[]) => (rows[0] ? storedBytes(rows[0]) * Math.max(0, rows.length - stretch) : 0);
  const messages = found.reduce((sum, one) => sum + ('parcel' in one ? one.count : 0), 0);
  // The index is read at half the price.
  ctx.windows.read(shard, heads.rows.length, messages, beyond(heads.rows) + beyond(due.rows) / 2);
  const hasMore = heads.next !== undefined || due.next !== undefined;
  return { found, window, readAt, ...(hasMore ? { rest: { heads: heads.next, due: due.next } } : {}) };
}

/** The error itself, where it is one that a caller is told. */
function orFailure<T>(answer: Promise<T>): Promise<T | Error> {
  return answer.catch((error: unknown) => {
    if (error instanceof StoreError || error instanceof DumbwaiterError) return error;
    throw error;
  });
}

function after(row: Row | undefined): { after?: Row } {
  return row ? { after: row } : {};
}
