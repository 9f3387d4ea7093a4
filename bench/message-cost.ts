/** The calls that the cost measurements share, and the cost of messages from publish to ack. */

import type { PublishEntry, QueueSettings } from '../contract/contract.ts';
import { bodyOf } from './bodies.ts';
import type { MeteredCapacity } from './capacity-meter.ts';
import type { Instance, TestBed } from './test-bed.ts';

export interface MessagePlan {
  messages: number;
  bodyBytes: number;
  /** Messages per publish. */
  publishBatch: number;
  /** Messages that one receive requests; also the maximum of receipts per ack. */
  receiveBatch: number;
  receivers: number;
}

export interface Cost {
  writeUnits: number;
  readUnits: number;
  calls: number;
  /** Writes whose condition failed. */
  refused: number;
}

/** A queue, and the process that uses it. */
export interface QueueUser {
  instance: Instance;
  queue: { queue: string };
}

/** Body size of the steps, which measure small messages. */
export const stepBodyBytes = 40;

/** Creates a queue. What that costs is not counted. */
export async function createQueue(testBed: TestBed, settings: Partial<QueueSettings> = {}): Promise<QueueUser> {
  const instance = testBed.instance();
  const queue = { queue: `bench-${crypto.randomUUID()}` };
  await instance.engine.call('createQueue', queue, settings);
  instance.meter.reset();
  return { instance, queue };
}

/** Publishes one call after another. Returns the ids of the messages. */
export async function publishEach(
  { instance, queue }: QueueUser,
  messages: number,
  entryOf: (index: number) => Omit<PublishEntry, 'body'> = () => ({}),
  batch = 1,
): Promise<string[]> {
  const ids: string[] = [];
  for (let at = 0; at < messages; at += batch) {
    const entries = Array.from({ length: batch }, (_, index) => ({ body: bodyOf(stepBodyBytes), ...entryOf(at + index) }));
    const { results } = await instance.engine.call('publish', queue, { messages: entries });
    for (const result of results) {
      if (!result.ok) throw new Error(result.message);
      ids.push(result.id);
    }
  }
  return ids;
}

/** Receives until it holds `messages` receipts. */
export async function receiveEach({ instance, queue }: QueueUser, messages: number, input: object = {}): Promise<string[]> {
  const receipts: string[] = [];
  while (receipts.length < messages) {
    const received = await instance.engine.call('receive', queue, { max: 1, ...input });
    receipts.push(...received.messages.map(({ receipt }) => receipt));
  }
  return receipts;
}

/** Receives and acks, `batch` messages per call, until all are acked. */
export async function receiveAndAck(
  { instance, queue }: QueueUser,
  messages: number,
  batch = 1,
  input: object = {},
): Promise<void> {
  for (let left = messages; left > 0; ) {
    const received = await instance.engine.call('receive', queue, { max: batch });
    const receipts = received.messages.map(({ receipt }) => receipt);
    if (receipts.length > 0) await instance.engine.call('ack', queue, { receipts, ...input });
    left -= receipts.length;
  }
}

/** Average cost of publish, receive and ack of one message, with several concurrent receivers. */
export async function costOfMessages(testBed: TestBed, plan: MessagePlan): Promise<Cost> {
  const publisher = await createQueue(testBed);
  const { queue } = publisher;
  await publishConcurrently(publisher, plan);

  const receivers = Array.from({ length: plan.receivers }, () => testBed.instance());
  let left = plan.messages;
  await Promise.all(
    receivers.map(async ({ engine }) => {
      while (left > 0) {
        const { messages } = await engine.call('receive', queue, { max: plan.receiveBatch });
        left -= messages.length;
        if (messages.length === 0) continue;
        const { results } = await engine.call('ack', queue, { receipts: messages.map(({ receipt }) => receipt) });
        if (results.some(({ ok }) => !ok)) throw new Error('a message that was just received could not be acked');
      }
    }),
  );
  if (left < 0) throw new Error(`${-left} messages were received more than once`);
  return perMessage([publisher.instance, ...receivers], plan.messages);
}

/** Publishes with a few concurrent calls. Concurrency does not distort the result, because calls are counted, not timed. */
export async function publishConcurrently(
  { instance, queue }: QueueUser,
  { messages, bodyBytes, publishBatch }: Pick<MessagePlan, 'messages' | 'bodyBytes' | 'publishBatch'>,
): Promise<void> {
  let left = messages;
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      while (left > 0) {
        const count = Math.min(publishBatch, left);
        left -= count;
        const entries = Array.from({ length: count }, () => ({ body: bodyOf(bodyBytes) }));
        const { results } = await instance.engine.call('publish', queue, { messages: entries });
        if (results.some(({ ok }) => !ok)) throw new Error('a message could not be published');
      }
    }),
  );
}

export function perMessage(instances: readonly Instance[], messages: number): Cost {
  const counted = instances.map(({ meter }) => meter.counted);
  const each = (of: keyof MeteredCapacity) => counted.reduce((sum, one) => sum + one[of], 0) / messages;
  return { writeUnits: each('writeUnits'), readUnits: each('readUnits'), calls: each('calls'), refused: each('refused') };
}
