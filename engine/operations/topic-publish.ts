/** Publishes to a topic: at once, prepared, or in the caller's own transaction. The rules are in `engine/topics/`. */
import type { OutputOf, Refused, TopicEntry } from '../../contract/contract.ts';
import { DumbwaiterError, invalidInput } from '../../contract/errors.ts';
import type { Context } from '../context/context.ts';
import { createRetryBudget, withRetry } from '../context/retry.ts';
import type { CachedTopic } from '../context/topics-cache.ts';
import { onlyOnce } from '../leases/offloaded-bodies.ts';
import { chunkWrites } from '../model/content-codec.ts';
import type { Write } from '../port/port.ts';
import { createSharedBodies } from '../publish/place-body.ts';
import { noteTransactions } from '../queues/change-queue.ts';
import { deliveriesOf } from '../topics/delivery.ts';
import { tellsNothing } from '../topics/fan-out.ts';
import * as prepared from '../topics/prepared-publications.ts';
import { begunWrite, firstRow } from '../topics/publication-record.ts';
import { newPublication, publicationContentWrites } from '../topics/publications.ts';
import { acceptedEntry, publishToTopic as publish, topicOf } from '../topics/publish-topic.ts';
import { createWriteCounts, roundsOf, sharesOf } from '../topics/shares.ts';
import type { TopicMessage } from '../topics/topic-message.ts';
import { publishPending } from './publish.ts';
import { asItems } from './transaction-items.ts';

/** More writes than this go out by a publication, so that the caller's own entries have room in the transaction. */
const directWritesMax = 50;
/** How long the entries may wait for the caller's transaction, ms: a copy of it that comes later might publish again. */
const itemsCountMs = 30 * 24 * 3_600_000;

export function publishToTopic(
  ctx: Context,
  topicName: string,
  entries: readonly (TopicEntry | Refused)[],
): Promise<OutputOf<'publishToTopic'>> {
  return publish(ctx, topicName, entries, publishPending);
}

export async function commitPublication(ctx: Context, topicName: string, id: string): Promise<object> {
  return prepared.commitPublication(ctx, await findTopic(ctx, topicName), id);
}

export async function rollbackPublication(ctx: Context, topicName: string, id: string): Promise<object> {
  return prepared.rollbackPublication(ctx, (await findTopic(ctx, topicName)).record, id);
}

function findTopic(ctx: Context, name: string): Promise<CachedTopic> {
  return withRetry(createRetryBudget(ctx), () => topicOf(ctx, name));
}

/**
 * Publish in the caller's own transaction: returns the transaction entries and stores no message. Few writes are those of the
 * queues; many are a publication that a sweep delivers.
 */
export async function topicPublishItems(
  ctx: Context,
  topicName: string,
  entries: readonly (TopicEntry | Refused)[],
): Promise<OutputOf<'topicPublishItems'>> {
  const topic = await findTopic(ctx, topicName);
  const messages = entries.map((entry, index) => accepted(ctx, topic, entry, index));
  const own = messages.filter(({ once }) => once !== undefined);
  const twice = own.find(({ id }, at) => own.findIndex((other) => other.id === id) !== at);
  if (twice) throw invalidInput(`messages[${twice.index}].id: must be unique in the call, was given twice: "${twice.id}"`);
  const shares = sharesOf(topic.subscriptions, messages);
  const writesOf = createWriteCounts();
  const isDirect = shares.reduce((sum, share) => sum + writesOf(share.messages), 0) <= directWritesMax;
  const delivering = { told: tellsNothing, bodies: createSharedBodies() };
  const planned = await deliveriesOf(ctx, isDirect ? shares : [], delivering);
  const bodies = onlyOnce(planned.deliveries.flatMap((delivery) => delivery.bodies));
  const direct = [
    ...bodies.flatMap(({ content, chunks, ttl }) => chunkWrites(content, chunks, ttl)),
    ...planned.deliveries.flatMap(({ writes }) => writes),
  ];
  const items = asItems(ctx, isDirect ? direct : roundsOf(messages).flatMap((round) => publicationWrites(ctx, topic, round)));
  // Last, so that a refused call changes nothing; but before the caller gets the entries.
  for (const name of planned.queues) await noteTransactions(ctx, await ctx.settings.get(name));
  return { items, ids: messages.map(({ id }) => id) };
}

function publicationWrites(ctx: Context, topic: CachedTopic, messages: readonly TopicMessage[]): Write[] {
  const made = newPublication(ctx, topic.record, messages);
  return [...publicationContentWrites(made), begunWrite(made.record.name, ctx.clock.now(), itemsCountMs), firstRow(made.record)];
}

function accepted(ctx: Context, topic: CachedTopic, entry: TopicEntry | Refused, index: number): TopicMessage {
  const refuse = (field: string, why: string) =>
    invalidInput(`messages[${index}].${field}: is not allowed in a transaction; ${why}`);
  if (!('ok' in entry)) {
    if (entry.group !== undefined) throw refuse('group', 'publish the message with publish');
    if (entry.prepared) throw refuse('prepared', 'its commit already decides whether the message is published');
    if (entry.dedupKey !== undefined) throw refuse('dedupKey', 'give the message an id, or use publish');
  }
  const message = acceptedEntry(ctx, topic, entry, index);
  if ('ok' in message) throw new DumbwaiterError(message.code, message.message);
  return message;
}
