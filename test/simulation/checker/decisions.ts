/** What may have been decided about a prepared message: by a call, by its check-back, or by the timeout. */
import { checkBacksMax } from '../../../contract/limits.ts';
import type { Asked } from '../run/history.ts';
import { cancelsOf } from './by-id.ts';
import type { Ledger, Life } from './ledger.ts';
import { type CallOf, endOf } from './outcomes.ts';

type Commit = CallOf<'commitMessage'>;
type Rollback = CallOf<'rollbackMessage'>;

const ofLife = <One>(map: ReadonlyMap<string, readonly One[]>, { id }: Life): readonly One[] =>
  id === undefined ? [] : (map.get(id) ?? []);

const isOf =
  ({ queue }: Life) =>
  ({ params }: Commit | Rollback) =>
    params.queue === queue;

/** Calls that may have committed it. */
export function commitsOf({ commits }: Ledger, life: Life): readonly Commit[] {
  return ofLife(commits, life).filter(isOf(life));
}

export function rollbacksOf({ rollbacks }: Ledger, life: Life): readonly Rollback[] {
  return ofLife(rollbacks, life).filter(isOf(life));
}

function askedOf({ asked }: Ledger, life: Life, answer: Asked['answer']): readonly Asked[] {
  return ofLife(asked, life).filter((one) => one.queue === life.queue && one.answer === answer);
}

/** The earliest instant at which it may have been committed. For a message that was not prepared: published. */
export function enteredEarliest(ledger: Ledger, life: Life): number {
  if (!life.entry.prepared) return life.published.startedAt;
  const starts = commitsOf(ledger, life).map(({ startedAt }) => startedAt);
  return Math.min(Number.POSITIVE_INFINITY, ...starts, ...askedOf(ledger, life, 'commit').map(({ at }) => at));
}

/** The latest such instant. */
export function enteredLatest(ledger: Ledger, life: Life): number {
  if (!life.entry.prepared) return endOf(life.published);
  if (askedOf(ledger, life, 'commit').length > 0) return Number.POSITIVE_INFINITY;
  return Math.max(...commitsOf(ledger, life).map(endOf));
}

/** Whether it was certainly committed. With several messages under one own id, the call may have meant another. */
export function isCommitted(ledger: Ledger, life: Life): boolean {
  if (!life.entry.prepared) return true;
  return ledger.byId.get(life.id!)?.length === 1 && commitsOf(ledger, life).some(({ answer }) => 'output' in answer);
}

/** Whether it may have ended by then: rolled back, cancelled, or undecided at its timeout. */
export function mayBeRolledBack(ledger: Ledger, life: Life, by: number): boolean {
  const { clockErrorMs, queues } = ledger;
  const calls = [...rollbacksOf(ledger, life), ...cancelsOf(ledger, life)];
  if (calls.some(({ startedAt }) => startedAt <= by)) return true;
  if (askedOf(ledger, life, 'rollback').some(({ at }) => at <= by)) return true;
  // The settings at the start of a timeout give its length; those at its end say whether a check-back follows.
  const settings = queues.settings(life.queue).map(({ prepared }) => prepared);
  const rounds = settings.every((one) => one?.checkBack) ? checkBacksMax + 1 : 1;
  const timeMs = Math.min(...settings.map((one) => one?.timeoutSeconds ?? 0)) * 1000 - 2 * clockErrorMs;
  return life.published.startedAt + rounds * timeMs <= by;
}
