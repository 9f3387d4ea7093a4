/**
 * Prepared publishes to a topic. Each message is a publication of its own that waits. A commit makes its first step; a rollback
 * puts a tombstone in its place. Each is conditional on the row's version, so the first of them decides.
 */
import type { TopicPublishResult } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import type { Context } from '../context/context.ts';
import { createRetryBudget, type RetryBudget, withRetry } from '../context/retry.ts';
import type { CachedTopic } from '../context/topics-cache.ts';
import { unknownOutcome } from '../leases/lease-store.ts';
import { removeChunks } from '../leases/removals.ts';
import type { TopicRecord } from '../model/topic-record.ts';
import { type Condition, ignoreStoreError, StoreError } from '../port/port.ts';
import { untilDone } from '../port/until-done.ts';
import { createSharedBodies } from '../publish/place-body.ts';
import { deliver, listed, step, tellsNothing } from './fan-out.ts';
import { ending, type PublicationRecord, publicationKey, publicationRow, readPublication } from './publication-record.ts';
import { messagesOf, newPublication, storePublicationContent } from './publications.ts';
import { sharesOf } from './shares.ts';
import type { TopicMessage } from './topic-message.ts';

/** The name of the row for the id that the publish answered. Only generated ids contain `~`. */
function rowNameOf({ incarnation }: TopicRecord, id: string): string {
  return id.includes('~') ? id : `${incarnation}=${id}`;
}

/** Stores a message that waits for its commit. Throws StoreError. */
export async function storePrepared(
  ctx: Context,
  topic: TopicRecord,
  message: TopicMessage,
  retryBudget: RetryBudget,
): Promise<TopicPublishResult> {
  const { id } = message;
  const made = newPublication(ctx, topic, [{ ...message, index: 0 }], {
    name: rowNameOf(topic, id),
    state: 'prepared',
    wasPrepared: true,
    dueAt: ctx.clock.now() + (topic.preparedTimeoutSeconds ?? 0) * 1000,
  });
  const { record } = made;
  await storePublicationContent(ctx, made, retryBudget);
  const put = (when: Condition) =>
    withRetry(retryBudget, () =>
      ctx.store.write({ key: publicationKey(record.name), when, then: { put: publicationRow(record) } }),
    );
  let written = await put({ absent: ['name'] });
  const former = written.row && readPublication(written.row);
  const isFree = former?.state === 'rolled_back' || (former?.until !== undefined && former.until < ctx.clock.now());
  // An earlier request may have been applied, and its row may be the one that was rolled back.
  if (!written.ok && isFree && written.maybeApplied) throw unknownOutcome();
  if (!written.ok && isFree) written = await put({ equals: [['version'], former!.version] });
  if (written.ok || written.row?.version === record.version) return { ok: true, id, subscriptions: 0 };
  // If an answer was lost, the row in the way may be ours, changed since, and name the content. TTL removes it otherwise.
  if (!written.maybeApplied) await removeChunks(ctx, record.content);
  return { ok: true, id, subscriptions: 0, duplicate: true };
}

/** Delivers the message, unless that is decided already. Throws `publication_not_found`, `message_rolled_back`. */
export function commitPublication(ctx: Context, topic: CachedTopic, id: string): Promise<object> {
  return decide(
    ctx,
    topic.record,
    id,
    async (record) => {
      const messages = await messagesOf(ctx, record);
      if (!messages) return false;
      const fanOut = { messages, subscriptions: listed(topic.subscriptions), told: tellsNothing, bodies: createSharedBodies() };
      // From now on the message counts as published now, to the subscriptions of now.
      const from = { ...record, revision: topic.record.revision, startedAt: ctx.clock.now() };
      const { isOurs, record: next } = await step(ctx, from, fanOut);
      if (!isOurs) return false;
      const isOver = () => ctx.lastTryAt !== undefined && ctx.clock.now() >= ctx.lastTryAt;
      await deliver(ctx, next, fanOut, isOver).catch(ignoreStoreError);
      const matched = sharesOf(topic.subscriptions, messages).length;
      const filtered = topic.subscriptions.length - matched;
      ctx.observe?.({ kind: 'topic_published', topic: topic.record.name, messages: 1, matched, filtered });
      return true;
    },
    'committed',
  );
}

/** Throws `publication_not_found`, `message_committed`. */
export function rollbackPublication(ctx: Context, topic: TopicRecord, id: string): Promise<object> {
  return decide(ctx, topic, id, (record) => rollBack(ctx, record), 'rolled_back');
}

/** Ends a prepared publication. Returns false if its row has changed, or may change yet. */
export async function rollBack(ctx: Context, record: PublicationRecord): Promise<boolean> {
  try {
    const written = await ctx.store.write(ending(ctx, record, 'rolled_back'));
    if (written.ok) await removeChunks(ctx, record.content);
    return written.ok;
  } catch (error) {
    if (!(error instanceof StoreError) || error.applied === 'no') throw error;
    return false;
  }
}

/** `run` decides a prepared publication; it returns false if another process, or an earlier request, may have been first. */
function decide(
  ctx: Context,
  topic: TopicRecord,
  id: string,
  run: (record: PublicationRecord) => Promise<boolean>,
  decision: 'committed' | 'rolled_back',
): Promise<object> {
  const retryBudget = createRetryBudget(ctx);
  return untilDone(`the publication "${id}"`, undefined, async () => {
    const [row] = await ctx.store.get([publicationKey(rowNameOf(topic, id))]);
    const record = row && readPublication(row);
    const isForgotten = record?.until !== undefined && record.until < ctx.clock.now();
    if (!record?.wasPrepared || isForgotten || record.topicIncarnation !== topic.incarnation) {
      throw new DumbwaiterError('publication_not_found', `id: there is no prepared publish "${id}" to the topic "${topic.name}"`);
    }
    if (record.state === 'prepared') {
      return (await withRetry(retryBudget, () => run(record))) ? { done: {} } : { seen: undefined };
    }
    if ((record.state === 'rolled_back') === (decision === 'rolled_back')) return { done: {} };
    if (decision === 'committed')
      throw new DumbwaiterError('message_rolled_back', `id: the publish "${id}" was already rolled back`);
    throw new DumbwaiterError('message_committed', `id: the publish "${id}" is already committed`);
  });
}
