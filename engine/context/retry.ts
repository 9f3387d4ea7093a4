/**
 * Retries calls that certainly did nothing because the store was too busy or the caller too slow. A hot partition recovers
 * as the queue gets more shards, which takes longer than the store's client retries. Each retry starts again from its reads, so
 * that no write depends on an old one.
 */
import { throttledMsMax } from '../../contract/limits.ts';
import { StoreError } from '../port/port.ts';
import type { Context } from './context.ts';

const pauseMsFirst = 50;
const pauseMsLast = 1000;
const pauseGrowth = 2;

export interface RetryBudget {
  /** Resolves to true when it is time to retry. Resolves to false at once if the time is used up or the signal aborted. */
  pause(): Promise<boolean>;
}

/**
 * The budget of one engine call: `throttledMsMax` from now, or until `until` (ms of the clock) if that is later. It never
 * exceeds the time limit of the call, and ends with `signal`.
 */
export function createRetryBudget({ clock, random, lastTryAt }: Context, until = 0, signal?: AbortSignal): RetryBudget {
  const end = Math.min(Math.max(until, clock.now() + throttledMsMax), lastTryAt ?? Number.POSITIVE_INFINITY);
  let pauseMs = pauseMsFirst;
  return {
    async pause() {
      const now = clock.now();
      if (now >= end || signal?.aborted) return false;
      await clock.sleep(Math.min(end - now, random.number() * pauseMs), signal).catch(() => {});
      pauseMs = Math.min(pauseMsLast, pauseMs * pauseGrowth);
      return true;
    },
  };
}

export function isThrottled(error: unknown): error is StoreError {
  return isTransient(error) && error.reason === 'throttled';
}

/** Whether the call certainly did nothing and may succeed if repeated from its reads: throttled, or past its write deadline. */
export function isTransient(error: unknown): error is StoreError {
  return error instanceof StoreError && error.applied === 'no' && error.reason !== undefined;
}

/**
 * Runs `run` until it does not fail with a transient error or the budget is used up. A partly done `run` must be safe to
 * repeat.
 */
export async function withRetry<T>(retryBudget: RetryBudget, run: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (!isTransient(error) || !(await retryBudget.pause())) throw error;
    }
  }
}
