/** Keeps calls within the time that a Lambda function has left. If Lambda ends the function first, the caller gets no proper error. */

import { DumbwaiterError } from '../../contract/errors.ts';
import type { Clock } from '../../engine/port/port.ts';

/** Time reserved to build and return the answer. */
const answerMs = 1_000;
/** Time reserved before the deadline to give back messages that were claimed for a caller but will not be delivered. */
const giveBackMs = 1_000;

export interface TimeLeft {
  /** Deadline in epoch milliseconds, by the queue's clock. */
  endsAt: number;
  /** Aborts waits shortly before the deadline. */
  signal: AbortSignal;
  /** Milliseconds until the deadline. */
  ms: number;
}

export function timeLeft(context: { getRemainingTimeInMillis(): number }, clock: Clock, reserveMs = answerMs): TimeLeft {
  const ms = Math.max(0, context.getRemainingTimeInMillis() - reserveMs);
  return { ms, endsAt: clock.now() + ms, signal: AbortSignal.timeout(Math.max(0, ms - giveBackMs)) };
}

/** Returns the result of the work. Throws DumbwaiterError `unavailable` at the deadline; the work itself is not stopped. */
export async function inTime<T>(left: TimeLeft | undefined, work: () => Promise<T>): Promise<T> {
  if (left === undefined) return work();
  const { promise: over, reject } = Promise.withResolvers<never>();
  const refusal = new DumbwaiterError(
    'unavailable',
    'The call did not finish in time. It may have been applied in part; try again.',
  );
  const timer = setTimeout(reject, left.ms, refusal);
  try {
    return await Promise.race([work(), over]);
  } finally {
    clearTimeout(timer);
  }
}
