/**
 * Receive: looks for messages, and repeats the look until one is found or `waitSeconds` are over.
 * To claim an unreceived message, a receive puts its row into `leases` if absent, and then removes it from `messages`. It
 * delivers the message once the removal is confirmed, unless the lease is over by then. After a crash at any point, the message
 * is due again when the lease ends.
 */
import type { InputOf, OutputOf, ReceivedMessage } from '../../contract/contract.ts';
import type { Context } from '../context/context.ts';
import { createRetryBudget, type RetryBudget, withRetry } from '../context/retry.ts';
import { createLimiter } from '../limits/limiter.ts';
import { growIfThrottled } from '../queues/shard-scaling.ts';
import type { Taker } from '../receive/claims.ts';
import { receiveOnce } from '../receive/receive-once.ts';

const waitMsFirst = 50;
const waitMsLast = 1000;
const waitGrowth = 1.5;

export async function receive(
  ctx: Context,
  queueName: string,
  input: InputOf<'receive'>,
  signal?: AbortSignal,
): Promise<OutputOf<'receive'>> {
  const waitUntil = Math.min(ctx.clock.now() + (input.waitSeconds ?? 0) * 1000, ctx.lastTryAt ?? Number.POSITIVE_INFINITY);
  const retryBudget = createRetryBudget(ctx, waitUntil, signal);
  let waitMs = waitMsFirst;
  let turn: ReturnType<Context['turns']['join']> | undefined;
  let mustLook = () => {};
  try {
    for (let isFirst = true; ; isFirst = false) {
      // The first look is never cut short by `waitUntil`.
      const mayGoOn = () => !signal?.aborted && (isFirst || ctx.clock.now() < waitUntil);
      // Listen before the look, so that a publish during the look is not missed.
      const wakeup = ctx.wakeups.listen(queueName, signal);
      try {
        const messages = await withRetry(retryBudget, () => lookOnce(ctx, queueName, input, { retryBudget, mayGoOn, signal }));
        turn ??= ctx.turns.join(queueName, () => mustLook());
        do {
          const remaining = waitUntil - ctx.clock.now();
          if (messages.length > 0 || remaining <= 0 || signal?.aborted) return { messages };
          // One waiting receive per queue and process polls. The others sleep until their turn comes or a wakeup arrives.
          const isOwnTurn = turn.isNow();
          const sleep = new AbortController();
          mustLook = () => sleep.abort();
          const woken = AbortSignal.any([wakeup.signal, sleep.signal]);
          await ctx.clock.sleep(isOwnTurn ? Math.min(waitMs, remaining) : remaining, woken).catch(() => {});
        } while (!turn.isNow() && !wakeup.signal.aborted);
      } finally {
        wakeup.end();
      }
      waitMs = Math.min(waitMsLast, waitMs * waitGrowth);
    }
  } finally {
    turn?.leave();
  }
}

async function lookOnce(
  ctx: Context,
  queueName: string,
  { max = 1, visibilityTimeoutSeconds }: InputOf<'receive'>,
  { retryBudget, mayGoOn, signal }: { retryBudget: RetryBudget; mayGoOn: () => boolean; signal: AbortSignal | undefined },
): Promise<ReceivedMessage[]> {
  const settingsAt = ctx.clock.now();
  const queue = await growIfThrottled(ctx, await ctx.settings.get(queueName));
  const seconds = visibilityTimeoutSeconds ?? queue.visibilityTimeoutSeconds;
  const taker: Omit<Taker, 'token'> = { queue, settingsAt, visibilityTimeoutMs: seconds * 1000 };
  if (signal) taker.signal = signal;
  const limiter = createLimiter(ctx, taker, retryBudget);
  if (limiter) taker.limiter = limiter;
  return queue.paused ? [] : receiveOnce(ctx, taker, max, mayGoOn);
}
