/** Turns results of batch entries into return values and errors. */
import type { Refused } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';

/** Returns a single entry's result, or throws its refusal. */
export function accepted<Result extends { ok: boolean }>(result: Result | Refused): Exclude<Result, Refused> {
  if (isRefused(result)) throw new DumbwaiterError(result.code, result.message);
  return result as Exclude<Result, Refused>;
}

/**
 * Returns the results of a batch, one per entry. The entries may have travelled in several calls: those of a failed call count
 * as refused with that call's error code. Throws if no entry got an answer.
 */
export async function gathered<Result>(entries: readonly Promise<Result>[]): Promise<(Result | Refused)[]> {
  const settled = await Promise.allSettled(entries);
  const answered = settled.some(({ status }) => status === 'fulfilled');
  return settled.map((entry) => {
    if (entry.status === 'fulfilled') return entry.value;
    const error: unknown = entry.reason;
    if (!answered || !(error instanceof DumbwaiterError)) throw error;
    return { ok: false, code: error.code, message: error.message };
  });
}

function isRefused(result: { ok: boolean } | Refused): result is Refused {
  return !result.ok;
}
