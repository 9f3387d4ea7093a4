/** Reads one schedule. */
import type { Schedule } from '../../contract/contract.ts';
import type { Context } from '../context/context.ts';
import { StoreError } from '../port/port.ts';
import { withoutLost } from '../schedules/lost-ticks.ts';
import { describeSchedule, findSchedule, scheduleContent, scheduleNotFound } from '../schedules/schedule-record.ts';

/** How often to read: a change may replace the content between the read of the row and the read of the content. */
const readsMax = 3;

export async function getSchedule(ctx: Context, name: string): Promise<Schedule> {
  for (let read = 0; read < readsMax; read++) {
    const { record } = await findSchedule(ctx, name);
    if (!record) throw scheduleNotFound(name);
    const content = await scheduleContent(ctx, record);
    if (content) return describeSchedule((await withoutLost(ctx, record)).record, content, ctx.clock.now());
  }
  throw new StoreError(`the message of the schedule "${name}" cannot be read`, 'no');
}
