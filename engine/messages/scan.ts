/** Walks the partitions of a queue row by row, from a place that a cursor holds: for peek and redrive. */

import { defined } from '../../contract/defined.ts';
import type { Context } from '../context/context.ts';
import { formatCursor, parseCursor, unknownCursor } from '../model/cursors.ts';
import { nextPlace, partitionAt, preparedKey, type QueueRecord } from '../model/queue-record.ts';
import type { Ranged, Row } from '../port/port.ts';

/** Where a page begins: after the row `after` of a partition, and at the slot `skip` of the next row. */
export interface Place {
  /** `prepared`: the rows of `leases` with prepared messages. There `shard` is a shard's number, otherwise a partition's. */
  table: 'messages' | 'leases' | 'prepared';
  shard: number;
  after?: Row;
  /** Set within a group: `after` is the group's row, and the page begins after this parcel that waits in the group. */
  waiting?: string;
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

export function partitionOf(queue: QueueRecord, { table, shard }: Pick<Place, 'table' | 'shard'>): string {
  return table === 'prepared' ? preparedKey(queue, shard) : partitionAt(queue, shard);
}

/** `bounds`: of the ids of rows of `messages`. */
export async function rowsAt(
  ctx: Context,
  queue: QueueRecord,
  { table, shard, after }: Place,
  limit: number,
  { from = '', to }: { from?: string; to?: string } = {},
): Promise<Ranged> {
  const range = { partition: partitionOf(queue, { table, shard }), limit };
  if (table !== 'messages') return ctx.store.range({ table: 'leases', index: 'due', ...range, ...defined({ after }) });
  // DynamoDB refuses to continue outside of the bounds, and the cursor may come from a call with other filters.
  const id = (after?.id ?? '') as string;
  if (to !== undefined && id > to) return { rows: [] };
  const bounds = defined({ to, from: from === '' ? undefined : from, after: id < from ? undefined : after });
  return ctx.store.range({ table: 'messages', consistent: true, ...range, ...bounds });
}

export function formatPlace({ table, shard, skip, after, waiting }: Place): string {
  const { id, expiry } = (after ?? {}) as { id?: string; expiry?: number };
  return formatCursor(defined({ table, shard, skip, id, expiry: table === 'messages' ? undefined : expiry, waiting }));
}

/** Throws `invalid_input` for a text that `formatPlace` cannot have made. */
export function parsePlace(queue: QueueRecord, cursor: string): Place {
  const { table, shard, skip = 0, id, expiry, waiting } = parseCursor(cursor, ['table', 'shard']);
  const isPlace =
    (table === 'messages' || table === 'leases' || table === 'prepared') &&
    typeof shard === 'number' &&
    typeof skip === 'number' &&
    (waiting === undefined || (typeof waiting === 'string' && table === 'leases' && id !== undefined)) &&
    (id === undefined || (typeof id === 'string' && id !== '' && (table === 'messages' || typeof expiry === 'number')));
  if (!isPlace) throw unknownCursor();
  const place: Place = { table, shard, skip };
  if (id === undefined) return place;
  const key = { shard: partitionOf(queue, place), id };
  if (table === 'messages') return { ...place, after: key };
  return { ...place, after: { ...key, expiry: expiry! }, ...defined({ waiting: waiting as string | undefined }) };
}
