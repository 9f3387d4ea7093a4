/**
 * The operations on subscriptions. `topics/` has their rules. A subscribe and an unsubscribe answer when no process publishes by an
 * older list of subscriptions any more. So each publish that begins after the answer reaches the new subscription, and none reaches
 * the one that was removed.
 */
import type { CheckedInputOf, InputOf, OutputOf, Page, Subscription } from '../../contract/contract.ts';
import { DumbwaiterError, invalidInput } from '../../contract/errors.ts';
import { pageEntriesDefault, settingsCacheMs } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { ensureTimeFor } from '../context/long-poll.ts';
import { formatCursor, parseCursor, unknownCursor } from '../model/cursors.ts';
import {
  describeSubscription,
  readSubscription,
  type SubscriptionRecord,
  subscriptionKey,
  subscriptionKind,
  subscriptionRow,
  subscriptionRowName,
  subscriptionsOf,
  type TopicRecord,
} from '../model/topic-record.ts';
import type { Row, Write } from '../port/port.ts';
import { arrivedMs } from '../queues/sleep.ts';
import {
  changedQueue,
  changeSubscription,
  findSubscription,
  subscriptionRemoval,
  unchanged,
} from '../topics/change-subscription.ts';
import { validateFilter } from '../topics/filter-limits.ts';
import { candidateMessage, compileMatcher } from '../topics/matching.ts';
import { addSubscription, type Terms } from '../topics/subscribe.ts';
import { currentTopic } from '../topics/topic-rows.ts';
import { countMessages } from './get-queue.ts';

/** Adds a subscription. A repeat with the same terms changes nothing. With other terms it fails with `subscription_exists`. */
export async function subscribe(
  ctx: Context,
  topic: string,
  name: string,
  input: CheckedInputOf<'subscribe'>,
): Promise<Subscription> {
  ensureTimeFor(ctx, settingsCacheMs);
  const { subject = null, filter = null, filterScope = 'attributes', expiresAfterSeconds = null, queue, settings = {} } = input;
  const terms = checkedTerms({ subject, filter, filterScope, expiresAfterSeconds });
  const record = await addSubscription(ctx, topic, name, { terms, queue, settings });
  // A call that finds the subscription may have come right after the one that added it, or may be a repeat of it.
  if (ctx.clock.now() < record.createdAt + arrivedMs + settingsCacheMs) await ctx.clock.sleep(settingsCacheMs);
  return describeSubscription(record);
}

/** Throws `invalid_input` for a subject or a filter that is not valid. */
function checkedTerms({ filter, ...plain }: Terms): Terms {
  const terms = { ...plain, filter: filter && validateFilter(filter, plain.filterScope) };
  compileMatcher(terms);
  return terms;
}

function subscriptionNotFound(topic: string, name: string): DumbwaiterError {
  return new DumbwaiterError('subscription_not_found', `subscription: the topic "${topic}" has no subscription "${name}"`);
}

async function currentSubscription(ctx: Context, topicName: string, name: string): Promise<SubscriptionRecord> {
  const topic = await currentTopic(ctx, topicName);
  const record = await findSubscription(ctx, topic.incarnation, name);
  if (!record) throw subscriptionNotFound(topicName, name);
  return record;
}

/** Returns a subscription with the counts of its queue. */
export async function getSubscription(ctx: Context, topic: string, name: string): Promise<OutputOf<'getSubscription'>> {
  const record = await currentSubscription(ctx, topic, name);
  const queue = await ctx.settings.read(record.queue);
  return { ...describeSubscription(record), counts: await countMessages(ctx, queue) };
}

/** Changes the given terms of a subscription, and no other. Every process follows within `settingsCacheMs`. */
export async function updateSubscription(
  ctx: Context,
  topicName: string,
  name: string,
  input: InputOf<'updateSubscription'>,
): Promise<Subscription> {
  const changed = await changeSubscription<SubscriptionRecord>(ctx, { topic: topicName, name }, async (seen) => {
    const { topic, subscription: before, queue } = seen;
    if (!before) throw subscriptionNotFound(topicName, name);
    const { subject, filter, filterScope, expiresAfterSeconds } = { ...before, ...input };
    const terms = checkedTerms({ subject, filter, filterScope, expiresAfterSeconds });
    const now = ctx.clock.now();
    const next: SubscriptionRecord = { ...before, ...terms, updatedAt: now, version: ctx.newVersion() };
    const key = subscriptionKey(topic.incarnation, name);
    const writes: Write[] = [{ key, when: unchanged(before), then: { put: subscriptionRow(next) } }];
    if (next.expiresAfterSeconds !== before.expiresAfterSeconds) {
      const owner = queue?.subscription;
      if (!queue || !owner) throw invalidInput('expiresAfterSeconds: only a subscription with a queue of its own ends by itself');
      const { expiresAfterSeconds: _, ...plain } = owner;
      const subscription =
        next.expiresAfterSeconds === null ? plain : { ...plain, expiresAfterSeconds: next.expiresAfterSeconds };
      writes.push(changedQueue(ctx, queue, { subscription, lastReceivedAt: now }));
    }
    return { writes, before, after: next, then: next };
  });
  return describeSubscription(changed);
}

/** Removes a subscription, and with it the queue that it owns. */
export async function unsubscribe(ctx: Context, topicName: string, name: string): Promise<object> {
  ensureTimeFor(ctx, settingsCacheMs);
  await changeSubscription<undefined>(ctx, { topic: topicName, name }, async ({ subscription, queue, answerLost }) => {
    if (!subscription) {
      if (answerLost) return { done: undefined };
      throw subscriptionNotFound(topicName, name);
    }
    if (subscription.ownsQueue) await checkNoDeadLetters(ctx, subscription);
    const writes = subscriptionRemoval(ctx, subscription, queue);
    return { writes, before: subscription, after: undefined, then: undefined };
  });
  await ctx.clock.sleep(settingsCacheMs);
  return {};
}

/** No row names the queues that dead-letter into another, so all settings are looked through: a list that the process caches. */
async function checkNoDeadLetters(ctx: Context, { queue }: SubscriptionRecord): Promise<void> {
  const user = (await ctx.settings.list()).find(({ name, deadLetter }) => deadLetter?.queue === queue && name !== queue);
  if (user) throw new DumbwaiterError('queue_in_use', `subscription: its queue is the dead-letter queue of "${user.name}"`);
}

/** Lists the subscriptions of a topic by name, a page at a time. A page with large filters may be short and still have a cursor. */
export async function listSubscriptions(
  ctx: Context,
  topicName: string,
  { limit = pageEntriesDefault, cursor }: Page,
): Promise<OutputOf<'listSubscriptions'>> {
  const topic = await currentTopic(ctx, topicName);
  const range = { ...subscriptionsOf(topic), limit };
  const { rows, next } = await ctx.store.range(cursor === undefined ? range : { ...range, after: placeAfter(topic, cursor) });
  const subscriptions = rows.map((row) => describeSubscription(readSubscription(row)));
  const last = subscriptions.at(-1);
  return next && last ? { subscriptions, cursor: formatCursor({ name: last.name }) } : { subscriptions };
}

function placeAfter({ incarnation }: TopicRecord, cursor: string): Row {
  const { name } = parseCursor(cursor, ['name']);
  if (name === '' || typeof name === 'number') throw unknownCursor();
  return { kind: subscriptionKind, name: subscriptionRowName(incarnation, name!) };
}

/** Says whether a message would reach a subscription; if not, which condition fails. */
export async function testSubscription(
  ctx: Context,
  topic: string,
  name: string,
  message: InputOf<'testSubscription'>,
): Promise<OutputOf<'testSubscription'>> {
  const record = await currentSubscription(ctx, topic, name);
  return compileMatcher(record).explain(candidateMessage(message));
}
