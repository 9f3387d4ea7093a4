import type { Refused } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';

/** A single entry's result, or its refusal thrown. */
export function accepted<Result extends { ok: boolean }>(result: Result | Refused): Exclude<Result, Refused> {
  if (isRefused(result)) throw new DumbwaiterError(result.code, result.message);
  return result as Exclude<Result, Refused>;
}

/**
 * The results of a batch, one per entry. The entries may have travelled in several calls: those of a call that failed
 * count as refused with its error's code. When no entry got an answer, the error is thrown.
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
