/**
 * A call for which the store was too busy, or whose caller was too slow, and which surely did nothing, is made again: a partition that is too hot gives way as the
 * queue gets more shards, which takes longer than the AWS client tries. Decided anew each time, so that no write rests on an old read.
 */
import { throttledMsMax } from '../../contract/limits.ts';
import { StoreError } from '../port/port.ts';
import type { Context } from './context.ts';

const pauseMsFirst = 50;
const pauseMsLast = 1000;
const pauseGrowth = 2;

export interface RetryBudget {
  /** Resolves when it is time to try again; to false, at once, when it has been tried for too long. */
  pause(): Promise<boolean>;
}

/** For one call of the engine: from now on, or until `until` where that is later; not after `signal`. */
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
  return error instanceof StoreError && error.reason === 'throttled';
}

/** Whether it surely did nothing, and may go better when decided anew: throttled, or too late for what it rested on. */
export function isTransient(error: unknown): error is StoreError {
  return error instanceof StoreError && error.reason !== undefined;
}

/** Runs it until it is neither throttled nor late, as long as retryBudget lasts. It must be safe to run again after a part of it was done. */
export async function withRetry<T>(retryBudget: RetryBudget, run: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (!isTransient(error) || !(await retryBudget.pause())) throw error;
    }
  }
}
