/** Creates or replaces a schedule. A repeat with the same definition changes nothing. */
import type { InputOf, Schedule } from '../../contract/contract.ts';
import type { Context } from '../context/context.ts';
import { changeSchedule } from '../schedules/change-schedule.ts';

export const timeZoneDefault = 'UTC';

export async function putSchedule(ctx: Context, name: string, input: InputOf<'putSchedule'>): Promise<Schedule> {
  const { queue, cron, timeZone = timeZoneDefault, everySeconds, missed = 'one', paused = false, message } = input;
  const { priority: level = 0, ...content } = message;
  return changeSchedule(ctx, name, () => ({
    queue,
    rule: cron === undefined ? { everySeconds: everySeconds! } : { cron, timeZone },
    startAt: instantOf(input.startAt),
    endAt: instantOf(input.endAt),
    missed,
    paused,
    level,
    content,
  }));
}

export function instantOf(text: string | null | undefined): number | undefined {
  return typeof text === 'string' ? Date.parse(text) : undefined;
}
