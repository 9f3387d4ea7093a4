/**
 * Publishes to a topic: each subscription that matches gets each message exactly once in its queue. Up to 100 writes are one
 * transaction. More begin a publication (`fan-out.ts`). Messages that one subscription gets are published as to its queue.
 */
import type { PublishResult, Refused, TopicEntry, TopicPublishResult } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import type { Context } from '../context/context.ts';
import { createRetryBudget, type RetryBudget, withRetry } from '../context/retry.ts';
import type { CachedTopic } from '../context/topics-cache.ts';
import { unavailableEntry } from '../context/unavailable.ts';
import { unknownOutcome } from '../leases/lease-store.ts';
import { ignoreStoreError, StoreError } from '../port/port.ts';
import { transactionWritesMax } from '../port/row-writes.ts';
import type { Pending } from '../publish/parcels.ts';
import { createSharedBodies } from '../publish/place-body.ts';
import { type Target, targetOf } from '../queues/publish-target.ts';
import { deliveriesOf } from './delivery.ts';
import { beginningOf, deliver, listed, step } from './fan-out.ts';
import type { Told } from './one-delivery.ts';
import { storePrepared } from './prepared-publications.ts';
import { finishEarlier, newPublication, storePublicationContent } from './publications.ts';
import { reportPublished } from './report-published.ts';
import { createWriteCounts, roundsOf, type Share, sharesOf } from './shares.ts';
import { checkAccepted, messageOf, pendingFor, refusalOf, type TopicMessage } from './topic-message.ts';
import { topicNotFound } from './topic-rows.ts';
import { writeTogether } from './write-together.ts';

/** Publishes messages into one queue and records the result of each. */
export type PublishPending = (
  ctx: Context,
  target: Target,
  pending: readonly Pending[],
  results: PublishResult[],
  retryBudget: RetryBudget,
) => Promise<void>;

interface Publish {
  ctx: Context;
  topic: CachedTopic;
  retryBudget: RetryBudget;
  publishPending: PublishPending;
  results: TopicPublishResult[];
}

/** Throws DumbwaiterError `topic_not_found`. */
export async function publishToTopic(
  ctx: Context,
  topicName: string,
  entries: readonly (TopicEntry | Refused)[],
  publishPending: PublishPending,
): Promise<{ results: TopicPublishResult[] }> {
  const retryBudget = createRetryBudget(ctx);
  const topic = await withRetry(retryBudget, () => topicOf(ctx, topicName));
  const results: TopicPublishResult[] = new Array(entries.length);
  const messages: TopicMessage[] = [];
  const prepared: TopicMessage[] = [];
  entries.forEach((entry, index) => {
    const accepted = acceptedEntry(ctx, topic, entry, index);
    if ('ok' in accepted) results[index] = accepted;
    else ((entry as TopicEntry).prepared ? prepared : messages).push(accepted);
  });
  const publish: Publish = { ctx, topic, retryBudget, publishPending, results };
  await Promise.all([
    publishRounds(publish, messages),
    ...prepared.map(async (message) => {
      results[message.index] = await orUnavailable(ctx, topicName, () => storePrepared(ctx, topic.record, message, retryBudget));
    }),
  ]);
  const published = messages.map(({ index }) => results[index]!);
  reportPublished(ctx, topic, published);
  return { results };
}

/** Throws DumbwaiterError `topic_not_found`. */
export async function topicOf(ctx: Context, name: string): Promise<CachedTopic> {
  const topic = await ctx.topics.find(name);
  if (!topic) throw topicNotFound(name);
  return topic;
}

export function acceptedEntry(
  ctx: Context,
  { record }: CachedTopic,
  entry: TopicEntry | Refused,
  index: number,
): TopicMessage | Refused {
  if ('ok' in entry) return entry;
  const refusal = refusalOf(record, entry, ctx.clock.now());
  if (refusal !== undefined) return { ok: false, code: 'invalid_input', message: `messages[${index}].${refusal}` };
  return messageOf(ctx, record.name, entry, index);
}

/** One after the other: a message under an id that the call repeats finds the first, and a group keeps its order. */
async function publishRounds(publish: Publish, messages: readonly TopicMessage[]): Promise<void> {
  const { ctx, topic, results } = publish;
  for (const round of roundsOf(messages)) {
    const failed = await orUnavailable(ctx, topic.record.name, () => publishRound(publish, round));
    if (failed) for (const { index } of round) results[index] ??= failed;
  }
}

async function orUnavailable<T>(ctx: Context, topic: string, run: () => Promise<T>): Promise<T | Refused> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return unavailableEntry(ctx, { topic }, 'publish', error);
  }
}

async function publishRound(publish: Publish, round: readonly TopicMessage[]): Promise<undefined> {
  const { ctx, topic, results, retryBudget } = publish;
  const matching = sharesOf(topic.subscriptions, round);
  const shares = await withRetry(retryBudget, () => acceptedShares(ctx, matching, results));
  const accepted = round.filter(({ index }) => results[index] === undefined);
  const writesOf = createWriteCounts();
  const writes = shares.reduce((sum, share) => sum + writesOf(share.messages), 0);
  await finishEarlier(ctx, topic.record, accepted);
  const [only] = shares;
  if (only && shares.length === 1) await publishAlone(publish, only);
  else if (writes <= transactionWritesMax) await publishTogether(publish, shares);
  else await publishInSteps(publish, shares, accepted);
  for (const { id, index } of accepted) results[index] ??= { ok: true, id, subscriptions: 0 };
}

/** The shares without the messages that one of the queues does not accept, which are refused as a whole. */
async function acceptedShares(ctx: Context, shares: readonly Share[], results: TopicPublishResult[]): Promise<readonly Share[]> {
  const isAsking = ({ group, once }: TopicMessage) => group !== undefined || once === 'key';
  const asking = shares.filter(({ messages }) => messages.some(isAsking));
  if (asking.length === 0) return shares;
  const queues = await ctx.settings.findAll(asking.map(({ subscription }) => subscription.queue));
  const now = ctx.clock.now();
  for (const { subscription, messages } of asking) {
    const queue = queues.get(subscription.queue);
    for (const message of queue ? messages : []) {
      try {
        checkAccepted(queue!, message, now);
      } catch (error) {
        if (!(error instanceof DumbwaiterError)) throw error;
        results[message.index] ??= { ok: false, code: error.code, message: error.message };
      }
    }
  }
  return shares.flatMap((share) => {
    const messages = share.messages.filter(({ index }) => results[index] === undefined);
    return messages.length === 0 ? [] : [{ ...share, messages }];
  });
}

async function publishAlone(
  { ctx, results, retryBudget, publishPending }: Publish,
  { subscription, messages }: Share,
): Promise<void> {
  const there: PublishResult[] = [];
  try {
    const target = await withRetry(retryBudget, () => targetOf(ctx, subscription.queue));
    if (target.queue.incarnation !== subscription.queueIncarnation) return;
    const pending = messages.map((message) => pendingFor(target.queue, message));
    await publishPending(ctx, target, pending, there, retryBudget);
  } catch (error) {
    // The subscription has ended since.
    if (!(error instanceof DumbwaiterError) || error.code !== 'queue_not_found') throw error;
    return;
  }
  for (const { id, index } of messages) {
    const result = there[index]!;
    if (result.ok) results[index] = { ok: true, id, subscriptions: 1, ...(result.duplicate ? { duplicate: true } : {}) };
    else if (result.code !== 'queue_not_found') results[index] = result;
  }
}

/** Counts what became of the messages of a round. */
function createTally() {
  /** The queues that have each message already. A set, because a step that is decided again tells of them again. */
  const duplicates = new Map<number, Set<string>>();
  const tally = {
    hasChanged: false,
    told: {
      duplicate: (index, queue) => void duplicates.set(index, (duplicates.get(index) ?? new Set()).add(queue)),
      changed: () => {
        tally.hasChanged = true;
      },
    } satisfies Told,
    /** Forgets the duplicates, because the messages are published again. */
    restart: () => duplicates.clear(),
    /** The results, if these subscriptions have their messages. */
    record(shares: readonly Share[], results: TopicPublishResult[]): void {
      const counts = new Map<TopicMessage, number>();
      for (const message of shares.flatMap(({ messages }) => messages)) counts.set(message, (counts.get(message) ?? 0) + 1);
      for (const [{ id, index }, subscriptions] of counts) {
        const isDuplicate = duplicates.get(index)?.size === subscriptions;
        results[index] = { ok: true, id, subscriptions, ...(isDuplicate ? { duplicate: true } : {}) };
      }
    },
  };
  return tally;
}

async function publishTogether({ ctx, results, retryBudget }: Publish, shares: readonly Share[]): Promise<void> {
  const tally = createTally();
  const delivering = { told: tally.told, bodies: createSharedBodies() };
  try {
    await withRetry(retryBudget, async () => {
      tally.restart();
      const planned = await deliveriesOf(ctx, shares, delivering);
      await writeTogether(ctx, planned);
      for (const queue of planned.queues) ctx.wakeups.wake(queue);
      tally.record(planned.shares, results);
    });
  } catch (error) {
    // A message that waited under its key has the new content already.
    throw tally.hasChanged && error instanceof StoreError ? unknownOutcome() : error;
  }
}

/** Once the publication has begun, every subscription gets its messages, by this process or by a sweep. */
async function publishInSteps(
  { ctx, topic, results, retryBudget }: Publish,
  shares: readonly Share[],
  messages: readonly TopicMessage[],
): Promise<void> {
  const tally = createTally();
  const delivering = { told: tally.told, bodies: createSharedBodies() };
  const fanOut = { messages, subscriptions: listed(topic.subscriptions), ...delivering };
  const made = newPublication(ctx, topic.record, messages);
  await storePublicationContent(ctx, made, retryBudget);
  const { record } = await withRetry(retryBudget, () => {
    tally.restart();
    return step(ctx, made.record, fanOut, { beginning: beginningOf(ctx, made.record) });
  });
  const isOver = () => ctx.lastTryAt !== undefined && ctx.clock.now() >= ctx.lastTryAt;
  await deliver(ctx, record, fanOut, isOver).catch(ignoreStoreError);
  tally.record(shares, results);
}
