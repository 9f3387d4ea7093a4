/** Callers' transactions: publishes and acks together with a row that only this transaction writes. */

import { transactionEntriesMax } from '../../../contract/limits.ts';
import type { Engine } from '../../../engine/engine.ts';
import { type Key, type Row, StoreError, type Write } from '../../../engine/port/port.ts';
import type { SimulatedProcess } from '../../../engine/simulation/simulation.ts';
import { entriesOf, topicEntriesOf } from '../plan/entries.ts';
import type { Step } from '../plan/plan.ts';
import type { Transaction } from './history.ts';
import type { World } from './world.ts';

export interface Given {
  queue: string;
  receipts: string[];
}

const ownKey = (row: string): Key => ({ table: 'queues', kind: 'own', name: row });
const nameOf = ({ key }: Write) => JSON.stringify(key);

/** Gets the entries, and commits them once, twice, or never, at once or later. `given`: the receipts to ack. */
export async function transact(
  { recorder, shared, transactions, count, simulation }: World,
  process: SimulatedProcess,
  engine: Engine,
  { publish, when, waitMs }: Extract<Step, { do: 'transact' }>,
  given: readonly Given[],
): Promise<void> {
  const by = { process: process.name, engine };
  const writes: Write[] = [];
  const publishes: Transaction['publishes'] = [];
  const topicPublishes: NonNullable<Transaction['topicPublishes']> = [];
  const acks: Transaction['acks'] = [];
  if (publish && 'topic' in publish) {
    const { topic } = publish;
    const messages = topicEntriesOf(publish.messages, process.clock.now());
    const takenAt = simulation.now();
    const output = await recorder.call(by, 'topicPublishItems', { topic }, { messages });
    writes.push(...((output?.items ?? []) as unknown as Write[]));
    if (output) topicPublishes.push({ topic, messages, ids: output.ids, takenAt, answeredAt: simulation.now() });
  } else if (publish) {
    const { queue } = publish;
    const messages = entriesOf(publish.messages, process.clock.now());
    const takenAt = simulation.now();
    const output = await recorder.call(by, 'publishItems', { queue }, { messages });
    writes.push(...((output?.items ?? []) as unknown as Write[]));
    if (output) publishes.push({ queue, messages, ids: output.ids, takenAt });
  }
  const acksAt = writes.length;
  for (const { queue, receipts } of given) {
    const output = await recorder.call(by, 'ackItems', { queue }, { receipts });
    writes.push(...((output?.items ?? []) as unknown as Write[]));
    if (output) acks.push({ queue, receipts });
  }
  // DynamoDB rejects two entries for one item, and more entries than its limit.
  if (writes.length === 0 || writes.length >= transactionEntriesMax || new Set(writes.map(nameOf)).size < writes.length) return;
  if (waitMs > 0) await process.clock.sleep(waitMs);

  const begin = (): Transaction => {
    const row = `own-${transactions.length + 1}`;
    const given = { publishes, topicPublishes, acks };
    const begun: Transaction = { row, process: process.name, ...given, startedAt: simulation.now(), answer: 'lost' };
    transactions.push(begun);
    return begun;
  };
  const never = when === 'never';
  const first = begin();
  if (never) {
    first.answer = 'never';
    return;
  }
  const commit = async (transaction: Transaction): Promise<void> => {
    const { row } = transaction;
    const own: Write = { key: ownKey(row), when: { absent: ['kind'] }, then: { put: { kind: 'own', name: row } } };
    try {
      const answer = await process.store.transact([...writes, own]);
      transaction.endedAt ??= simulation.now();
      if (answer.ok) transaction.answer = 'committed';
      else if (transaction.answer !== 'committed') {
        transaction.answer = 'refused';
        const places = answer.refused.flatMap((refused, index) => (refused ? [index] : []));
        if (places.every((index) => index >= acksAt && index < writes.length)) transaction.refused = 'ack';
      }
      count(answer.ok ? 'transactions committed' : 'transactions refused');
      if (answer.ok && topicPublishes.length > 0) count('transactions with topics committed');
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      count('transactions unanswered');
    }
  };
  await commit(first);
  if (first.answer === 'committed') {
    for (const { queue, ids } of publishes) shared.published.push(...ids.map((id) => ({ queue, id })));
  }
  // Commit the same again. With acks only, commit another transaction with the same entries.
  if (when === 'twice') await commit(publishes.length + topicPublishes.length > 0 ? first : begin());
}

/** Notes which transactions were applied: their rows exist. */
export function noteApplied(transactions: Transaction[], rows: readonly Row[]): void {
  const there = new Set(rows.filter(({ kind }) => kind === 'own').map(({ name }) => name));
  for (const transaction of transactions) {
    transaction.applied = there.has(transaction.row);
    // A request may have arrived after its caller gave up. The time of the answer then says nothing.
    if (transaction.applied && transaction.answer !== 'committed') delete transaction.endedAt;
  }
}
