/** The loop of the calls that wait: a receive for a message, a read by id for the end of one. */
import { DumbwaiterError } from '../../contract/errors.ts';
import type { Context } from './context.ts';

const waitMsFirst = 50;
const waitMsLast = 1000;
const waitGrowth = 1.5;

/** The end of a wait that begins now, ms of the clock. It never exceeds the time limit of the call. */
export function waitEnd({ clock, lastTryAt = Number.POSITIVE_INFINITY }: Context, waitSeconds = 0): number {
  return Math.min(clock.now() + waitSeconds * 1000, lastTryAt);
}

/**
 * Repeats `look`, less and less often, until `isAnswer` accepts what it found, or until `until` or the signal. Returns what the
 * last look found. A wakeup under `key` leads to a look at once.
 */
export async function longPoll<T>(
  ctx: Context,
  { key, until, signal, inTurns }: { key: string; until: number; signal: AbortSignal | undefined; inTurns: boolean },
  look: (isFirst: boolean) => Promise<T>,
  isAnswer: (found: T) => boolean,
): Promise<T> {
  let waitMs = waitMsFirst;
  let turn: ReturnType<Context['turns']['join']> | undefined;
  let mustLook = () => {};
  try {
    for (let isFirst = true; ; isFirst = false) {
      // Listen before the look, so that a wakeup during the look is not missed.
      const wakeup = ctx.wakeups.listen(key, signal);
      try {
        const found = await look(isFirst);
        if (inTurns) turn ??= ctx.turns.join(key, () => mustLook());
        do {
          const remaining = until - ctx.clock.now();
          if (isAnswer(found) || remaining <= 0 || signal?.aborted) return found;
          // In turns, one call per key and process polls. The others sleep until their turn comes or a wakeup arrives.
          const sleep = new AbortController();
          mustLook = () => sleep.abort();
          const woken = AbortSignal.any([wakeup.signal, sleep.signal]);
          await ctx.clock.sleep(turn?.isNow() === false ? remaining : Math.min(waitMs, remaining), woken).catch(() => {});
        } while (turn?.isNow() === false && !wakeup.signal.aborted);
      } finally {
        wakeup.end();
      }
      waitMs = Math.min(waitMsLast, waitMs * waitGrowth);
    }
  } finally {
    turn?.leave();
  }
}

/** Throws `unavailable` if a call that must wait `ms` cannot be answered in time. Call it before anything is changed. */
export function ensureTimeFor({ clock, lastTryAt }: Context, ms: number): void {
  if (lastTryAt !== undefined && clock.now() + ms > lastTryAt) {
    throw new DumbwaiterError('unavailable', 'The time left for this call is too short. Nothing was changed; try again.');
  }
}
