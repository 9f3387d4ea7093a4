/** Messages by the AWS SDK for JavaScript, which checks the digests of what it receives. */
import {
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import { sqsForTests } from '../support/local-sqs.ts';

const local = sqsForTests();
let queues = 0;

async function newQueue(attributes: Record<string, string> = {}): Promise<{ QueueUrl: string; name: string }> {
  const name = `q${queues++}`;
  const { QueueUrl } = await local().sqs.send(new CreateQueueCommand({ QueueName: name, Attributes: attributes }));
  return { QueueUrl: QueueUrl!, name };
}

async function received(QueueUrl: string, more: object = {}) {
  const { Messages = [] } = await local().sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, ...more }));
  return Messages;
}

describe('a message', () => {
  it('is received with its body, attributes of every type, and digests that the client checks', async () => {
    const { QueueUrl } = await newQueue();
    const MessageAttributes = {
      text: { DataType: 'String', StringValue: 'größe <&> 😀' },
      long: { DataType: 'String', StringValue: 'x'.repeat(3000) },
      custom: { DataType: 'String.uuid', StringValue: 'a-b' },
      digits: { DataType: 'Number', StringValue: '1970670598291982290.50' },
      odd: { DataType: 'Number', StringValue: '+007' },
      bytes: { DataType: 'Binary', BinaryValue: Uint8Array.of(0, 255, 1) },
      image: { DataType: 'Binary.png', BinaryValue: Uint8Array.of(7) },
      sqs: { DataType: 'String', StringValue: '{"attributes":{}}' },
    };
    const trace = { AWSTraceHeader: { DataType: 'String', StringValue: 'Root=1-5759e988-bd862e3fe1be46a994272793' } };
    const body = 'one & two\r\n\t"three" 😀';
    const sent = await local().sqs.send(
      new SendMessageCommand({ QueueUrl, MessageBody: body, MessageAttributes, MessageSystemAttributes: trace as never }),
    );
    expect(sent.MD5OfMessageSystemAttributes).toMatch(/^[0-9a-f]{32}$/);
    const [message] = await received(QueueUrl, {
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['All'],
    });
    expect(message).toMatchObject({ MessageId: sent.MessageId, Body: body, MessageAttributes });
    expect(message!.MD5OfMessageAttributes).toBe(sent.MD5OfMessageAttributes);
    expect(message!.Attributes).toMatchObject({ ApproximateReceiveCount: '1', AWSTraceHeader: trace.AWSTraceHeader.StringValue });
    expect(Math.abs(Number(message!.Attributes!.SentTimestamp) - Date.now())).toBeLessThan(60_000);
  });

  it('has the digests that AWS gives the same body and attributes', async () => {
    const { QueueUrl } = await newQueue();
    const MessageAttributes = { timestamp: { DataType: 'Number', StringValue: '1493147359900' } };
    const sent = await local().sqs.send(
      new SendMessageCommand({ QueueUrl, MessageBody: 'This is a test message', MessageAttributes }),
    );
    expect(sent.MD5OfMessageBody).toBe('fafb00f5732ab283681e124bf8747ed1');
    expect(sent.MD5OfMessageAttributes).toBe('235c5c510d26fb653d073faed50ae77c');
  });

  it('of 1 MiB is received whole, also if every character has an escape, and one byte more is refused', async () => {
    const { QueueUrl } = await newQueue();
    const body = '"'.repeat(1_048_576);
    await local().sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: body }));
    const [message] = await received(QueueUrl);
    expect(message!.Body === body).toBe(true);
    const more = local().sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: `${body}x` }));
    await expect(more).rejects.toMatchObject({ Code: 'InvalidParameterValue' });
  });

  it('of 1 MiB of attributes is received whole', async () => {
    const { QueueUrl } = await newQueue();
    const BinaryValue = Buffer.alloc(1_040_000, 5);
    await local().sqs.send(
      new SendMessageCommand({ QueueUrl, MessageBody: 'b', MessageAttributes: { big: { DataType: 'Binary', BinaryValue } } }),
    );
    const [message] = await received(QueueUrl, { MessageAttributeNames: ['big'] });
    expect(Buffer.from(message!.MessageAttributes!.big!.BinaryValue!).equals(BinaryValue)).toBe(true);
  });

  it('is refused if it has a character that XML forbids, and accepted with one above U+FFFF', async () => {
    const { QueueUrl } = await newQueue();
    const send = (MessageBody: string) => local().sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
    for (const bad of ['\u0000', 'a\u000bb', '\uffff', '\u001f']) {
      await expect(send(bad), JSON.stringify(bad)).rejects.toMatchObject({ name: 'InvalidMessageContents' });
    }
    await send('\u{10ffff}\ufffd');
    expect((await received(QueueUrl))[0]!.Body).toBe('\u{10ffff}\ufffd');
  });

  it('shows only the attributes that a receive asks for, by name or by prefix', async () => {
    const { QueueUrl } = await newQueue({ VisibilityTimeout: '0' });
    const value = { DataType: 'String', StringValue: 'v' };
    await local().sqs.send(
      new SendMessageCommand({ QueueUrl, MessageBody: 'b', MessageAttributes: { 'foo.a': value, 'foo.b': value, bar: value } }),
    );
    const names = async (asked: string[]) => {
      const [message] = await received(QueueUrl, { MessageAttributeNames: asked });
      return Object.keys(message!.MessageAttributes ?? {}).sort();
    };
    expect(await names([])).toEqual([]);
    expect(await names(['bar', 'absent'])).toEqual(['bar']);
    expect(await names(['foo.*'])).toEqual(['foo.a', 'foo.b']);
    for (const every of ['All', '.*', '*']) expect(await names([every]), every).toEqual(['bar', 'foo.a', 'foo.b']);
  });

  it('has attributes whose names are of letters and digits of any script, and of no other characters', async () => {
    const { QueueUrl } = await newQueue();
    const attributes = (name: string) => ({ [name]: { DataType: 'String', StringValue: 'v' } });
    const send = (name: string) =>
      local().sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'b', MessageAttributes: attributes(name) }));
    const names = ['größe.1', '数量', 'x'.repeat(256)];
    for (const name of names) await send(name);
    const there = await received(QueueUrl, { MessageAttributeNames: ['All'] });
    expect(there.map(({ MessageAttributes }) => MessageAttributes)).toEqual(names.map(attributes));
    for (const name of ['a b', '§', 'a!', '.a', 'a.', 'a..b', 'aWs.a', 'AMAZON.a', 'x'.repeat(257)]) {
      await expect(send(name), name).rejects.toMatchObject({ Code: 'InvalidParameterValue' });
    }
  });

  it('of the HTTP API is received with its body as JSON text and its plain attributes, and one of SQS the other way round', async () => {
    const { QueueUrl, name } = await newQueue();
    await local().http.call(
      'publish',
      { queue: name },
      { messages: [{ body: { a: [1, 'x'] }, attributes: { n: 12, t: 'text' } }] },
    );
    const [message] = await received(QueueUrl, { MessageAttributeNames: ['All'] });
    expect(message!.Body).toBe('{"a":[1,"x"]}');
    expect(message!.MessageAttributes).toEqual({
      n: { DataType: 'Number', StringValue: '12' },
      t: { DataType: 'String', StringValue: 'text' },
    });
    await local().sqs.send(
      new SendMessageCommand({
        QueueUrl,
        MessageBody: 'text',
        MessageAttributes: { n: { DataType: 'Number', StringValue: '1.5' } },
      }),
    );
    const { messages } = await local().http.call('receive', { queue: name }, {});
    expect(messages[0]).toMatchObject({ body: 'text', attributes: { n: 1.5 } });
  });

  it('is hidden for its own delay, or for that of its queue', async () => {
    const { QueueUrl } = await newQueue({ DelaySeconds: '900' });
    await local().sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'later' }));
    await local().sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'now', DelaySeconds: 0 }));
    expect((await received(QueueUrl)).map(({ Body }) => Body)).toEqual(['now']);
  });
});

describe('a receipt handle', () => {
  it('deletes its message, again without an error, and no other message', async () => {
    const { QueueUrl } = await newQueue({ VisibilityTimeout: '0' });
    for (const MessageBody of ['a', 'b']) await local().sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
    const [first] = await received(QueueUrl, { MaxNumberOfMessages: 1 });
    const deletion = new DeleteMessageCommand({ QueueUrl, ReceiptHandle: first!.ReceiptHandle });
    await local().sqs.send(deletion);
    await local().sqs.send(deletion);
    const left = await received(QueueUrl);
    expect(left.map(({ MessageId }) => MessageId)).not.toContain(first!.MessageId);
    expect(left).toHaveLength(1);
  });

  it('of an earlier receive deletes nothing and succeeds, and its visibility cannot be changed', async () => {
    const { QueueUrl } = await newQueue();
    await local().sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'a' }));
    const [earlier] = await received(QueueUrl, { VisibilityTimeout: 0 });
    const [later] = await received(QueueUrl);
    const ReceiptHandle = earlier!.ReceiptHandle;
    await local().sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    const change = new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 5 });
    await expect(local().sqs.send(change)).rejects.toMatchObject({ name: 'MessageNotInflight' });
    const again = { QueueUrl, ReceiptHandle: later!.ReceiptHandle, VisibilityTimeout: 0 };
    await local().sqs.send(new ChangeMessageVisibilityCommand(again));
    expect(await received(QueueUrl)).toHaveLength(1);
  });

  it('that no receive returned is refused', async () => {
    const { QueueUrl } = await newQueue();
    const given = { QueueUrl, ReceiptHandle: 'made up' };
    const error = { name: 'ReceiptHandleIsInvalid', Code: 'ReceiptHandleIsInvalid' };
    await expect(local().sqs.send(new DeleteMessageCommand(given))).rejects.toMatchObject(error);
    const change = new ChangeMessageVisibilityCommand({ ...given, VisibilityTimeout: 1 });
    await expect(local().sqs.send(change)).rejects.toMatchObject(error);
  });
});

describe('a batch', () => {
  it('answers each entry by its id: what was done, and why the others were not', async () => {
    const { QueueUrl } = await newQueue();
    const sent = await local().sqs.send(
      new SendMessageBatchCommand({
        QueueUrl,
        Entries: [
          { Id: 'good', MessageBody: 'a', MessageAttributes: { n: { DataType: 'Number', StringValue: '1' } } },
          { Id: 'bad', MessageBody: '\u0001' },
          { Id: 'late', MessageBody: 'b', DelaySeconds: 901 },
          { Id: 'fine', MessageBody: 'c' },
        ],
      }),
    );
    expect(sent.Successful!.map(({ Id }) => Id)).toEqual(['good', 'fine']);
    expect(sent.Failed).toMatchObject([
      { Id: 'bad', SenderFault: true, Code: 'InvalidMessageContents' },
      { Id: 'late', SenderFault: true, Code: 'InvalidParameterValue' },
    ]);
    const messages = await received(QueueUrl);
    const handles = messages.map(({ ReceiptHandle }) => ReceiptHandle!);
    expect(handles).toHaveLength(2);
    const changed = await local().sqs.send(
      new ChangeMessageVisibilityBatchCommand({
        QueueUrl,
        Entries: [
          { Id: 'x', ReceiptHandle: 'made up', VisibilityTimeout: 10 },
          { Id: 'a', ReceiptHandle: handles[0], VisibilityTimeout: 20 },
          { Id: 'b', ReceiptHandle: handles[1], VisibilityTimeout: 43_201 },
          { Id: 'c', ReceiptHandle: handles[1], VisibilityTimeout: 10 },
        ],
      }),
    );
    expect(changed.Successful!.map(({ Id }) => Id)).toEqual(['a', 'c']);
    expect(changed.Failed!.map(({ Id, Code }) => [Id, Code])).toEqual([
      ['x', 'ReceiptHandleIsInvalid'],
      ['b', 'InvalidParameterValue'],
    ]);
    const deleted = await local().sqs.send(
      new DeleteMessageBatchCommand({
        QueueUrl,
        Entries: [...handles, 'made up'].map((ReceiptHandle, index) => ({ Id: `d${index}`, ReceiptHandle })),
      }),
    );
    expect(deleted.Successful!.map(({ Id }) => Id)).toEqual(['d0', 'd1']);
    expect(deleted.Failed).toMatchObject([{ Id: 'd2', SenderFault: true, Code: 'ReceiptHandleIsInvalid' }]);
  });

  it('of received messages may name each entry by the id of its message', async () => {
    const { name: queue, QueueUrl } = await newQueue();
    const ids = ['', 'own.id:1', `own-${'x'.repeat(124)}`];
    await local().http.call('publish', { queue }, { messages: ids.map((id) => ({ body: 'a', ...(id && { id }) })) });
    const messages = await received(QueueUrl, { MaxNumberOfMessages: 10 });
    expect(messages.map(({ MessageId }) => MessageId)).toEqual(expect.arrayContaining(ids.filter(Boolean)));
    const entries = messages.map(({ MessageId, ReceiptHandle }) => ({ Id: MessageId, ReceiptHandle }));
    const changes = entries.map((entry) => ({ ...entry, VisibilityTimeout: 60 }));
    const changed = await local().sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries: changes }));
    expect(changed.Successful!.map(({ Id }) => Id)).toEqual(entries.map(({ Id }) => Id));
    const deleted = await local().sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries: entries }));
    expect(deleted.Successful!.map(({ Id }) => Id)).toEqual(entries.map(({ Id }) => Id));
    const spaced = [{ ...entries[0]!, Id: 'a b' }];
    await expect(local().sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries: spaced }))).rejects.toMatchObject({
      name: 'InvalidBatchEntryId',
    });
  });

  it('is refused as a whole if its entries are none, too many, not distinct, badly named, or too long together', async () => {
    const { QueueUrl } = await newQueue();
    const entries = (ids: string[], MessageBody = 'a') => ids.map((Id) => ({ Id, MessageBody }));
    const cases: [string, { Id: string; MessageBody: string }[]][] = [
      ['EmptyBatchRequest', []],
      ['TooManyEntriesInBatchRequest', entries([...'abcdefghijk'])],
      ['BatchEntryIdsNotDistinct', entries(['a', 'a'])],
      ['InvalidBatchEntryId', entries(['a b'])],
      ['InvalidBatchEntryId', entries(['a~0'])],
      ['InvalidBatchEntryId', entries([''])],
      ['BatchRequestTooLong', entries(['a', 'b'], 'x'.repeat(524_289))],
      ['BatchRequestTooLong', entries(['a'], 'x'.repeat(1_048_577))],
    ];
    for (const [name, Entries] of cases) {
      const error = { name, Code: `AWS.SimpleQueueService.${name}` };
      await expect(local().sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries })), name).rejects.toMatchObject(error);
    }
    expect(await received(QueueUrl)).toEqual([]);
  });
});

describe('a receive that waits', () => {
  it('ends with the first message that is sent, also by the wait of its queue', async () => {
    const { QueueUrl } = await newQueue({ ReceiveMessageWaitTimeSeconds: '20' });
    const waiting = received(QueueUrl);
    await local().sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'sent' }));
    expect((await waiting).map(({ Body }) => Body)).toEqual(['sent']);
  });

  it('ends with QueueDoesNotExist when its queue is deleted', async () => {
    const { QueueUrl } = await newQueue();
    const waiting = [1, 2].map(() => received(QueueUrl, { WaitTimeSeconds: 20 }).catch(({ name }) => name));
    // A receive of a client that began later has begun, too, once it has an answer.
    await received(QueueUrl);
    await local().sqs.send(new DeleteQueueCommand({ QueueUrl }));
    expect(await Promise.all(waiting)).toEqual(['QueueDoesNotExist', 'QueueDoesNotExist']);
  });
});
