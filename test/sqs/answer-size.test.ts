/** Answers that would not fit into one of Lambda, in either protocol. */
import { DeleteMessageBatchCommand, type Message, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { expect, it } from 'vitest';
import type { Json } from '../../contract/contract.ts';
import { fittingCount } from '../../functions/sqs/answer-size.ts';
import { elements, query, sqsForTests } from '../support/local-sqs.ts';

/** What Lambda accepts, and what surrounds the messages. */
const lambdaBytesMax = 6 * 1024 * 1024 - 1000;

const local = sqsForTests();

/** The bytes of an answer as a JSON string, as Lambda passes it on. */
const carried = (text: string) => Buffer.byteLength(JSON.stringify(text));

async function publish(queue: string, bodies: readonly Json[]): Promise<void> {
  await local().http.call('createQueue', { queue }, {});
  for (const body of bodies) await local().http.call('publish', { queue }, { messages: [{ body }] });
}

it('messages of another API that grow in the JSON protocol come in several receives, and none of them counts twice', async () => {
  const QueueUrl = 'grow-in-json';
  await publish(
    QueueUrl,
    Array.from({ length: 5 }, () => Array.from({ length: 200_000 }, () => '')),
  );
  const received: Message[] = [];
  for (let calls = 1; received.length < 5; calls++) {
    expect(calls).toBeLessThanOrEqual(5);
    const asked = { QueueUrl, MaxNumberOfMessages: 10, MessageSystemAttributeNames: ['All' as const] };
    const output = await local().sqs.send(new ReceiveMessageCommand(asked));
    const { Messages = [] } = output;
    expect(Messages).not.toEqual([]);
    expect(carried(JSON.stringify({ Messages }))).toBeLessThanOrEqual(lambdaBytesMax);
    received.push(...Messages);
    const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: `${index}`, ReceiptHandle }));
    await local().sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  }
  expect(new Set(received.map(({ MessageId }) => MessageId)).size).toBe(5);
  expect(received.map(({ Attributes }) => Attributes!.ApproximateReceiveCount)).toEqual(['1', '1', '1', '1', '1']);
});

it('messages that grow in XML come in several receives', async () => {
  await publish('grow-in-xml', ['&'.repeat(500_000), '&'.repeat(500_000), '&'.repeat(500_000)]);
  const asked = { Action: 'ReceiveMessage', QueueUrl: 'grow-in-xml', MaxNumberOfMessages: '10' };
  const { xml } = await query(local().server.url, asked);
  expect(elements(xml, 'Body').length).toBeGreaterThan(0);
  expect(carried(xml)).toBeLessThanOrEqual(lambdaBytesMax);
  expect(elements((await query(local().server.url, asked)).xml, 'Body').length).toBeGreaterThan(0);
});

it('messages that do not grow come in one answer, and a message always comes, however large', () => {
  expect(fittingCount(Array.from({ length: 4 }, () => ['x'.repeat(1_000_000)]))).toBe(4);
  expect(fittingCount(Array.from({ length: 6 }, () => ['x'.repeat(1_000_000)]))).toBe(5);
  expect(fittingCount([['"'.repeat(2_000_000)], ['small']])).toBe(1);
  expect(fittingCount([])).toBe(0);
});
