/** Changes the given settings of a queue, and no other. Every process uses them within `settingsCacheMs`. */
import type { CheckedInputOf, Queue, QueueSettings } from '../../contract/contract.ts';
import type { Context } from '../context/context.ts';
import { describeQueue, type QueueRecord } from '../model/queue-record.ts';
import { changeQueue, checkDeadLetter } from '../queues/change-queue.ts';
import { settingsForgottenMs } from '../queues/shard-scaling.ts';
import { restsUntil } from '../receive/lifted-rests.ts';

export async function updateQueue(ctx: Context, name: string, input: CheckedInputOf<'updateQueue'>): Promise<Queue> {
  await ctx.settings.read(name);
  if (input.deadLetter) await checkDeadLetter(ctx, name, input.deadLetter);
  return describeQueue(
    await changeQueue(ctx, name, (record, now) => ({
      ...record,
      ...input,
      levelsVisited: Math.max(record.levelsVisited, input.priority?.levels ?? 1),
      restsUntil: restsUntil(record, input.groups === undefined ? record.groups : input.groups, now),
      retentionBindsFrom: retentionBindsFrom(record, { ...record, ...input }, now),
      hasPrepared: record.hasPrepared || (input.prepared ?? null) !== null,
      updatedAt: now,
    })),
  );
}

/**
 * Until this instant, messages published under the former, longer retention may still be live. It includes the time in which
 * requests with the former settings may still arrive.
 */
function retentionBindsFrom(before: QueueRecord, after: QueueSettings, now: number): number {
  const { retentionSeconds } = after;
  const isLonger = retentionSeconds === null || (before.retentionSeconds !== null && retentionSeconds >= before.retentionSeconds);
  if (isLonger) return before.retentionBindsFrom;
  if (before.retentionSeconds === null) return Number.MAX_SAFE_INTEGER;
  return Math.max(before.retentionBindsFrom, now + settingsForgottenMs + before.retentionSeconds * 1000);
}
