/** Ends subscriptions from which nothing receives, and removes what deleted topics leave. */
import { DumbwaiterError } from '../../contract/errors.ts';
import type { Context } from '../context/context.ts';
import type { Deadline } from '../context/deadline.ts';
import { sideBySide } from '../context/side-by-side.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import {
  deletedTopicKey,
  deletedTopicKind,
  readSubscription,
  readTopic,
  type SubscriptionRecord,
  subscriptionsOf,
  type TopicRecord,
} from '../model/topic-record.ts';
import { StoreError } from '../port/port.ts';
import { isOverdue } from '../queues/last-receive.ts';
import { changeSubscription, currentQueue, subscriptionRemoval } from '../topics/change-subscription.ts';
import { hasPublications } from '../topics/publications.ts';

const topicsAtOnce = 8;
const subscriptionsAtOnce = 8;
/** Subscriptions of a deleted topic that one read returns. */
const pageRows = 100;

/** `inUse`: the names of dead-letter queues, which do not end by themselves. Returns true if everything due was done. */
export async function sweepTopics(
  ctx: Context,
  queues: readonly QueueRecord[],
  inUse: ReadonlySet<string>,
  deadline: Deadline,
): Promise<boolean> {
  const overdue = queues.filter((queue) => isOverdue(queue, ctx.clock.now()) && !inUse.has(queue.name));
  const ended = await allDone(overdue, deadline, (queue) => endIfOverdue(ctx, queue));
  const page = await ctx.store.range({ table: 'queues', partition: deletedTopicKind, limit: topicsAtOnce });
  let removed = page.next === undefined;
  for (const topic of page.rows.map(readTopic)) removed = (await removeDeletedTopic(ctx, topic, deadline)) && removed;
  return ended && removed;
}

/** The transaction depends on the queue's row: a receive that was recorded since keeps the subscription. */
async function endIfOverdue(ctx: Context, { subscription: owner }: QueueRecord): Promise<boolean> {
  if (!owner) return true;
  const { topic, topicIncarnation, name } = owner;
  try {
    const ended = await changeSubscription<boolean>(ctx, { topic, name }, async ({ subscription, queue }) => {
      const isSame = subscription?.topicIncarnation === topicIncarnation && subscription.ownsQueue;
      if (!isSame || !queue || !isOverdue(queue, ctx.clock.now())) return { done: false };
      const writes = subscriptionRemoval(ctx, subscription, queue);
      return { writes, before: subscription, after: undefined, then: true };
    });
    if (ended) ctx.observe?.({ kind: 'subscription_ended', topic, subscription: name });
  } catch (error) {
    // The topic was deleted: its subscriptions are removed below.
    if (!(error instanceof DumbwaiterError) || error.code !== 'topic_not_found') throw error;
  }
  return true;
}

/** Removes the subscriptions of a deleted topic, and then its row, once no message still goes out. Returns true if nothing is left. */
async function removeDeletedTopic(ctx: Context, topic: TopicRecord, deadline: Deadline): Promise<boolean> {
  if (await hasPublications(ctx, topic)) return false;
  for (;;) {
    if (deadline.isOver()) return false;
    const { rows, next } = await ctx.store.range({ ...subscriptionsOf(topic), limit: pageRows });
    if (!(await allDone(rows.map(readSubscription), deadline, (one) => remove(ctx, one)))) return false;
    if (next === undefined) break;
  }
  await ctx.store.write({ key: deletedTopicKey(topic.incarnation), then: { remove: true } });
  return true;
}

/** Returns false if its queue was changed meanwhile: the next run tries again. */
async function remove(ctx: Context, record: SubscriptionRecord): Promise<boolean> {
  const queue = await currentQueue(ctx, record.queue);
  const { ok } = await ctx.store.transact(subscriptionRemoval(ctx, record, queue));
  ctx.settings.forget(record.queue);
  return ok;
}

/** A store error of one piece does not stop the others. */
async function allDone<Piece>(
  pieces: readonly Piece[],
  deadline: Deadline,
  run: (piece: Piece) => Promise<boolean>,
): Promise<boolean> {
  let complete = true;
  const left = await sideBySide(pieces, subscriptionsAtOnce, deadline.isOver, async (piece) => {
    try {
      if (!(await run(piece))) complete = false;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      complete = false;
    }
  });
  return complete && left.length === 0;
}
