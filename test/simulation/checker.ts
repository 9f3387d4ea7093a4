/**
 * Judges a history from outside: by the calls that were made and the answers that they had, knowing nothing of the engine. What is
 * uncertain counts for the queue: a call whose answer was lost may have taken effect at any time after it began, or never, and every
 * clock may be off by `clockErrorMs`.
 *
 * Each attempt is a call of its own: a client that tries again by itself is recorded attempt by attempt.
 */
import { judgeContents } from './checker/contents.ts';
import { judgeEndings } from './checker/endings.ts';
import { judgeFences } from './checker/fences.ts';
import { judgeKept } from './checker/kept.ts';
import { judgeKeys } from './checker/keys.ts';
import { judgeLeases } from './checker/leases.ts';
import { ledgerOf } from './checker/ledger-of.ts';
import { judgeLimits } from './checker/limits.ts';
import { judgePrepared } from './checker/prepared.ts';
import { judgeRecords } from './checker/records.ts';
import { judgeTicks } from './checker/ticks.ts';
import { judgeTransactions } from './checker/transactions.ts';
import type { History, Violation } from './history.ts';

export { type PromiseName, promises } from './checker/promises.ts';

/** The promises that a history breaks: none, for all that can be said from outside. */
export function check(history: History): Violation[] {
  const ledger = ledgerOf(history);
  return [
    ...judgeContents(ledger),
    ...judgeLeases(ledger),
    ...judgeFences(ledger),
    ...judgeEndings(ledger),
    ...judgeRecords(ledger),
    ...judgeKept(ledger),
    ...judgeLimits(ledger),
    ...judgeTransactions(ledger),
    ...judgeKeys(ledger),
    ...judgePrepared(ledger),
    ...judgeTicks(ledger),
  ];
}
