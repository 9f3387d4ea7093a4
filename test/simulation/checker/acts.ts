/** What callers did with their receipts, and which calls may have been applied although they were refused. */
import { clockMarginMs, tombstoneMs } from '../../../contract/limits.ts';
import type { Call } from '../run/history.ts';
import type { Act, Delivery, Ledger, Life } from './ledger.ts';
import { endOf, type Outcome, outcomeOf, outcomeOfEntry } from './outcomes.ts';
import type { Queues } from './queues.ts';

/** How long at least a caller finds the trace of its ack or cancel, even if its clock is off. */
export const traceMs = tombstoneMs - 2 * clockMarginMs;

/** `retryMsMin`: see `Circumstances`. */
export function noteActs(
  call: Call,
  byReceipt: ReadonlyMap<string, Delivery>,
  { queues, retryMsMin }: { queues: Queues; retryMsMin: number },
): void {
  if (call.operation !== 'ack' && call.operation !== 'release' && call.operation !== 'extend') return;
  const whole = outcomeOf(call) as Outcome<{ results: never[] }>;
  call.input.receipts.forEach((receipt, index) => {
    const delivery = byReceipt.get(receipt);
    if (!delivery) return;
    const { operation } = call;
    const outcome = outcomeOfEntry(whole, index);
    // An earlier attempt of this call may have ended the lease, and its answer been lost. An ack leaves a trace for an hour.
    const isReused = delivery.life.entry.id !== undefined && mayReuseIds({ queues }, delivery.life.queue);
    const leavesTrace = operation === 'ack' && !isForgetful(delivery.life) && !isReused;
    const isRepeated = isLeaseLost(outcome) && endOf(call) - call.startedAt >= (leavesTrace ? traceMs : retryMsMin);
    delivery.acts.push({ operation, call, outcome: isRepeated ? 'uncertain' : outcome } as Act);
  });
}

/** Whether the own id of an acked message is free at once: the next publish then overwrites the trace of the ack. */
export function mayReuseIds({ queues }: Pick<Ledger, 'queues'>, queue: string): boolean {
  return queues.settings(queue).some(({ idempotency }) => idempotency === 'live');
}

/** Whether the trace may be gone early: a group keeps few traces of ended messages, and a reused key keeps almost none. */
export function isForgetful({ entry }: Life): boolean {
  return entry.group !== undefined || entry.dedupKey !== undefined;
}

/** Whether an earlier attempt may have been applied, so that this one found the message gone or received. A cancel leaves a trace for an hour. */
export function isSecondTry(call: Call, leastMs: number): boolean {
  return 'refused' in call.answer && call.answer.refused.startsWith('message_') && endOf(call) - call.startedAt >= leastMs;
}

const isLeaseLost = (outcome: Outcome<unknown>) =>
  outcome !== 'uncertain' && 'refused' in outcome && outcome.refused === 'lease_lost';
