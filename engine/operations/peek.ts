/** Lists messages that fit a call's filters, without receiving them, a page at a time. A page may be short and still have a cursor. */
import type { InputOf, Message, MessageState, OutputOf } from '../../contract/contract.ts';
import { callBytesMax, pageEntriesDefault, peekFilterBytesMax, peekRowsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { filterOf } from '../messages/filter.ts';
import { findMessage } from '../messages/find.ts';
import { type Sighting, sightLease, sightParcel } from '../messages/list.ts';
import { messageOverheadBytes } from '../messages/message-view.ts';
import { firstPlace, formatPlace, type Place, parsePlace } from '../messages/scan.ts';
import { type Selection, selectedOf } from '../messages/selection.ts';
import { walk } from '../messages/walk.ts';
import { readContents, type StoredContent, sizeOf } from '../model/content-codec.ts';
import { isServerId } from '../model/ids.ts';
import { incarnationOf, type QueueRecord } from '../model/queue-record.ts';

export async function peek(ctx: Context, queueName: string, input: InputOf<'peek'>): Promise<OutputOf<'peek'>> {
  const queue = await ctx.settings.get(queueName);
  const { limit = pageEntriesDefault, state, cursor, ...given } = input;
  const selection = { state, filter: await filterOf(ctx, queue, given) };
  const budget = { rows: peekRowsMax, bytes: peekFilterBytesMax };
  const start = cursor === undefined ? firstPlace(queue, firstTable(queue, state)) : parsePlace(queue, cursor);
  const page = createPage(limit);
  if (given.id !== undefined && isServerId(given.id)) {
    const { messages, examined } = await lookUp(ctx, queue, given.id, selection);
    page.add(messages);
    return { messages: await shown(ctx, page.found), examined };
  }
  let place: Place | undefined = start;
  let { skip } = start;
  let examined = 0;
  for await (const { slots, messages, after } of walk(ctx, queue, start, selection, budget)) {
    const left = messages.filter(({ slot }) => slot >= skip);
    const next = left[page.add(left)]?.slot;
    examined += slots.filter((slot) => slot >= skip && (next === undefined || slot < next)).length;
    if (next !== undefined) {
      place = { ...place, skip: next };
      break;
    }
    place = after;
    skip = 0;
    if (!place || page.isFull()) break;
  }
  const messages = await shown(ctx, page.found);
  return place ? { messages, examined, cursor: formatPlace(place) } : { messages, examined };
}

/** The message of this whole id, which the queue made. No other message's id begins with it. */
async function lookUp(ctx: Context, queue: QueueRecord, id: string, selection: Selection) {
  const found = await findMessage(ctx, queue, id);
  const now = ctx.clock.now();
  const isHere = found && ('parcel' in found || incarnationOf(found.lease.shard) === queue.incarnation);
  if (!isHere) return { messages: [], examined: 0 };
  const row = 'parcel' in found ? sightParcel(queue, found.parcel, now, found.group?.name) : sightLease(queue, found.lease, now);
  const messages = row.filter(({ slot }) => slot === found.slot);
  return { messages: await selectedOf(ctx, messages, selection), examined: messages.length };
}

interface Page {
  found: readonly Sighting[];
  isFull(): boolean;
  /** Adds as many messages as fit and returns their number. An empty page takes at least one. */
  add(messages: readonly Sighting[]): number;
}

function createPage(limit: number): Page {
  const found: Sighting[] = [];
  let bytes = 0;
  const isFull = () => found.length >= limit;
  return {
    found,
    isFull,
    add(messages) {
      for (const [index, message] of messages.entries()) {
        // Messages of one parcel share their contents. Each parcel of a group has its own.
        const isShared = found.at(-1)?.content === message.content;
        const size = messageOverheadBytes + (isShared ? 0 : sizeOf(message.content));
        if (isFull() || (found.length > 0 && bytes + size > callBytesMax)) return index;
        found.push(message);
        bytes += size;
      }
      return messages.length;
    },
  };
}

/** `messages` holds only unreceived messages, and all of them are ready. */
function firstTable(queue: QueueRecord, state: MessageState | undefined): Place['table'] {
  if (state === 'prepared' && queue.hasPrepared) return 'prepared';
  return state === undefined || state === 'ready' ? 'messages' : 'leases';
}

async function shown(ctx: Context, found: readonly Sighting[]): Promise<Message[]> {
  const places = [...new Set<StoredContent>(found.map(({ content }) => content))];
  const contents = await readContents(ctx.store, places);
  // Leave out messages whose contents are gone: they ended between the two reads.
  return found.flatMap(({ content: stored, isUnreadable, show }) => {
    const read = contents[places.indexOf(stored)];
    return read || isUnreadable ? [show(read ?? [])] : [];
  });
}
