/** Reads the row of a topic, and creates, changes and deletes it. */
import { isDeepStrictEqual } from 'node:util';
import { DumbwaiterError } from '../../contract/errors.ts';
import type { Context } from '../context/context.ts';
import { incarnationChars } from '../model/queue-record.ts';
import {
  deletedTopicKey,
  deletedTopicKind,
  ownedQueueName,
  readTopic,
  type TopicRecord,
  topicKey,
  topicRow,
} from '../model/topic-record.ts';
import { StoreError, type Transacted, type Write } from '../port/port.ts';
import { untilDone } from '../port/until-done.ts';

export type TopicSettings = Pick<TopicRecord, 'queueSettings' | 'preparedTimeoutSeconds'>;

export function topicNotFound(name: string): DumbwaiterError {
  return new DumbwaiterError('topic_not_found', `topic: there is no topic "${name}"`);
}

async function findTopic(ctx: Context, name: string): Promise<TopicRecord | undefined> {
  const [row] = await ctx.store.get([topicKey(name)]);
  return row && readTopic(row);
}

/** The topic as it is now, bypassing the cache. Throws `topic_not_found`. */
export async function currentTopic(ctx: Context, name: string): Promise<TopicRecord> {
  const topic = await findTopic(ctx, name);
  if (!topic) throw topicNotFound(name);
  return topic;
}

/** Returns the topic of that name: the new one, or one that has the same settings. Throws `topic_exists` if one has others. */
export async function putTopic(ctx: Context, name: string, settings: TopicSettings): Promise<TopicRecord> {
  const now = ctx.clock.now();
  const record: TopicRecord = {
    ...settings,
    name,
    incarnation: ctx.random.chars(incarnationChars),
    revision: 0,
    subscriptions: 0,
    filterBytes: 0,
    createdAt: now,
    updatedAt: now,
    version: ctx.newVersion(),
  };
  const there = await writeTopic(ctx, name, { key: topicKey(name), when: { absent: ['name'] }, then: { put: topicRow(record) } });
  if (!there) throw topicNotFound(name);
  if (there.version === record.version) return there;
  const different = (['queueSettings', 'preparedTimeoutSeconds'] as const).find(
    (field) => !isDeepStrictEqual(there[field], settings[field]),
  );
  if (different === undefined) return there;
  throw new DumbwaiterError(
    'topic_exists',
    `topic: "${name}" already exists with a different ${different}; change it with PATCH`,
  );
}

export async function changeTopic(ctx: Context, name: string, settings: Partial<TopicSettings>): Promise<TopicRecord> {
  const ours = new Set<string>();
  return untilDone(`the topic "${name}"`, await currentTopic(ctx, name), async (topic) => {
    if (ours.has(topic.version)) return { done: topic };
    const next = { ...topic, ...settings, updatedAt: ctx.clock.now(), version: ctx.newVersion() };
    ours.add(next.version);
    const when = { equals: [['version'], topic.version] } as const;
    const seen = await writeTopic(ctx, name, { key: topicKey(name), when, then: { put: topicRow(next) } });
    if (!seen) throw topicNotFound(name);
    return { seen };
  });
}

/** Returns the topic as it is after the write, whether or not that was applied. Throws StoreError if nothing is known of the write. */
async function writeTopic(ctx: Context, name: string, write: Write): Promise<TopicRecord | undefined> {
  try {
    const { row } = await ctx.store.write(write);
    return row && readTopic(row);
  } catch (error) {
    const found = error instanceof StoreError && error.applied === 'unknown' ? await findTopic(ctx, name) : undefined;
    if (!found) throw error;
    return found;
  } finally {
    ctx.topics.forget(name);
  }
}

/**
 * Moves the topic to the deleted topics. The sweep removes its subscriptions later. Throws `topic_in_use` if it has subscriptions
 * and `force` is not set, and `queue_in_use` if another queue needs one of theirs.
 */
export async function removeTopic(ctx: Context, name: string, force: boolean): Promise<void> {
  const first = await currentTopic(ctx, name);
  if (first.subscriptions > 0 && force) await checkNoDeadLetters(ctx, name);
  let answerLost = false;
  await untilDone<TopicRecord | undefined, undefined>(`the topic "${name}"`, first, async (topic) => {
    if (topic?.incarnation !== first.incarnation) {
      if (answerLost) return { done: undefined };
      throw topicNotFound(name);
    }
    if (topic.subscriptions > 0 && !force) {
      const count = topic.subscriptions === 1 ? 'a subscription' : `${topic.subscriptions} subscriptions`;
      throw new DumbwaiterError('topic_in_use', `topic: "${name}" has ${count}; delete them first, or give force`);
    }
    const deleted = { ...topic, updatedAt: ctx.clock.now() };
    const result = await transactTopic(ctx, name, [
      { key: topicKey(name), when: { equals: [['version'], topic.version] }, then: { remove: true } },
      { key: deletedTopicKey(topic.incarnation), then: { put: topicRow(deleted, deletedTopicKind) } },
    ]);
    if (result?.ok) return { done: undefined };
    answerLost ||= result === undefined;
    return { seen: await findTopic(ctx, name) };
  });
}

/** Throws `queue_in_use` if a queue that the topic's subscriptions own is the dead-letter queue of a queue that stays. */
async function checkNoDeadLetters(ctx: Context, topic: string): Promise<void> {
  const isOwned = (queue: string) => queue.startsWith(ownedQueueName(topic, ''));
  const queues = await ctx.settings.list();
  const user = queues.find(({ name, deadLetter }) => deadLetter && isOwned(deadLetter.queue) && !isOwned(name));
  if (!user) return;
  const what = `the queue "${user.deadLetter!.queue}" of its subscriptions is the dead-letter queue of "${user.name}"`;
  throw new DumbwaiterError('queue_in_use', `topic: ${what}; change that queue or delete it first`);
}

/** Undefined if the answer was lost. */
export async function transactTopic(ctx: Context, name: string, writes: readonly Write[]): Promise<Transacted | undefined> {
  try {
    return await ctx.store.transact(writes);
  } catch (error) {
    if (!(error instanceof StoreError) || error.applied === 'no') throw error;
    return undefined;
  } finally {
    ctx.topics.forget(name);
  }
}
