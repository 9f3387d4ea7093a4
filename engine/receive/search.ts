/**
 * Searches a queue for messages. This folder finds, claims and delivers the messages of a receive; start here. A search reads the
 * heads of partitions look by look (`visit-shards.ts`, `heads.ts`) and claims rows until it has enough messages (`claim-rounds.ts`,
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
import { claimInRounds, messagesOf } from './claim-rounds.ts';
import type { Claimer } from './claims.ts';
import { type Claims, deliver } from './deliver.ts';
import { type Head, readHead } from './heads.ts';
import { liftedRests } from './lifted-rests.ts';
import { inLooks, looksOf, type Partition } from './visit-shards.ts';

/** Searches for one answer at most. */
const passesMax = 5;
/** Each search reads so many times more rows than the one before. */
const passGrowth = 4;
/** How long a search continues after its first claim, ms. The leases of the claimed messages are already running. */
const continueMsMax = 500;

type Terms = Omit<Claimer, 'token'>;

/**
 * Returns up to `max` messages. Rows may yield none: they are purged, expired, partly done, or just claimed by another receiver. If
 * a search finds only such rows, it is repeated with more rows before the answer is that there are no messages.
 */
export async function search(ctx: Context, terms: Terms, max: number, mayContinue: () => boolean): Promise<ReceivedMessage[]> {
  let looks = looksOf(terms.queue, ctx.random);
  let throttled: StoreError | undefined;
  for (let pass = 1; ; pass++) {
    const found = await searchPass(ctx, terms, { looks, max, times: passGrowth ** (pass - 1), mayContinue });
    throttled ??= found.throttled;
    if (found.messages.length > 0) return found.messages;
    if (found.fruitless.length === 0 || pass === passesMax || !mayContinue()) break;
    looks = inLooks(found.fruitless);
  }
  // A throttled partition may hold messages, so the answer must not be that there are none.
  if (throttled) throw throttled;
  return [];
}

interface PassPlan {
  looks: readonly (readonly Partition[])[];
  max: number;
  /** Multiplies the number of rows that is expected to suffice. */
  times: number;
  mayContinue: () => boolean;
}

interface PassResult {
  messages: ReceivedMessage[];
  /** Partitions that have rows. They are searched again if no message was claimed. */
  fruitless: Partition[];
  throttled: StoreError | undefined;
}

async function searchPass(ctx: Context, terms: Terms, { looks, max, times, mayContinue }: PassPlan): Promise<PassResult> {
  const claims: Claims = { claimed: [], removals: [] };
  const claiming: string[] = [];
  const fruitless: Partition[] = [];
  let throttled: StoreError | undefined;
  let claimer = withToken(ctx, terms);
  let claimedAt: number | undefined;
  try {
    for (const look of looks) {
      if (terms.limiter?.isSpent) break;
      // Use a new token while nothing is claimed: a give-back of the previous look may still be applied to its claims and
      // permits.
      if (claims.claimed.length === 0) claimer = withToken(ctx, terms);
      try {
        const heads = await readHeads(ctx, claimer, look, { max: max - messagesOf(claims), times });
        throttled ??= heads.throttled;
        fruitless.push(...heads.read.flatMap(({ partition, head }) => (head.found.length > 0 ? [partition] : [])));
        await claimFrom(ctx, claimer, claims, heads.read, { max, claiming });
      } catch (error) {
        // Deliver what is already claimed, even if the store fails now.
        if (claims.claimed.length === 0 || !(error instanceof StoreError || error instanceof DumbwaiterError)) throw error;
        break;
      }
      if (messagesOf(claims) >= max || !mayContinue()) break;
      if (claims.claimed.length === 0) continue;
      claimedAt ??= ctx.clock.now();
      // Permits are taken for one look only.
      if (terms.limiter || ctx.clock.now() - claimedAt > continueMsMax) break;
    }
    return { messages: await deliver(ctx, claimer, claims), fruitless, throttled };
  } finally {
    // Changes something only after an error: nothing was delivered, so all permits are returned.
    await terms.limiter?.returnUnused(0);
    for (const row of claiming) ctx.claimsInProgress.release(row);
  }
}

function withToken(ctx: Context, terms: Terms): Claimer {
  return { ...terms, token: ctx.random.chars(tokenChars) };
}

interface ReadHead {
  partition: Partition;
  head: Head;
}

/** Reads the heads side by side. Skips throttled partitions and returns one of their errors. */
async function readHeads(
  ctx: Context,
  claimer: Claimer,
  look: readonly Partition[],
  { max, times }: { max: number; times: number },
): Promise<{ read: ReadHead[]; throttled: StoreError | undefined }> {
  let throttled: StoreError | undefined;
  const read = await Promise.all(
    look.map(async (partition) => {
      const stretch = claimer.limiter ? max : ctx.windows.rowsFor(partition.shard, max);
      try {
        const [head, lifted] = await Promise.all([
          readHead(ctx, claimer.queue, partition.shard, stretch, times),
          times === 1 ? liftedRests(ctx, claimer.queue, partition.shard) : [],
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
  claimer: Claimer,
  claims: Claims,
  read: readonly ReadHead[],
  { max, claiming }: { max: number; claiming: string[] },
): Promise<void> {
  if (!(await mayClaim(ctx, claimer))) return;
  // The index may still show a row that this receive has already claimed.
  const unclaimed = (found: readonly Found[]) => found.filter((one) => !claiming.includes(rowOf(one)));
  const known: { found: Found[]; window: number; readAt: number }[] = [];
  for (const group of byRank(read)) {
    const found = unclaimed(oldestOf(group.map(({ head }) => head.found)));
    known.push({
      // With limits, read all rows first: permits are taken for the messages that exist.
      found: claimer.limiter ? await readCandidates(ctx, found) : found,
      window: Math.max(...group.map(({ head }) => head.window)),
      readAt: Math.min(...group.map(({ head }) => head.readAt)),
    });
  }
  const there = known.flatMap(({ found }) => found).reduce((sum, { count }) => sum + Math.max(count, 1), 0);
  const want = max - messagesOf(claims);
  const permitted = claimer.limiter && there > 0 ? await claimer.limiter.take(claimer.token, Math.min(want, there)) : want;
  if (there === 0 || permitted === 0) return;
  const stretches = known.flatMap(({ found, window, readAt }) => stretchesOf(ctx, found, permitted, window, readAt));
  const [only] = read;
  const isShared = read.length === 1 ? !ctx.windows.isAlone(only!.partition.shard) : known.some(({ window }) => window > 1);
  const readAt = Math.min(...known.map((one) => one.readAt));
  const plan = { stretches, max: messagesOf(claims) + permitted, isShared, readAt, claiming };
  const { isExhausted } = await claimInRounds(ctx, claimer, claims, plan);
  // The rows may hold fewer messages than earlier ones did: continue with the rows that follow.
  if (!isExhausted || claimer.limiter || read.length > 1 || !only!.head.continuation || messagesOf(claims) === 0) return;
  const head = await readHead(ctx, claimer.queue, only!.partition.shard, max - messagesOf(claims), 1, only!.head.continuation);
  await claimFrom(ctx, claimer, claims, [{ partition: only!.partition, head }], { max, claiming });
}

/**
 * Whether the queue still exists, by settings that are W old at most. A claim goes out within F of the heads, which are read by now.
 * So it arrives before the sweep removes the rows of a queue that was deleted meanwhile (`settingsForgottenMs`). A later one would
 * stay for good.
 */
async function mayClaim(ctx: Context, { queue, settingsAt }: Claimer): Promise<boolean> {
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
