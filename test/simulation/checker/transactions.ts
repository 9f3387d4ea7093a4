/**
 * Promises about callers' transactions: the publishes and acks happen together with the caller's own row, or not at all. At the end, that row
 * shows whether the transaction was applied. Its publishes and acks are checked like any others.
 */
import type { Call, Transaction, Violation } from '../run/history.ts';
import { releasesOf } from './by-id.ts';
import type { Delivery, Ledger } from './ledger.ts';
import { endOf } from './outcomes.ts';
import { isDone, leaseEnd } from './visibility.ts';

export function* judgeTransactions(ledger: Ledger): Generator<Violation> {
  const byReceipt = new Map(
    ledger.lives.flatMap(({ deliveries }) => deliveries.map((delivery) => [delivery.message.receipt, delivery] as const)),
  );
  const ackedIn = new Map<Delivery['life'], Transaction>();
  for (const transaction of ledger.transactions) {
    const { acks, publishes, topicPublishes = [], applied, startedAt, answer } = transaction;
    const broken = (promise: Violation['promise'], text: string, calls: readonly Call[] = []): Violation => ({
      promise,
      text,
      calls,
    });
    if (answer === 'committed' && !applied)
      yield broken('transaction-is-whole', `${transaction.row} was committed, and its row is not there`);
    const early = ledger.lives
      // An own id may have had an earlier message.
      .filter(
        ({ id, queue, entry: { attributes }, published }) =>
          publishes.some((one) => one.queue === queue && one.takenAt === published.startedAt && one.ids.includes(id!)) ||
          topicPublishes.some(
            (one) =>
              one.topic === attributes?.topic &&
              one.takenAt === published.startedAt &&
              one.ids.includes(attributes.publication as string),
          ),
      )
      .flatMap(({ deliveries }) => deliveries.filter(({ endedAt }) => endedAt < startedAt));
    for (const { message, call } of applied ? early : []) {
      yield broken('transaction-is-whole', `message ${message.id} was delivered before ${transaction.row} was committed`, [call]);
    }
    const deliveries = acks.flatMap(({ receipts }) => receipts.flatMap((receipt) => byReceipt.get(receipt) ?? []));
    if (!applied) {
      if (transaction.refused === 'ack' && deliveries.every((delivery) => isCertainlyHeld(ledger, delivery, transaction))) {
        const text = `${transaction.row} was refused for leases that nothing can have ended`;
        yield broken(
          'live-lease-is-honoured',
          text,
          deliveries.map(({ call }) => call),
        );
      }
      continue;
    }
    for (const delivery of deliveries) {
      const { life, acts, message } = delivery;
      const other = ackedIn.get(life);
      if (other && other !== transaction) {
        yield broken('effect-happens-once', `message ${message.id} was acked in ${other.row}, and in ${transaction.row}`, [
          delivery.call,
        ]);
      }
      ackedIn.set(life, transaction);
      const before = acts.find((act) => act.operation === 'ack' && isDone(act) && endOf(act.call) < startedAt);
      if (!before) continue;
      yield broken('effect-happens-once', `message ${message.id} was done before ${transaction.row} was committed with its ack`, [
        delivery.call,
        before.call,
      ]);
    }
  }
}

/** Whether the lease certainly lasted until the transaction was answered, and no other call can have ended it. */
function isCertainlyHeld(ledger: Ledger, delivery: Delivery, { endedAt }: Transaction): boolean {
  const { acts, queue, life } = delivery;
  if (endedAt === undefined || ledger.queues.isDeleted(queue) || ledger.queues.purges(queue).length > 0) return false;
  if (acts.some(({ operation, call }) => operation !== 'extend' && call.startedAt <= endedAt)) return false;
  if (life.id !== undefined && ledger.cancels.has(life.id)) return false;
  if (releasesOf(ledger, delivery, endedAt).length > 0) return false;
  const mayBeAcked = ledger.transactions.some(
    ({ acks, applied }) => applied && acks.some(({ receipts }) => receipts.includes(delivery.message.receipt)),
  );
  return !mayBeAcked && leaseEnd(ledger, delivery, endedAt) - ledger.clockErrorMs > endedAt;
}
