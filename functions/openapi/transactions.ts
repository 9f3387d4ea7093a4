/** The OpenAPI texts of the operations that make entries for the caller's own transactions. */
import type { OperationTextsOf } from './operation-text.ts';

const id = '01kg9zt2m4q8r6s0v3x5y7z9~0';
const receipt = '7m2k9q4t.01kg9zt2m4q8r6s0v3x5y7z9.0.2.k3v5x7z9b2d4';

export const transactionTexts: OperationTextsOf<'publishItems' | 'ackItems'> = {
  publishItems: {
    tag: 'messages',
    summary: 'Make entries that publish messages in your own transaction',
    description:
      'This call publishes nothing itself. Put the entries into your own TransactWriteItems within a minute. If one message cannot be published, the whole call is refused.',
    input: { messages: [{ body: { order: 1234 } }] },
    output: {
      items: [
        { Put: { TableName: 'dumbwaiter-messages', Item: { shard: { S: '7m2k9q4t:0' }, id: { S: id }, count: { N: '1' } } } },
      ],
      ids: [`${id}.0`],
    },
    refusals: ['queue_not_found'],
  },
  ackItems: {
    tag: 'messages',
    summary: 'Make entries that acknowledge messages in your own transaction',
    description:
      'This call acknowledges nothing itself. Put the entries into your own TransactWriteItems. The transaction is cancelled if a lease is lost. If one receipt is malformed, the whole call is refused.',
    input: { receipts: [receipt] },
    output: {
      items: [
        {
          Update: {
            TableName: 'dumbwaiter-leases',
            Key: { id: { S: id } },
            UpdateExpression: 'SET #1[0].#3 = :1',
            ConditionExpression: '#1[0].#2 = :0',
            ExpressionAttributeNames: { '#1': 'slots', '#2': 't', '#3': 'd' },
            ExpressionAttributeValues: { ':0': { S: 'k3v5x7z9b2d4' }, ':1': { S: 'done' } },
          },
        },
      ],
    },
    refusals: ['queue_not_found', 'invalid_receipt', 'lease_lost'],
  },
};
