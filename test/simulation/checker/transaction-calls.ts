/** Callers' transactions as calls: what they published and acked is checked like any publish and ack. */
import type { Call, Transaction } from '../run/history.ts';

/** The equivalent calls of each transaction that was applied. Without an answer, it may have been applied at any time. */
export function callsOfTransactions(transactions: readonly Transaction[]): Call[] {
  return transactions
    .filter(({ applied }) => applied)
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
