/** What was done with the receipts of deliveries; and which calls may have been applied though they were told otherwise. */
import { clockMarginMs, tombstoneMs } from '../../../contract/limits.ts';
import type { Call } from '../run/history.ts';
import type { Act, Delivery, Ledger, Life } from './ledger.ts';
import { endOf, type Outcome, outcomeOf, outcomeOfEntry } from './outcomes.ts';
import type { Queues } from './queues.ts';

/** How long a caller whose clock is off finds the trace of its ack, or of its cancel, at least. */
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
    const told = outcomeOfEntry(whole, index);
    // What ended the lease may have been this very call, tried again after an answer was lost. An ack leaves a trace that tells, for an hour.
    const isReused = delivery.life.entry.id !== undefined && mayReuseIds({ queues }, delivery.life.queue);
    const traced = operation === 'ack' && !isForgetful(delivery.life) && !isReused;
    const isRepeated = isLeaseLost(told) && endOf(call) - call.startedAt >= (traced ? traceMs : retryMsMin);
    delivery.acts.push({ operation, call, outcome: isRepeated ? 'uncertain' : told } as Act);
  });
}

/** Whether a message that was acked may give its own id to another at once, and with that all trace of it. */
export function mayReuseIds({ queues }: Pick<Ledger, 'queues'>, queue: string): boolean {
  return queues.settings(queue).some(({ idempotency }) => idempotency === 'live');
}

/** A group remembers few of its messages that were acked or cancelled, and a key that was given to another next to none. */
export function isForgetful({ entry }: Life): boolean {
  return entry.group !== undefined || entry.dedupKey !== undefined;
}

/** Whether it may have been applied at first, and then have found the message gone, or in other hands. A cancel leaves a trace, for an hour. */
export function isSecondTry(call: Call, leastMs: number): boolean {
  return 'refused' in call.answer && call.answer.refused.startsWith('message_') && endOf(call) - call.startedAt >= leastMs;
}

const isLeaseLost = (outcome: Outcome<unknown>) =>
  outcome !== 'uncertain' && 'refused' in outcome && outcome.refused === 'lease_lost';
