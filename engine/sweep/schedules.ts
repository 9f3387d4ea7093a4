/** Publishes the ticks of schedules that are due or fall due within `scheduleAheadMs`. */

import { DumbwaiterError } from '../../contract/errors.ts';
import { scheduleAheadMs, scheduleTicksMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import type { Deadline } from '../context/deadline.ts';
import { pagesOf } from '../port/pages.ts';
import { StoreError, type Write } from '../port/port.ts';
import { targetOf } from '../queues/publish-target.ts';
import { hasMisplaced, withoutLost } from '../schedules/lost-ticks.ts';
import {
  boundedTimingOf,
  decodeSchedule,
  findSchedule,
  type ScheduleRecord,
  type ScheduleSnapshot,
  scheduleContent,
  scheduleKind,
} from '../schedules/schedule-record.ts';
import { commitSchedule, earliestDeadline, progress, publishTicks, schedulePlan } from '../schedules/schedule-writes.ts';

const schedulesAtOnce = 8;
const pageRows = 1000;
const roundsMax = 10;
const contentGone = 'message: what it held is gone; give another';

/** Returns true if all due schedules were handled before the deadline. */
export async function sweepSchedules(ctx: Context, deadline: Deadline): Promise<boolean> {
  const pending = await namesDue(ctx);
  let complete = true;
  let defect: { thrown: unknown } | undefined;
  await Promise.all(
    Array.from({ length: schedulesAtOnce }, async () => {
      for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
        try {
          if (!(await runSchedule(ctx, name, deadline))) complete = false;
        } catch (error) {
          // A throttled or damaged row of one schedule must not delay the others.
          complete = false;
          if (!(error instanceof StoreError)) defect ??= { thrown: error };
        }
      }
    }),
  );
  if (defect) throw defect.thrown;
  return complete;
}

function isDue({ nextAt }: ScheduleRecord, now: number): boolean {
  return nextAt !== undefined && nextAt <= now + scheduleAheadMs;
}

/** The names of schedules with ticks to publish, or lost ticks to publish again. The most overdue comes first. */
async function namesDue(ctx: Context): Promise<string[]> {
  const now = ctx.clock.now();
  const queues = new Map((await ctx.settings.list()).map((queue) => [queue.name, queue]));
  const due: { name: string; nextAt: number }[] = [];
  for await (const rows of pagesOf(ctx.store, { table: 'queues', partition: scheduleKind, limit: pageRows })) {
    for (const { name, record } of rows.map(decodeSchedule)) {
      if (!record) continue;
      if (isDue(record, now)) due.push({ name, nextAt: record.nextAt! });
      else if (hasMisplaced(record, queues.get(record.queue))) due.push({ name, nextAt: now });
    }
  }
  return due.sort((a, b) => a.nextAt - b.nextAt).map(({ name }) => name);
}

/** Publishes the due ticks of one schedule, in several transactions if needed. Returns false if the deadline came first. */
async function runSchedule(ctx: Context, name: string, deadline: Deadline): Promise<boolean> {
  let ticksLeft = scheduleTicksMax;
  for (let round = 0; round < roundsMax; round++) {
    if (deadline.isOver()) return false;
    const now = ctx.clock.now();
    const seen = await findSchedule(ctx, name);
    if (!seen.record) return true;
    const { record, writes } = await withoutLost(ctx, seen.record);
    // A skewed clock would treat future ticks as missed.
    if (!ctx.clock.trusted()) return true;
    if (!isDue(record, now)) {
      if (record === seen.record) return true;
      const change = { before: seen, next: { ...record, version: ctx.newVersion() }, writes };
      if ((await commitSchedule(ctx, change, earliestDeadline(now))) === 'made') return true;
      continue;
    }
    const content = await scheduleContent(ctx, record);
    if (!content) {
      // Either a concurrent change of the schedule removed its content, or it is lost: `noteError` finds out which.
      if (await noteError(ctx, { before: seen, record, writes }, contentGone, now)) return true;
      continue;
    }
    try {
      const target = await targetOf(ctx, record.queue);
      const plan = schedulePlan(record, await boundedTimingOf(record), content, now, ticksLeft);
      const ticks = publishTicks(ctx, record, content, plan.ticks, target);
      const { nextAt: _, error: __, ...settings } = record;
      const next: ScheduleRecord = {
        ...settings,
        ...progress(record, record.ahead, plan, ticks, now),
        version: ctx.newVersion(),
      };
      const change = { before: seen, next, ...ticks, writes: [...writes, ...ticks.writes] };
      const outcome = await commitSchedule(ctx, change, earliestDeadline(now, target.readAt));
      if (outcome === 'made') {
        ctx.wakeups.wake(record.queue);
        ticksLeft -= plan.ticks.length;
        if (ticksLeft === 0 || !isDue(next, now)) return true;
      }
    } catch (error) {
      if (!(error instanceof DumbwaiterError)) throw error;
      await noteError(ctx, { before: seen, record, writes }, error.message, now);
      return true;
    }
  }
  return true;
}

/**
 * Records an error in the schedule and reports it once; each sweep tries the schedule again. Returns false if the schedule
 * changed since it was read.
 */
async function noteError(
  ctx: Context,
  { before, record, writes }: { before: ScheduleSnapshot; record: ScheduleRecord; writes: Write[] },
  message: string,
  now: number,
): Promise<boolean> {
  const isTold = record.error?.message === message;
  if (isTold && record === before.record) return true;
  const next: ScheduleRecord = { ...record, error: isTold ? record.error! : { at: now, message }, version: ctx.newVersion() };
  const outcome = await commitSchedule(ctx, { before, next, writes }, earliestDeadline(now));
  if (outcome === 'made' && !isTold) {
    ctx.observe?.({ kind: 'schedule_failed', schedule: record.name, queue: record.queue, reason: message });
  }
  return outcome !== 'refused';
}
