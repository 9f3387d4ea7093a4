/** Promises about prepared messages: received only if committed, and the first decision counts. */
import type { Violation } from '../run/history.ts';
import { cancelsOf } from './by-id.ts';
import { commitsOf, enteredEarliest, mayBeRolledBack, rollbacksOf } from './decisions.ts';
import type { Ledger, Life } from './ledger.ts';
import { callsOf, endOf } from './outcomes.ts';

export function* judgePrepared(ledger: Ledger): Generator<Violation> {
  const prepared = ledger.lives.filter(({ entry }) => entry.prepared);
  if (prepared.length === 0) return;
  const refusals = Map.groupBy(
    [...callsOf(ledger.calls, 'commitMessage'), ...callsOf(ledger.calls, 'rollbackMessage')].filter(
      ({ answer }) => 'refused' in answer,
    ),
    ({ params }) => `${params.queue} ${params.id}`,
  );
  for (const life of prepared) {
    const from = enteredEarliest(ledger, life);
    for (const { message, call, endedAt } of life.deliveries) {
      if (from <= endedAt) continue;
      const text = `message ${message.id} was delivered before any commit`;
      yield { promise: 'never-before-commit', text, calls: [life.published, call] };
    }
    // With several messages under one own id, the call may have meant another.
    if (life.id === undefined || !life.accepted || ledger.byId.get(life.id)!.length > 1) continue;
    yield* judgeRolledBack(ledger, life);
    for (const refusal of refusals.get(`${life.queue} ${life.id}`) ?? []) yield* judgeRefusal(ledger, life, refusal, from);
  }
}

/** A message that was rolled back is never delivered and cannot be committed. */
function* judgeRolledBack(ledger: Ledger, life: Life): Generator<Violation> {
  const rollback = rollbacksOf(ledger, life).find(({ answer }) => 'output' in answer);
  if (!rollback) return;
  // A cancelled message counts as rolled back, even if it was committed before.
  if (cancelsOf(ledger, life).some(({ startedAt }) => startedAt <= endOf(rollback))) return;
  for (const { message, call } of life.deliveries) {
    const text = `message ${message.id} was rolled back, and delivered`;
    yield { promise: 'decided-once', text, calls: [life.published, rollback, call] };
  }
  const commit = commitsOf(ledger, life).find(({ answer }) => 'output' in answer);
  if (!commit) return;
  const text = `message ${life.id} was committed and rolled back, and both were answered ok`;
  yield { promise: 'decided-once', text, calls: [life.published, rollback, commit] };
}

/** No call is refused because of a decision that was not made. */
function* judgeRefusal(
  ledger: Ledger,
  life: Life,
  call: ReturnType<typeof callsOf<'commitMessage' | 'rollbackMessage'>>[number],
  committedFrom: number,
): Generator<Violation> {
  if (!('refused' in call.answer)) return;
  const { refused } = call.answer;
  const endedAt = endOf(call);
  const { queues } = ledger;
  const mayBeCommitted = committedFrom <= endedAt;
  const mayBeOver = mayBeRolledBack(ledger, life, endedAt);
  const mayBeRemoved =
    queues.isDeleted(life.queue) || queues.purges(life.queue).some((purge) => purge.startedAt <= endedAt) || mayBeCommitted;
  const isFalse =
    (refused === 'message_committed' && !mayBeCommitted) ||
    (refused === 'message_rolled_back' && !mayBeOver) ||
    (refused === 'message_not_found' && !mayBeOver && !mayBeRemoved && endOf(life.published) < call.startedAt);
  if (!isFalse) return;
  const text = `${call.operation} of message ${life.id} was refused as ${refused}, which cannot be true`;
  yield { promise: 'decided-once', text, calls: [life.published, call] };
}
