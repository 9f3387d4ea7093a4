/** Resolves a queue's name to where its messages are published. */
import type { Context } from '../context/context.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { growIfThrottled } from './shard-scaling.ts';

/**
 * Where to publish: settings, and when reading them began. What rests on them goes out within F of that: a shard that they name may be
 * retired, and is forgotten once nobody can publish to it any more.
 */
export interface Target {
  queue: QueueRecord;
  readAt: number;
}

export async function targetOf(ctx: Context, name: string): Promise<Target> {
  const readAt = ctx.clock.now();
  return { queue: await growIfThrottled(ctx, await ctx.settings.get(name)), readAt };
}
