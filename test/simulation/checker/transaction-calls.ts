/** Transactions of a caller's own, as calls: what they published and acked is judged like any publish and ack. */
import type { Call, Transaction } from '../run/history.ts';

/** A transaction that happened, as the calls that would have done the same. One whose answer nobody had may have happened at any time. */
export function callsOfTransactions(transactions: readonly Transaction[]): Call[] {
  return transactions
    .filter(({ stands }) => stands)
    .flatMap(({ process, publishes, acks, startedAt, endedAt }) => [
      ...publishes.map(
        ({ queue, messages, ids, takenAt }): Call => ({
          ...{ operation: 'publish', process, params: { queue }, input: { messages } },
          answer: { output: { results: ids.map((id) => ({ ok: true, id })) } },
          startedAt: takenAt,
          endedAt,
        }),
      ),
      ...acks.map(
        ({ queue, receipts }): Call => ({
          ...{ operation: 'ack', process, params: { queue }, input: { receipts } },
          answer: { output: { results: receipts.map(() => ({ ok: true })) } },
          ...{ startedAt, endedAt },
        }),
      ),
    ]);
}
