/** Time limits for calls, shared by all transports. */
import { DumbwaiterError } from '../../contract/errors.ts';
import { hostTimers } from './timers.ts';

export interface CallLimits {
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
}

/**
 * Runs one call under the caller's signal and a time limit. Rejects with the signal's reason when the signal aborts, and with
 * `unavailable` when the time is up, even if `run` ignores both. AbortSignal.any is not used, because it leaks its sources in
 * Node 20.
 */
export async function withDeadline<Answer>(
  { signal, timeoutMs }: CallLimits,
  run: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  signal?.throwIfAborted();
  const controller = new AbortController();
  let end = () => {};
  const ended = new Promise<never>((_, reject) => {
    const stop = (reason: unknown) => {
      controller.abort(reason);
      reject(reason);
    };
    const aborted = () => stop(signal?.reason);
    signal?.addEventListener('abort', aborted, { once: true });
    const cancelTimer =
      timeoutMs === undefined
        ? () => {}
        : hostTimers.after(timeoutMs, () =>
            stop(new DumbwaiterError('unavailable', `No answer within ${Math.round(timeoutMs)} ms.`)),
          );
    end = () => {
      cancelTimer();
      signal?.removeEventListener('abort', aborted);
    };
  });
  try {
    return await Promise.race([run(controller.signal), ended]);
  } finally {
    end();
  }
}
