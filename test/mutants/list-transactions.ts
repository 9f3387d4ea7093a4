/** Mutants of publishes and acks within a caller's transaction. */
import type { Mutant } from './mutant.ts';

const tests = ['test/engine/transactions.test.ts'];

export const transactions: readonly Mutant[] = [
  {
    name: 'a transaction acks a message without checking its row',
    file: 'engine/operations/transaction-items.ts',
    find: "  const part: Condition = { all: [{ absent: ['until'] }, ...live] };",
    replace: "  const part: Condition = { absent: ['until'] };",
    tests,
  },
  {
    name: 'a transaction ends a row that has cleanup to do',
    file: 'engine/operations/transaction-items.ts',
    find: '[...whole.when, ...live]',
    replace: '[...whole.when.toSpliced(2, 1), ...live]',
    tests,
  },
  {
    name: 'a transaction does not check the count of a row that it ends',
    file: 'engine/operations/transaction-items.ts',
    find: '[...whole.when, ...live]',
    replace: '[...whole.when.toSpliced(1, 1), ...live]',
    tests,
  },
  {
    name: 'a transaction acks again a message that its own token has acked',
    file: 'engine/operations/ack.ts',
    find: "[tokenMatches(receipt), { absent: slotPath(receipt.slot, 'end') }]",
    replace: '[tokenMatches(receipt)]',
    tests,
  },
  {
    name: 'a transaction publishes under a taken id',
    file: 'engine/operations/transaction-items.ts',
    find: "key.table === 'leases' ? { key, when: absentAt(ctx.clock.now()), then } : { key, then };",
    replace: '{ key, then };',
    tests,
  },
  {
    name: 'a transaction publishes without the offloaded bodies',
    file: 'engine/operations/transaction-items.ts',
    find: 'return [...chunkWrites(content, chunks, ttl), write];',
    replace: 'return [write];',
    tests,
  },
  {
    name: 'a forgotten shard is never visited again',
    file: 'engine/sweep/sweep-queue.ts',
    find: '  await lookIntoForgotten(ctx, queue, asOf);\n',
    replace: '',
    tests,
  },
  {
    name: 'a queue does not record the largest number of its shards',
    file: 'engine/queues/shard-scaling.ts',
    find: 'shardsEver: Math.max(shards, record.shardsEver),',
    replace: 'shardsEver: record.shardsEver,',
    tests,
  },
  {
    name: 'a transaction acks without checking the token',
    file: 'engine/operations/ack.ts',
    find: '  receipts.flatMap((receipt) => [tokenMatches(receipt), { absent',
    replace: '  receipts.flatMap((receipt) => [{ absent',
  },
  {
    name: 'a transaction acks again a message that is acked in its parcel',
    file: 'engine/operations/transaction-items.ts',
    find: "  const part: Condition = { all: [{ absent: ['until'] }, ...live] };",
    replace:
      "  const part: Condition = { all: [{ absent: ['until'] }, ...receipts.map((one) => ({ equals: [['slots', one.slot, 't'], one.token] }) as Condition)] };",
    tests,
  },
  {
    name: 'a transaction drops the first message with an own id',
    file: 'engine/operations/transaction-items.ts',
    find: '[...parcels, ...own.map((one) => ownWrite(ctx, queue, one))].flatMap',
    replace: '[...parcels, ...own.slice(1).map((one) => ownWrite(ctx, queue, one))].flatMap',
    tests: ['test/engine/transactions.test.ts'],
  },
  {
    name: 'a transaction returns the ids of messages in the wrong order',
    file: 'engine/operations/transaction-items.ts',
    find: 'for (const [slot, { index }] of messages.entries()) ids[index] = messageId(id, slot);',
    replace: 'for (const [slot, { index }] of messages.entries()) ids[index] = messageId(id, messages.length - 1 - slot);',
  },
  {
    name: 'a transaction acks only the first of several messages of a row',
    file: 'engine/operations/transaction-items.ts',
    find: '...doneMarks(receipts, done)] } };',
    replace: '...doneMarks(receipts.slice(0, 1), done)] } };',
  },
];
