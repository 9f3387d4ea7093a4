/** Whether a call, or an entry of its batch, was certainly done, certainly refused, or neither. */
import type { OperationName, OutputOf, Refused } from '../../../contract/contract.ts';
import type { ErrorCode } from '../../../contract/errors.ts';
import type { Call } from '../run/history.ts';

export type CallOf<Name extends OperationName> = Extract<Call, { operation: Name }>;

export type Outcome<Result> = { done: Result } | { refused: ErrorCode } | 'uncertain';

/** The call failed in the middle: some of its writes may have been applied. */
const inconclusive: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['unavailable', 'internal']);

const refusal = (code: ErrorCode): Outcome<never> => (inconclusive.has(code) ? 'uncertain' : { refused: code });

export function outcomeOf<Name extends OperationName>(call: { answer: CallOf<Name>['answer'] }): Outcome<OutputOf<Name>> {
  const { answer } = call;
  if ('output' in answer) return { done: answer.output as OutputOf<Name> };
  return 'refused' in answer ? refusal(answer.refused) : 'uncertain';
}

/** The outcome of the entry at `index` of a batch. */
export function outcomeOfEntry<Result extends { ok: true }>(
  whole: Outcome<{ results: (Result | Refused)[] }>,
  index: number,
): Outcome<Result> {
  if (whole === 'uncertain' || 'refused' in whole) return whole;
  const result = whole.done.results[index];
  if (!result) return 'uncertain';
  return result.ok ? { done: result } : refusal(result.code);
}

/** From when on a call can no longer take effect. One without an answer may do so at any time. */
export function endOf(call: Call): number {
  return 'lost' in call.answer || call.endedAt === undefined ? Number.POSITIVE_INFINITY : call.endedAt;
}

/** Whether a call may have taken effect. */
export function mayBeDone(call: Call): boolean {
  const outcome = outcomeOf(call as never);
  if (outcome === 'uncertain' || 'done' in outcome) return true;
  return outcome.refused === nothingToRemove[call.operation];
}

/** The refusal of a removal that finds nothing. An earlier request of the same call may have removed it. */
const nothingToRemove: { [Name in OperationName]?: ErrorCode } = {
  deleteQueue: 'queue_not_found',
  deleteTopic: 'topic_not_found',
  unsubscribe: 'subscription_not_found',
};

export function callsOf<Name extends OperationName>(calls: readonly Call[], operation: Name): CallOf<Name>[] {
  return calls.filter((call): call is CallOf<Name> => call.operation === operation);
}
