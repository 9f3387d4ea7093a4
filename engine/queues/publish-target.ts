/** Resolves the name of a queue to the settings by which its messages are published. */
import type { Context } from '../context/context.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { growIfThrottled } from './shard-scaling.ts';

/**
 * Where to publish: the settings, and when reading them began. A write that rests on them must be sent within F of `readAt`. A
 * shard that they name may be retired; it is forgotten once no process can still publish to it.
 */
export interface Target {
  queue: QueueRecord;
  readAt: number;
}

export async function targetOf(ctx: Context, name: string): Promise<Target> {
  const readAt = ctx.clock.now();
  return { queue: await growIfThrottled(ctx, await ctx.settings.get(name)), readAt };
}
