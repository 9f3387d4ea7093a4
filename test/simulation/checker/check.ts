/**
 * Judges a history from outside: by the calls that were made and the answers that they had, knowing nothing of the engine. What is
 * uncertain counts for the queue: a call whose answer was lost may have taken effect at any time after it began, or never, and every
 * clock may be off by `clockErrorMs`.
 *
 * Each attempt is a call of its own: a client that tries again by itself is recorded attempt by attempt.
 */

import type { History, Violation } from '../run/history.ts';
import { judgeContents } from './contents.ts';
import { judgeEndings } from './endings.ts';
import { judgeFences } from './fences.ts';
import { judgeKept } from './kept.ts';
import { judgeKeys } from './keys.ts';
import { judgeLeases } from './leases.ts';
import { ledgerOf } from './ledger-of.ts';
import { judgeLimits } from './limits.ts';
import { judgePrepared } from './prepared.ts';
import { judgeRecords } from './records.ts';
import { judgeTicks } from './ticks.ts';
import { judgeTransactions } from './transactions.ts';

export { type PromiseName, promises } from './promises.ts';

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
