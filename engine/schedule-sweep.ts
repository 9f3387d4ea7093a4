/** What the sweep does for schedules: publishes the ticks that are due, and those that will be before the sweep after next. */
import { DumbwaiterError } from '../sdk/errors.ts';
import { scheduleAheadMs, scheduleTicksMax } from '../sdk/limits.ts';
import type { Context } from './context.ts';
import type { Deadline } from './deadline.ts';
import { type Row, StoreError } from './port.ts';
import { targetOf } from './publish-parcels.ts';
import {
  boundedTimingOf,
  contentOf,
  lookAtSchedule,
  type ScheduleRecord,
  scheduleKind,
  seenSchedule,
} from './schedule-record.ts';
import { byOf, commitSchedule, planOf, progress, publishTicks } from './schedule-writes.ts';

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

/** The names of those with something to publish, the latest first. */
async function namesDue(ctx: Context): Promise<string[]> {
  const now = ctx.clock.now();
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
      if (record && isDue(record, now)) due.push({ name, nextAt: record.nextAt! });
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
    const { record } = seen;
    // A clock that is off would take ticks to come for missed ones.
    if (!record || !isDue(record, now) || !ctx.clock.trusted()) return true;
    const content = await contentOf(ctx, record);
    if (!content) {
      // Whoever changed the schedule meanwhile has removed it.
      if (await noteError(ctx, record, contentGone, now)) return true;
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
      const change = { before: seen, next, ...ticks };
      const outcome = await commitSchedule(ctx, change, byOf(now, target.readAt));
      if (outcome === 'made') {
        ctx.wakeups.wake(record.queue);
        ticksLeft -= plan.ticks.length;
        if (ticksLeft === 0 || !isDue(next, now)) return true;
      }
    } catch (error) {
      if (!(error instanceof DumbwaiterError)) throw error;
      await noteError(ctx, record, error.message, now);
      return true;
    }
  }
  return true;
}

/** Written once, and told once; it is tried again with each sweep. Answers false where the schedule has changed since it was read. */
async function noteError(ctx: Context, record: ScheduleRecord, message: string, now: number): Promise<boolean> {
  if (record.error?.message === message) return true;
  const next: ScheduleRecord = { ...record, error: { at: now, message }, version: ctx.newVersion() };
  const change = { before: record, next, writes: [] };
  const outcome = await commitSchedule(ctx, change, byOf(now));
  if (outcome === 'made') ctx.observe?.({ kind: 'schedule_failed', schedule: record.name, queue: record.queue, reason: message });
  return outcome !== 'refused';
}
