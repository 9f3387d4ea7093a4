/** The loop of every change that is decided on what was read, written under a condition, and decided again if that fails. */
import { StoreError } from './port.ts';

/** Rounds after which the caller must try again later. Contention on one row has never needed as many. */
export const roundsMax = 32;

/**
 * Calls `decide` with `first`, and then with what the former call saw, until it returns `done`. Rejects with StoreError, for this
 * `reason`, after `roundsMax` calls. `what` names the row in that error.
 */
export async function untilDone<Seen, T>(
  what: string,
  first: Seen,
  decide: (seen: Seen) => Promise<{ done: T } | { seen: Seen }>,
  reason?: StoreError['reason'],
): Promise<T> {
  let seen = first;
  for (let round = 0; round < roundsMax; round++) {
    const decided = await decide(seen);
    if ('done' in decided) return decided.done;
    seen = decided.seen;
  }
  throw new StoreError(`${what} changed ${roundsMax} times while it was to be changed`, 'no', undefined, reason);
}
