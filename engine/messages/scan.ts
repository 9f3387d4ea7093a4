/** Walks the partitions of a queue row by row, from a place that a cursor holds: for peek and redrive. */

import { defined } from '../../contract/defined.ts';
import type { Context } from '../context/context.ts';
import { formatCursor, parseCursor, unknownCursor } from '../model/cursors.ts';
import { nextPlace, partitionAt, preparedKey, type QueueRecord } from '../model/queue-record.ts';
import type { Ranged, Row } from '../port/port.ts';

/** Where a page begins: after the row `after` of a partition, and after `skip` messages of the next row. */
export interface Place {
  /** `prepared`: the rows of `leases` with prepared messages. There `shard` is a shard's number, otherwise a partition's. */
  table: 'messages' | 'leases' | 'prepared';
  shard: number;
  after?: Row;
  skip: number;
}

export function firstPlace(queue: QueueRecord, table: Place['table']): Place {
  return { table, shard: table === 'prepared' ? 0 : nextPlace(queue)!, skip: 0 };
}

/** The beginning of the next partition: those of `messages` come first, then those of `leases`, then those of prepared messages. */
export function nextPartition(queue: QueueRecord, { table, shard }: Place): Place | undefined {
  if (table === 'prepared') return shard + 1 < queue.shardsVisited ? { table, shard: shard + 1, skip: 0 } : undefined;
  const next = nextPlace(queue, shard);
  if (next !== undefined) return { table, shard: next, skip: 0 };
  if (table === 'messages') return firstPlace(queue, 'leases');
  return queue.hasPrepared ? firstPlace(queue, 'prepared') : undefined;
}

function partitionOf(queue: QueueRecord, { table, shard }: Place): string {
  return table === 'prepared' ? preparedKey(queue, shard) : partitionAt(queue, shard);
}

export function rowsAt(ctx: Context, queue: QueueRecord, place: Place, limit: number): Promise<Ranged> {
  const range = { partition: partitionOf(queue, place), limit, ...defined({ after: place.after }) };
  return place.table === 'messages'
    ? ctx.store.range({ table: 'messages', consistent: true, ...range })
    : ctx.store.range({ table: 'leases', index: 'due', ...range });
}

export function formatPlace({ table, shard, skip, after }: Place): string {
  const { id, expiry } = (after ?? {}) as { id?: string; expiry?: number };
  return formatCursor(defined({ table, shard, skip, id, expiry: table === 'messages' ? undefined : expiry }));
}

/** Throws `invalid_input` for a text that `formatPlace` cannot have made. */
export function parsePlace(queue: QueueRecord, cursor: string): Place {
  const { table, shard, skip = 0, id, expiry } = parseCursor(cursor, ['table', 'shard']);
  const isPlace =
    (table === 'messages' || table === 'leases' || table === 'prepared') &&
    typeof shard === 'number' &&
    typeof skip === 'number' &&
    (id === undefined || (typeof id === 'string' && id !== '' && (table === 'messages' || typeof expiry === 'number')));
  if (!isPlace) throw unknownCursor();
  const place: Place = { table, shard, skip };
  if (id === undefined) return place;
  const key = { shard: partitionOf(queue, place), id };
  return { ...place, after: table === 'messages' ? key : { ...key, expiry: expiry! } };
}
