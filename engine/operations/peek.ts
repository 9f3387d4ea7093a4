/** Lists messages of one state or all, without receiving them, a page at a time. A page may be short and still have a cursor. */
import type { InputOf, Message, MessageState, OutputOf } from '../../contract/contract.ts';
import { callBytesMax, headRowsMax, pageEntriesDefault } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { type Sighting, sightLeases, sightParcels } from '../messages/list.ts';
import { messageOverheadBytes } from '../messages/message-view.ts';
import { firstPlace, formatPlace, nextPartition, type Place, parsePlace, rowsAt } from '../messages/scan.ts';
import { readContents, type StoredContent, sizeOf } from '../model/content-codec.ts';
import type { QueueRecord } from '../model/queue-record.ts';

/** The most rows that one page reads, however few messages it finds. */
const pageRowsMax = 3 * headRowsMax;

export async function peek(ctx: Context, queueName: string, input: InputOf<'peek'>): Promise<OutputOf<'peek'>> {
  const queue = await ctx.settings.get(queueName);
  const limit = input.limit ?? pageEntriesDefault;
  const isWanted = (state: MessageState) => input.state === undefined || state === input.state;
  const page = createPage(limit);
  let rowsLeft = pageRowsMax;
  let place: Place | undefined =
    input.cursor === undefined ? firstPlace(queue, firstTable(queue, input.state)) : parsePlace(queue, input.cursor);

  while (place && !page.isFull() && rowsLeft > 0) {
    const { rows, next } = await sightingsAt(ctx, queue, place, Math.min(headRowsMax, rowsLeft));
    rowsLeft -= Math.max(1, rows.length);
    let skip = place.skip;
    let stopped = false;
    for (const { row, messages, readWaiting } of rows) {
      // Messages that wait in a group count as ready, unless they are delayed themselves.
      const readMore = isWanted('ready') || isWanted('delayed') ? readWaiting : undefined;
      stopped = page.isFull() || (readMore !== undefined && rowsLeft <= 0);
      if (stopped) break;
      const wanted = messages.filter(({ state }) => isWanted(state));
      if (readMore) {
        const waiting = await readMore();
        rowsLeft -= Math.max(1, waiting.rowsRead);
        wanted.push(...waiting.messages.filter(({ state }) => isWanted(state)));
      }
      const left = wanted.slice(skip);
      const count = page.add(left);
      stopped = count < left.length;
      if (stopped) {
        skip += count;
        break;
      }
      skip = 0;
      place = { ...place, after: row, skip: 0 };
    }
    if (stopped) {
      place = { ...place, skip };
      break;
    }
    if (!next) place = nextPartition(queue, place);
  }
  const messages = await shown(ctx, page.found);
  return place ? { messages, cursor: formatPlace(place) } : { messages };
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

async function sightingsAt(ctx: Context, queue: QueueRecord, place: Place, limit: number) {
  const { rows, next } = await rowsAt(ctx, queue, place, limit);
  return { next, rows: await (place.table === 'messages' ? sightParcels : sightLeases)(ctx, queue, rows) };
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
