/**
 * Sweep: the folder for work that is due even if no receiver is active. Open this file first. Each run (one a minute) publishes
 * the ticks of schedules, restarts stalled redrives, carries on publishes to topics (`publications.ts`), ends subscriptions
 * (`topics.ts`), sweeps the queues (`sweep-queue.ts`) and removes the rows of deleted queues. It stops at its deadline, and the next run continues with the queues that were not reached.
 */
import { sweepPeriodMs } from '../../contract/limits.ts';
import { textOfThrown } from '../../contract/thrown.ts';
import type { Context } from '../context/context.ts';
import { createDeadline, type Deadline } from '../context/deadline.ts';
import { sideBySide } from '../context/side-by-side.ts';
import type { SweepOptions, SweepReport } from '../engine.ts';
import { type QueueRecord, readQueue } from '../model/queue-record.ts';
import { pagesOf } from '../port/pages.ts';
import { StoreError } from '../port/port.ts';
import { isAsleep } from '../queues/sleep.ts';
import { readTaskRow } from '../redrive/task.ts';
import { readBookmarks } from './bookmarks.ts';
import { removeDeleted } from './deleted-queues.ts';
import { sweepPublications } from './publications.ts';
import { sweepSchedules } from './schedules.ts';
import { sweepQueue } from './sweep-queue.ts';
import { sweepTopics } from './topics.ts';

/** Queues swept in parallel: a visit mostly waits for the store. */
const queuesAtOnce = 16;
const deletedAtOnce = 8;
/** Share of the sleeping queues that a run visits: each about once an hour, in case a restored backup filled it. */
const sleepersShare = sweepPeriodMs / 3_600_000;
/** A redrive that saved no progress for this long has lost its runner. */
const stalledMs = 2 * sweepPeriodMs;

export async function sweep(ctx: Context, { until, signal, onFailure }: SweepOptions): Promise<SweepReport> {
  const deadline = createDeadline(ctx.clock, until, signal);
  const bookmarks = await readBookmarks(ctx);
  const records = await ctx.settings.list();
  const deadLetters = new Set(records.flatMap(({ deadLetter }) => (deadLetter ? [deadLetter.queue] : [])));
  const report: SweepReport = {
    queues: [],
    topics: [],
    complete: true,
    totals: { queues: records.length, visited: 0, asleep: 0, notReached: 0, failed: 0, removed: 0, deadLettered: 0 },
  };
  const { totals } = report;
  let failure: StoreError | undefined;

  // A damaged row stops only its part of the work, or its queue.
  const failures: { thrown: unknown; queue?: string }[] = [];
  const sweepPart = async (part: Promise<boolean>) => {
    const done = await part.catch((thrown: unknown) => void failures.push({ thrown }));
    if (!done) report.complete = false;
  };
  // Schedules come first: their ticks must be on time.
  await sweepPart(sweepSchedules(ctx, deadline));
  await sweepPart(restartRedrives(ctx, deadline).then(() => true));
  // A deleted topic must have no publications left before its subscriptions are removed.
  await sweepPart(
    sweepPublications(ctx, deadline).then(({ complete, topics }) => {
      report.topics = topics;
      return complete;
    }),
  );
  await sweepPart(sweepTopics(ctx, records, deadLetters, deadline));
  const awake = records.filter((queue) => !isAsleep(queue, ctx.clock.now()) || ctx.random.number() < sleepersShare);
  totals.asleep = records.length - awake.length;
  const notReached = await sideBySide(longestUnvisitedFirst(ctx, awake), queuesAtOnce, deadline.isOver, async (queue) => {
    try {
      const { swept, complete } = await sweepQueue(ctx, queue, {
        isDeadLetter: deadLetters.has(queue.name),
        deadline,
        bookmarks,
      });
      report.queues.push(swept);
      totals.visited++;
      ctx.visitedAt.set(queue.incarnation, ctx.clock.now());
      totals.removed += swept.removed;
      totals.deadLettered += swept.deadLettered;
      if (!complete) report.complete = false;
    } catch (error) {
      // A throttled shard of one queue must not stop the sweep of the others.
      if (error instanceof StoreError) failure = error;
      else failures.push({ thrown: error, queue: queue.name });
      totals.failed++;
    }
  });
  totals.notReached = notReached.length;
  if (notReached.length > 0 || totals.failed > 0) report.complete = false;
  if (failure && report.queues.length === 0) throw failure;
  await sweepPart(removeAllDeleted(ctx, deadline).then(() => true));
  for (const { thrown, queue } of failures) {
    if (!onFailure) throw thrown;
    onFailure(thrown, queue);
  }
  return report;
}

/**
 * Orders the queues: those that this process has not visited for the longest time come first. A new process starts at a random
 * queue. So every queue gets its turn even if no run has time for all.
 */
function longestUnvisitedFirst(ctx: Context, records: readonly QueueRecord[]): QueueRecord[] {
  const there = new Set(records.map(({ incarnation }) => incarnation));
  for (const incarnation of ctx.visitedAt.keys()) if (!there.has(incarnation)) ctx.visitedAt.delete(incarnation);
  const start = Math.floor(ctx.random.number() * records.length);
  const visitedAt = ({ incarnation }: QueueRecord) => ctx.visitedAt.get(incarnation) ?? 0;
  return [...records.slice(start), ...records.slice(0, start)].sort((a, b) => visitedAt(a) - visitedAt(b));
}

async function removeAllDeleted(ctx: Context, deadline: Deadline): Promise<void> {
  const deleted = await ctx.store.range({ table: 'queues', partition: 'deleted', limit: deletedAtOnce, consistent: true });
  for (const row of deleted.rows) {
    if (deadline.isOver()) return;
    await removeDeleted(ctx, readQueue(row), deadline);
  }
}

async function restartRedrives(ctx: Context, deadline: Deadline): Promise<void> {
  for await (const rows of pagesOf(ctx.store, { table: 'queues', partition: 'task', limit: 100 })) {
    for (const task of rows.map(readTaskRow)) {
      const isStalled = task.state === 'running' && task.updatedAt < ctx.clock.now() - stalledMs;
      if (!isStalled) continue;
      const event = { kind: 'redrive_stalled' as const, queue: task.queue, task: task.id };
      await ctx.startRedrive?.(task.queue, task.id).then(
        () => ctx.observe?.(event),
        (error: unknown) => ctx.observe?.({ ...event, reason: textOfThrown(error) }),
      );
    }
    if (deadline.isOver()) return;
  }
}
