/**
 * Ways to break the rules, each a small mistake that a change could make. A mutant that does not fit the source fails the run, so that the
 * list stays true.
 */
import { deadGroups } from './list-dead-groups.ts';
import { dynamo } from './list-dynamo.ts';
import { fanOut } from './list-fan-out.ts';
import { fences } from './list-fences.ts';
import { filters } from './list-filters.ts';
import { groupIds } from './list-group-ids.ts';
import { keeping } from './list-keeping.ts';
import { keys } from './list-keys.ts';
import { leases } from './list-leases.ts';
import { limits } from './list-limits.ts';
import { moves } from './list-moves.ts';
import { ownIds } from './list-own-ids.ts';
import { peeks } from './list-peek.ts';
import { prepared } from './list-prepared.ts';
import { publications } from './list-publications.ts';
import { records } from './list-records.ts';
import { schedules } from './list-schedules.ts';
import { signatures } from './list-signatures.ts';
import { sleep } from './list-sleep.ts';
import { topics } from './list-topics.ts';
import { transactions } from './list-transactions.ts';
import { wakes } from './list-wakes.ts';
import type { Mutant } from './mutant.ts';

export const mutants: readonly Mutant[] = [
  ...leases,
  ...deadGroups,
  ...dynamo,
  ...fences,
  ...moves,
  ...transactions,
  ...records,
  ...keys,
  ...ownIds,
  ...groupIds,
  ...keeping,
  ...prepared,
  ...schedules,
  ...limits,
  ...sleep,
  ...filters,
  ...topics,
  ...publications,
  ...signatures,
  ...fanOut,
  ...wakes,
  ...peeks,
];
