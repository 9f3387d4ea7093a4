/** The time that a Lambda function has left, kept to by its calls: a function that Lambda ends gives its caller no answer of ours. */

import { DumbwaiterError } from '../../contract/errors.ts';
import type { Clock } from '../../engine/port/port.ts';

/** Kept back to put the answer together and to hand it over. */
const answerMs = 1_000;
/** Before the end, to give back what was claimed for a caller who is answered otherwise. */
const giveBackMs = 1_000;

export interface TimeLeft {
  /** By the queue's clock. */
  endsAt: number;
  /** Ends waits a little earlier. */
  signal: AbortSignal;
  /** From now on. */
  ms: number;
}

export function timeLeft(context: { getRemainingTimeInMillis(): number }, clock: Clock, reserveMs = answerMs): TimeLeft {
  const ms = Math.max(0, context.getRemainingTimeInMillis() - reserveMs);
  return { ms, endsAt: clock.now() + ms, signal: AbortSignal.timeout(Math.max(0, ms - giveBackMs)) };
}

/** What the work comes to; or, when the time is over before, a refusal. Throws DumbwaiterError `unavailable`. */
export async function inTime<T>(left: TimeLeft | undefined, work: () => Promise<T>): Promise<T> {
  if (left === undefined) return work();
  const { promise: over, reject } = Promise.withResolvers<never>();
  const refusal = new DumbwaiterError('unavailable', 'The call did not end in time. It may have been done in part; try again.');
  const timer = setTimeout(reject, left.ms, refusal);
  try {
    return await Promise.race([work(), over]);
  } finally {
    clearTimeout(timer);
  }
}
