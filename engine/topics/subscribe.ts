/** Adds a subscription to a topic, with a queue of its own or on an existing queue. */
import { isDeepStrictEqual } from 'node:util';
import type { QueueSettings } from '../../contract/contract.ts';
import { defined } from '../../contract/defined.ts';
import { DumbwaiterError, invalidInput } from '../../contract/errors.ts';
import { feedsMax } from '../../contract/limits.ts';
import { settingsDefaults } from '../../contract/settings-defaults.ts';
import type { Context } from '../context/context.ts';
import { type QueueRecord, queueKey, queueRow } from '../model/queue-record.ts';
import {
  ownedQueueName,
  type SubscriptionRecord,
  subscriptionKey,
  subscriptionRow,
  type TopicRecord,
} from '../model/topic-record.ts';
import type { Write } from '../port/port.ts';
import { checkDeadLetter } from '../queues/change-queue.ts';
import { differingSetting, newQueue } from '../queues/creation.ts';
import { changedQueue, changeSubscription, findSubscription, subscriptionRemoval } from './change-subscription.ts';

export type Terms = Pick<SubscriptionRecord, 'subject' | 'filter' | 'filterScope' | 'expiresAfterSeconds'>;

/** `queue`: an existing queue; undefined: one of its own. `settings`: of its own queue. */
export interface AskedSubscription {
  terms: Terms;
  queue: string | undefined;
  settings: Partial<QueueSettings>;
}

/** Returns the new subscription, or the existing one if it has the same terms. Throws `subscription_exists` if it has others. */
export async function addSubscription(
  ctx: Context,
  topicName: string,
  name: string,
  asked: AskedSubscription,
): Promise<SubscriptionRecord> {
  const queueName = asked.queue ?? ownedQueueName(topicName, name);
  return changeSubscription<SubscriptionRecord>(ctx, { topic: topicName, name, queue: queueName }, async (seen) => {
    const { topic, subscription, queue } = seen;
    if (subscription) {
      checkSame(subscription, asked, queueName, queue);
      return { done: subscription };
    }
    const place =
      asked.queue === undefined ? await ownQueue(ctx, topic, name, asked, queue) : feed(ctx, topic, name, queueName, queue);
    if (!place) return { again: true };
    const now = ctx.clock.now();
    const record: SubscriptionRecord = {
      ...asked.terms,
      topic: topicName,
      topicIncarnation: topic.incarnation,
      name,
      queue: queueName,
      queueIncarnation: place.incarnation,
      ownsQueue: asked.queue === undefined,
      fromRevision: topic.revision + 1,
      createdAt: now,
      updatedAt: now,
      version: ctx.newVersion(),
    };
    const key = subscriptionKey(topic.incarnation, name);
    const put: Write = { key, when: { absent: ['name'] }, then: { put: subscriptionRow(record) } };
    return { writes: [put, place.write], before: undefined, after: record, then: record };
  });
}

interface Place {
  incarnation: string;
  write: Write;
}

/** Creates the queue that the subscription owns. Undefined if what was read is outdated. */
async function ownQueue(
  ctx: Context,
  topic: TopicRecord,
  name: string,
  { terms, settings }: AskedSubscription,
  there: QueueRecord | undefined,
): Promise<Place | undefined> {
  if (there) {
    if (there.subscription?.topicIncarnation !== topic.incarnation) await removeRemains(ctx, there);
    return undefined;
  }
  const queueName = ownedQueueName(topic.name, name);
  const all: QueueSettings = { ...settingsDefaults, ...topic.queueSettings, ...settings };
  await checkDeadLetter(ctx, queueName, all.deadLetter, settings.deadLetter ? 'settings.' : "the topic's queueSettings.");
  const { expiresAfterSeconds } = terms;
  const owner = { topic: topic.name, topicIncarnation: topic.incarnation, name };
  const record: QueueRecord = {
    ...newQueue(ctx, queueName, all),
    subscription: { ...owner, ...defined({ expiresAfterSeconds: expiresAfterSeconds ?? undefined }) },
  };
  const write: Write = { key: queueKey(queueName), when: { absent: ['name'] }, then: { put: queueRow(record) } };
  return { incarnation: record.incarnation, write };
}

/** Removes what the sweep has not yet removed of a deleted topic of the same name, so that the name is free. */
async function removeRemains(ctx: Context, queue: QueueRecord): Promise<void> {
  const owner = queue.subscription;
  const record = owner && (await findSubscription(ctx, owner.topicIncarnation, owner.name));
  if (!record) return;
  await ctx.store.transact(subscriptionRemoval(ctx, record, queue));
  ctx.settings.forget(queue.name);
}

/** Enters the subscription in the row of an existing queue, so that the queue is not deleted, nor fed twice by the topic. */
function feed(ctx: Context, topic: TopicRecord, name: string, queueName: string, queue: QueueRecord | undefined): Place {
  if (!queue) throw invalidInput(`queue: there is no queue "${queueName}"; create it first`);
  const { feeds = {}, incarnation } = queue;
  const other = feeds[topic.incarnation];
  if (other) {
    throw new DumbwaiterError(
      'subscription_exists',
      `queue: the subscription "${other.name}" of this topic already delivers into the queue "${queueName}"`,
    );
  }
  if (Object.keys(feeds).length >= feedsMax) {
    throw invalidInput(`queue: ${feedsMax} topics deliver into the queue "${queueName}" already, the most that can`);
  }
  return {
    incarnation,
    write: changedQueue(ctx, queue, { feeds: { ...feeds, [topic.incarnation]: { topic: topic.name, name } } }),
  };
}

function checkSame(there: SubscriptionRecord, asked: AskedSubscription, queueName: string, queue: QueueRecord | undefined): void {
  const names = Object.keys(asked.terms) as (keyof Terms)[];
  const term = names.find((field) => !isDeepStrictEqual(there[field], asked.terms[field]));
  const setting = queue && differingSetting(queue, asked.settings);
  const different = there.queue === queueName ? (term ?? (setting && `settings.${setting}`)) : 'queue';
  if (different === undefined) return;
  const change = different === 'queue' ? 'delete it first' : `change it by PATCH${term ? '' : ' of its queue'}`;
  throw new DumbwaiterError(
    'subscription_exists',
    `subscription: "${there.name}" of the topic "${there.topic}" already exists with a different ${different}; ${change}`,
  );
}
