/** When something in a queue is next due: for consumers that wait to be woken, and so do not look for themselves. */
import type { Context } from '../context/context.ts';
import type { NextDue } from '../engine.ts';
import { livingFrom } from '../lifecycle/verdicts.ts';
import { idFrom } from '../model/ids.ts';
import { partitionsOf } from '../model/queue-record.ts';

/** Reads the first row of each partition. A row may turn out to hold nothing that can be received: the time is never too late. */
export async function nextDue(ctx: Context, queueName: string): Promise<NextDue> {
  const queue = await ctx.settings.get(queueName);
  const now = ctx.clock.now();
  const from = idFrom(livingFrom(queue, now));
  const firsts = await Promise.all(
    partitionsOf(queue).flatMap((partition) => [
      ctx.store
        .range({ table: 'messages', partition, limit: 1, consistent: true, from })
        .then(({ rows }) => (rows.length > 0 ? now : undefined)),
      ctx.store
        .range({ table: 'leases', index: 'due', partition, limit: 1 })
        .then(({ rows: [row] }) => row?.expiry as number | undefined),
    ]),
  );
  const times = firsts.filter((time) => time !== undefined);
  const { incarnation } = queue;
  return times.length === 0 ? { incarnation } : { incarnation, dueAt: Math.min(...times) };
}
