/** Reads one message by id without receiving it. With `waitSeconds`, waits for the message to end. */
import type { Message } from '../../contract/contract.ts';
import type { Context } from '../context/context.ts';
import { longPoll, waitEnd } from '../context/long-poll.ts';
import { endingOf, endingOfParcel, endKey } from '../leases/kept-messages.ts';
import { verdictOf, verdictOfAge } from '../lifecycle/verdicts.ts';
import { type Found, findMessage, isShown } from '../messages/find.ts';
import { leasedMessage, unreceivedMessage } from '../messages/message-view.ts';
import { type Content, contentAt, readContents, type StoredContent } from '../model/content-codec.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { isLive, isUnreadable } from '../model/rows.ts';
import { incarnationOf } from '../model/shards.ts';
import { messageNotFound } from './message-errors.ts';

/** Throws DumbwaiterError `message_not_found` without waiting, also if the message ends during the wait and is not kept. */
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
  const found = await findMessage(ctx, queue, id, isShown);
  const shown = found && ('parcel' in found ? await waiting(ctx, queue, found) : await leased(ctx, queue, found));
  if (!shown) throw messageNotFound(queueName, id);
  return shown;
}

async function waiting(
  ctx: Context,
  queue: QueueRecord,
  { parcel, slot, group }: Extract<Found, { parcel: unknown }>,
): Promise<Message | undefined> {
  const now = ctx.clock.now();
  const ending = endingOfParcel(queue, parcel, now);
  if (!ending && verdictOfAge(queue, parcel.since, parcel.retentionEnd, now) === 'gone') return undefined;
  const [content] = await contentsAt(ctx, [[parcel.content, slot]]);
  return content && unreceivedMessage(queue.name, parcel, slot, content, group?.name, ending);
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
  // Show a message that is in another queue only if it was dead-lettered from this one, or published here under the caller's id.
  const isOurs =
    holder && (holder.name === queue.name || lease.death?.queue === queue.name || isOwnedBy(lease.id, queue.incarnation));
  if (!isOurs || lease.since < holder.purgedBefore) return undefined;
  const ending = endingOf(holder, lease, there, now);
  if (!ending && (!isLive(there) || verdictOf(holder, lease, there, now) === 'gone')) return undefined;
  const result = ending && there.result;
  const [found, given] = await contentsAt(ctx, [[lease.content, slot], ...(result ? [[result, 0] as const] : [])]);
  const content = found ?? (isUnreadable(lease) ? contentAt([], slot) : undefined);
  if (!content || (result && !given)) return undefined;
  const ended = ending && { ...ending, ...(given ? { result: given.body ?? null } : {}) };
  return leasedMessage(holder.name, lease, slot, content, now, ended);
}

/** Undefined for content that is gone, because the message ended between two reads. */
async function contentsAt(ctx: Context, places: readonly (readonly [StoredContent, number])[]): Promise<(Content | undefined)[]> {
  const contents = await readContents(
    ctx.store,
    places.map(([stored]) => stored),
  );
  return places.map(([, slot], index) => contents[index] && contentAt(contents[index], slot));
}

function isOwnedBy(rowId: string, incarnation: string): boolean {
  return rowId.startsWith(`${incarnation}=`);
}
