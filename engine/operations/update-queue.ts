/** Changes settings of a queue: those given, and no other. They are in force everywhere within `settingsCacheMs`. */
import type { CheckedInputOf, Queue } from '../../sdk/contract.ts';
import type { Context } from '../context.ts';
import { restsUntil } from '../lifted-rests.ts';
import { changeQueue, checkDeadLetter } from '../queue-records.ts';
import { describeQueue } from '../settings.ts';

export async function updateQueue(ctx: Context, name: string, input: CheckedInputOf<'updateQueue'>): Promise<Queue> {
  await ctx.settings.read(name);
  if (input.deadLetter) await checkDeadLetter(ctx, name, input.deadLetter);
  return describeQueue(
    await changeQueue(ctx, name, (record, now) => ({
      ...record,
      ...input,
      levelsVisited: Math.max(record.levelsVisited, input.priority?.levels ?? 1),
      restsUntil: restsUntil(record, input.groups === undefined ? record.groups : input.groups, now),
      hasPrepared: record.hasPrepared || (input.prepared ?? null) !== null,
      updatedAt: now,
    })),
  );
}
