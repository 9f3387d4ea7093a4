/** Measures what publishing and acking in the caller's own transaction cost: the units that the caller's client consumes. */
import { createCorrectedClock } from '../engine/dynamo/corrected-clock.ts';
import { bodyOf } from './bodies.ts';
import { type Cost, createQueue, perMessage, stepBodyBytes } from './message-cost.ts';
import type { Step } from './steps.ts';
import type { Instance, TestBed } from './test-bed.ts';

const together = 10;

export async function costOfTransactionSteps(testBed: TestBed, messages: number): Promise<Step[]> {
  const name = (what: string, size: number) => `${what} in a transaction${size === 1 ? '' : `, ${size} together`}`;
  const steps: Step[] = [];
  for (const size of [1, together]) {
    const { publish, ack } = await costs(testBed, messages, size);
    steps.push({ name: name('publish', size), target: { atMost: 2 / size }, cost: publish });
    steps.push({ name: name('ack', size), target: { atMost: 4 / size }, cost: ack });
  }
  return steps;
}

async function costs(testBed: TestBed, messages: number, size: number): Promise<{ publish: Cost; ack: Cost }> {
  const { instance, queue } = await createQueue(testBed);
  // The first `publishItems` of a queue writes to its settings, once ever: exclude that write.
  await instance.engine.call('publishItems', queue, { messages: [{ body: bodyOf(stepBodyBytes) }] });
  instance.meter.reset();
  for (let left = messages; left > 0; left -= size) {
    const entries = Array.from({ length: size }, () => ({ body: bodyOf(stepBodyBytes) }));
    await commit(instance, (await instance.engine.call('publishItems', queue, { messages: entries })).items);
  }
  const publish = perMessage([instance], messages);
  const receiptsOfReceives: string[][] = [];
  for (let left = messages; left > 0; ) {
    const received = (await instance.engine.call('receive', queue, { max: size })).messages;
    receiptsOfReceives.push(received.map(({ receipt }) => receipt));
    left -= received.length;
  }
  instance.meter.reset();
  for (const receipts of receiptsOfReceives)
    await commit(instance, (await instance.engine.call('ackItems', queue, { receipts })).items);
  return { publish, ack: perMessage([instance], messages) };
}

async function commit({ client }: Instance, items: object[]): Promise<void> {
  await client.call('TransactWriteItems', { TransactItems: items }, { clock: createCorrectedClock() });
}
