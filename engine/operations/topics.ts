/** The operations on topics themselves. `topics/` has their rules. */
import type { CheckedInputOf, OutputOf, Page, Topic } from '../../contract/contract.ts';
import { defined } from '../../contract/defined.ts';
import { settingsCacheMs } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { ensureTimeFor } from '../context/long-poll.ts';
import { formatCursor } from '../model/cursors.ts';
import { describeTopic, readTopic, topicKind } from '../model/topic-record.ts';
import { checkDeadLetter } from '../queues/change-queue.ts';
import { changeTopic, currentTopic, putTopic, removeTopic, type TopicSettings } from '../topics/topic-rows.ts';
import { pageByName } from './queues.ts';

/** Creates a topic. A repeat with the same settings changes nothing. With different settings it fails with `topic_exists`. */
export async function createTopic(ctx: Context, name: string, input: CheckedInputOf<'createTopic'>): Promise<Topic> {
  const { queueSettings = {}, preparedTimeoutSeconds = null } = input;
  await checkQueueSettings(ctx, name, queueSettings);
  return describeTopic(await putTopic(ctx, name, { queueSettings, preparedTimeoutSeconds }));
}

/** Its subscriptions check the dead-letter queue again, for queues that they own. */
async function checkQueueSettings(ctx: Context, name: string, { deadLetter }: TopicSettings['queueSettings']): Promise<void> {
  if (deadLetter) await checkDeadLetter(ctx, `${name}~`, deadLetter, 'queueSettings.');
}

export async function getTopic(ctx: Context, name: string): Promise<Topic> {
  return describeTopic(await currentTopic(ctx, name));
}

/** Changes the given settings of a topic, and no other. Queues that its subscriptions have already stay as they are. */
export async function updateTopic(ctx: Context, name: string, input: CheckedInputOf<'updateTopic'>): Promise<Topic> {
  const { queueSettings, preparedTimeoutSeconds } = input;
  if (queueSettings) await checkQueueSettings(ctx, name, queueSettings);
  return describeTopic(await changeTopic(ctx, name, defined({ queueSettings, preparedTimeoutSeconds })));
}

/** Deletes a topic. It answers when no process publishes by a cached copy of the topic any more. */
export async function deleteTopic(ctx: Context, name: string, force: boolean): Promise<object> {
  ensureTimeFor(ctx, settingsCacheMs);
  await removeTopic(ctx, name, force);
  await ctx.clock.sleep(settingsCacheMs);
  return {};
}

/** Lists topics by name, a page at a time. */
export async function listTopics(ctx: Context, input: Page): Promise<OutputOf<'listTopics'>> {
  const { rows, next } = await pageByName(ctx, topicKind, input);
  const topics = rows.map((row) => describeTopic(readTopic(row)));
  const last = topics.at(-1);
  return next && last ? { topics, cursor: formatCursor({ name: last.name }) } : { topics };
}
