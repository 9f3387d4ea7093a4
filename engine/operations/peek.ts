/** Lists messages of one state or all, without receiving them, a page at a time. A page may be short and still have a cursor. */
import type { InputOf, Message, MessageState, OutputOf } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { callBytesMax, headRowsMax, pageEntriesDefault } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { type Sighting, type Sightings, sightLeases, sightParcels } from '../messages/list.ts';
import { messageOverheadBytes } from '../messages/message-view.ts';
import { readContents, type StoredContent, sizeOf } from '../model/content-codec.ts';
import { type CursorValue, formatCursor, parseCursor } from '../model/cursors.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { nextPlace, partitionAt, preparedKey } from '../model/shards.ts';
import type { Row } from '../port/port.ts';

/** The most rows that one page reads, however few messages it finds. */
const pageRowsMax = 3 * headRowsMax;

/** Where a page begins: `after` is the last row listed in full, `skip` the number of messages already listed of the next row. */
interface Place {
  /** `prepared`: the rows of `leases` with prepared messages. There `shard` is a shard's number, otherwise a partition's. */
  table: 'messages' | 'leases' | 'prepared';
  shard: number;
  after?: Row;
  skip: number;
}

export async function peek(ctx: Context, queueName: string, input: InputOf<'peek'>): Promise<OutputOf<'peek'>> {
  const queue = await ctx.settings.get(queueName);
  const limit = input.limit ?? pageEntriesDefault;
  const isWanted = (state: MessageState) => input.state === undefined || state === input.state;
  const page = createPage(limit);
  let rowsLeft = pageRowsMax;
  let place: Place | undefined =
    input.cursor === undefined ? begin(queue, firstTable(queue, input.state)) : parsePlace(queue, input.cursor);

  while (place && !page.isFull() && rowsLeft > 0) {
    const { rows, next } = await rowsAt(ctx, queue, place, Math.min(headRowsMax, rowsLeft));
    rowsLeft -= Math.max(1, rows.length);
    let skip = place.skip;
    let stopped = false;
    for (const { row, messages, readWaiting } of rows) {
      // Messages that wait in a group count as ready.
      const readMore = isWanted('ready') ? readWaiting : undefined;
      stopped = page.isFull() || (readMore !== undefined && rowsLeft <= 0);
      if (stopped) break;
      const wanted = messages.filter(({ state }) => isWanted(state));
      if (readMore) {
        const waiting = await readMore();
        rowsLeft -= Math.max(1, waiting.rowsRead);
        wanted.push(...waiting.messages);
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
    if (!next) place = following(queue, place);
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

function begin(queue: QueueRecord, table: Place['table']): Place {
  return { table, shard: table === 'prepared' ? 0 : nextPlace(queue)!, skip: 0 };
}

/** `messages` holds only unreceived messages, and all of them are ready. */
function firstTable(queue: QueueRecord, state: MessageState | undefined): Place['table'] {
  if (state === 'prepared' && queue.hasPrepared) return 'prepared';
  return state === undefined || state === 'ready' ? 'messages' : 'leases';
}

function following(queue: QueueRecord, place: Place): Place | undefined {
  if (place.table === 'prepared') {
    const shard = place.shard + 1;
    return shard < queue.shardsVisited ? { table: 'prepared', shard, skip: 0 } : undefined;
  }
  const shard = nextPlace(queue, place.shard);
  if (shard !== undefined) return { table: place.table, shard, skip: 0 };
  if (place.table === 'messages') return begin(queue, 'leases');
  return queue.hasPrepared ? begin(queue, 'prepared') : undefined;
}

function partitionOf(queue: QueueRecord, { table, shard }: Place): string {
  return table === 'prepared' ? preparedKey(queue, shard) : partitionAt(queue, shard);
}

async function rowsAt(ctx: Context, queue: QueueRecord, place: Place, limit: number): Promise<{ rows: Sightings[]; next?: Row }> {
  const partition = partitionOf(queue, place);
  const after = place.after ? { after: place.after } : {};
  const { rows, next } =
    place.table === 'messages'
      ? await ctx.store.range({ table: 'messages', partition, limit, consistent: true, ...after })
      : await ctx.store.range({ table: 'leases', index: 'due', partition, limit, ...after });
  const sighted = place.table === 'messages' ? await sightParcels(ctx, queue, rows) : await sightLeases(ctx, queue, rows);
  return next ? { rows: sighted, next } : { rows: sighted };
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

function formatPlace({ table, shard, after, skip }: Place): string {
  const values: Record<string, CursorValue> = { table, shard, skip };
  if (after) {
    values.id = after.id as string;
    if (table !== 'messages') values.expiry = after.expiry as number;
  }
  return formatCursor(values);
}

function parsePlace(queue: QueueRecord, cursor: string): Place {
  const { table, shard, skip, id, expiry } = parseCursor(cursor, ['table', 'shard', 'skip']);
  const isPlace =
    (table === 'messages' || table === 'leases' || table === 'prepared') &&
    Number.isInteger(shard) &&
    (shard as number) >= 0 &&
    Number.isInteger(skip) &&
    (skip as number) >= 0 &&
    (id === undefined || (typeof id === 'string' && id !== '' && (table === 'messages' || typeof expiry === 'number')));
  if (!isPlace) throw new DumbwaiterError('invalid_input', 'cursor: not one that this list gave');
  const place: Place = { table, shard: shard as number, skip: skip as number };
  if (id !== undefined) {
    const partition = partitionOf(queue, place);
    place.after = table === 'messages' ? { shard: partition, id } : { shard: partition, id, expiry: expiry as number };
  }
  return place;
}
