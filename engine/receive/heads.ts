/** Reads the rows at the head of a partition: unreceived parcels in `messages`, and due rows in the index of `leases`. */
import { DumbwaiterError } from '../../contract/errors.ts';
import { clockMarginMs, headRowsMax, windowRowsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { livingFrom } from '../lifecycle/verdicts.ts';
import { idFrom, isGroupRow } from '../model/ids.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import type { Range, Ranged, Row } from '../port/port.ts';
import { storedBytes } from '../port/row-limits.ts';
import { type Found, oldestFirst } from './candidates.ts';

/** Where each list continues after the rows that were read; undefined where no more rows follow. */
export type Continuation = { heads: Row | undefined; due: Row | undefined };

export interface Head {
  found: Found[];
  /** How many stretches a receive chooses from. */
  window: number;
  readAt: number;
  continuation?: Continuation;
}

/**
 * Reads a window of stretches of `stretch` rows each. `times` multiplies the number of rows. `continuation` continues an earlier read.
 */
export async function readHead(
  ctx: Context,
  queue: QueueRecord,
  shard: string,
  stretch: number,
  times: number,
  continuation?: Continuation,
): Promise<Head> {
  const readAt = ctx.clock.now();
  const window = Math.min(ctx.windows.size(shard), Math.max(1, Math.floor(windowRowsMax / stretch)));
  const wanted = Math.min(windowRowsMax, window * stretch + ctx.claimsInProgress.ahead(shard));
  const limit = Math.max(wanted, Math.min(headRowsMax, wanted * times));
  const none: Ranged = { rows: [] };
  const living = livingFrom(queue, readAt);
  const firstId = idFrom(living);
  const endRead = ctx.claimsInProgress.beginRead(shard, stretch);
  const [heads, due] = await Promise.all([
    continuation && !continuation.heads
      ? none
      : readLiving(
          ctx,
          { table: 'messages', partition: shard, limit, consistent: true, ...after(continuation?.heads) },
          { isGone: ({ id }) => (id as string) < firstId, from: firstId },
        ),
    continuation && !continuation.due
      ? none
      : readLiving(
          ctx,
          { table: 'leases', index: 'due', partition: shard, to: readAt, limit, ...after(continuation?.due) },
          // Rows that survive a purge were not due before it. Rows of groups are the exception: they wait for their turn.
          {
            isGone: ({ id, since }) => !isGroupRow(id as string) && (since as number) < queue.purgedBefore,
            from: Math.min(readAt, queue.purgedBefore - clockMarginMs),
          },
        ),
  ]).finally(endRead);
  if (!ctx.clock.trusted()) {
    throw new DumbwaiterError(
      'clock_skewed',
      `the clock was found to be off by more than ${clockMarginMs} ms and is being set right`,
    );
  }
  const found = oldestFirst(heads.rows, due.rows, ctx.windows.messagesPerRow(shard));
  const beyond = (rows: readonly Row[]) => (rows.length > stretch ? storedBytes(rows[0]!) * (rows.length - stretch) : 0);
  const messages = found.reduce((sum, one) => sum + ('head' in one ? one.count : 0), 0);
  // Reads of the index cost half: they are not strongly consistent.
  ctx.windows.read(shard, heads.rows.length, messages, beyond(heads.rows) + beyond(due.rows) / 2);
  const hasMore = heads.next !== undefined || due.next !== undefined;
  return { found, window, readAt, ...(hasMore ? { continuation: { heads: heads.next, due: due.next } } : {}) };
}

/**
 * Reads a range. If all rows of the answer are gone and more follow, also reads the range `from` where live rows begin, and puts
 * those first. So a receive finds live rows at once, however many rows before them are gone, and still removes some of
 * those.
 */
async function readLiving(
  { store }: Context,
  range: Range,
  { isGone, from }: { isGone: (row: Row) => boolean; from: string | number },
): Promise<Ranged> {
  const first = await store.range(range);
  if (!first.next || !first.rows.every(isGone)) return first;
  const { after: _, ...whole } = range;
  const living = await store.range({ ...whole, from });
  const read = new Set(first.rows.map(({ id }) => id));
  return { ...living, rows: [...living.rows.filter(({ id }) => !read.has(id)), ...first.rows] };
}

function after(row: Row | undefined): { after?: Row } {
  return row ? { after: row } : {};
}
