/**
 * Purge: removes all messages published before the call. The call writes `purgedBefore` two clock margins in the future. It
 * responds when that instant is two margins past and no process still caches older settings. So messages published before the
 * call are older than `purgedBefore` by any clock, and messages published after the response are newer. Receives and the sweep
 * remove the rows.
 */
import type { OutputOf } from '../../contract/contract.ts';
import { clockMarginMs, settingsCacheMs } from '../../contract/limits.ts';
import { ensureTimeFor } from '../context/call-time.ts';
import type { Context } from '../context/context.ts';
import { changeQueue } from '../queues/change-queue.ts';

/** The least time that a purge takes, ms. */
const purgeMs = Math.max(4 * clockMarginMs, settingsCacheMs);

export async function purge(ctx: Context, name: string): Promise<OutputOf<'purge'>> {
  ensureTimeFor(ctx, purgeMs);
  const purgedBefore = ctx.clock.now() + 2 * clockMarginMs;
  await changeQueue(ctx, name, (record) => ({ ...record, purgedBefore: Math.max(record.purgedBefore, purgedBefore) }));
  const answerAt = Math.max(purgedBefore + 2 * clockMarginMs, ctx.clock.now() + settingsCacheMs);
  await ctx.clock.sleep(answerAt - ctx.clock.now());
  return { purgedBefore: new Date(purgedBefore).toISOString() };
}
