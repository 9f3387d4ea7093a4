/**
 * Receive: looks for messages, and repeats the look until one is found or `waitSeconds` are over.
 * To claim an unreceived message, a receive puts its row into `leases` if absent, and then removes it from `messages`. It
 * delivers the message once the removal is confirmed, unless the lease is over by then. After a crash at any point, the message
 * is due again when the lease ends.
 */
import type { InputOf, OutputOf, ReceivedMessage } from '../../contract/contract.ts';
import type { Context } from '../context/context.ts';
import { longPoll, waitEnd } from '../context/long-poll.ts';
import { createRetryBudget, type RetryBudget, withRetry } from '../context/retry.ts';
import { createLimiter } from '../permits/limiter.ts';
import { noteUse } from '../queues/last-receive.ts';
import { growIfThrottled } from '../queues/shard-scaling.ts';
import { type Claimer, visibilityTimeoutOf } from '../receive/claims.ts';
import { search } from '../receive/search.ts';
import { rememberAttempt, repeatAttempt } from './receive-attempts.ts';

export async function receive(
  ctx: Context,
  queueName: string,
  input: InputOf<'receive'>,
  signal?: AbortSignal,
): Promise<OutputOf<'receive'>> {
  const repeated =
    input.attemptId === undefined ? [] : await repeatAttempt(ctx, queueName, { ...input, attemptId: input.attemptId });
  if (repeated.length > 0) return { messages: repeated };
  const until = waitEnd(ctx, input.waitSeconds);
  const retryBudget = createRetryBudget(ctx, until, signal);
  const look = (isFirst: boolean) => {
    // The first look is never cut short by `until`.
    const mayContinue = () => !signal?.aborted && (isFirst || ctx.clock.now() < until);
    return withRetry(retryBudget, () => searchQueue(ctx, queueName, input, { retryBudget, mayContinue, signal }));
  };
  const wait = { key: queueName, until, signal, inTurns: true };
  return { messages: await longPoll(ctx, wait, look, (found) => found.length > 0) };
}

async function searchQueue(
  ctx: Context,
  queueName: string,
  { max = 1, ...input }: InputOf<'receive'>,
  { retryBudget, mayContinue, signal }: { retryBudget: RetryBudget; mayContinue: () => boolean; signal: AbortSignal | undefined },
): Promise<ReceivedMessage[]> {
  const settingsAt = ctx.clock.now();
  const queue = await growIfThrottled(ctx, await ctx.settings.get(queueName));
  await noteUse(ctx, queue);
  const claimer: Omit<Claimer, 'token'> = { queue, settingsAt, visibilityTimeoutMs: visibilityTimeoutOf(queue, input) };
  if (signal) claimer.signal = signal;
  const { attemptId } = input;
  if (attemptId !== undefined) claimer.remember = (receipts) => rememberAttempt(ctx, queue, attemptId, receipts);
  const limiter = createLimiter(ctx, claimer, retryBudget);
  if (limiter) claimer.limiter = limiter;
  return queue.paused ? [] : search(ctx, claimer, max, mayContinue);
}
