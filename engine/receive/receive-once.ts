/**
 * Searches a queue for messages. This folder finds, claims and delivers the messages of a receive; start here. A search reads the
 * heads of partitions look by look (`visit-shards.ts`, `heads.ts`) and claims rows until it has enough messages (`taking.ts`,
 * `claims.ts`). It then delivers all of them together (`deliver.ts`).
 */
import type { ReceivedMessage } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { retryMsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { isThrottled } from '../context/retry.ts';
import { tokenChars } from '../model/receipts.ts';
import { StoreError } from '../port/port.ts';
import { type Found, readCandidates, rowOf, stretchesOf } from './candidates.ts';
import type { Taker } from './claims.ts';
import { deliver, type Taken } from './deliver.ts';
import { type Head, readHead } from './heads.ts';
import { liftedRests } from './lifted-rests.ts';
import { claimInTurn, messagesOf } from './taking.ts';
import { inLooks, looksOf, type Partition } from './visit-shards.ts';

/** Searches for one answer at most. */
const searchesMax = 5;
/** Each search reads so many times more rows than the one before. */
const searchGrowth = 4;
/** How long a search continues after its first claim, ms. The leases of the claimed messages are already running. */
const goOnMsMax = 500;

type NewTaker = Omit<Taker, 'token'>;

/**
 * Returns up to `max` messages. Rows may yield none: they are purged, expired, partly done, or just taken by another receiver. If
 * a search finds only such rows, it is repeated with more rows before the answer is that there are no messages.
 */
export async function receiveOnce(
  ctx: Context,
  taker: NewTaker,
  max: number,
  mayGoOn: () => boolean,
): Promise<ReceivedMessage[]> {
  let looks = looksOf(taker.queue, ctx.random);
  let throttled: StoreError | undefined;
  for (let search = 1; ; search++) {
    const found = await searchOnce(ctx, taker, { looks, max, times: searchGrowth ** (search - 1), mayGoOn });
    throttled ??= found.throttled;
    if (found.messages.length > 0) return found.messages;
    if (found.fruitless.length === 0 || search === searchesMax || !mayGoOn()) break;
    looks = inLooks(found.fruitless);
  }
  // A throttled partition may hold messages, so the answer must not be that there are none.
  if (throttled) throw throttled;
  return [];
}

interface Search {
  looks: readonly (readonly Partition[])[];
  max: number;
  /** Multiplies the number of rows that is expected to suffice. */
  times: number;
  mayGoOn: () => boolean;
}

interface Searched {
  messages: ReceivedMessage[];
  /** Partitions that have rows. They are searched again if no message was claimed. */
  fruitless: Partition[];
  throttled: StoreError | undefined;
}

async function searchOnce(ctx: Context, taker: NewTaker, { looks, max, times, mayGoOn }: Search): Promise<Searched> {
  const taken: Taken = { claimed: [], removals: [] };
  const claiming: string[] = [];
  const fruitless: Partition[] = [];
  let throttled: StoreError | undefined;
  let own = withToken(ctx, taker);
  let claimedAt: number | undefined;
  try {
    for (const look of looks) {
      if (taker.limiter?.isSpent) break;
      // Use a new token while nothing is claimed: a give-back of the previous look may still be applied to its claims and
      // permits.
      if (taken.claimed.length === 0) own = withToken(ctx, taker);
      try {
        const heads = await readHeads(ctx, own, look, { max: max - messagesOf(taken), times });
        throttled ??= heads.throttled;
        fruitless.push(...heads.read.flatMap(({ partition, head }) => (head.found.length > 0 ? [partition] : [])));
        await claimFrom(ctx, own, taken, heads.read, { max, claiming });
      } catch (error) {
        // Deliver what is already claimed, even if the store fails now.
        if (taken.claimed.length === 0 || !(error instanceof StoreError || error instanceof DumbwaiterError)) throw error;
        break;
      }
      if (messagesOf(taken) >= max || !mayGoOn()) break;
      if (taken.claimed.length === 0) continue;
      claimedAt ??= ctx.clock.now();
      // Permits are taken for one look only.
      if (taker.limiter || ctx.clock.now() - claimedAt > goOnMsMax) break;
    }
    return { messages: await deliver(ctx, own, taken), fruitless, throttled };
  } finally {
    // Changes something only after an error: nothing was delivered, so all permits are returned.
    await taker.limiter?.returnUnused(0);
    for (const row of claiming) ctx.claimsInProgress.release(row);
  }
}

function withToken(ctx: Context, taker: NewTaker): Taker {
  return { ...taker, token: ctx.random.chars(tokenChars) };
}

interface ReadHead {
  partition: Partition;
  head: Head;
}

/** Reads the heads side by side. Skips throttled partitions and returns one of their errors. */
async function readHeads(
  ctx: Context,
  taker: Taker,
  look: readonly Partition[],
  { max, times }: { max: number; times: number },
): Promise<{ read: ReadHead[]; throttled: StoreError | undefined }> {
  let throttled: StoreError | undefined;
  const read = await Promise.all(
    look.map(async (partition) => {
      const stretch = taker.limiter ? max : ctx.windows.rowsFor(partition.shard, max);
      try {
        const [head, lifted] = await Promise.all([
          readHead(ctx, taker.queue, partition.shard, stretch, times),
          times === 1 ? liftedRests(ctx, taker.queue, partition.shard) : [],
        ]);
        return [{ partition, head: { ...head, found: [...head.found, ...lifted] } }];
      } catch (error) {
        if (!isThrottled(error)) throw error;
        throttled = error;
        return [];
      }
    }),
  );
  return { read: read.flat(), throttled };
}

/** Claims from the rows that were read, level by level, until there are `max` messages. */
async function claimFrom(
  ctx: Context,
  taker: Taker,
  taken: Taken,
  read: readonly ReadHead[],
  { max, claiming }: { max: number; claiming: string[] },
): Promise<void> {
  if (!(await mayClaim(ctx, taker))) return;
  // The index may still show a row that this receive has already claimed.
  const unclaimed = (found: readonly Found[]) => found.filter((one) => !claiming.includes(rowOf(one)));
  const known: { found: Found[]; window: number; readAt: number }[] = [];
  for (const group of byRank(read)) {
    const found = unclaimed(oldestOf(group.map(({ head }) => head.found)));
    known.push({
      // With limits, read all rows first: permits are taken for the messages that exist.
      found: taker.limiter ? await readCandidates(ctx, found) : found,
      window: Math.max(...group.map(({ head }) => head.window)),
      readAt: Math.min(...group.map(({ head }) => head.readAt)),
    });
  }
  const there = known.flatMap(({ found }) => found).reduce((sum, { count }) => sum + Math.max(count, 1), 0);
  const want = max - messagesOf(taken);
  const permitted = taker.limiter && there > 0 ? await taker.limiter.take(taker.token, Math.min(want, there)) : want;
  if (there === 0 || permitted === 0) return;
  const stretches = known.flatMap(({ found, window, readAt }) => stretchesOf(ctx, found, permitted, window, readAt));
  const [only] = read;
  const isShared = read.length === 1 ? !ctx.windows.isAlone(only!.partition.shard) : known.some(({ window }) => window > 1);
  const readAt = Math.min(...known.map((one) => one.readAt));
  const plan = { stretches, max: messagesOf(taken) + permitted, isShared, readAt, claiming };
  const { isExhausted } = await claimInTurn(ctx, taker, taken, plan);
  // The rows may hold fewer messages than earlier ones did: continue with the rows that follow.
  if (!isExhausted || taker.limiter || read.length > 1 || !only!.head.rest || messagesOf(taken) === 0) return;
  const head = await readHead(ctx, taker.queue, only!.partition.shard, max - messagesOf(taken), 1, only!.head.rest);
  await claimFrom(ctx, taker, taken, [{ partition: only!.partition, head }], { max, claiming });
}

/**
 * Whether the queue still exists, by settings that are W old at most. A claim goes out within F of the heads, which are read by now.
 * So it arrives before the sweep removes the rows of a queue that was deleted meanwhile (`settingsForgottenMs`). A later one would
 * stay for good.
 */
async function mayClaim(ctx: Context, { queue, settingsAt }: Taker): Promise<boolean> {
  if (ctx.clock.now() - settingsAt <= retryMsMax) return true;
  const current = await ctx.settings.inForce(queue.name);
  return current?.incarnation === queue.incarnation;
}

function byRank(read: readonly ReadHead[]): ReadHead[][] {
  const ranks = new Set(read.map(({ partition }) => partition.rank));
  return [...ranks].map((rank) => read.filter(({ partition }) => partition.rank === rank));
}

function oldestOf(lists: readonly Found[][]): Found[] {
  return lists.length === 1 ? lists[0]! : lists.flat().sort((one, other) => one.at - other.at);
}
