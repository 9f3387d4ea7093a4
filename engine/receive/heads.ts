/** Reading what waits at the head of a partition: rows of `messages`, and due rows of `leases`. */
import { DumbwaiterError } from '../../contract/errors.ts';
import { clockMarginMs, headRowsMax, windowRowsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { livingFrom } from '../lifecycle/verdicts.ts';
import { idFrom, isGroupRow } from '../model/ids.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import type { Range, Ranged, Row } from '../port/port.ts';
import { storedBytes } from '../port/row-limits.ts';
import { type Found, oldestFirst } from './candidates.ts';

/** Where the rows go on that are behind those read; undefined where there are none. */
export type Rest = { heads: Row | undefined; due: Row | undefined };

export interface Head {
  found: Found[];
  /** Stretches to choose from. */
  window: number;
  readAt: number;
  rest?: Rest;
}

/** Reads the rows of the window, each of whose stretches has so many rows; `times`: so many times that. */
export async function readHead(
  ctx: Context,
  queue: QueueRecord,
  shard: string,
  stretch: number,
  times: number,
  rest?: Rest,
): Promise<Head> {
  const readAt = ctx.clock.now();
  const window = Math.min(ctx.windows.size(shard), Math.max(1, Math.floor(windowRowsMax / stretch)));
  const wanted = Math.min(windowRowsMax, window * stretch + ctx.claimsInProgress.count());
  const limit = Math.max(wanted, Math.min(headRowsMax, wanted * times));
  const none: Ranged = { rows: [] };
  const living = livingFrom(queue, readAt);
  const firstId = idFrom(living);
  const [heads, due] = await Promise.all([
    rest && !rest.heads
      ? none
      : readLiving(
          ctx,
          { table: 'messages', partition: shard, limit, consistent: true, ...after(rest?.heads) },
          { isDead: ({ id }) => (id as string) < firstId, from: firstId },
        ),
    rest && !rest.due
      ? none
      : readLiving(
          ctx,
          { table: 'leases', index: 'due', partition: shard, to: readAt, limit, ...after(rest?.due) },
          // What a purge has left was not due before it, but for groups, which wait for their turn.
          {
            isDead: ({ id, since }) => !isGroupRow(id as string) && (since as number) < queue.purgedBefore,
            from: Math.min(readAt, queue.purgedBefore - clockMarginMs),
          },
        ),
  ]);
  if (!ctx.clock.trusted()) {
    throw new DumbwaiterError(
      'clock_skewed',
      `the clock was found to be off by more than ${clockMarginMs} ms and is being set right`,
    );
  }
  const found = oldestFirst(heads.rows, due.rows, ctx.windows.messagesPerRow(shard));
  const beyond = (rows: readonly Row[]) => (rows[0] ? storedBytes(rows[0]) * Math.max(0, rows.length - stretch) : 0);
  const messages = found.reduce((sum, one) => sum + ('parcel' in one ? one.count : 0), 0);
  // The index is read at half the price.
  ctx.windows.read(shard, heads.rows.length, messages, beyond(heads.rows) + beyond(due.rows) / 2);
  const hasMore = heads.next !== undefined || due.next !== undefined;
  return { found, window, readAt, ...(hasMore ? { rest: { heads: heads.next, due: due.next } } : {}) };
}

/**
 * Reads a range; where all rows that came are dead, and more are behind them, also those that begin `from` where the living are. These come
 * first. So a receive finds them at once, and removes some of the dead, however many of those there are.
 */
async function readLiving(
  { store }: Context,
  range: Range,
  { isDead, from }: { isDead: (row: Row) => boolean; from: string | number },
): Promise<Ranged> {
  const first = await store.range(range);
  if (!first.next || !first.rows.every(isDead)) return first;
  const { after: _, ...whole } = range;
  const living = await store.range({ ...whole, from });
  const read = new Set(first.rows.map(({ id }) => id));
  return { ...living, rows: [...living.rows.filter(({ id }) => !read.has(id)), ...first.rows] };
}

function after(row: Row | undefined): { after?: Row } {
  return row ? { after: row } : {};
}
