/**
 * A standard queue against a model written from AWS's documentation: which messages are visible, in flight, delayed or deleted after
 * any sequence of calls, which tenant each has, and which handle counts. Visibility timeouts are 0 or longer than the test.
 */
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { sqsOnEachStore } from '../support/local-sqs.ts';
import { testSeed } from '../support/seed.ts';
import { commandsOf, type Play, playCommand, type Settling, settleBy } from '../support/sqs-model.ts';

const runs = 40;
const long = 600;

interface ModelMessage {
  tenant: string | undefined;
  state: 'visible' | 'inFlight' | 'delayed' | 'deleted';
  receives: number;
  /** Newest first. Without those of a message that may have left its lane. */
  handles: string[];
}

interface Sent {
  isDelayed: boolean;
  tenant: string | undefined;
}

const sent = fc.record({ isDelayed: fc.boolean(), tenant: fc.constantFrom(undefined, undefined, 'a', 'b') });
const settlings: Settling[] = ['delete', 'change'];
const commands = commandsOf(sent, 10, { send: 2, receive: 4, settle: 5, settlings });

class StandardPlay implements Play<Sent> {
  readonly #messages = new Map<string, ModelMessage>();
  readonly #sqs: SQSClient;
  readonly #url: string;

  constructor(sqs: SQSClient, url: string) {
    this.#sqs = sqs;
    this.#url = url;
  }

  #inState(state: ModelMessage['state']): ModelMessage[] {
    return [...this.#messages.values()].filter((message) => message.state === state);
  }

  async send(entries: readonly Sent[]): Promise<void> {
    const first = this.#messages.size;
    const Entries = entries.map(({ isDelayed, tenant }, index) => ({
      Id: String(index),
      MessageBody: `m${first + index}`,
      DelaySeconds: isDelayed ? 900 : 0,
      ...(tenant !== undefined && { MessageGroupId: tenant }),
    }));
    const { Successful = [] } = await this.#sqs.send(new SendMessageBatchCommand({ QueueUrl: this.#url, Entries }));
    expect(Successful).toHaveLength(entries.length);
    for (const [index, { isDelayed, tenant }] of entries.entries()) {
      const state = isDelayed ? 'delayed' : 'visible';
      this.#messages.set(`m${first + index}`, { tenant, state, receives: 0, handles: [] });
    }
  }

  /** Without a tenant, or of one that has nothing in flight. The others may wait for their lane, which SQS does not have. */
  #mustBeReceived(): ModelMessage[] {
    const busy = new Set(this.#inState('inFlight').map(({ tenant }) => tenant));
    return this.#inState('visible').filter(({ tenant }) => tenant === undefined || !busy.has(tenant));
  }

  async receive(max: number, isShort: boolean): Promise<number> {
    const { Messages = [] } = await this.#sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: this.#url,
        MaxNumberOfMessages: max,
        VisibilityTimeout: isShort ? 0 : long,
        MessageSystemAttributeNames: ['ApproximateReceiveCount', 'MessageGroupId'],
      }),
    );
    expect(Messages.length).toBeLessThanOrEqual(max);
    if (this.#mustBeReceived().length > 0) expect(Messages).not.toEqual([]);
    expect(new Set(Messages.map(({ MessageId }) => MessageId)).size).toBe(Messages.length);
    for (const { Body, ReceiptHandle, Attributes } of Messages) {
      const message = this.#messages.get(Body!)!;
      expect(message.state, Body).toBe('visible');
      message.receives++;
      expect(Attributes, Body).toEqual({
        ApproximateReceiveCount: String(message.receives),
        ...(message.tenant !== undefined && { MessageGroupId: message.tenant }),
      });
      message.handles.unshift(ReceiptHandle!);
      if (!isShort) message.state = 'inFlight';
    }
    for (const { tenant, handles } of this.#inState('visible')) {
      const isReceived = Messages.some(({ ReceiptHandle }) => handles.includes(ReceiptHandle!));
      if (tenant !== undefined && !isReceived) handles.length = 0;
    }
    return Messages.length;
  }

  async settle(kind: Settling, pick: number, age: number, isShort: boolean): Promise<void> {
    const candidates = [...this.#messages.values()].filter(({ handles }) => handles.length > age);
    const message = candidates[pick % Math.max(1, candidates.length)];
    if (!message) return;
    const counts = age === 0 && message.state !== 'deleted';
    const handle = { QueueUrl: this.#url, ReceiptHandle: message.handles[age] };
    await settleBy(this.#sqs, handle, kind === 'delete' ? kind : { change: isShort ? 0 : long }, counts);
    if (counts) message.state = kind === 'delete' ? 'deleted' : isShort ? 'visible' : 'inFlight';
  }

  async count(): Promise<void> {
    const { Attributes } = await this.#sqs.send(new GetQueueAttributesCommand({ QueueUrl: this.#url, AttributeNames: ['All'] }));
    expect(Attributes).toMatchObject({
      ApproximateNumberOfMessages: String(this.#inState('visible').length),
      ApproximateNumberOfMessagesNotVisible: String(this.#inState('inFlight').length),
      ApproximateNumberOfMessagesDelayed: String(this.#inState('delayed').length),
    });
  }
}

sqsOnEachStore((local) => {
  it('a standard queue does what a model of SQS does, call by call', async () => {
    let queues = 0;
    let received = 0;
    const property = fc.asyncProperty(commands, async (drawn) => {
      const { QueueUrl } = await local().sqs.send(new CreateQueueCommand({ QueueName: `model-${queues++}` }));
      const play = new StandardPlay(local().sqs, QueueUrl!);
      for (const one of drawn) received += await playCommand(play, one);
      while ((await play.receive(10, false)) > 0);
      await play.count();
    });
    await fc.assert(property, { seed: testSeed, numRuns: runs });
    expect(received).toBeGreaterThan(0);
  }, 120_000);
});
