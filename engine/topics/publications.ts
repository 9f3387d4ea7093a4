/** Publications: how one is made from messages, read back, and carried on by a process that did not begin it. */

import type { Context } from '../context/context.ts';
import { type RetryBudget, withRetry } from '../context/retry.ts';
import { bodyTtl, chunkWrites, readContents, storeContent, writeChunks } from '../model/content-codec.ts';
import { writeDeadline } from '../model/queue-record.ts';
import type { TopicRecord } from '../model/topic-record.ts';
import { pagesOf } from '../port/pages.ts';
import { StoreError } from '../port/port.ts';
import { createSharedBodies } from '../publish/place-body.ts';
import { deliver, stored, tellsNothing } from './fan-out.ts';
import {
  contentInRowBytesMax,
  goingOut,
  type PublicationRecord,
  publicationKey,
  publicationKind,
  readPublication,
  removal,
} from './publication-record.ts';
import { decodeMessages, encodeMessages, type TopicMessage } from './topic-message.ts';

const pageRows = 100;
/** Writes of one step of a process that carries on: few, because what held up the publisher may still go on. */
const laterStepWritesMax = 25;

export interface NewPublication {
  record: PublicationRecord;
  /** Of its content, if the row does not hold it. */
  chunks: Uint8Array[];
}

/** A publication of these messages that delivers at once, as of the topic's subscriptions now. */
export function newPublication(
  ctx: Context,
  topic: TopicRecord,
  messages: readonly TopicMessage[],
  more: Partial<PublicationRecord> = {},
): NewPublication {
  const now = ctx.clock.now();
  const { content, chunks } = storeContent(encodeMessages(messages), contentInRowBytesMax, () => ctx.ids.parcel(0));
  const record: PublicationRecord = {
    name: ctx.ids.parcel(0),
    topic: topic.name,
    topicIncarnation: topic.incarnation,
    revision: topic.revision,
    state: 'delivering',
    content,
    startedAt: now,
    dueAt: now,
    ...(messages.some(({ group }) => group !== undefined) ? { hasGroups: true } : {}),
    version: ctx.newVersion(),
    ...more,
  };
  return { record, chunks };
}

/** TTL removes content that a process left behind; a publication ends long before. */
function contentTtl({ dueAt }: PublicationRecord): number {
  return bodyTtl(dueAt);
}

/** Stores the content that does not fit into the row. Call it before the row is written. */
export function storePublicationContent(
  ctx: Context,
  { record, chunks }: NewPublication,
  retryBudget: RetryBudget,
): Promise<void> {
  return withRetry(retryBudget, () =>
    writeChunks(ctx.store, record.content, chunks, contentTtl(record), writeDeadline(ctx.clock.now())),
  );
}

/** The same, as writes for a transaction with that of the row. */
export function publicationContentWrites({ record, chunks }: NewPublication) {
  return chunkWrites(record.content, chunks, contentTtl(record));
}

/** The messages of a publication; undefined if its content cannot be read. */
export async function messagesOf(ctx: Context, record: PublicationRecord): Promise<TopicMessage[] | undefined> {
  const [contents] = await readContents(ctx.store, [record.content]);
  return contents && decodeMessages(record.topic, contents);
}

/** Delivers what another process has left of a publication. Returns true if it has ended. */
export async function carryOn(ctx: Context, record: PublicationRecord, isOver: () => boolean): Promise<boolean> {
  const messages = await messagesOf(ctx, record);
  const delivering = { told: tellsNothing, bodies: createSharedBodies() };
  if (messages) {
    const fanOut = { messages, subscriptions: stored(ctx, record), ...delivering };
    return deliver(ctx, record, fanOut, isOver, laterStepWritesMax);
  }
  const [row] = await ctx.store.get([publicationKey(record.name)]);
  // The process that ended it has removed its content.
  if (row?.version !== record.version) return true;
  ctx.observe?.({ kind: 'anomaly', what: 'a publication whose messages cannot be read', topic: record.topic, row: record.name });
  // Its topic could not end, nor could others publish to its groups, while the row stands.
  await ctx.store.write(removal(record));
  return true;
}

/**
 * Ends the earlier publications of the topic that have messages of groups, before others are published to groups. Where their
 * publisher died, or has left them to a sweep, later messages would overtake them.
 */
export async function finishEarlier(ctx: Context, topic: TopicRecord, messages: readonly TopicMessage[]): Promise<void> {
  if (!messages.some(({ group }) => group !== undefined)) return;
  const isOver = () => ctx.lastTryAt !== undefined && ctx.clock.now() >= ctx.lastTryAt;
  const earlier: PublicationRecord[] = [];
  for await (const records of pagesGoingOut(ctx)) {
    earlier.push(...records.filter(({ topicIncarnation, hasGroups }) => topicIncarnation === topic.incarnation && hasGroups));
  }
  for (const record of earlier) {
    if (!(await carryOn(ctx, record, isOver))) {
      throw new StoreError(
        `an earlier publish to "${topic.name}" still goes out to its subscriptions`,
        'no',
        undefined,
        'throttled',
      );
    }
  }
}

/** Whether messages of the topic still go out. */
export async function hasPublications(ctx: Context, { incarnation }: TopicRecord): Promise<boolean> {
  for await (const records of pagesGoingOut(ctx)) {
    if (records.some(({ topicIncarnation }) => topicIncarnation === incarnation)) return true;
  }
  return false;
}

/** The publications whose messages go out now. */
async function* pagesGoingOut(ctx: Context): AsyncGenerator<PublicationRecord[]> {
  for await (const rows of pagesOf(ctx.store, { ...goingOut, limit: pageRows, consistent: true }))
    yield rows.map(readPublication);
}

/** All publications, in pages: also prepared ones, and their tombstones. */
export async function* publicationPages(ctx: Context): AsyncGenerator<PublicationRecord[]> {
  const range = { table: 'queues', partition: publicationKind, limit: pageRows } as const;
  for await (const rows of pagesOf(ctx.store, range)) yield rows.map(readPublication);
}
