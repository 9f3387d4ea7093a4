/** Changes the given fields of a schedule, and no other: for example pauses or resumes it. */
import type { InputOf, Schedule } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import type { Context } from '../context/context.ts';
import { changeSchedule, type Definition } from '../schedules/change-schedule.ts';
import { scheduleNotFound } from '../schedules/schedule-record.ts';
import { instantOf, timeZoneDefault } from './put-schedule.ts';

export async function updateSchedule(ctx: Context, name: string, input: InputOf<'updateSchedule'>): Promise<Schedule> {
  return changeSchedule(ctx, name, (before) => {
    if (!before) throw scheduleNotFound(name);
    const { queue, missed, paused, message } = input;
    const { priority: level = 0, ...content } = message ?? {};
    return {
      queue: queue ?? before.queue,
      rule: ruleOf(before, input),
      startAt: input.startAt === undefined ? before.startAt : instantOf(input.startAt),
      endAt: input.endAt === undefined ? before.endAt : instantOf(input.endAt),
      missed: missed ?? before.missed,
      paused: paused ?? before.paused,
      ...(message ? { level, content } : { level: before.level, content: before.content }),
    };
  });
}

function ruleOf({ rule }: Definition, { cron, timeZone, everySeconds }: InputOf<'updateSchedule'>): Definition['rule'] {
  if (everySeconds !== undefined) return { everySeconds };
  if ('cron' in rule) return { cron: cron ?? rule.cron, timeZone: timeZone ?? rule.timeZone };
  if (cron !== undefined) return { cron, timeZone: timeZone ?? timeZoneDefault };
  if (timeZone !== undefined)
    throw new DumbwaiterError('invalid_input', 'timeZone: is allowed only with cron, because everySeconds has no time zone');
  return rule;
}
