/**
 * Prepared publishes to a topic. Each message is a row that waits. A commit and a rollback put a tombstone in its place, on condition
 * of the row's version, so the first of them decides. With the tombstone, a commit begins a publication of the message.
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
import { deliver, type FanOut, listed, type Stepped, step, tellsNothing } from './fan-out.ts';
import {
  decision,
  type PublicationRecord,
  preparedName,
  publicationKey,
  publicationRow,
  readPublication,
} from './publication-record.ts';
import { messagesOf, newPublication, storePublicationContent } from './publications.ts';
import { reportPublished } from './report-published.ts';
import { sharesOf } from './shares.ts';
import type { TopicMessage } from './topic-message.ts';

/** Stores a message that waits for its commit. Throws StoreError. */
export async function storePrepared(
  ctx: Context,
  topic: TopicRecord,
  message: TopicMessage,
  retryBudget: RetryBudget,
): Promise<TopicPublishResult> {
  const { id } = message;
  const made = newPublication(ctx, topic, [{ ...message, index: 0 }], {
    name: preparedName(topic.incarnation, id),
    state: 'prepared',
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
      const { isOurs, record: next } = await beginCommitted(ctx, record, topic.record, fanOut);
      if (!isOurs && !next) return false;
      const isOver = () => ctx.lastTryAt !== undefined && ctx.clock.now() >= ctx.lastTryAt;
      await deliver(ctx, next, fanOut, isOver).catch(ignoreStoreError);
      reportPublished(ctx, topic, [{ ok: true, id, subscriptions: sharesOf(topic.subscriptions, messages).length }]);
      return true;
    },
    'committed',
  );
}

/** From now on the message counts as published now, to the subscriptions of now. */
async function beginCommitted(
  ctx: Context,
  prepared: PublicationRecord,
  { revision }: TopicRecord,
  fanOut: FanOut,
): Promise<Stepped> {
  const from: PublicationRecord = {
    ...prepared,
    name: ctx.ids.parcel(0),
    state: 'delivering',
    revision,
    startedAt: ctx.clock.now(),
    version: ctx.newVersion(),
  };
  const { write, version } = decision(ctx, prepared, 'committed');
  const isApplied = async () => {
    const [row] = await ctx.store.get([publicationKey(prepared.name)]);
    return row?.version === version;
  };
  try {
    return await step(ctx, from, fanOut, { beginning: { write, isApplied } });
  } catch (error) {
    if (!(error instanceof StoreError) || error.applied === 'no') throw error;
    return { isOurs: false, record: undefined };
  }
}

/** Throws `publication_not_found`, `message_committed`. */
export function rollbackPublication(ctx: Context, topic: TopicRecord, id: string): Promise<object> {
  return decide(ctx, topic, id, (record) => rollBack(ctx, record), 'rolled_back');
}

/** Ends a prepared publication. Returns false if its row has changed, or may change yet. */
export async function rollBack(ctx: Context, record: PublicationRecord): Promise<boolean> {
  try {
    const written = await ctx.store.write(decision(ctx, record, 'rolled_back').write);
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
  asked: 'committed' | 'rolled_back',
): Promise<object> {
  const retryBudget = createRetryBudget(ctx);
  return untilDone(`the publication "${id}"`, undefined, async () => {
    const [row] = await ctx.store.get([publicationKey(preparedName(topic.incarnation, id))]);
    const record = row && readPublication(row);
    const isForgotten = record?.until !== undefined && record.until < ctx.clock.now();
    if (!record || isForgotten) {
      throw new DumbwaiterError('publication_not_found', `id: there is no prepared publish "${id}" to the topic "${topic.name}"`);
    }
    if (record.state === 'prepared') {
      return (await withRetry(retryBudget, () => run(record))) ? { done: {} } : { seen: undefined };
    }
    if (record.state === asked) return { done: {} };
    if (asked === 'committed')
      throw new DumbwaiterError('message_rolled_back', `id: the publish "${id}" was already rolled back`);
    throw new DumbwaiterError('message_committed', `id: the publish "${id}" is already committed`);
  });
}
