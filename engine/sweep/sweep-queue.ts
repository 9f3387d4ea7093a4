/**
 * Sweeps one queue: the head of every shard, and its due rows. Removes overridden, expired and purged rows, dead-letters
 * messages whose receives are used up, cleans up ended rows and handles timed-out prepared messages. A visit reads a bounded
 * number of rows; the next visit resumes at the bookmark.
 */
import { headRowsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import type { Deadline } from '../context/deadline.ts';
import { sideBySide } from '../context/side-by-side.ts';
import type { SweepReport } from '../engine.ts';
import { readRow, readRows, type Snapshot } from '../leases/lease-store.ts';
import { removeParcels } from '../leases/removals.ts';
import { processDueRow } from '../lifecycle/due-row.ts';
import { levelsOf, preparedPartitionsOf, type QueueRecord } from '../model/queue-record.ts';
import { decodeParcel } from '../model/row-codec.ts';
import { leaseKey, type Parcel } from '../model/rows.ts';
import { type Row, StoreError } from '../port/port.ts';
import { holdsNothing, lookIntoForgotten, shrinkIfLight } from '../queues/shard-scaling.ts';
import { sleepIfIdle } from '../queues/sleep.ts';
import { clearParcel } from '../receive/claims.ts';
import { type Bookmarks, moveBookmark, type Place } from './bookmarks.ts';
import { sweepPrepared } from './prepared.ts';

/** Partitions of one queue that are swept in parallel. */
const partitionsAtOnce = 8;
/** Pages that one visit reads of each partition, in each table. */
const pagesMax = 20;
const duePageRows = 1000;
/** How many times one visit processes a row that has a lot of work due. */
const turnsMax = 16;
/** Share of the remaining time that one queue's prepared messages may take. */
const preparedShare = 0.25;

export type Swept = SweepReport['queues'][number];

export interface Visit {
  isDeadLetter: boolean;
  deadline: Deadline;
  bookmarks: Bookmarks;
}

/**
 * The result for one partition. `oldest`: since when the oldest remaining message has been waiting, ms. `complete`: all work
 * was done.
 */
interface Found {
  oldest: number;
  complete: boolean;
}

export async function sweepQueue(
  ctx: Context,
  queue: QueueRecord,
  { isDeadLetter, deadline, bookmarks }: Visit,
): Promise<{ swept: Swept; complete: boolean }> {
  const swept: Swept = { name: queue.name, removed: 0, deadLettered: 0, oldestAgeSeconds: 0, isDeadLetter, waiting: 0 };
  // Take the time before reading: if the sweep stalls, the reads must not look newer than they are.
  const asOf = ctx.clock.now();
  let oldest = Number.POSITIVE_INFINITY;
  // The lowest shard number from which on no shard holds any row, not even one that is not due yet.
  let emptyFrom = 0;
  let complete = true;
  const partitions = Array.from({ length: queue.shardsVisited }, (_, shard) =>
    levelsOf(queue, shard).map((partition) => ({ shard, partition })),
  ).flat();
  const left = await sideBySide(partitions, partitionsAtOnce, deadline.isOver, async ({ shard, partition }) => {
    const here = { ...swept, removed: 0, deadLettered: 0, waiting: 0 };
    const [head, due] = await Promise.all([
      sweepHead(ctx, queue, partition, here, deadline),
      sweepDue(ctx, queue, partition, here, { deadline, bookmarks }),
    ]);
    swept.removed += here.removed;
    swept.deadLettered += here.deadLettered;
    swept.waiting += here.waiting;
    oldest = Math.min(oldest, head.oldest, due.oldest);
    if (!head.complete || !due.complete) complete = false;
    const isEmpty = queue.shardsVisited > 1 && here.waiting === 0 && (await holdsNothing(ctx, partition));
    if (!isEmpty) emptyFrom = Math.max(emptyFrom, shard + 1);
  });
  // Slow publishers must not use up the time of other queues.
  const preparedDeadline = deadline.share(preparedShare);
  for (const [shard, partition] of preparedPartitionsOf(queue).entries()) {
    if (!(await sweepPrepared(ctx, queue, partition, preparedDeadline, swept))) complete = false;
    // A commit moves a message to a random shard. A shard must not be forgotten while its own prepared partition holds rows.
    if (queue.shardsVisited > 1 && !(await holdsNothing(ctx, partition))) emptyFrom = Math.max(emptyFrom, shard + 1);
  }
  if (oldest !== Number.POSITIVE_INFINITY) swept.oldestAgeSeconds = Math.max(0, ctx.clock.now() - oldest) / 1000;
  // A partial visit proves nothing about the queue, so do not shrink it or let it sleep.
  if (left.length > 0 || deadline.isOver()) return { swept, complete: false };
  await shrinkIfLight(ctx, queue, { waiting: swept.waiting, emptyFrom, asOf });
  await lookIntoForgotten(ctx, queue, asOf);
  if (complete && swept.waiting === 0) await sleepIfIdle(ctx, queue, asOf);
  return { swept, complete };
}

async function sweepHead(ctx: Context, queue: QueueRecord, partition: string, swept: Swept, deadline: Deadline): Promise<Found> {
  for (let page = 0; page < pagesMax; page++) {
    if (deadline.isOver()) return { oldest: Number.POSITIVE_INFINITY, complete: false };
    const readAt = ctx.clock.now();
    const { rows, next } = await ctx.store.range({ table: 'messages', partition, limit: headRowsMax, consistent: true });
    const parcels = rows.map(decodeParcel);
    const overriding = parcels.length > 0 ? await ctx.store.get(parcels.map(({ id }) => leaseKey(id))) : [];
    const removals: Parcel[] = [];
    const staying: Parcel[] = [];
    let complete = true;
    for (const [index, parcel] of parcels.entries()) {
      if (deadline.isOver()) {
        complete = false;
        break;
      }
      // Re-read the settings: a slow or paused sweep must not act on outdated ones.
      const current = await ctx.settings.find(queue.name);
      if (current?.incarnation !== queue.incarnation) return { oldest: Number.POSITIVE_INFINITY, complete: true };
      const cleared = overriding[index] ? { remove: true, deadLettered: 0 } : await clearParcel(ctx, current, parcel, readAt);
      if (cleared?.remove) removals.push(parcel);
      if (cleared) swept.deadLettered += cleared.deadLettered;
      else staying.push(parcel);
    }
    await removeParcels(ctx, removals);
    swept.removed += removals.length;
    if (staying.length > 0 || !next || !complete) {
      swept.waiting += staying.reduce((sum, { count }) => sum + count, 0);
      return { oldest: staying[0]?.since ?? Number.POSITIVE_INFINITY, complete };
    }
  }
  return { oldest: Number.POSITIVE_INFINITY, complete: false };
}

async function sweepDue(
  ctx: Context,
  queue: QueueRecord,
  partition: string,
  swept: Swept,
  { deadline, bookmarks }: Pick<Visit, 'deadline' | 'bookmarks'>,
): Promise<Found> {
  const now = ctx.clock.now();
  let after = bookmarks.get(partition);
  let oldest = Number.POSITIVE_INFINITY;
  let complete = true;
  let pages = 0;
  do {
    if (deadline.isOver()) {
      complete = false;
      break;
    }
    const page = await ctx.store.range({
      table: 'leases',
      index: 'due',
      partition,
      to: now,
      limit: duePageRows,
      ...(after ? { after } : {}),
    });
    // Read all of the oldest rows. Of the others, read only those for which the index shows work to do.
    const toProcess = page.rows.filter((row, index) => (pages === 0 && index < headRowsMax) || asksForSweep(queue, row, now));
    const waiting = new Set(page.rows.map((row) => row.id as string));
    for (let at = 0; at < toProcess.length; at += headRowsMax) {
      if (deadline.isOver()) {
        complete = false;
        break;
      }
      const seen = await readRows(
        ctx,
        toProcess.slice(at, at + headRowsMax).map((row) => row.id as string),
      );
      await Promise.all(
        seen.map(async (one) => {
          const remaining = await sweepRow(ctx, queue, one, swept, deadline);
          if (remaining === 'nothing') waiting.delete(one.id);
          if (remaining === 'more') complete = false;
        }),
      );
    }
    swept.waiting += waiting.size;
    const first = page.rows.find((row) => waiting.has(row.id as string));
    // The lane of a group may be due before its message was published.
    if (first) oldest = Math.min(oldest, Math.max(first.expiry as number, first.since as number));
    // The next visit reads a partly handled page again.
    if (!complete && deadline.isOver()) break;
    after = page.next as Place | undefined;
    pages++;
  } while (after && pages < pagesMax);

  await moveBookmark(ctx, bookmarks, partition, after);
  return { oldest, complete };
}

/** Processes one due row. Returns what remains: nothing due, waiting messages, or more work for the next run. */
async function sweepRow(
  ctx: Context,
  queue: QueueRecord,
  first: Snapshot,
  swept: Swept,
  deadline: Deadline,
): Promise<'nothing' | 'waiting' | 'more'> {
  try {
    let seen = first;
    for (let turn = 0; turn < turnsMax && !deadline.isOver(); turn++) {
      // Re-read the settings: a paused sweep must not act on outdated ones.
      const current = await ctx.settings.find(queue.name);
      if (!current) return 'nothing';
      const processed = await processDueRow(ctx, current, seen);
      swept.removed += processed.removed;
      swept.deadLettered += processed.deadLettered;
      if (!processed.unfinished) return processed.ready ? 'waiting' : 'nothing';
      seen = await readRow(ctx, seen.id);
    }
  } catch (error) {
    // A store error of one row must not stop the others.
    if (!(error instanceof StoreError)) throw error;
  }
  return 'more';
}

/**
 * Whether the index shows work for the sweep. `last`: a message has used its last receive, or a kept tombstone needs cleanup.
 * No `since`: a tombstone needs cleanup. Otherwise by age: the row is purged or expired.
 */
function asksForSweep(queue: QueueRecord, row: Row, now: number): boolean {
  const { last, since, expiresAt } = row as { last?: boolean; since?: number; expiresAt?: number };
  if (last || since === undefined) return true;
  return since < queue.purgedBefore || (expiresAt !== undefined && expiresAt <= now);
}
