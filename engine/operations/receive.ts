/**
 * Receive. Looks for messages, and, when there is none, looks again until `waitSeconds` are over.
 *
 * A fresh message: put its row into `leases` if absent; remove it from `messages`, have the answer; deliver, unless the lease is
 * over by then. Crash anywhere, and the message is due again when the lease ends.
 */
import type { InputOf, OutputOf } from '../../sdk/contract.ts';
import type { Taker } from '../claims.ts';
import type { Context } from '../context.ts';
import { growIfThrottled } from '../growth.ts';
import { createPatience, patiently } from '../patience.ts';
import { createLimiter } from '../permit-writes.ts';
import { receiveOnce } from '../receive-once.ts';

const waitMsFirst = 50;
const waitMsLast = 1000;
const waitGrowth = 1.5;

export async function receive(
  ctx: Context,
  queueName: string,
  input: InputOf<'receive'>,
  signal?: AbortSignal,
): Promise<OutputOf<'receive'>> {
  const max = input.max ?? 1;
  const waitUntil = Math.min(ctx.clock.now() + (input.waitSeconds ?? 0) * 1000, ctx.lastTryAt ?? Number.POSITIVE_INFINITY);
  const patience = createPatience(ctx, waitUntil, signal);
  let waitMs = waitMsFirst;
  for (let isFirst = true; ; isFirst = false) {
    // The first look is a whole one, whatever time it takes.
    const mayGoOn = () => !signal?.aborted && (isFirst || ctx.clock.now() < waitUntil);
    // Listening starts before the look, so that a publish during it is not missed.
    const wakeup = ctx.wakeups.listen(queueName, signal);
    try {
      const messages = await patiently(patience, async () => {
        const queue = await growIfThrottled(ctx, await ctx.settings.get(queueName));
        const seconds = input.visibilityTimeoutSeconds ?? queue.visibilityTimeoutSeconds;
        const taker: Omit<Taker, 'token'> = { queue, visibilityTimeoutMs: seconds * 1000 };
        if (signal) taker.signal = signal;
        const limiter = createLimiter(ctx, taker, patience);
        if (limiter) taker.limiter = limiter;
        return queue.paused ? [] : receiveOnce(ctx, taker, max, mayGoOn);
      });
      const remaining = waitUntil - ctx.clock.now();
      if (messages.length > 0 || remaining <= 0 || signal?.aborted) return { messages };
      await ctx.clock.sleep(Math.min(waitMs, remaining), wakeup.signal).catch(() => {});
    } finally {
      wakeup.end();
    }
    waitMs = Math.min(waitMsLast, waitMs * waitGrowth);
  }
}
