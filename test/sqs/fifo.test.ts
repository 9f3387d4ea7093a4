/** Messages of FIFO queues by the AWS SDK for JavaScript, with a clock that the test advances. */
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageBatchCommand,
  SendMessageCommand,
  type SendMessageCommandInput,
} from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import { drivenSqsOnEachStore } from '../support/driven-sqs.ts';
import { range } from '../support/range.ts';

const windowMs = 300_000;

drivenSqsOnEachStore((local) => {
  let queues = 0;

  async function newQueue(attributes: Record<string, string> = {}): Promise<string> {
    const Attributes = { FifoQueue: 'true', ...attributes };
    const { QueueUrl } = await local().sqs.send(new CreateQueueCommand({ QueueName: `q${queues++}.fifo`, Attributes }));
    return QueueUrl!;
  }

  const byContent = { ContentBasedDeduplication: 'true' };

  /** A message of the group `a`, unless the call says another. */
  function send(QueueUrl: string, MessageBody: string, more: Partial<SendMessageCommandInput> = {}) {
    return local().sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, MessageGroupId: 'a', ...more }));
  }

  async function receive(QueueUrl: string, more: Partial<ReceiveMessageCommandInput> = {}): Promise<Message[]> {
    const asked = { QueueUrl, MaxNumberOfMessages: 10, MessageSystemAttributeNames: ['All' as const], ...more };
    return (await local().sqs.send(new ReceiveMessageCommand(asked))).Messages ?? [];
  }

  async function remove(QueueUrl: string, messages: readonly Message[]): Promise<void> {
    for (const { ReceiptHandle } of messages) await local().sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  }

  const bodiesOf = (messages: readonly Message[]) => messages.map(({ Body }) => Body);

  /** Receives and deletes until nothing is left. */
  async function drain(QueueUrl: string): Promise<(string | undefined)[]> {
    const bodies: (string | undefined)[] = [];
    for (let found = await receive(QueueUrl); found.length > 0; found = await receive(QueueUrl)) {
      bodies.push(...bodiesOf(found));
      await remove(QueueUrl, found);
    }
    return bodies;
  }

  describe('a FIFO queue', () => {
    it('delivers the messages of a group in the order in which they were sent, with sequence numbers that grow', async () => {
      const QueueUrl = await newQueue();
      const numbers: string[] = [];
      for (const index of range(25)) {
        const sent = await send(QueueUrl, `m${index}`, { MessageDeduplicationId: `d${index}` });
        numbers.push(sent.SequenceNumber!);
      }
      expect(numbers.every((number) => /^\d{20}$/.test(number))).toBe(true);
      expect([...numbers].sort()).toEqual(numbers);
      expect(new Set(numbers).size).toBe(25);
      const seen: Message[] = [];
      for (let found = await receive(QueueUrl); found.length > 0; found = await receive(QueueUrl)) {
        seen.push(...found);
        await remove(QueueUrl, found);
      }
      expect(bodiesOf(seen)).toEqual(range(25).map((index) => `m${index}`));
      expect(seen.map(({ Attributes }) => Attributes!.SequenceNumber)).toEqual(numbers);
      expect(seen[3]!.Attributes).toMatchObject({ MessageGroupId: 'a', MessageDeduplicationId: 'd3' });
    });

    it('delivers messages that were sent together in the order of their batch, each group by itself', async () => {
      const QueueUrl = await newQueue(byContent);
      const Entries = range(10).map((index) => ({
        Id: String(index),
        MessageBody: `m${index}`,
        MessageGroupId: index % 2 === 0 ? 'even' : 'odd',
      }));
      const { Successful } = await local().sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
      expect(Successful!.every(({ SequenceNumber }) => /^\d{20}$/.test(SequenceNumber!))).toBe(true);
      const bodies = await drain(QueueUrl);
      expect(bodies.filter((body) => Number(body!.slice(1)) % 2 === 0)).toEqual(['m0', 'm2', 'm4', 'm6', 'm8']);
      expect(bodies.filter((body) => Number(body!.slice(1)) % 2 === 1)).toEqual(['m1', 'm3', 'm5', 'm7', 'm9']);
    });

    it('delivers several messages of a group that were sent one by one in one receive, in order', async () => {
      const QueueUrl = await newQueue(byContent);
      const bodies = range(12).map((index) => `m${index}`);
      for (const body of bodies) await send(QueueUrl, body);
      const found = await receive(QueueUrl);
      expect(bodiesOf(found)).toEqual(bodies.slice(0, 10));
      expect(await receive(QueueUrl)).toEqual([]);
      await remove(QueueUrl, found.slice(0, 9));
      expect(await receive(QueueUrl)).toEqual([]);
      await remove(QueueUrl, found.slice(9));
      expect(bodiesOf(await receive(QueueUrl))).toEqual(bodies.slice(10));
    });

    it('delivers no more of a group while its messages are in flight, and other groups meanwhile', async () => {
      const QueueUrl = await newQueue(byContent);
      for (const body of ['a1', 'a2']) await send(QueueUrl, body);
      const [first] = await receive(QueueUrl, { MaxNumberOfMessages: 1 });
      expect(first!.Body).toBe('a1');
      await send(QueueUrl, 'b1', { MessageGroupId: 'b' });
      await send(QueueUrl, 'a3');
      expect(bodiesOf(await receive(QueueUrl))).toEqual(['b1']);
      await remove(QueueUrl, [first!]);
      expect((await receive(QueueUrl, { MaxNumberOfMessages: 1 })).map(({ Body }) => Body)).toEqual(['a2']);
    });

    it('delivers a message again before those behind it, when its visibility timeout ends or is set to 0', async () => {
      const QueueUrl = await newQueue({ ...byContent, VisibilityTimeout: '30' });
      for (const body of ['1', '2', '3']) await send(QueueUrl, body);
      expect(bodiesOf(await receive(QueueUrl, { MaxNumberOfMessages: 1 }))).toEqual(['1']);
      local().clock.advance(30_000);
      const [again] = await receive(QueueUrl, { MaxNumberOfMessages: 1 });
      expect(again).toMatchObject({ Body: '1', Attributes: { ApproximateReceiveCount: '2', MessageGroupId: 'a' } });
      const { ReceiptHandle } = again!;
      await local().sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));
      expect(await drain(QueueUrl)).toEqual(['1', '2', '3']);
    });

    it('hides all messages for the delay of the queue, and refuses a delay of a message', async () => {
      const QueueUrl = await newQueue({ ...byContent, DelaySeconds: '60' });
      for (const body of ['1', '2']) await send(QueueUrl, body, { DelaySeconds: 0 });
      expect(await receive(QueueUrl)).toEqual([]);
      await expect(send(QueueUrl, '3', { DelaySeconds: 1 })).rejects.toMatchObject({ Code: 'InvalidParameterValue' });
      local().clock.advance(60_000);
      expect(await drain(QueueUrl)).toEqual(['1', '2']);
    });

    it('refuses a message without a group, and one without a deduplication id where its body does not make one', async () => {
      const QueueUrl = await newQueue();
      const noGroup = { MessageGroupId: undefined, MessageDeduplicationId: 'd' };
      await expect(send(QueueUrl, 'x', noGroup)).rejects.toMatchObject({ Code: 'MissingParameter' });
      await expect(send(QueueUrl, 'x')).rejects.toMatchObject({ Code: 'InvalidParameterValue' });
      for (const bad of ['', 'a b', 'ä', 'x'.repeat(129)]) {
        const group = send(QueueUrl, 'x', { MessageGroupId: bad, MessageDeduplicationId: 'd' });
        await expect(group, bad).rejects.toMatchObject({ Code: 'InvalidParameterValue' });
        const id = send(QueueUrl, 'x', { MessageDeduplicationId: bad });
        await expect(id, bad).rejects.toMatchObject({ Code: 'InvalidParameterValue' });
      }
      const longest = { MessageGroupId: '!~'.repeat(64), MessageDeduplicationId: '~!'.repeat(64) };
      await send(QueueUrl, 'x', longest);
      const [message] = await receive(QueueUrl);
      expect(message!.Attributes).toMatchObject(longest);
    });

    it('refuses a batch in which a message has no group or no deduplication id, and sends none of it', async () => {
      const QueueUrl = await newQueue();
      const good = { Id: 'good', MessageBody: '1', MessageGroupId: 'a', MessageDeduplicationId: '1' };
      for (const lacks of ['MessageGroupId', 'MessageDeduplicationId']) {
        const Entries = [good, { ...good, Id: 'bad', [lacks]: undefined }];
        const send = local().sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
        await expect(send, lacks).rejects.toMatchObject({ Code: 'InvalidParameterValue' });
      }
      expect(await receive(QueueUrl)).toEqual([]);
    });

    it('accepts the other messages of a batch in which one is refused', async () => {
      const QueueUrl = await newQueue();
      const Entries = [
        { Id: 'good', MessageBody: '1', MessageGroupId: 'a', MessageDeduplicationId: '1' },
        { Id: 'spaced', MessageBody: '2', MessageGroupId: 'a', MessageDeduplicationId: 'a b' },
        { Id: 'same', MessageBody: '1 again', MessageGroupId: 'a', MessageDeduplicationId: '1' },
        { Id: 'last', MessageBody: '3', MessageGroupId: 'a', MessageDeduplicationId: '3' },
      ];
      const { Successful, Failed } = await local().sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
      expect(Failed).toMatchObject([{ Id: 'spaced', SenderFault: true, Code: 'InvalidParameterValue' }]);
      expect(Successful!.map(({ Id }) => Id)).toEqual(['good', 'same', 'last']);
      expect(Successful![1]!.MessageId).toBe(Successful![0]!.MessageId);
      expect(await drain(QueueUrl)).toEqual(['1', '3']);
    });

    it('hides a message for at most twelve hours after its receive, however often its visibility timeout is changed', async () => {
      const QueueUrl = await newQueue(byContent);
      await send(QueueUrl, '1');
      const [message] = await receive(QueueUrl, { VisibilityTimeout: 43_200 });
      const change = (VisibilityTimeout: number) =>
        local().sqs.send(
          new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: message!.ReceiptHandle, VisibilityTimeout }),
        );
      local().clock.advance(11 * 3_600_000);
      await expect(change(3601)).rejects.toMatchObject({ Code: 'InvalidParameterValue' });
      await change(3600);
      local().clock.advance(1000);
      await expect(change(3600)).rejects.toMatchObject({ Code: 'InvalidParameterValue' });
      await change(0);
      expect(bodiesOf(await receive(QueueUrl))).toEqual(['1']);
    });
  });

  describe('a dead-letter queue of a FIFO queue', () => {
    it('gives the messages of a group in the order in which they died, and waits for those in flight', async () => {
      const dead = await newQueue();
      const deadLetterTargetArn = `arn:aws:sqs:eu-central-1:000000000000:${dead.split('/').at(-1)}`;
      const QueueUrl = await newQueue({
        ...byContent,
        RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 1 }),
      });
      for (const body of ['a1', 'a2', 'a3', 'b1']) await send(QueueUrl, body, { MessageGroupId: body[0]! });
      for (let died = 0; died < 4; ) {
        died += (await receive(QueueUrl)).length;
        local().clock.advance(30_000);
      }
      expect(await receive(QueueUrl)).toEqual([]);
      const [first] = await receive(dead, { MaxNumberOfMessages: 1 });
      expect(first).toMatchObject({ Body: 'a1', Attributes: { MessageGroupId: 'a', ApproximateReceiveCount: '1' } });
      expect(bodiesOf(await receive(dead))).toEqual(['b1']);
      local().clock.advance(30_000);
      const again = await receive(dead);
      expect(again.find(({ Body }) => Body === 'a1')!.Attributes).toMatchObject({ ApproximateReceiveCount: '2' });
      await remove(dead, again);
      const rest = await receive(dead);
      expect(bodiesOf(rest)).toEqual(['a2', 'a3']);
      const [one, two] = rest.map(({ Attributes }) => BigInt(Attributes!.SequenceNumber!));
      expect(two! > one!).toBe(true);
    });

    it('shows a message with the group, the deduplication id and the sequence number that it had', async () => {
      const dead = await newQueue();
      const deadLetterTargetArn = `arn:aws:sqs:eu-central-1:000000000000:${dead.split('/').at(-1)}`;
      const QueueUrl = await newQueue({ RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 1 }) });
      const sent = await send(QueueUrl, 'dies', { MessageDeduplicationId: 'd1' });
      await send(QueueUrl, 'lives', { MessageDeduplicationId: 'd2' });
      expect(bodiesOf(await receive(QueueUrl, { MaxNumberOfMessages: 1 }))).toEqual(['dies']);
      local().clock.advance(30_000);
      expect(await drain(QueueUrl)).toEqual(['lives']);
      const source = deadLetterTargetArn.replace(/[^:]*$/, QueueUrl.split('/').at(-1)!);
      expect(await receive(dead)).toMatchObject([
        {
          MessageId: sent.MessageId,
          Body: 'dies',
          Attributes: {
            MessageGroupId: 'a',
            MessageDeduplicationId: 'd1',
            SequenceNumber: sent.SequenceNumber,
            DeadLetterQueueSourceArn: source,
            ApproximateReceiveCount: '1',
          },
        },
      ]);
    });
  });

  describe('a receive attempt', () => {
    const attempt = { ReceiveRequestAttemptId: 'r1!~' };
    const handlesOf = (messages: readonly Message[]) => messages.map(({ Body, ReceiptHandle }) => [Body, ReceiptHandle]);

    it('that is repeated returns the same messages with the same handles, and begins their visibility timeout again', async () => {
      const QueueUrl = await newQueue({ ...byContent, VisibilityTimeout: '30' });
      for (const body of ['1', '2', '3']) await send(QueueUrl, body);
      const first = await receive(QueueUrl, attempt);
      expect(bodiesOf(first)).toEqual(['1', '2', '3']);
      local().clock.advance(20_000);
      const second = await receive(QueueUrl, attempt);
      expect(handlesOf(second)).toEqual(handlesOf(first));
      expect(second[0]!.Attributes!.ApproximateReceiveCount).toBe('1');
      local().clock.advance(20_000);
      expect(await receive(QueueUrl, { ReceiveRequestAttemptId: 'r2' })).toEqual([]);
      await remove(QueueUrl, second.slice(0, 1));
      expect(handlesOf(await receive(QueueUrl, attempt))).toEqual(handlesOf(first.slice(1)));
      local().clock.advance(windowMs);
      const later = await receive(QueueUrl, attempt);
      expect(later).toMatchObject([
        { Body: '2', Attributes: { ApproximateReceiveCount: '2' } },
        { Body: '3', Attributes: { ApproximateReceiveCount: '2' } },
      ]);
    });

    it('has an id of letters, digits and punctuation', async () => {
      const QueueUrl = await newQueue(byContent);
      for (const bad of ['', 'a b', 'x'.repeat(129)]) {
        const asked = receive(QueueUrl, { ReceiveRequestAttemptId: bad });
        await expect(asked, bad).rejects.toMatchObject({ Code: 'InvalidParameterValue' });
      }
    });
  });

  describe('a deduplication id', () => {
    it('is taken for five minutes, also after its message is deleted, and the duplicate answers what the first did', async () => {
      const QueueUrl = await newQueue();
      const first = await send(QueueUrl, 'one', { MessageDeduplicationId: 'd' });
      local().clock.advance(1);
      const second = await send(QueueUrl, 'two', { MessageDeduplicationId: 'd' });
      expect(second).toMatchObject({ MessageId: first.MessageId, SequenceNumber: first.SequenceNumber });
      expect(await drain(QueueUrl)).toEqual(['one']);
      local().clock.advance(windowMs - 2);
      await send(QueueUrl, 'three', { MessageDeduplicationId: 'd' });
      expect(await drain(QueueUrl)).toEqual([]);
      local().clock.advance(1);
      const later = await send(QueueUrl, 'four', { MessageDeduplicationId: 'd' });
      expect(later.MessageId).not.toBe(first.MessageId);
      expect(await drain(QueueUrl)).toEqual(['four']);
    });

    it('is free again five minutes after its message was sent, although the message still waits', async () => {
      const QueueUrl = await newQueue();
      await send(QueueUrl, 'one', { MessageDeduplicationId: 'd' });
      local().clock.advance(windowMs);
      await send(QueueUrl, 'two', { MessageDeduplicationId: 'd' });
      expect(await drain(QueueUrl)).toEqual(['one', 'two']);
    });

    it('is the SHA-256 of the body alone where the queue deduplicates by content, unless the message has one', async () => {
      const QueueUrl = await newQueue(byContent);
      const MessageAttributes = { n: { DataType: 'Number', StringValue: '1' } };
      await send(QueueUrl, 'same');
      await send(QueueUrl, 'same', { MessageAttributes });
      await send(QueueUrl, 'same', { MessageDeduplicationId: 'own' });
      await send(QueueUrl, 'other', { MessageDeduplicationId: 'own' });
      const found = await receive(QueueUrl);
      expect(bodiesOf(found).slice(0, 1)).toEqual(['same']);
      expect(found[0]!.Attributes!.MessageDeduplicationId).toBe(
        '0967115f2813a3541eaef77de9d9d5773f1c0c04314b0bbfe4ff3b3b1c55b5d5',
      );
      await remove(QueueUrl, found);
      expect([...bodiesOf(found), ...(await drain(QueueUrl))]).toEqual(['same', 'same']);
    });

    it('counts in all groups, or in each group by itself, as the scope of the queue says', async () => {
      const perGroup = { DeduplicationScope: 'messageGroup', FifoThroughputLimit: 'perMessageGroupId' };
      for (const [attributes, expected] of [
        [{}, ['a']],
        [perGroup, ['a', 'b']],
      ] as const) {
        const QueueUrl = await newQueue(attributes);
        for (const group of ['a', 'b', 'a']) await send(QueueUrl, group, { MessageGroupId: group, MessageDeduplicationId: 'd' });
        expect((await drain(QueueUrl)).sort()).toEqual(expected);
      }
    });

    it('that is the body of another message is not the same id', async () => {
      const QueueUrl = await newQueue(byContent);
      await send(QueueUrl, 'x', { MessageDeduplicationId: 'y' });
      await send(QueueUrl, 'y');
      expect(await drain(QueueUrl)).toEqual(['x', 'y']);
    });
  });
});
