/** `MessageGroupId` on standard queues: tenants that share a queue get their messages in turn. */
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { expect, it } from 'vitest';
import { drivenSqsForTests } from '../support/driven-sqs.ts';
import { range } from '../support/range.ts';

const local = drivenSqsForTests();
let queues = 0;

async function newQueue(Attributes: Record<string, string> = {}): Promise<string> {
  const { QueueUrl } = await local().sqs.send(new CreateQueueCommand({ QueueName: `fair-${queues++}`, Attributes }));
  return QueueUrl!;
}

/** As many messages as this, in batches of ten. */
async function sendMany(QueueUrl: string, MessageGroupId: string | undefined, count: number): Promise<void> {
  for (const batch of range(count / 10)) {
    const Entries = range(10).map((index) => ({
      Id: String(index),
      MessageBody: `${MessageGroupId} ${batch * 10 + index}`,
      ...(MessageGroupId !== undefined && { MessageGroupId }),
    }));
    const { Successful } = await local().sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    expect(Successful).toHaveLength(10);
  }
}

async function receive(QueueUrl: string, MaxNumberOfMessages = 10): Promise<Message[]> {
  const asked = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages, MessageSystemAttributeNames: ['All'] });
  return (await local().sqs.send(asked)).Messages ?? [];
}

async function deleteAll(QueueUrl: string, messages: readonly Message[]): Promise<void> {
  const Entries = messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
  await local().sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
}

const tenantOf = ({ Attributes }: Message) => Attributes!.MessageGroupId;

it('a message of a tenant comes next although another tenant has 1,000 messages waiting, each of whose lanes had its turn', async () => {
  const { sqs, clock } = local();
  const QueueUrl = await newQueue();
  await sendMany(QueueUrl, 'a', 1_000);
  clock.advance(1);
  for (const _ of range(40)) {
    await deleteAll(QueueUrl, await receive(QueueUrl));
    clock.advance(1);
  }
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'one', MessageGroupId: 'b' }));
  clock.advance(1);
  expect((await receive(QueueUrl, 1)).map(tenantOf)).toEqual(['b']);
});

it('a message of a tenant comes within one turn of the lanes of another tenant, whose 1,000 messages were sent first', async () => {
  const { sqs, clock } = local();
  const QueueUrl = await newQueue();
  await sendMany(QueueUrl, 'a', 1_000);
  clock.advance(1);
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'one', MessageGroupId: 'b' }));
  clock.advance(1);
  let turns = 0;
  for (;;) {
    const messages = await receive(QueueUrl);
    turns++;
    if (messages.some((one) => tenantOf(one) === 'b')) break;
    expect(turns, 'turns before the message').toBeLessThan(33);
    await deleteAll(QueueUrl, messages);
    clock.advance(1);
  }
});

it('every message of many tenants is received once, with at most 32 receives of one tenant at a time', async () => {
  const { clock } = local();
  const QueueUrl = await newQueue();
  for (const tenant of ['a', 'b', 'c']) await sendMany(QueueUrl, tenant, 300);
  await sendMany(QueueUrl, undefined, 100);
  clock.advance(1);
  const held: Message[] = [];
  for (let found = await receive(QueueUrl, 1); found.length > 0; found = await receive(QueueUrl, 1)) held.push(...found);
  for (const tenant of ['a', 'b', 'c']) {
    const count = held.filter((one) => tenantOf(one) === tenant).length;
    expect(count, tenant).toBeGreaterThan(1);
    expect(count, tenant).toBeLessThanOrEqual(32);
  }
  expect(held.filter((one) => tenantOf(one) === undefined)).toHaveLength(100);
  const seen = new Set<string>();
  for (let found = held; found.length > 0; found = await receive(QueueUrl)) {
    for (const { Body } of found) {
      expect(seen.has(Body!), Body).toBe(false);
      seen.add(Body!);
    }
    for (const at of range(Math.ceil(found.length / 10))) await deleteAll(QueueUrl, found.slice(at * 10, at * 10 + 10));
    clock.advance(1);
  }
  expect(seen.size).toBe(1_000);
});

it('a message of a tenant keeps its MessageGroupId through a failure, a delay and a dead-letter queue', async () => {
  const { sqs, clock } = local();
  const dead = await newQueue();
  const deadLetterTargetArn = `arn:aws:sqs:eu-central-1:000000000000:${dead.split('/').at(-1)}`;
  const QueueUrl = await newQueue({ RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 2 }) });
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'fails', MessageGroupId: 'a!"~' }));
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'later', MessageGroupId: 'a!"~', DelaySeconds: 900 }));
  const [first] = await receive(QueueUrl);
  expect(first).toMatchObject({ Body: 'fails', Attributes: { MessageGroupId: 'a!"~', ApproximateReceiveCount: '1' } });
  // What follows in its lane does not wait for it.
  clock.advance(30_000);
  const [second] = await receive(QueueUrl);
  expect(second).toMatchObject({ Body: 'fails', Attributes: { MessageGroupId: 'a!"~', ApproximateReceiveCount: '2' } });
  const { ReceiptHandle } = second!;
  await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));
  expect(await receive(QueueUrl)).toEqual([]);
  expect(await receive(dead)).toMatchObject([{ Body: 'fails', Attributes: { MessageGroupId: 'a!"~' } }]);
  clock.advance(900_000);
  expect(await receive(QueueUrl)).toMatchObject([{ Body: 'later', Attributes: { MessageGroupId: 'a!"~' } }]);
});

it('a message with a MessageGroupId has no digest of system attributes, and is found and deleted like others', async () => {
  const { sqs, http } = local();
  const QueueUrl = await newQueue({ DelaySeconds: '5' });
  const now = { QueueUrl, MessageBody: 'x', MessageGroupId: 'a', DelaySeconds: 0 };
  const sent = await sqs.send(new SendMessageCommand(now));
  expect(sent).not.toHaveProperty('MD5OfMessageSystemAttributes');
  expect(sent).not.toHaveProperty('SequenceNumber');
  const found = await http.call('getMessage', { queue: QueueUrl.split('/').at(-1)!, id: sent.MessageId! });
  expect(found).toMatchObject({ id: sent.MessageId, state: 'ready', group: 'a', body: 'x' });
  const [message] = await receive(QueueUrl);
  expect(message).toMatchObject({ MessageId: sent.MessageId, Body: 'x' });
  await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message!.ReceiptHandle }));
  local().clock.advance(60_000);
  expect(await receive(QueueUrl)).toEqual([]);
});

it('a standard queue refuses a MessageGroupId of other characters, a MessageDeduplicationId and a ReceiveRequestAttemptId', async () => {
  const { sqs } = local();
  const QueueUrl = await newQueue();
  const refused = { Code: 'InvalidParameterValue' };
  for (const MessageGroupId of ['', 'a b', 'ä', 'x'.repeat(129)]) {
    const send = sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x', MessageGroupId }));
    await expect(send, MessageGroupId).rejects.toMatchObject(refused);
  }
  const once = { QueueUrl, MessageBody: 'x', MessageDeduplicationId: 'd' };
  await expect(sqs.send(new SendMessageCommand(once))).rejects.toMatchObject(refused);
  const attempt = { QueueUrl, ReceiveRequestAttemptId: 'r' };
  await expect(sqs.send(new ReceiveMessageCommand(attempt))).rejects.toMatchObject(refused);
});
