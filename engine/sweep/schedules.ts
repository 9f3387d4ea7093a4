/** What the sweep does for schedules: publishes the ticks that are due, and those that will be before the sweep after next. */

import { DumbwaiterError } from '../../contract/errors.ts';
import { scheduleAheadMs, scheduleTicksMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import type { Deadline } from '../context/deadline.ts';
import { type Row, StoreError, type Write } from '../port/port.ts';
import { targetOf } from '../queues/publish-target.ts';
import { isAstray, withoutLost } from '../schedules/lost-ticks.ts';
import {
  boundedTimingOf,
  contentOf,
  lookAtSchedule,
  type ScheduleRecord,
  type SeenSchedule,
  scheduleKind,
  seenSchedule,
} from '../schedules/schedule-record.ts';
import { commitSchedule, earliestDeadline, planOf, progress, publishTicks } from '../schedules/schedule-writes.ts';

const schedulesAtOnce = 8;
const pageRows = 1000;
const roundsMax = 10;
const contentGone = 'message: what it held is gone; give another';

/** Answers whether all were seen to in time. */
export async function sweepSchedules(ctx: Context, deadline: Deadline): Promise<boolean> {
  const pending = await namesDue(ctx);
  let complete = true;
  await Promise.all(
    Array.from({ length: schedulesAtOnce }, async () => {
      for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
        try {
          if (!(await runSchedule(ctx, name, deadline))) complete = false;
        } catch (error) {
          // One that the store is too busy for must not keep the others from their time.
          if (!(error instanceof StoreError)) throw error;
          complete = false;
        }
      }
    }),
  );
  return complete;
}

function isDue({ nextAt }: ScheduleRecord, now: number): boolean {
  return nextAt !== undefined && nextAt <= now + scheduleAheadMs;
}

/** The names of those with something to publish, or to publish again, the latest first. */
async function namesDue(ctx: Context): Promise<string[]> {
  const now = ctx.clock.now();
  const queues = new Map((await ctx.settings.list()).map((queue) => [queue.name, queue]));
  const due: { name: string; nextAt: number }[] = [];
  let after: Row | undefined;
  do {
    const page = await ctx.store.range({
      table: 'queues',
      partition: scheduleKind,
      limit: pageRows,
      ...(after ? { after } : {}),
    });
    for (const { name, record } of page.rows.map(seenSchedule)) {
      if (!record) continue;
      if (isDue(record, now)) due.push({ name, nextAt: record.nextAt! });
      else if (isAstray(record, queues.get(record.queue))) due.push({ name, nextAt: now });
    }
    after = page.next;
  } while (after);
  return due.sort((a, b) => a.nextAt - b.nextAt).map(({ name }) => name);
}

/** Publishes what is due of one schedule, in as many transactions as that takes; answers whether it was seen to in time. */
async function runSchedule(ctx: Context, name: string, deadline: Deadline): Promise<boolean> {
  let ticksLeft = scheduleTicksMax;
  for (let round = 0; round < roundsMax; round++) {
    if (deadline.isOver()) return false;
    const now = ctx.clock.now();
    const seen = await lookAtSchedule(ctx, name);
    if (!seen.record) return true;
    const { record, writes } = await withoutLost(ctx, seen.record);
    // A clock that is off would take ticks to come for missed ones.
    if (!ctx.clock.trusted()) return true;
    if (!isDue(record, now)) {
      if (record === seen.record) return true;
      const change = { before: seen, next: { ...record, version: ctx.newVersion() }, writes };
      if ((await commitSchedule(ctx, change, earliestDeadline(now))) === 'made') return true;
      continue;
    }
    const content = await contentOf(ctx, record);
    if (!content) {
      // Whoever changed the schedule meanwhile has removed it.
      if (await noteError(ctx, { before: seen, record, writes }, contentGone, now)) return true;
      continue;
    }
    try {
      const target = await targetOf(ctx, record.queue);
      const plan = planOf(record, await boundedTimingOf(record), content, now, ticksLeft);
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

/** Written once, and told once; it is tried again with each sweep. Answers false where the schedule has changed since it was read. */
async function noteError(
  ctx: Context,
  { before, record, writes }: { before: SeenSchedule; record: ScheduleRecord; writes: Write[] },
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
