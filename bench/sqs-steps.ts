/** Measures what messages of SQS cost that have a `MessageGroupId`: on a standard queue, and on a FIFO queue. */

import { contentOf, sentMessage } from '../functions/sqs/messages.ts';
import { createdSettings } from '../functions/sqs/queue-attributes.ts';
import type { SqsQueue } from '../functions/sqs/queue-rows.ts';
import { bodyOf } from './bodies.ts';
import { type Cost, createQueue, perMessage, type QueueUser, receiveAndAck, stepBodyBytes } from './message-cost.ts';
import type { Step } from './steps.ts';
import type { TestBed } from './test-bed.ts';

const tens = 10;

export async function costOfSqsSteps(testBed: TestBed, messages: number): Promise<Step[]> {
  const life = (name: string, batch: number, input: () => object) => wholeLife(testBed, messages, { name, batch, input });
  const tenant = () => ({ MessageGroupId: 'tenant' });
  const ordered = () => ({ MessageGroupId: 'order-4711', MessageDeduplicationId: crypto.randomUUID() });
  return [
    {
      name: 'SQS: whole life, standard, with a MessageGroupId',
      target: { atMost: 12 },
      cost: await life('sqs', 1, tenant),
    },
    { name: 'SQS: the same, ten a call', target: { atMost: 1.2 }, cost: await life('sqs', tens, tenant) },
    { name: 'SQS: whole life, FIFO', target: { atMost: 14 }, cost: await life('sqs.fifo', 1, ordered) },
    {
      name: 'SQS: the same, ten received together',
      target: { atMost: 9 },
      cost: await wholeLife(testBed, messages, { name: 'sqs.fifo', batch: 1, receiveBatch: tens, input: ordered }),
    },
    { name: 'SQS: the same, ten a call of one group', target: { atMost: 3.3 }, cost: await life('sqs.fifo', tens, ordered) },
  ];
}

interface Plan {
  /** The end of the queue's name, which says its type. */
  name: string;
  batch: number;
  /** Messages per receive and per ack, if not as many. */
  receiveBatch?: number;
  input: () => object;
}

async function wholeLife(testBed: TestBed, messages: number, { name, batch, receiveBatch, input }: Plan): Promise<Cost> {
  const user = await createQueue(testBed, createdSettings(name));
  await sendEach(user, messages, { name, batch, input });
  await receiveAndAck(user, messages, receiveBatch ?? batch);
  return perMessage([user.instance], messages);
}

/** Sends as the SQS API does. */
async function sendEach({ instance, queue }: QueueUser, messages: number, { name, batch, input }: Plan): Promise<void> {
  const asStored = { record: { name, delaySeconds: 0 }, extras: { attributes: {} } } as SqsQueue;
  for (let at = 0; at < messages; at += batch) {
    const entries = Array.from({ length: batch }, () => {
      const MessageBody = JSON.stringify(bodyOf(stepBodyBytes));
      const sent = { MessageBody, ...input() };
      return sentMessage(sent, contentOf(sent), asStored).entry;
    });
    const { results } = await instance.engine.publishUnchecked(queue.queue, entries, {});
    for (const result of results) if (!result.ok) throw new Error(result.message);
  }
}
