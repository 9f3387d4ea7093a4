/**
 * The sweep: what has to be seen to though nobody receives. Each minute it visits the head of every shard and its due rows: overridden,
 * expired and purged rows are removed, used-up messages go to their dead-letter queues, rows that ended are tidied, redrives that
 * stand still are started again, the ticks of schedules are published, and what deleted queues left is removed. A run is bounded: a long list is gone on with next time.
 */
import { headRowsMax, sweepPeriodMs } from '../sdk/limits.ts';
import { clearParcel } from './claims.ts';
import type { Context } from './context.ts';
import { removeDeleted } from './deleted-queues.ts';
import type { SweepReport } from './engine.ts';
import { holdsNothing, lookIntoForgotten, shrinkIfIdle } from './growth.ts';
import { look, lookAt, type Seen } from './lease-writes.ts';
import { type Key, type Row, StoreError } from './port.ts';
import { sweepPrepared } from './prepared-sweep.ts';
import { readTaskRow } from './redrive-task.ts';
import { removeParcels } from './removals.ts';
import { readParcel } from './row-format.ts';
import { leaseKey, type Parcel } from './rows.ts';
import { sweepSchedules } from './schedule-sweep.ts';
import { type QueueRecord, readQueue } from './settings.ts';
import { settle } from './settle.ts';
import { levelsOf, preparedPartitionsOf } from './shards.ts';

const queuesAtOnce = 8;
/** Pages of one shard that one run visits, of each table. */
const pagesMax = 20;
const duePageRows = 1000;
/** How often one run goes on with a row to which there is much to do. */
const turnsMax = 16;
/** Of the time that is left, for what one queue has prepared. */
const preparedShare = 0.25;
/** A redrive whose progress was not saved for this long has lost its runner. */
const stalledMs = 2 * sweepPeriodMs;

type Swept = SweepReport['queues'][number];

export async function sweep(ctx: Context, { until }: { until: number }): Promise<SweepReport> {
  const records = await ctx.settings.list();
  const deadLetters = new Set(records.flatMap(({ deadLetter }) => (deadLetter ? [deadLetter.queue] : [])));
  // From another queue each time: should time run short, all get their turn.
  const start = Math.floor(ctx.random.number() * records.length);
  const pending = [...records.slice(start), ...records.slice(0, start)];
  const report: SweepReport = { queues: [], complete: true };
  let failure: StoreError | undefined;

  // First: it is the ticks of schedules that have to be in time.
  if (!(await sweepSchedules(ctx, until))) report.complete = false;
  await restartRedrives(ctx);
  await Promise.all(
    Array.from({ length: queuesAtOnce }, async () => {
      for (let queue = pending.shift(); queue; queue = pending.shift()) {
        if (ctx.clock.now() >= until) {
          report.complete = false;
          return;
        }
        try {
          const { swept, complete } = await sweepQueue(ctx, queue, deadLetters.has(queue.name), until);
          report.queues.push(swept);
          if (!complete) report.complete = false;
        } catch (error) {
          // One queue's throttled shard must not keep the others from being swept.
          if (!(error instanceof StoreError)) throw error;
          failure = error;
          report.complete = false;
        }
      }
    }),
  );
  const deleted = await ctx.store.range({ table: 'queues', partition: 'deleted', limit: queuesAtOnce, consistent: true });
  for (const row of deleted.rows) {
    if (ctx.clock.now() < until) await removeDeleted(ctx, readQueue(row));
  }
  if (failure && report.queues.length === 0) throw failure;
  return report;
}

async function sweepQueue(
  ctx: Context,
  queue: QueueRecord,
  isDeadLetter: boolean,
  until: number,
): Promise<{ swept: Swept; complete: boolean }> {
  const swept: Swept = { name: queue.name, removed: 0, deadLettered: 0, oldestAgeSeconds: 0, isDeadLetter, waiting: 0 };
  // What is read from now on shows what arrived until now: a sweep that stands still in between must not take it for younger.
  const asOf = ctx.clock.now();
  let oldest = Number.POSITIVE_INFINITY;
  // The first shard from which on all are empty of rows, future ones included.
  let emptyFrom = 0;
  let complete = true;
  for (let shard = 0; shard < queue.shardsVisited; shard++) {
    for (const partition of levelsOf(queue, shard)) {
      const waiting = swept.waiting;
      const oldestFresh = await sweepHead(ctx, queue, partition, swept);
      const due = await sweepDue(ctx, queue, partition, swept);
      oldest = Math.min(oldest, oldestFresh, due.oldest);
      if (!due.complete) complete = false;
      const isEmpty = queue.shardsVisited > 1 && swept.waiting === waiting && (await holdsNothing(ctx, partition));
      if (!isEmpty) emptyFrom = shard + 1;
    }
  }
  // Publishers that are slow to answer must not take the time of other queues.
  const preparedUntil = ctx.clock.now() + (until - ctx.clock.now()) * preparedShare;
  for (const [shard, partition] of preparedPartitionsOf(queue).entries()) {
    if (!(await sweepPrepared(ctx, queue, partition, preparedUntil, swept))) complete = false;
    // What is committed goes to any shard; only what lies here keeps this one from being forgotten.
    if (queue.shardsVisited > 1 && !(await holdsNothing(ctx, partition))) emptyFrom = Math.max(emptyFrom, shard + 1);
  }
  await shrinkIfIdle(ctx, queue, { isIdle: emptyFrom === 0, emptyFrom, asOf });
  await lookIntoForgotten(ctx, queue, asOf);
  if (oldest !== Number.POSITIVE_INFINITY) swept.oldestAgeSeconds = Math.max(0, ctx.clock.now() - oldest) / 1000;
  return { swept, complete };
}

/** Answers since when the oldest message that stays has been waiting. */
async function sweepHead(ctx: Context, queue: QueueRecord, partition: string, swept: Swept): Promise<number> {
  for (let page = 0; page < pagesMax; page++) {
    const readAt = ctx.clock.now();
    const { rows, next } = await ctx.store.range({ table: 'messages', partition, limit: headRowsMax, consistent: true });
    const parcels = rows.map(readParcel);
    const overriding = parcels.length > 0 ? await ctx.store.get(parcels.map(({ id }) => leaseKey(id))) : [];
    const removals: Parcel[] = [];
    const staying: Parcel[] = [];
    for (const [index, parcel] of parcels.entries()) {
      // Many queues are swept before this one, and a sweep may stand still: it must not judge by settings that are no more.
      const current = await ctx.settings.find(queue.name);
      if (current?.incarnation !== queue.incarnation) return Number.POSITIVE_INFINITY;
      const cleared = overriding[index] ? { remove: true, deadLettered: 0 } : await clearParcel(ctx, current, parcel, readAt);
      if (cleared?.remove) removals.push(parcel);
      if (cleared) swept.deadLettered += cleared.deadLettered;
      else staying.push(parcel);
    }
    await removeParcels(ctx, removals);
    swept.removed += removals.length;
    if (staying.length > 0 || !next) {
      swept.waiting += staying.reduce((sum, { count }) => sum + count, 0);
      return staying[0]?.since ?? Number.POSITIVE_INFINITY;
    }
  }
  return Number.POSITIVE_INFINITY;
}

/** Answers since when the oldest row that stays has been due, and whether all was done to all rows. */
async function sweepDue(
  ctx: Context,
  queue: QueueRecord,
  partition: string,
  swept: Swept,
): Promise<{ oldest: number; complete: boolean }> {
  const now = ctx.clock.now();
  const cursorKey: Key = { table: 'queues', kind: 'sweep', name: partition };
  const [cursor] = await ctx.store.get([cursorKey]);
  let after = cursor && { shard: partition, expiry: cursor.expiry!, id: cursor.id! };
  let oldest = Number.POSITIVE_INFINITY;
  let complete = true;
  let pages = 0;
  do {
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
      const seen = await look(
        ctx,
        toSettle.slice(at, at + headRowsMax).map((row) => row.id as string),
      );
      await Promise.all(
        seen.map(async (one) => {
          const left = await sweepRow(ctx, queue, one, swept);
          if (left === 'nothing') waiting.delete(one.id);
          if (left === 'more') complete = false;
        }),
      );
    }
    swept.waiting += waiting.size;
    const first = page.rows.find((row) => waiting.has(row.id as string));
    if (first) oldest = Math.min(oldest, first.expiry as number);
    after = page.next as typeof after;
    pages++;
  } while (after && pages < pagesMax);

  if (after)
    await ctx.store.write({
      key: cursorKey,
      then: { put: { kind: 'sweep', name: partition, expiry: after.expiry, id: after.id } },
    });
  else if (cursor) await ctx.store.write({ key: cursorKey, then: { remove: true } });
  return { oldest, complete };
}

/** Does what is due to a row, and answers what it leaves: nothing that is due, messages that wait, or more to do, in the next run. */
async function sweepRow(ctx: Context, queue: QueueRecord, first: Seen, swept: Swept): Promise<'nothing' | 'waiting' | 'more'> {
  try {
    let seen = first;
    for (let turn = 0; turn < turnsMax; turn++) {
      // A sweep that stood still must not judge by settings that are no more.
      const current = await ctx.settings.find(queue.name);
      if (!current) return 'nothing';
      const settled = await settle(ctx, current, seen);
      swept.removed += settled.removed;
      swept.deadLettered += settled.deadLettered;
      if (!settled.unfinished) return settled.ready ? 'waiting' : 'nothing';
      seen = await lookAt(ctx, seen.id);
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

async function restartRedrives(ctx: Context): Promise<void> {
  let after: Row | undefined;
  do {
    const page = await ctx.store.range({ table: 'queues', partition: 'task', limit: 100, ...(after ? { after } : {}) });
    for (const task of page.rows.map(readTaskRow)) {
      const isStalled = task.state === 'running' && task.updatedAt < ctx.clock.now() - stalledMs;
      if (isStalled) await ctx.startRedrive?.(task.queue, task.id).catch(() => {});
    }
    after = page.next;
  } while (after);
}
