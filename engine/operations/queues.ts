/** The operations that list queues, and that change a queue itself. */
import type { CheckedInputOf, ListedQueue, OutputOf, Page, Queue, QueueSettings, QueuesPage } from '../../contract/contract.ts';
import { defined } from '../../contract/defined.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { clockMarginMs, pageEntriesDefault, settingsCacheMs } from '../../contract/limits.ts';
import { settingsDefaults } from '../../contract/settings-defaults.ts';
import type { Context } from '../context/context.ts';
import { ensureTimeFor } from '../context/long-poll.ts';
import { sideBySide } from '../context/side-by-side.ts';
import { formatCursor, parseCursor, unknownCursor } from '../model/cursors.ts';
import { describeQueue, type QueueRecord, queueKey, queueRow, readQueue } from '../model/queue-record.ts';
import { topicKey } from '../model/topic-record.ts';
import { type Ranged, StoreError } from '../port/port.ts';
import { untilDone } from '../port/until-done.ts';
import { changeQueue, checkDeadLetter } from '../queues/change-queue.ts';
import { differingSetting, newQueue, queueDeletion } from '../queues/creation.ts';
import { settingsForgottenMs } from '../queues/shard-scaling.ts';
import { restsUntil } from '../receive/lifted-rests.ts';
import { countMessages } from './get-queue.ts';

/** Creates a queue. A repeat with the same settings changes nothing. With different settings it fails with `queue_exists`. */
export async function createQueue(ctx: Context, name: string, input: CheckedInputOf<'createQueue'>): Promise<Queue> {
  const settings: QueueSettings = { ...settingsDefaults, ...input };
  await checkDeadLetter(ctx, name, settings.deadLetter);
  const record = newQueue(ctx, name, settings);
  const there = await put(ctx, record);
  ctx.settings.forget(name);
  if (there.version === record.version) return describeQueue(record);
  const different = differingSetting(there, settings);
  if (different)
    throw new DumbwaiterError(
      'queue_exists',
      `queue: "${name}" already exists with a different ${different}; change it with PATCH`,
    );
  return describeQueue(there);
}

/** Returns the stored record: the new one, or the one that already existed. */
async function put(ctx: Context, record: QueueRecord): Promise<QueueRecord> {
  try {
    const written = await ctx.store.write({
      key: queueKey(record.name),
      when: { absent: ['name'] },
      then: { put: queueRow(record) },
    });
    return written.row ? readQueue(written.row) : record;
  } catch (error) {
    if (!(error instanceof StoreError) || error.applied === 'no') throw error;
    return ctx.settings.read(record.name);
  }
}

/** Changes the given settings of a queue, and no other. Every process uses them within `settingsCacheMs`. */
export async function updateQueue(ctx: Context, name: string, input: CheckedInputOf<'updateQueue'>): Promise<Queue> {
  await ctx.settings.read(name);
  if (input.deadLetter) await checkDeadLetter(ctx, name, input.deadLetter);
  return describeQueue(
    await changeQueue(ctx, name, (record, now) => ({
      ...record,
      ...input,
      levelsVisited: Math.max(record.levelsVisited, input.priority?.levels ?? 1),
      restsUntil: restsUntil(record, input.groups === undefined ? record.groups : input.groups, now),
      retentionBindsFrom: retentionBindsFrom(record, { ...record, ...input }, now),
      hasPrepared: record.hasPrepared || (input.prepared ?? null) !== null,
      updatedAt: now,
    })),
  );
}

/**
 * Until this instant, messages published under the former, longer retention may still be live. It includes the time in which
 * requests with the former settings may still arrive.
 */
function retentionBindsFrom(before: QueueRecord, after: QueueSettings, now: number): number {
  const { retentionSeconds } = after;
  const isLonger = retentionSeconds === null || (before.retentionSeconds !== null && retentionSeconds >= before.retentionSeconds);
  if (isLonger) return before.retentionBindsFrom;
  if (before.retentionSeconds === null) return Number.MAX_SAFE_INTEGER;
  return Math.max(before.retentionBindsFrom, now + settingsForgottenMs + before.retentionSeconds * 1000);
}

/**
 * Deletes a queue and its messages. One transaction moves its record to the deleted queues. The messages can then no longer be
 * reached, because a new queue of that name has its own shards. The sweep removes the rows later.
 */
export async function deleteQueue(ctx: Context, name: string): Promise<object> {
  const first = await ctx.settings.read(name);
  ctx.settings.forget(name);
  const user = (await ctx.settings.list()).find((other) => other.deadLetter?.queue === name && other.name !== name);
  if (user) throw new DumbwaiterError('queue_in_use', `queue: "${name}" is the dead-letter queue of "${user.name}"`);
  return untilDone<QueueRecord | undefined, object>(`the settings of "${name}"`, first, async (record) => {
    // A concurrent call deleted the queue.
    if (record?.incarnation !== first.incarnation) {
      throw new DumbwaiterError('queue_not_found', `queue: there is no queue "${name}"`);
    }
    await checkUnsubscribed(ctx, record);
    return moveOutOfSight(ctx, record);
  });
}

/** Throws `queue_in_use` for a queue into which a subscription delivers. */
async function checkUnsubscribed(ctx: Context, { name, subscription, feeds = {} }: QueueRecord): Promise<void> {
  const owner = subscription && `belongs to the subscription "${subscription.name}" of the topic "${subscription.topic}"`;
  if (owner !== undefined) throw new DumbwaiterError('queue_in_use', `queue: "${name}" ${owner}; delete the subscription`);
  const topics = await ctx.store.get(Object.values(feeds).map(({ topic }) => topicKey(topic)));
  // Subscriptions of a deleted topic do not count, even if the sweep has yet to remove them.
  const feed = Object.entries(feeds).find(([incarnation], index) => topics[index]?.incarnation === incarnation)?.[1];
  if (!feed) return;
  const what = `the subscription "${feed.name}" of the topic "${feed.topic}" delivers into "${name}"`;
  throw new DumbwaiterError('queue_in_use', `queue: ${what}; delete the subscription first`);
}

async function moveOutOfSight(ctx: Context, record: QueueRecord): Promise<{ done: object } | { seen: QueueRecord | undefined }> {
  const { name, incarnation } = record;
  try {
    const result = await ctx.store.transact(queueDeletion(record, ctx.clock.now()));
    if (result.ok) return { done: {} };
    const row = result.refused[0]?.row;
    return { seen: row && readQueue(row) };
  } catch (error) {
    if (!(error instanceof StoreError) || error.applied === 'no') throw error;
    ctx.settings.forget(name);
    if ((await ctx.settings.find(name))?.incarnation === incarnation) throw error;
    return { done: {} };
  } finally {
    ctx.settings.forget(name);
  }
}

/** The least time that a purge takes, ms. */
const purgeMs = Math.max(4 * clockMarginMs, settingsCacheMs);

/**
 * Purge: removes all messages published before the call. The call writes `purgedBefore` two clock margins in the future. It
 * responds when that instant is two margins past and no process still caches older settings. So messages published before the
 * call are older than `purgedBefore` by any clock, and messages published after the response are newer. Receives and the sweep
 * remove the rows.
 */
export async function purge(ctx: Context, name: string): Promise<OutputOf<'purge'>> {
  ensureTimeFor(ctx, purgeMs);
  const purgedBefore = ctx.clock.now() + 2 * clockMarginMs;
  await changeQueue(ctx, name, (record) => ({ ...record, purgedBefore: Math.max(record.purgedBefore, purgedBefore) }));
  const answerAt = Math.max(purgedBefore + 2 * clockMarginMs, ctx.clock.now() + settingsCacheMs);
  await ctx.clock.sleep(answerAt - ctx.clock.now());
  return { purgedBefore: new Date(purgedBefore).toISOString() };
}

/** Queues whose messages are counted in parallel. */
const countedAtOnce = 10;

/** Lists queues by name, a page at a time. */
export async function listQueues(ctx: Context, { prefix, counts = false, ...page }: QueuesPage): Promise<OutputOf<'listQueues'>> {
  const { rows, next } = await pageByName(ctx, 'queue', page, prefix);
  const records = rows.map(readQueue);
  const queues: ListedQueue[] = records.map(describeQueue);
  if (counts) {
    await sideBySide(
      [...records.keys()],
      countedAtOnce,
      () => false,
      async (index) => {
        queues[index]!.counts = await countMessages(ctx, records[index]!);
      },
    );
  }
  const last = queues.at(-1);
  return next && last ? { queues, cursor: formatCursor({ name: last.name }) } : { queues };
}

/** Greater than every character of a name. */
const afterNames = '\u007f';

/** A page of the rows of one kind. Its cursor is the name of the last row that the caller shows. */
export function pageByName(
  ctx: Context,
  kind: string,
  { limit = pageEntriesDefault, cursor }: Page,
  prefix = '',
): Promise<Ranged> {
  const name = cursor === undefined ? undefined : parseCursor(cursor, ['name']).name;
  if (name === '' || typeof name === 'number') throw unknownCursor();
  const after = name === undefined ? undefined : { kind, name };
  const bounds = prefix === '' ? {} : { from: prefix, to: prefix + afterNames };
  return ctx.store.range({ table: 'queues', partition: kind, limit, consistent: true, ...bounds, ...defined({ after }) });
}
