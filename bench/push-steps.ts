/** Measures what pushing costs in DynamoDB, with all that a run of the dispatch function does from its wake-up to the ack. */

import { anyHost } from '../contract/host-rule.ts';
import { dynamoParts } from '../engine/dynamo/parts.ts';
import { assembleQueue } from '../functions/assembly.ts';
import { queuesToDispatch } from '../functions/push/wake.ts';
import { type Cost, createQueue, perMessage, publishConcurrently, stepBodyBytes } from './message-cost.ts';
import type { Step } from './steps.ts';
import { type TestBed, tableNames } from './test-bed.ts';

const log = { info: () => {}, warn: console.error, error: console.error };

/** How many messages one wake-up finds, and how many are published and delivered at a time. */
const wakeUps = [
  { name: 'push to a function, one message a wake-up', found: 1, batch: 1, target: 7 },
  { name: 'push to a function, ten a wake-up, published together', found: 10, batch: 10, target: 0.7 },
  { name: 'push to a function, a hundred a wake-up, in tens', found: 100, batch: 10, target: 0.52 },
];

/** Publishing is not counted. */
export async function costOfPushSteps(testBed: TestBed, messages: number): Promise<Step[]> {
  const steps: Step[] = [];
  for (const { name, target, found, batch } of wakeUps) {
    const count = Math.ceil(messages / found) * found;
    steps.push({ name, target: { atMost: target }, cost: await costOfWakeUps(testBed, count, found, batch) });
  }
  return steps;
}

async function costOfWakeUps(testBed: TestBed, messages: number, found: number, batch: number): Promise<Cost> {
  const publisher = await createQueue(testBed);
  const name = publisher.queue.queue;
  const instance = testBed.instance();
  const parts = dynamoParts({ client: instance.client, tables: tableNames, forJson: true });
  let delivered = 0;
  const invoke = async (_: string, event: string) => {
    delivered += (JSON.parse(event) as { Records: unknown[] }).Records.length;
    return '';
  };
  const { records, targets, dispatcher, clock } = assembleQueue({ parts, log, hosts: anyHost, invoke });
  await targets.put(name, 'function', { functionName: 'function', batchSize: batch });
  instance.meter.reset();
  for (let left = messages; left > 0; left -= found) {
    await publishConcurrently(publisher, { messages: found, bodyBytes: stepBodyBytes, publishBatch: batch });
    // As functions/lambda/dispatch.ts does.
    for (const queue of await queuesToDispatch({ records, clock }, { queues: [name] })) {
      const options = { until: Number.POSITIVE_INFINITY, signal: new AbortController().signal, keepsWaiting: false };
      for (const target of (await records.ofQueue(queue))!.targets) await dispatcher.drain(target, options);
    }
  }
  if (delivered !== messages) throw new Error(`${delivered} of ${messages} messages were delivered`);
  return perMessage([instance], messages);
}
