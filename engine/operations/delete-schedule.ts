/** Deletes a schedule and cancels its messages that are not due yet. Due messages stay. */
import type { Context } from '../context/context.ts';
import { createRetryBudget } from '../context/retry.ts';
import { removeChunks } from '../leases/removals.ts';
import { StoreError } from '../port/port.ts';
import { lookAtSchedule, scheduleNotFound } from '../schedules/schedule-record.ts';
import { commitSchedule, earliestDeadline, takeBack } from '../schedules/schedule-writes.ts';

const roundsMax = 10;

export async function deleteSchedule(ctx: Context, name: string): Promise<object> {
  const retryBudget = createRetryBudget(ctx);
  for (let round = 0; round < roundsMax; round++) {
    const readAt = ctx.clock.now();
    try {
      const before = await lookAtSchedule(ctx, name);
      if (!before.record) throw scheduleNotFound(name);
      const { writes } = await takeBack(ctx, before.record);
      if ((await commitSchedule(ctx, { before, next: undefined, writes }, earliestDeadline(readAt))) === 'made') {
        await removeChunks(ctx, before.record.contents);
        return {};
      }
    } catch (error) {
      if (!(error instanceof StoreError) || error.applied !== 'no' || !(await retryBudget.pause())) throw error;
    }
  }
  throw new StoreError(`the schedule "${name}" changed ${roundsMax} times while it was to be deleted`, 'no');
}
