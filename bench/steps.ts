/** Measures the steps beyond a plain publish, receive and ack: redelivery, extend, own ids, keys, delays, prepared and kept messages, ticks. */
import { setTimeout as delay } from 'node:timers/promises';
import type { QueueSettings } from '../contract/contract.ts';
import { awakeMs, batchEntriesMax, sweepPeriodMs } from '../contract/limits.ts';
import { createCorrectedClock } from '../engine/dynamo/corrected-clock.ts';
import { arrivedMs } from '../engine/queues/sleep.ts';
import { bodyOf } from './bodies.ts';
import {
  type Cost,
  createQueue,
  perMessage,
  publishConcurrently,
  publishEach,
  receiveAndAck,
  receiveEach,
  stepBodyBytes,
} from './message-cost.ts';
import type { Target } from './targets.ts';
import type { TestBed } from './test-bed.ts';

export interface Step {
  name: string;
  /** Write units per message. */
  target: Target;
  cost: Cost;
}

const delaySeconds = 1;

/** Measures each step with one receiver, `messages` messages and bodies of forty bytes, one message per call unless the step says otherwise. */
export async function costOfSteps(testBed: TestBed, messages: number): Promise<Step[]> {
  return [
    { name: 'receive again, the first time', target: { atMost: 3 }, cost: await redelivery(testBed, messages, 1) },
    { name: 'receive again, each later time', target: { atMost: 3 }, cost: await redelivery(testBed, messages, 2) },
    { name: 'extend', target: { atMost: 3 }, cost: await extension(testBed, messages) },
    { name: 'whole life, delayed', target: { atMost: 7 }, cost: await wholeLife(testBed, messages, () => ({ delaySeconds })) },
    {
      name: "whole life, under the caller's own id",
      target: { atMost: 7 },
      cost: await wholeLife(testBed, messages, (index) => ({ id: `mine-${index}` })),
    },
    {
      name: 'whole life, under a key',
      target: { atMost: 7 },
      cost: await wholeLife(testBed, messages, (index) => ({ dedupKey: `key-${index}` }), withKeys),
    },
    {
      name: "whole life, in a group under the caller's own id",
      target: { atMost: 16 },
      cost: await wholeLife(testBed, messages, (index) => ({ group: 'g', id: `mine-${index}` })),
    },
    {
      name: 'whole life, in a group under a key',
      target: { atMost: 13 },
      cost: await wholeLife(testBed, messages, (index) => ({ group: 'g', dedupKey: `key-${index}` }), withKeys),
    },
    { name: 'whole life, prepared and committed', target: { atMost: 10 }, cost: await preparedLife(testBed, messages) },
    { name: 'publish under a key that is taken, ignored', target: { atMost: 1 }, cost: await duplicates(testBed, messages) },
    { name: 'whole life, kept with a result', target: { atMost: 6 }, cost: await keptLife(testBed, messages, 1) },
    { name: 'the same, ten together', target: { atMost: 0.7 }, cost: await keptLife(testBed, messages, 10) },
    { name: 'a tick of a schedule, published', target: { atMost: 5.2 }, cost: await ticks(testBed, messages) },
  ];
}

const withKeys: Partial<QueueSettings> = { deduplication: { windowSeconds: 60, onDuplicate: 'ignore' } };

/** The first redelivery deletes the row of `messages` again, because the first receive may have failed before it did. */
async function redelivery(testBed: TestBed, messages: number, times: number): Promise<Cost> {
  const user = await createQueue(testBed, { backoff: null });
  await publishEach(user, messages);
  for (let time = 0; time < times; time++) await receiveEach(user, messages, { visibilityTimeoutSeconds: 0 });
  user.instance.meter.reset();
  await receiveEach(user, messages);
  return perMessage([user.instance], messages);
}

async function extension(testBed: TestBed, messages: number): Promise<Cost> {
  const user = await createQueue(testBed);
  const { instance, queue } = user;
  await publishEach(user, messages);
  const receipts = await receiveEach(user, messages);
  instance.meter.reset();
  for (const receipt of receipts) {
    await instance.engine.call('extend', queue, { receipts: [receipt], visibilityTimeoutSeconds: 60 });
  }
  return perMessage([instance], messages);
}

async function wholeLife(
  testBed: TestBed,
  messages: number,
  entryOf: (index: number) => { id?: string; dedupKey?: string; delaySeconds?: number },
  settings?: Partial<QueueSettings>,
): Promise<Cost> {
  const user = await createQueue(testBed, settings);
  await publishEach(user, messages, entryOf);
  const longest = Math.max(...Array.from({ length: messages }, (_, index) => entryOf(index).delaySeconds ?? 0));
  // Wait until all messages are due, so that no receive is empty.
  await delay(longest * 1000);
  await receiveAndAck(user, messages);
  return perMessage([user.instance], messages);
}

/** Publishes, receives and acks `batch` messages at a time. Each ack has a result of forty bytes. */
async function keptLife(testBed: TestBed, messages: number, batch: number): Promise<Cost> {
  const user = await createQueue(testBed, { keep: { doneSeconds: 60, deadSeconds: 60 } });
  await publishConcurrently(user, { messages, bodyBytes: stepBodyBytes, publishBatch: batch });
  await receiveAndAck(user, messages, batch, { result: bodyOf(stepBodyBytes) });
  return perMessage([user.instance], messages);
}

async function duplicates(testBed: TestBed, messages: number): Promise<Cost> {
  const user = await createQueue(testBed, withKeys);
  await publishEach(user, 1, () => ({ dedupKey: 'key' }));
  user.instance.meter.reset();
  await publishEach(user, messages, () => ({ dedupKey: 'key' }));
  return perMessage([user.instance], messages);
}

async function preparedLife(testBed: TestBed, messages: number): Promise<Cost> {
  const user = await createQueue(testBed, { prepared: { timeoutSeconds: 3600, checkBack: null } });
  const { instance, queue } = user;
  for (let index = 0; index < messages; index++) {
    const [id] = await publishEach(user, 1, () => ({ prepared: true }));
    await instance.engine.call('commitMessage', { ...queue, id: id! }, {});
  }
  await receiveAndAck(user, messages);
  return perMessage([instance], messages);
}

/**
 * One tick per minute, which that minute's sweep publishes in a transaction. The cost of a sweep without ticks is subtracted; the cost of
 * visits to the queue that the ticks keep awake is not.
 */
async function ticks(testBed: TestBed, messages: number): Promise<Cost> {
  const time = { now: Date.now() };
  // Ignore DynamoDB's time: the clock here is virtual.
  const clock = { ...createCorrectedClock(() => time.now), observe: () => {} };
  const instance = testBed.instance({ clock });
  // A separate, uncounted consumer removes the messages: otherwise each sweep would read them.
  const consumer = testBed.instance({ clock });
  const name = `bench-${crypto.randomUUID()}`;
  const { engine } = instance;
  const sweeps = async () => {
    instance.meter.reset();
    for (let minute = 0; minute < messages; minute++) {
      time.now += sweepPeriodMs;
      await engine.sweep({ until: time.now + sweepPeriodMs });
      const { messages: due } = await consumer.engine.call('receive', { queue: name }, { max: batchEntriesMax });
      const receipts = due.map(({ receipt }) => receipt);
      if (receipts.length > 0) await consumer.engine.call('ack', { queue: name }, { receipts });
    }
    return perMessage([instance], messages);
  };
  await engine.call('createQueue', { queue: name }, {});
  // Let all queues fall asleep first. The difference is then the cost of the ticks, including that they keep their queue awake.
  for (const pause of [awakeMs + arrivedMs + sweepPeriodMs, sweepPeriodMs]) {
    time.now += pause;
    await engine.sweep({ until: time.now + sweepPeriodMs });
  }
  const idle = await sweeps();
  await engine.call('putSchedule', { name }, { queue: name, everySeconds: 60, message: { body: bodyOf(stepBodyBytes) } });
  const busy = await sweeps();
  await engine.call('deleteSchedule', { name }, {});
  return {
    writeUnits: busy.writeUnits - idle.writeUnits,
    readUnits: busy.readUnits - idle.readUnits,
    calls: busy.calls - idle.calls,
    refused: busy.refused - idle.refused,
  };
}
