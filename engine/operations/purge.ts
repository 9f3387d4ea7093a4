/**
 * Purge: removes all that was published before the call. The instant is written at once, two margins of the clocks ahead, and
 * answered when it lies two margins behind and everyone has read it: what was published before the call is then surely older by
 * anybody's clock, and what is published after the answer surely younger. The rows are removed by receives and by the sweep.
 */
import type { OutputOf } from '../../contract/contract.ts';
import { clockMarginMs, settingsCacheMs } from '../../contract/limits.ts';
import { ensureTimeFor } from '../context/call-time.ts';
import type { Context } from '../context/context.ts';
import { changeQueue } from '../queues/change-queue.ts';

/** How long a purge takes, at the least. */
const purgeMs = Math.max(4 * clockMarginMs, settingsCacheMs);

export async function purge(ctx: Context, name: string): Promise<OutputOf<'purge'>> {
  ensureTimeFor(ctx, purgeMs);
  const purgedBefore = ctx.clock.now() + 2 * clockMarginMs;
  await changeQueue(ctx, name, (record) => ({ ...record, purgedBefore: Math.max(record.purgedBefore, purgedBefore) }));
  const answerAt = Math.max(purgedBefore + 2 * clockMarginMs, ctx.clock.now() + settingsCacheMs);
  await ctx.clock.sleep(answerAt - ctx.clock.now());
  return { purgedBefore: new Date(purgedBefore).toISOString() };
}
