/**
 * Start here. The checker knows nothing of the engine: it sees only calls and their answers. Doubt counts in favour of the queue: a call
 * without an answer may have taken effect at any time after it began, or never, and each clock may be off by `clockErrorMs`. Each attempt
 * of a client is one call. The checker first makes a ledger of the history (ledger.ts), then each file checks the promises of one subject.
 */

import type { History, Violation } from '../run/history.ts';
import { judgeAttempts } from './attempts.ts';
import { judgeContents } from './contents.ts';
import { judgeDeadGroups } from './dead-groups.ts';
import { judgeEndings } from './endings.ts';
import { judgeFences } from './fences.ts';
import { judgeKept } from './kept.ts';
import { judgeKeys } from './keys.ts';
import { judgeLeases } from './leases.ts';
import { ledgerOf } from './ledger-of.ts';
import { judgeLimits } from './limits.ts';
import { judgePrepared } from './prepared.ts';
import { judgeRecords } from './records.ts';
import { judgeReleases } from './releases.ts';
import { judgeTicks } from './ticks.ts';
import { judgeTopics } from './topics.ts';
import { judgeTransactions } from './transactions.ts';

export { type PromiseName, promises } from './promises.ts';

/** Returns the broken promises. */
export function check(history: History): Violation[] {
  const ledger = ledgerOf(history);
  return [
    ...judgeContents(ledger),
    ...judgeLeases(ledger),
    ...judgeAttempts(ledger),
    ...judgeFences(ledger),
    ...judgeEndings(ledger),
    ...judgeRecords(ledger),
    ...judgeDeadGroups(ledger),
    ...judgeReleases(ledger),
    ...judgeKept(ledger),
    ...judgeLimits(ledger),
    ...judgeTransactions(ledger),
    ...judgeKeys(ledger),
    ...judgePrepared(ledger),
    ...judgeTicks(ledger),
    ...judgeTopics(ledger),
  ];
}
