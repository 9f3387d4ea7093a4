/**
 * One search of a queue for messages. Heads of partitions are read look by look (`visits.ts`), and rows are claimed until there are as many
 * messages as were asked for; all that was claimed is delivered together.
 */
import type { ReceivedMessage } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
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

/** Searches for one answer, each for so many times more rows than the one before. */
const searchesMax = 5;
const searchGrowth = 4;
/** A search goes on for more messages so long after it has claimed some: their leases run. */
const goOnMsMax = 500;

type NewTaker = Omit<Taker, 'token'>;

/**
 * Rows may have nothing to give: purged, too old, ended in parts, or taken by another just before. Messages behind them are
 * looked for in a longer stretch each time, before the answer is that there are none.
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
  // What was too busy to be read may hold messages.
  if (throttled) throw throttled;
  return [];
}

interface Search {
  looks: readonly (readonly Partition[])[];
  max: number;
  /** So many times the rows that are expected to do. */
  times: number;
  mayGoOn: () => boolean;
}

interface Searched {
  messages: ReceivedMessage[];
  /** Partitions whose rows gave nothing. */
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
      // A new token where nothing is claimed yet: a give-back of the look before may still be applied, to its claims and to its permits.
      if (taken.claimed.length === 0) own = withToken(ctx, taker);
      try {
        const heads = await readHeads(ctx, own, look, { max: max - messagesOf(taken), times });
        throttled ??= heads.throttled;
        fruitless.push(...heads.read.flatMap(({ partition, head }) => (head.found.length > 0 ? [partition] : [])));
        await claimFrom(ctx, own, taken, heads.read, { max, claiming });
      } catch (error) {
        // What is claimed already is delivered, though the store fails now.
        if (taken.claimed.length === 0 || !(error instanceof StoreError || error instanceof DumbwaiterError)) throw error;
        break;
      }
      if (messagesOf(taken) >= max || !mayGoOn()) break;
      if (taken.claimed.length === 0) continue;
      claimedAt ??= ctx.clock.now();
      // A queue's permits are taken for one look at a time.
      if (taker.limiter || ctx.clock.now() - claimedAt > goOnMsMax) break;
    }
    return { messages: await deliver(ctx, own, taken), fruitless, throttled };
  } finally {
    // Where it broke off, nothing is delivered.
    await taker.limiter?.settle(0);
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

/** Reads them side by side. One that is too busy is passed over. */
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

/** Claims from what was read, level by level, until there are `max` messages. */
async function claimFrom(
  ctx: Context,
  taker: Taker,
  taken: Taken,
  read: readonly ReadHead[],
  { max, claiming }: { max: number; claiming: string[] },
): Promise<void> {
  // The index may show a row once more that this receive has claimed meanwhile.
  const unclaimed = (found: readonly Found[]) => found.filter((one) => !claiming.includes(rowOf(one)));
  const known: { found: Found[]; window: number; readAt: number }[] = [];
  for (const group of byRank(read)) {
    const found = unclaimed(oldestOf(group.map(({ head }) => head.found)));
    known.push({
      // Of a queue with limits all are read first: it takes permits for what is there.
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
  // Rows may hold fewer messages than those before did.
  if (!isExhausted || taker.limiter || read.length > 1 || !only!.head.rest || messagesOf(taken) === 0) return;
  const head = await readHead(ctx, taker.queue, only!.partition.shard, max - messagesOf(taken), 1, only!.head.rest);
  await claimFrom(ctx, taker, taken, [{ partition: only!.partition, head }], { max, claiming });
}

function byRank(read: readonly ReadHead[]): ReadHead[][] {
  const ranks = new Set(read.map(({ partition }) => partition.rank));
  return [...ranks].map((rank) => read.filter(({ partition }) => partition.rank === rank));
}

function oldestOf(lists: readonly Found[][]): Found[] {
  return lists.length === 1 ? lists[0]! : lists.flat().sort((one, other) => one.at - other.at);
}
