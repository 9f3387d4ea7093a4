/**
 * The sweep's visit to one queue: the head of every shard and its due rows. Overridden, expired and purged rows are removed, used-up
 * messages go to the dead-letter queue, rows that ended are tidied, prepared messages time out. A visit is bounded: the next goes on
 * with a long list.
 */
import { headRowsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import type { Deadline } from '../context/deadline.ts';
import { sideBySide } from '../context/side-by-side.ts';
import type { SweepReport } from '../engine.ts';
import { readRow, readRows, type Snapshot } from '../leases/lease-store.ts';
import { removeParcels } from '../leases/removals.ts';
import { settle } from '../lifecycle/due-row.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { decodeParcel } from '../model/row-codec.ts';
import { leaseKey, type Parcel } from '../model/rows.ts';
import { levelsOf, preparedPartitionsOf } from '../model/shards.ts';
import { type Row, StoreError } from '../port/port.ts';
import { holdsNothing, lookIntoForgotten, shrinkIfLight } from '../queues/shard-scaling.ts';
import { sleepIfIdle } from '../queues/sleep.ts';
import { clearParcel } from '../receive/claims.ts';
import { type Bookmarks, moveBookmark, type Place } from './bookmarks.ts';
import { sweepPrepared } from './prepared.ts';

/** Partitions of one queue visited at a time. */
const partitionsAtOnce = 8;
/** Pages of one shard that one visit reads, of each table. */
const pagesMax = 20;
const duePageRows = 1000;
/** How often one visit goes on with a row to which there is much to do. */
const turnsMax = 16;
/** Of the time that is left, for what one queue has prepared. */
const preparedShare = 0.25;

export type Swept = SweepReport['queues'][number];

export interface Visit {
  isDeadLetter: boolean;
  deadline: Deadline;
  bookmarks: Bookmarks;
}

/** What was found in one partition: since when the oldest message that stays has been waiting, and whether all was done. */
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
  // What is read from now on shows what arrived until now: a sweep that stands still in between must not take it for younger.
  const asOf = ctx.clock.now();
  let oldest = Number.POSITIVE_INFINITY;
  // The first shard from which on all are empty of rows, future ones included.
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
  // Publishers that are slow to answer must not take the time of other queues.
  const preparedDeadline = deadline.share(preparedShare);
  for (const [shard, partition] of preparedPartitionsOf(queue).entries()) {
    if (!(await sweepPrepared(ctx, queue, partition, preparedDeadline, swept))) complete = false;
    // What is committed goes to any shard; only what lies here keeps this one from being forgotten.
    if (queue.shardsVisited > 1 && !(await holdsNothing(ctx, partition))) emptyFrom = Math.max(emptyFrom, shard + 1);
  }
  if (oldest !== Number.POSITIVE_INFINITY) swept.oldestAgeSeconds = Math.max(0, ctx.clock.now() - oldest) / 1000;
  // Of a queue that was not visited whole nothing is known.
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
      // Many queues are swept before this one, and a sweep may stand still: it must not judge by settings that are no more.
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
    // The oldest are all looked at; of the others those for which the index tells that there is something to do.
    const toSettle = page.rows.filter((row, index) => (pages === 0 && index < headRowsMax) || asksForSweep(queue, row, now));
    const waiting = new Set(page.rows.map((row) => row.id as string));
    for (let at = 0; at < toSettle.length; at += headRowsMax) {
      if (deadline.isOver()) {
        complete = false;
        break;
      }
      const seen = await readRows(
        ctx,
        toSettle.slice(at, at + headRowsMax).map((row) => row.id as string),
      );
      await Promise.all(
        seen.map(async (one) => {
          const left = await sweepRow(ctx, queue, one, swept, deadline);
          if (left === 'nothing') waiting.delete(one.id);
          if (left === 'more') complete = false;
        }),
      );
    }
    swept.waiting += waiting.size;
    const first = page.rows.find((row) => waiting.has(row.id as string));
    if (first) oldest = Math.min(oldest, first.expiry as number);
    // A page of which a part is left is read again by the next visit.
    if (!complete && deadline.isOver()) break;
    after = page.next as Place | undefined;
    pages++;
  } while (after && pages < pagesMax);

  await moveBookmark(ctx, bookmarks, partition, after);
  return { oldest, complete };
}

/** Does what is due to a row, and answers what it leaves: nothing that is due, messages that wait, or more to do, in the next run. */
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
      // A sweep that stood still must not judge by settings that are no more.
      const current = await ctx.settings.find(queue.name);
      if (!current) return 'nothing';
      const settled = await settle(ctx, current, seen);
      swept.removed += settled.removed;
      swept.deadLettered += settled.deadLettered;
      if (!settled.unfinished) return settled.ready ? 'waiting' : 'nothing';
      seen = await readRow(ctx, seen.id);
    }
  } catch (error) {
    // One row that can not be seen to must not keep the others from it.
    if (!(error instanceof StoreError)) throw error;
  }
  return 'more';
}

/** What the index shows of a row: its last receive, its age, or (without an age) a row that ended with something left. */
function asksForSweep(queue: QueueRecord, row: Row, now: number): boolean {
  const { last, since, expiresAt } = row as { last?: boolean; since?: number; expiresAt?: number };
  if (last || since === undefined) return true;
  return since < queue.purgedBefore || (expiresAt !== undefined && expiresAt <= now);
}
