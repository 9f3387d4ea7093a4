/**
 * Changes a subscription of a topic. Each change is one transaction, which also raises the revision in the topic's row, on the
 * condition that the row is unchanged. So changes of one topic follow one another, and a list of its subscriptions is valid as
 * long as the revision is the same.
 */
import { invalidInput } from '../../contract/errors.ts';
import { subscriptionsMax, topicFilterBytesMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { createRetryBudget, isThrottled } from '../context/retry.ts';
import { type QueueRecord, queueKey, queueRow, readQueue } from '../model/queue-record.ts';
import {
  filterBytes,
  readSubscription,
  type SubscriptionRecord,
  subscriptionKey,
  type TopicRecord,
  topicKey,
  topicRow,
} from '../model/topic-record.ts';
import { type Condition, StoreError, type Transacted, type Write } from '../port/port.ts';
import { untilDone } from '../port/until-done.ts';
import { queueDeletion } from '../queues/creation.ts';
import { currentTopic, transactTopic } from './topic-rows.ts';

export interface SubscriptionSnapshot {
  topic: TopicRecord;
  subscription: SubscriptionRecord | undefined;
  /** The subscription's queue; if there is no subscription, the queue that the caller named. */
  queue: QueueRecord | undefined;
  /** Whether an earlier round of the same change may have been applied, although its answer was lost. */
  answerLost: boolean;
}

/** `before` and `after`: the subscription, undefined if there is none. `again`: what was read changed in between. */
export type SubscriptionChange<T> =
  | { done: T }
  | { again: true }
  | { writes: Write[]; before: SubscriptionRecord | undefined; after: SubscriptionRecord | undefined; then: T };

/** Reads, decides and writes until the change is done. Throws `topic_not_found`. */
export async function changeSubscription<T>(
  ctx: Context,
  { topic: topicName, name, queue: queueName }: { topic: string; name: string; queue?: string },
  decide: (seen: SubscriptionSnapshot) => Promise<SubscriptionChange<T>>,
): Promise<T> {
  const retryBudget = createRetryBudget(ctx);
  let answerLost = false;
  return untilDone<undefined, T>(`the topic "${topicName}"`, undefined, async () => {
    const topic = await currentTopic(ctx, topicName);
    const subscription = await findSubscription(ctx, topic.incarnation, name);
    const queue = await currentQueue(ctx, subscription?.queue ?? queueName);
    const decided = await decide({ topic, subscription, queue, answerLost });
    if ('done' in decided) return decided;
    if ('writes' in decided) {
      const next = { ...changedTopic(topic, decided), version: ctx.newVersion() };
      const put: Write = { key: topicKey(topicName), when: unchanged(topic), then: { put: topicRow(next) } };
      const result = await unlessThrottled(transactTopic(ctx, topicName, [put, ...decided.writes]));
      for (const { key } of decided.writes) if (key.table === 'queues' && key.kind === 'queue') ctx.settings.forget(key.name);
      if (result?.ok) return { done: decided.then };
      answerLost ||= result === undefined;
    }
    // Many processes may subscribe at the same time, such as the instances of a program that starts.
    if (await retryBudget.pause()) return { seen: undefined };
    throw new StoreError(`the topic "${topicName}" is being changed by too many calls`, 'no', undefined, 'throttled');
  });
}

/** Throws `invalid_input` for more than a topic can have. */
function changedTopic(
  topic: TopicRecord,
  { before, after }: { before: SubscriptionRecord | undefined; after: SubscriptionRecord | undefined },
): TopicRecord {
  const subscriptions = topic.subscriptions + (after ? 1 : 0) - (before ? 1 : 0);
  if (after && subscriptions > subscriptionsMax) {
    throw invalidInput(`topic: "${topic.name}" has ${subscriptionsMax} subscriptions, the most that a topic can have`);
  }
  const added = (after ? filterBytes(after) : 0) - (before ? filterBytes(before) : 0);
  const bytes = Math.max(0, topic.filterBytes + added);
  if (added > 0 && bytes > topicFilterBytesMax) {
    const all = `the filters of the topic "${topic.name}" together must be at most ${topicFilterBytesMax} bytes as JSON text`;
    throw invalidInput(`filter: ${all}, would be ${bytes}; use shorter filters, subjects, or several topics`);
  }
  return { ...topic, revision: topic.revision + 1, subscriptions, filterBytes: bytes };
}

async function unlessThrottled(transacting: Promise<Transacted | undefined>): Promise<Transacted | undefined> {
  try {
    return await transacting;
  } catch (error) {
    if (!isThrottled(error)) throw error;
    return { ok: false, refused: [] };
  }
}

export async function findSubscription(ctx: Context, topicIncarnation: string, name: string) {
  const [row] = await ctx.store.get([subscriptionKey(topicIncarnation, name)]);
  return row && readSubscription(row);
}

export async function currentQueue(ctx: Context, name: string | undefined): Promise<QueueRecord | undefined> {
  if (name === undefined) return undefined;
  const [row] = await ctx.store.get([queueKey(name)]);
  return row && readQueue(row);
}

/** The condition that a row is as it was read. */
export function unchanged({ version }: { version: string }): Condition {
  return { equals: [['version'], version] };
}

/** The put of a queue's row, if it is unchanged. */
export function changedQueue(ctx: Context, before: QueueRecord, changes: Partial<QueueRecord>): Write {
  const next = { ...before, ...changes, version: ctx.newVersion() };
  return { key: queueKey(before.name), when: unchanged(before), then: { put: queueRow(next) } };
}

/** The writes that remove a subscription, and with it the queue that it owns. */
export function subscriptionRemoval(ctx: Context, record: SubscriptionRecord, queue: QueueRecord | undefined): Write[] {
  const { topicIncarnation, name, queueIncarnation, ownsQueue } = record;
  const removal: Write = { key: subscriptionKey(topicIncarnation, name), when: unchanged(record), then: { remove: true } };
  // The queue is gone, or another one has its name, if the table was restored to an earlier time.
  if (queue?.incarnation !== queueIncarnation) return [removal];
  if (ownsQueue) return [removal, ...queueDeletion(queue, ctx.clock.now())];
  const { [topicIncarnation]: _, ...feeds } = queue.feeds ?? {};
  return [removal, changedQueue(ctx, queue, { feeds })];
}
