/** Measures the steps beyond a plain publish, receive and ack: redelivery, extend, own ids, keys, delays, prepared and kept messages, ticks. */
import { setTimeout as delay } from 'node:timers/promises';
import type { QueueSettings } from '../contract/contract.ts';
import { awakeMs, batchEntriesMax, sweepPeriodMs } from '../contract/limits.ts';
import { createCorrectedClock } from '../engine/dynamo/corrected-clock.ts';
import { arrivedMs } from '../engine/queues/sleep.ts';
import { bodyOf } from './bodies.ts';
import type { Ground, Instance } from './ground.ts';
import type { Cost } from './life.ts';
import { perMessage, publish } from './life.ts';
import type { Target } from './targets.ts';

export interface Step {
  name: string;
  /** Write units per message. */
  target: Target;
  cost: Cost;
}

const bodyBytes = 40;
const delaySeconds = 1;

/** Measures each step with one receiver, `messages` messages and bodies of forty bytes, one message per call unless the step says otherwise. */
export async function costOfSteps(ground: Ground, messages: number): Promise<Step[]> {
  return [
    { name: 'receive again, the first time', target: { atMost: 3 }, cost: await redelivery(ground, messages, 1) },
    { name: 'receive again, each later time', target: { atMost: 3 }, cost: await redelivery(ground, messages, 2) },
    { name: 'extend', target: { atMost: 3 }, cost: await extension(ground, messages) },
    { name: 'whole life, delayed', target: { atMost: 7 }, cost: await wholeLife(ground, messages, () => ({ delaySeconds })) },
    {
      name: "whole life, under the caller's own id",
      target: { atMost: 7 },
      cost: await wholeLife(ground, messages, (index) => ({ id: `mine-${index}` })),
    },
    {
      name: 'whole life, under a key',
      target: { atMost: 7 },
      cost: await wholeLife(ground, messages, (index) => ({ dedupKey: `key-${index}` }), underKeys),
    },
    { name: 'whole life, prepared and committed', target: { atMost: 10 }, cost: await preparedLife(ground, messages) },
    { name: 'publish under a key that is taken, ignored', target: { atMost: 1 }, cost: await duplicates(ground, messages) },
    { name: 'whole life, kept with a result', target: { atMost: 6 }, cost: await keptLife(ground, messages, 1) },
    { name: 'the same, ten together', target: { atMost: 0.7 }, cost: await keptLife(ground, messages, 10) },
    { name: 'a tick of a schedule, published', target: { atMost: 5.2 }, cost: await ticks(ground, messages) },
  ];
}

type Queue = { queue: string };

const underKeys: Partial<QueueSettings> = { deduplication: { windowSeconds: 60, onDuplicate: 'ignore' } };

async function queueOf(ground: Ground, settings: Partial<QueueSettings> = {}): Promise<{ instance: Instance; queue: Queue }> {
  const instance = ground.instance();
  const queue = { queue: `bench-${crypto.randomUUID()}` };
  await instance.engine.call('createQueue', queue, settings);
  instance.meter.reset();
  return { instance, queue };
}

async function publishEach({ engine }: Instance, queue: Queue, messages: number, more: (index: number) => object): Promise<void> {
  for (let index = 0; index < messages; index++) {
    const entry = { body: bodyOf(bodyBytes), ...more(index) };
    const { results } = await engine.call('publish', queue, { messages: [entry] });
    if (!results[0]!.ok) throw new Error(results[0]!.message);
  }
}

/** Receives until it holds `messages` receipts. */
async function receiveEach({ engine }: Instance, queue: Queue, messages: number, input: object = {}): Promise<string[]> {
  const receipts: string[] = [];
  while (receipts.length < messages) {
    const received = await engine.call('receive', queue, { max: 1, ...input });
    receipts.push(...received.messages.map(({ receipt }) => receipt));
  }
  return receipts;
}

/** The first redelivery deletes the row of `messages` again, because the first receive may have failed before it did. */
async function redelivery(ground: Ground, messages: number, times: number): Promise<Cost> {
  const { instance, queue } = await queueOf(ground, { backoff: null });
  await publishEach(instance, queue, messages, () => ({}));
  for (let time = 0; time < times; time++) await receiveEach(instance, queue, messages, { visibilityTimeoutSeconds: 0 });
  instance.meter.reset();
  await receiveEach(instance, queue, messages);
  return perMessage([instance], messages);
}

async function extension(ground: Ground, messages: number): Promise<Cost> {
  const { instance, queue } = await queueOf(ground);
  await publishEach(instance, queue, messages, () => ({}));
  const receipts = await receiveEach(instance, queue, messages);
  instance.meter.reset();
  for (const receipt of receipts) {
    await instance.engine.call('extend', queue, { receipts: [receipt], visibilityTimeoutSeconds: 60 });
  }
  return perMessage([instance], messages);
}

async function wholeLife(
  ground: Ground,
  messages: number,
  more: (index: number) => { id?: string; dedupKey?: string; delaySeconds?: number },
  settings?: Partial<QueueSettings>,
): Promise<Cost> {
  const { instance, queue } = await queueOf(ground, settings);
  await publishEach(instance, queue, messages, more);
  const longest = Math.max(...Array.from({ length: messages }, (_, index) => more(index).delaySeconds ?? 0));
  // Wait until all messages are due, so that no receive is empty.
  await delay(longest * 1000);
  for (const receipt of await receiveEach(instance, queue, messages)) {
    await instance.engine.call('ack', queue, { receipts: [receipt] });
  }
  return perMessage([instance], messages);
}

/** Publishes, receives and acks `batch` messages at a time. Each ack has a result of forty bytes. */
async function keptLife(ground: Ground, messages: number, batch: number): Promise<Cost> {
  const { instance, queue } = await queueOf(ground, { keep: { doneSeconds: 60, deadSeconds: 60 } });
  await publish(instance, queue, { messages, bodyBytes, publishBatch: batch });
  let left = messages;
  while (left > 0) {
    const { messages: received } = await instance.engine.call('receive', queue, { max: batch });
    left -= received.length;
    const receipts = received.map(({ receipt }) => receipt);
    await instance.engine.call('ack', queue, { receipts, result: bodyOf(bodyBytes) });
  }
  return perMessage([instance], messages);
}

async function duplicates(ground: Ground, messages: number): Promise<Cost> {
  const { instance, queue } = await queueOf(ground, underKeys);
  await publishEach(instance, queue, 1, () => ({ dedupKey: 'key' }));
  instance.meter.reset();
  await publishEach(instance, queue, messages, () => ({ dedupKey: 'key' }));
  return perMessage([instance], messages);
}

async function preparedLife(ground: Ground, messages: number): Promise<Cost> {
  const { instance, queue } = await queueOf(ground, { prepared: { timeoutSeconds: 3600, checkBack: null } });
  for (let index = 0; index < messages; index++) {
    const { results } = await instance.engine.call('publish', queue, { messages: [{ body: bodyOf(bodyBytes), prepared: true }] });
    const [result] = results;
    if (!result?.ok) throw new Error('a message was not prepared');
    await instance.engine.call('commitMessage', { ...queue, id: result.id }, {});
  }
  for (const receipt of await receiveEach(instance, queue, messages)) {
    await instance.engine.call('ack', queue, { receipts: [receipt] });
  }
  return perMessage([instance], messages);
}

/**
 * One tick per minute, which that minute's sweep publishes in a transaction. The cost of a sweep without ticks is subtracted; the cost of
 * visits to the queue that the ticks keep awake is not.
 */
async function ticks(ground: Ground, messages: number): Promise<Cost> {
  const time = { now: Date.now() };
  // Ignore DynamoDB's time: the clock here is virtual.
  const clock = { ...createCorrectedClock(() => time.now), observe: () => {} };
  const instance = ground.instance({ clock });
  // A separate, uncounted consumer removes the messages: otherwise each sweep would read them.
  const consumer = ground.instance({ clock });
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
  await engine.call('putSchedule', { name }, { queue: name, everySeconds: 60, message: { body: bodyOf(bodyBytes) } });
  const busy = await sweeps();
  await engine.call('deleteSchedule', { name }, {});
  return {
    writeUnits: busy.writeUnits - idle.writeUnits,
    readUnits: busy.readUnits - idle.readUnits,
    calls: busy.calls - idle.calls,
    refused: busy.refused - idle.refused,
  };
}
