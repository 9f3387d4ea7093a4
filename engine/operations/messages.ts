/** The operations on one message by its id: reads, changes, commits and rolls back. `cancel-message.ts` cancels it. */
import type { Message, MessageChanges, OutputOf } from '../../contract/contract.ts';
import { DumbwaiterError, invalidInput } from '../../contract/errors.ts';
import type { Context } from '../context/context.ts';
import { longPoll, waitEnd } from '../context/long-poll.ts';
import { endingOf, endingOfParcel, endKey } from '../leases/kept-messages.ts';
import type { Snapshot } from '../leases/lease-store.ts';
import { verdictOf, verdictOfAge } from '../lifecycle/verdicts.ts';
import { decide } from '../messages/commit-rollback.ts';
import { changeWaiting, type WaitingChange } from '../messages/edit-waiting.ts';
import { type Found, findMessage, findMoved, isShown } from '../messages/find.ts';
import { leasedMessage, unreceivedMessage } from '../messages/message-view.ts';
import { moveToLeases } from '../messages/move-to-leases.ts';
import { type Content, contentAt, readContents, type StoredContent } from '../model/content-codec.ts';
import { parcelAt } from '../model/held-parcels.ts';
import { incarnationOf, type QueueRecord } from '../model/queue-record.ts';
import { isLive, isUnreadable, type Parcel } from '../model/rows.ts';
import { refusalIn, requestedTiming } from '../publish/requested-options.ts';

/**
 * Reads one message without receiving it. With `waitSeconds`, waits for the message to end. Throws DumbwaiterError
 * `message_not_found` without waiting, also if the message ends during the wait and is not kept.
 */
export function getMessage(
  ctx: Context,
  queueName: string,
  id: string,
  waitSeconds: number,
  signal?: AbortSignal,
): Promise<Message> {
  const wait = { key: endKey(queueName, id), until: waitEnd(ctx, waitSeconds), signal, inTurns: false };
  // Stop waiting for a message that has left this queue: dead-lettered, or moved by a redrive.
  const isOver = ({ endedAt, queue }: Message) => endedAt !== undefined || queue !== queueName;
  return longPoll(ctx, wait, () => readMessage(ctx, queueName, id), isOver);
}

async function readMessage(ctx: Context, queueName: string, id: string): Promise<Message> {
  const queue = await ctx.settings.get(queueName);
  const here = await findMessage(ctx, queue, id, isShown);
  const there = here ? { holder: queue, found: here } : await findMoved(ctx, queue, id);
  const shown = there && (await showFound(ctx, queue, there));
  if (!shown) throw messageNotFound(queueName, id);
  return shown;
}

/** `holder`: the queue in which the message was found. */
function showFound(ctx: Context, queue: QueueRecord, { holder, found }: { holder: QueueRecord; found: Found }) {
  return 'parcel' in found ? waiting(ctx, queue, holder, found) : leased(ctx, queue, found);
}

async function waiting(
  ctx: Context,
  queue: QueueRecord,
  holder: QueueRecord,
  { parcel, slot, group }: Extract<Found, { parcel: unknown }>,
): Promise<Message | undefined> {
  if (!isShownIn(queue, holder, parcel, parcel.ownRows?.[slot])) return undefined;
  const now = ctx.clock.now();
  const ending = endingOfParcel(holder, parcel, now);
  if (!ending && verdictOfAge(holder, parcel.since, parcel.retentionEnd, now) === 'gone') return undefined;
  const [content] = await contentsAt(ctx, [[parcel.content, slot]]);
  return content && unreceivedMessage(holder, parcel, slot, content, now, group?.name, ending);
}

async function leased(
  ctx: Context,
  queue: QueueRecord,
  { lease, slot }: Extract<Found, { lease: unknown }>,
): Promise<Message | undefined> {
  const now = ctx.clock.now();
  const there = lease.slots[slot]!;
  const holder =
    incarnationOf(lease.shard) === queue.incarnation ? queue : await ctx.settings.byIncarnation(incarnationOf(lease.shard));
  const parcel = parcelAt(lease, slot);
  if (!holder || !isShownIn(queue, holder, parcel, lease.ownRows?.[slot] || lease.id) || parcel.since < holder.purgedBefore)
    return undefined;
  const ending = endingOf(holder, parcel, there, now);
  if (!ending && (!isLive(there) || verdictOf(holder, parcel, there, now) === 'gone')) return undefined;
  const result = ending && there.result;
  const [found, given] = await contentsAt(ctx, [[parcel.content, slot - parcel.from], ...(result ? [[result, 0] as const] : [])]);
  const content = found ?? (isUnreadable(lease) ? contentAt([], slot) : undefined);
  if (!content || (result && !given)) return undefined;
  const ended = ending && { ...ending, ...(given ? { result: given.body ?? null } : {}) };
  return leasedMessage(holder, lease, slot, content, now, ended);
}

/** Undefined for content that is gone, because the message ended between two reads. */
async function contentsAt(ctx: Context, places: readonly (readonly [StoredContent, number])[]): Promise<(Content | undefined)[]> {
  const contents = await readContents(
    ctx.store,
    places.map(([stored]) => stored),
  );
  return places.map(([, slot], index) => contents[index] && contentAt(contents[index], slot));
}

/**
 * Whether a queue shows a message that is in this or another one. In another one: only if it was dead-lettered from this one, or
 * published here under the caller's id, as its row or marker says.
 */
function isShownIn(queue: QueueRecord, holder: QueueRecord, { death }: Pick<Parcel, 'death'>, rowId = ''): boolean {
  return holder.name === queue.name || death?.queue === queue.name || rowId.startsWith(`${queue.incarnation}=`);
}

/** How often to search again for a message that moves during the call. */
export const searchesMax = 5;

/**
 * Changes the due time, priority or content of a waiting message. A parcel in `messages` is first moved to `leases`.
 * Returns the instant from which the message can be received.
 * Throws DumbwaiterError `invalid_input`, `message_not_found`, `message_leased`, `message_prepared`.
 */
export async function updateMessage(
  ctx: Context,
  queueName: string,
  id: string,
  changes: MessageChanges,
): Promise<OutputOf<'updateMessage'>> {
  const queue = await ctx.settings.get(queueName);
  const refused = refusalIn(queue, changes, ctx.clock.now());
  if (refused !== undefined) throw invalidInput(refused);
  for (let search = 0; search < searchesMax; search++) {
    const found = await findMessage(ctx, queue, id);
    if (!found) break;
    if ('parcel' in found ? found.group : found.lease.kind === 'group') {
      throw invalidInput(`id: the message "${id}" keeps its place in its group; cancel it and publish it again`);
    }
    let first: Snapshot;
    if ('parcel' in found) {
      const { parcel } = found;
      if (verdictOfAge(queue, parcel.since, parcel.retentionEnd, ctx.clock.now()) !== 'ready') break;
      first = (await moveToLeases(ctx, queue, found)).seen;
    } else {
      first = found.seen;
    }
    const outcome = await changeWaiting(ctx, queue, first, found.slot, changeOf(changes));
    if (outcome === 'leased') throw leasedNow(id, 'only a waiting message can be changed');
    if (outcome === 'prepared')
      throw new DumbwaiterError('message_prepared', `id: the message "${id}" is prepared; commit it or roll it back`);
    if (typeof outcome === 'object') return { id, visibleAt: new Date(outcome.visibleAt).toISOString() };
    if (outcome === 'gone') break;
  }
  throw messageNotFound(queueName, id);
}

function changeOf(changes: MessageChanges): WaitingChange {
  const timing = requestedTiming(changes);
  return {
    ...(timing ? { timing } : {}),
    ...(changes.priority === undefined ? {} : { level: changes.priority }),
    ...(hasContent(changes) ? { changeContent: (content) => contentAfter(content, changes) } : {}),
  };
}

function hasContent({ content, attributes }: MessageChanges): boolean {
  return content !== undefined || attributes !== undefined;
}

function contentAfter({ attributes: former, ...body }: Content, { content, attributes = former }: MessageChanges): Content {
  return { ...(content ?? body), ...(attributes === undefined ? {} : { attributes }) };
}

/**
 * Commits a prepared message: it can be received now, or after its delay. A repeat changes nothing.
 * Throws DumbwaiterError `message_rolled_back`, `message_not_found`.
 */
export async function commitMessage(ctx: Context, queueName: string, id: string): Promise<object> {
  const decided = await decide(ctx, queueName, id, 'commit');
  if (decided === 'committed') return {};
  if (decided === 'unknown') throw messageNotFound(queueName, id);
  throw new DumbwaiterError('message_rolled_back', `id: the message "${id}" was already rolled back or cancelled`);
}

/**
 * Rolls back a prepared message: it is never received. A repeat changes nothing.
 * Throws DumbwaiterError `message_committed`, `message_not_found`.
 */
export async function rollbackMessage(ctx: Context, queueName: string, id: string): Promise<object> {
  const decided = await decide(ctx, queueName, id, 'rollback');
  if (decided === 'rolled_back') return {};
  if (decided === 'unknown') throw messageNotFound(queueName, id);
  throw new DumbwaiterError(
    'message_committed',
    `id: the message "${id}" is already committed, or was published without prepared; cancel it instead`,
  );
}

export function messageNotFound(queue: string, id: string): DumbwaiterError {
  return new DumbwaiterError('message_not_found', `id: there is no message "${id}" in the queue "${queue}"`);
}

export function leasedNow(id: string, way: string): DumbwaiterError {
  return new DumbwaiterError('message_leased', `id: the message "${id}" is leased; ${way}`);
}
