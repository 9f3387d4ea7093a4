/** Deletes a schedule and cancels its messages that are not due yet. Due messages stay. */
import type { Context } from '../context/context.ts';
import { removeChunks } from '../leases/removals.ts';
import { findSchedule, scheduleNotFound } from '../schedules/schedule-record.ts';
import { commitSchedule, earliestDeadline, takeBack, untilChanged } from '../schedules/schedule-writes.ts';

export async function deleteSchedule(ctx: Context, name: string): Promise<object> {
  return untilChanged(ctx, name, async () => {
    const readAt = ctx.clock.now();
    const before = await findSchedule(ctx, name);
    if (!before.record) throw scheduleNotFound(name);
    const { writes } = await takeBack(ctx, before.record);
    const outcome = await commitSchedule(ctx, { before, next: undefined, writes }, earliestDeadline(readAt));
    if (outcome !== 'made') return undefined;
    await removeChunks(ctx, before.record.content);
    return {};
  });
}
