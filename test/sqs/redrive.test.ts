/** Dead-letter queues and move tasks by the AWS SDK for JavaScript. */
import {
  CancelMessageMoveTaskCommand,
  CreateQueueCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ListMessageMoveTasksCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { sqsOnEachStore } from '../support/local-sqs.ts';

sqsOnEachStore((local) => {
  const arn = (name: string) => `arn:aws:sqs:eu-central-1:000000000000:${name}`;
  const policy = (queue: string, maxReceiveCount: unknown = 1) =>
    JSON.stringify({ deadLetterTargetArn: arn(queue), maxReceiveCount });

  async function create(QueueName: string, Attributes: Record<string, string> = {}): Promise<string> {
    return (await local().sqs.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl!;
  }

  async function receive(QueueUrl: string, more: object = {}): Promise<Message[]> {
    const asked = { QueueUrl, MaxNumberOfMessages: 10, MessageSystemAttributeNames: ['All'] as never, ...more };
    return (await local().sqs.send(new ReceiveMessageCommand(asked))).Messages ?? [];
  }

  /** A source and its dead-letter queue, in which as many messages died. */
  async function deadMessages(name: string, count: number): Promise<{ source: string; dead: string }> {
    const dead = await create(`${name}-dead`);
    const source = await create(name, { RedrivePolicy: policy(`${name}-dead`), VisibilityTimeout: '0' });
    for (let index = 0; index < count; index++) {
      await local().sqs.send(new SendMessageCommand({ QueueUrl: source, MessageBody: `m${index}` }));
    }
    await eventually(async () => {
      await receive(source);
      const counts = await local().http.call('getQueue', { queue: `${name}-dead` });
      return counts.counts.dead === count ? true : undefined;
    });
    return { source, dead };
  }

  const start = (SourceArn: string, more: object = {}) =>
    local().sqs.send(new StartMessageMoveTaskCommand({ SourceArn, ...more }));

  async function tasks(SourceArn: string, MaxResults = 10) {
    return (await local().sqs.send(new ListMessageMoveTasksCommand({ SourceArn, MaxResults }))).Results ?? [];
  }

  describe('a move task of a FIFO dead-letter queue', () => {
    const fifo = { FifoQueue: 'true', ContentBasedDeduplication: 'true' };

    /** A FIFO queue, and its dead-letter queue with these messages, each of the group that its text begins with. */
    async function deadInGroups(name: string, bodies: readonly string[]): Promise<{ source: string; dead: string }> {
      const dead = await create(`${name}-dead.fifo`, fifo);
      const attributes = { ...fifo, RedrivePolicy: policy(`${name}-dead.fifo`), VisibilityTimeout: '0' };
      const source = await create(`${name}.fifo`, attributes);
      for (const MessageBody of bodies) {
        await local().sqs.send(new SendMessageCommand({ QueueUrl: source, MessageBody, MessageGroupId: MessageBody[0]! }));
      }
      await eventually(async () => {
        await receive(source);
        const { counts } = await local().http.call('getQueue', { queue: `${name}-dead.fifo` });
        return counts.dead === bodies.length ? true : undefined;
      });
      await local().sqs.send(new SetQueueAttributesCommand({ QueueUrl: source, Attributes: { VisibilityTimeout: '30' } }));
      return { source, dead };
    }

    it('moves messages back into their groups, in order and behind those that wait, with new counts', async () => {
      const { source } = await deadInGroups('moved', ['a1', 'b1', 'a2', 'a3']);
      await local().sqs.send(new SendMessageCommand({ QueueUrl: source, MessageBody: 'a4', MessageGroupId: 'a' }));
      await start(arn('moved-dead.fifo'));
      await eventually(async () => ((await tasks(arn('moved-dead.fifo')))[0]!.Status === 'COMPLETED' ? true : undefined));
      const seen: Message[] = [];
      while (seen.length < 5) {
        const found = await receive(source);
        seen.push(...found);
        for (const { ReceiptHandle } of found) {
          await local().sqs.send(new DeleteMessageCommand({ QueueUrl: source, ReceiptHandle }));
        }
      }
      const bodiesOf = (group: string) => seen.filter(({ Body }) => Body!.startsWith(group)).map(({ Body }) => Body);
      expect(bodiesOf('a')).toEqual(['a4', 'a1', 'a2', 'a3']);
      expect(bodiesOf('b')).toEqual(['b1']);
      for (const { Body, Attributes } of seen) {
        expect(Attributes, Body).toMatchObject({ MessageGroupId: Body![0], ApproximateReceiveCount: '1' });
      }
    });

    it('is refused if its destination is a standard queue', async () => {
      await deadInGroups('typed', ['a1']);
      await create('typed-standard');
      const task = start(arn('typed-dead.fifo'), { DestinationArn: arn('typed-standard') });
      await expect(task).rejects.toMatchObject({ Code: 'InvalidParameterValue' });
    });
  });

  describe('a redrive policy', () => {
    it('moves a message that was received too often, and tells where it died', async () => {
      const { dead } = await deadMessages('died', 1);
      const [message] = await receive(dead);
      expect(message!.Body).toBe('m0');
      expect(message!.Attributes).toMatchObject({ DeadLetterQueueSourceArn: arn('died'), ApproximateReceiveCount: '1' });
    });

    it('is shown as it counts, and an empty one removes it', async () => {
      await create('shown-dead');
      const QueueUrl = await create('shown', { RedrivePolicy: policy('shown-dead', '7') });
      const shown = async () =>
        (await local().sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['RedrivePolicy'] }))).Attributes;
      expect(await shown()).toEqual({ RedrivePolicy: policy('shown-dead', 7) });
      await local().sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { RedrivePolicy: '' } }));
      expect(await shown()).toBeUndefined();
    });

    it('is refused if it is malformed, or if its queue does not exist or does not allow the source', async () => {
      const allow = (permission: object) => ({ RedriveAllowPolicy: JSON.stringify(permission) });
      await create('denies', allow({ redrivePermission: 'denyAll' }));
      await create('chooses', allow({ redrivePermission: 'byQueue', sourceQueueArns: [arn('chosen')] }));
      await create('chosen', { RedrivePolicy: policy('chooses') });
      const invalid = [
        'no JSON',
        '[]',
        '{}',
        JSON.stringify({ deadLetterTargetArn: arn('denies') }),
        policy('denies', 0),
        policy('denies', 1001),
        policy('absent'),
        policy('denies'),
        policy('chooses'),
      ];
      for (const RedrivePolicy of invalid) {
        const message = expect.stringContaining(`Value ${RedrivePolicy} for parameter RedrivePolicy is invalid.`);
        await expect(create('never', { RedrivePolicy }), RedrivePolicy).rejects.toMatchObject({
          Code: 'InvalidParameterValue',
          message,
        });
      }
      for (const RedriveAllowPolicy of [
        'x',
        '{"redrivePermission":"some"}',
        '{"redrivePermission":"byQueue","sourceQueueArns":[]}',
      ]) {
        const refused = create('never', { RedriveAllowPolicy });
        await expect(refused, RedriveAllowPolicy).rejects.toMatchObject({ Code: 'InvalidParameterValue' });
      }
    });

    it('keeps its queue from being deleted', async () => {
      const dead = await create('needed');
      await create('needs', { RedrivePolicy: policy('needed') });
      const error = { name: 'UnsupportedOperation', message: expect.stringContaining('needs') };
      await expect(local().sqs.send(new DeleteQueueCommand({ QueueUrl: dead }))).rejects.toMatchObject(error);
    });
  });

  describe('a move task', () => {
    it('moves messages back to where they died, with their counts reset', async () => {
      const { source } = await deadMessages('back', 3);
      await start(arn('back-dead'));
      await eventually(async () => ((await tasks(arn('back-dead')))[0]?.Status === 'COMPLETED' ? true : undefined));
      const [task] = await tasks(arn('back-dead'));
      expect(task).toMatchObject({
        SourceArn: arn('back-dead'),
        ApproximateNumberOfMessagesMoved: 3,
        ApproximateNumberOfMessagesToMove: 3,
      });
      expect(task).not.toHaveProperty('TaskHandle');
      const [message] = await receive(source);
      expect(message!.Attributes).toMatchObject({ ApproximateReceiveCount: '1' });
      expect(message!.Attributes).not.toHaveProperty('DeadLetterQueueSourceArn');
    });

    it('moves messages to another queue, at a rate, until it is cancelled, one task at a time', async () => {
      await deadMessages('slow', 3);
      await create('elsewhere');
      const SourceArn = arn('slow-dead');
      const { TaskHandle } = await start(SourceArn, { DestinationArn: arn('elsewhere'), MaxNumberOfMessagesPerSecond: 1 });
      await expect(start(SourceArn)).rejects.toMatchObject({ Code: 'InvalidParameterValue' });
      expect(await tasks(SourceArn, 1)).toMatchObject([
        { TaskHandle, Status: 'RUNNING', DestinationArn: arn('elsewhere'), MaxNumberOfMessagesPerSecond: 1 },
      ]);
      const cancelled = await local().sqs.send(new CancelMessageMoveTaskCommand({ TaskHandle }));
      expect(cancelled.ApproximateNumberOfMessagesMoved).toBeLessThan(3);
      await expect(local().sqs.send(new CancelMessageMoveTaskCommand({ TaskHandle }))).rejects.toMatchObject({
        name: 'UnsupportedOperation',
      });
      expect(await tasks(SourceArn)).toMatchObject([{ Status: 'CANCELLED' }]);
    });

    it('begins once, of several calls at once', async () => {
      await deadMessages('raced', 3);
      const SourceArn = arn('raced-dead');
      const terms = { MaxNumberOfMessagesPerSecond: 1 };
      const calls = await Promise.allSettled(Array.from({ length: 5 }, () => start(SourceArn, terms)));
      const refusals = calls.flatMap((one) => (one.status === 'rejected' ? [one.reason.Code] : []));
      expect(refusals).toEqual(Array.from({ length: 4 }, () => 'InvalidParameterValue'));
      expect(await tasks(SourceArn)).toMatchObject([{ Status: 'RUNNING' }]);
    });

    it('is refused for a queue that does not exist or is no dead-letter queue, and for a handle that is none', async () => {
      await create('plain');
      const missing = { name: 'ResourceNotFoundException' };
      await expect(start(arn('nowhere'))).rejects.toMatchObject(missing);
      await expect(tasks(arn('nowhere'))).rejects.toMatchObject(missing);
      await expect(start(arn('plain'))).rejects.toMatchObject({ Code: 'InvalidParameterValue' });
      await expect(start('plain')).rejects.toMatchObject({ Code: 'InvalidParameterValue' });
      const cancel = (TaskHandle: string) => local().sqs.send(new CancelMessageMoveTaskCommand({ TaskHandle }));
      await expect(cancel('x')).rejects.toMatchObject({ Code: 'InvalidParameterValue' });
      for (const sourceArn of [arn('nowhere'), arn('plain')]) {
        const handle = Buffer.from(JSON.stringify({ taskId: 'none', sourceArn })).toString('base64');
        await expect(cancel(handle), sourceArn).rejects.toMatchObject(missing);
      }
      expect(await tasks(arn('plain'))).toEqual([]);
    });
  });
});
