/**
 * A standard queue against a model written from AWS's documentation: which messages are visible, in flight, delayed or deleted after
 * any sequence of calls, and which handle counts. Visibility timeouts are 0 or longer than the test.
 */
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
} from '@aws-sdk/client-sqs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { sqsForTests } from '../support/local-sqs.ts';
import { testSeed } from '../support/seed.ts';

const runs = 40;
const long = 600;

const local = sqsForTests();

interface ModelMessage {
  state: 'visible' | 'inFlight' | 'delayed' | 'deleted';
  receives: number;
  /** Newest first. */
  handles: string[];
}

type Command =
  | { kind: 'send'; delays: boolean[] }
  | { kind: 'receive'; max: number; isShort: boolean }
  | { kind: 'delete' | 'change'; pick: number; age: number; isShort: boolean }
  | { kind: 'count' };

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('send' as const), delays: fc.array(fc.boolean(), { minLength: 1, maxLength: 10 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('receive' as const), max: fc.integer({ min: 1, max: 10 }), isShort: fc.boolean() }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom('delete' as const, 'change' as const),
      pick: fc.nat(),
      age: fc.constantFrom(0, 0, 0, 1),
      isShort: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'count' as const }) },
);

class Play {
  readonly #messages = new Map<string, ModelMessage>();
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  #inState(state: ModelMessage['state']): ModelMessage[] {
    return [...this.#messages.values()].filter((message) => message.state === state);
  }

  async send(delays: readonly boolean[]): Promise<void> {
    const first = this.#messages.size;
    const Entries = delays.map((isDelayed, index) => ({
      Id: String(index),
      MessageBody: `m${first + index}`,
      DelaySeconds: isDelayed ? 900 : 0,
    }));
    const { Successful = [] } = await local().sqs.send(new SendMessageBatchCommand({ QueueUrl: this.#url, Entries }));
    expect(Successful).toHaveLength(delays.length);
    for (const [index, isDelayed] of delays.entries()) {
      this.#messages.set(`m${first + index}`, { state: isDelayed ? 'delayed' : 'visible', receives: 0, handles: [] });
    }
  }

  /** Returns how many messages there were. */
  async receive(max: number, isShort: boolean): Promise<number> {
    const { Messages = [] } = await local().sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: this.#url,
        MaxNumberOfMessages: max,
        VisibilityTimeout: isShort ? 0 : long,
        MessageSystemAttributeNames: ['ApproximateReceiveCount'],
      }),
    );
    expect(Messages.length).toBeLessThanOrEqual(max);
    if (this.#inState('visible').length > 0) expect(Messages).not.toEqual([]);
    expect(new Set(Messages.map(({ MessageId }) => MessageId)).size).toBe(Messages.length);
    for (const { Body, ReceiptHandle, Attributes } of Messages) {
      const message = this.#messages.get(Body!)!;
      expect(message.state, Body).toBe('visible');
      message.receives++;
      expect(Attributes, Body).toEqual({ ApproximateReceiveCount: String(message.receives) });
      message.handles.unshift(ReceiptHandle!);
      if (!isShort) message.state = 'inFlight';
    }
    return Messages.length;
  }

  /** `age` 0: by the newest handle of a message, 1: by the one before. */
  async settle(kind: 'delete' | 'change', pick: number, age: number, isShort: boolean): Promise<void> {
    const candidates = [...this.#messages.values()].filter(({ handles }) => handles.length > age);
    const message = candidates[pick % Math.max(1, candidates.length)];
    if (!message) return;
    const given = { QueueUrl: this.#url, ReceiptHandle: message.handles[age] };
    const counts = age === 0 && message.state !== 'deleted';
    if (kind === 'delete') {
      await local().sqs.send(new DeleteMessageCommand(given));
      if (counts) message.state = 'deleted';
      return;
    }
    const change = new ChangeMessageVisibilityCommand({ ...given, VisibilityTimeout: isShort ? 0 : long });
    if (!counts) {
      await expect(local().sqs.send(change)).rejects.toMatchObject({ name: 'MessageNotInflight' });
      return;
    }
    // Of a message that is visible again, SQS refuses this; here the newest handle still counts.
    await local().sqs.send(change);
    message.state = isShort ? 'visible' : 'inFlight';
  }

  async count(): Promise<void> {
    const { Attributes } = await local().sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: this.#url, AttributeNames: ['All'] }),
    );
    expect(Attributes).toMatchObject({
      ApproximateNumberOfMessages: String(this.#inState('visible').length),
      ApproximateNumberOfMessagesNotVisible: String(this.#inState('inFlight').length),
      ApproximateNumberOfMessagesDelayed: String(this.#inState('delayed').length),
    });
  }
}

it('a standard queue does what a model of SQS does, call by call', async () => {
  let queues = 0;
  let received = 0;
  const property = fc.asyncProperty(fc.array(command, { maxLength: 40 }), async (commands) => {
    const { QueueUrl } = await local().sqs.send(new CreateQueueCommand({ QueueName: `model-${queues++}` }));
    const play = new Play(QueueUrl!);
    for (const one of commands) {
      if (one.kind === 'send') await play.send(one.delays);
      else if (one.kind === 'receive') received += await play.receive(one.max, one.isShort);
      else if (one.kind === 'count') await play.count();
      else await play.settle(one.kind, one.pick, one.age, one.isShort);
    }
    while ((await play.receive(10, false)) > 0);
    await play.count();
  });
  await fc.assert(property, { seed: testSeed, numRuns: runs });
  expect(received).toBeGreaterThan(0);
}, 120_000);
