/** The exact write units, read units and calls of a message, as the embedded DynamoDB engine reports them. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { idleCost } from '../../bench/idle.ts';
import { costOfMessages } from '../../bench/message-cost.ts';
import { costOfPushSteps } from '../../bench/push-steps.ts';
import { costOfGroupSteps } from '../../bench/record-steps.ts';
import { costOfSqsSteps } from '../../bench/sqs-steps.ts';
import { costOfSteps } from '../../bench/steps.ts';
import { createTestBed, type TestBed } from '../../bench/test-bed.ts';

let testBed: TestBed;
beforeAll(async () => {
  testBed = await createTestBed();
});
afterAll(() => testBed.close());

const messages = 100;

it.each([
  { batch: 1, writeUnits: 6, calls: 6 },
  { batch: 10, writeUnits: 0.6, calls: 0.6 },
])('a small message costs $writeUnits write units and $calls calls from publish to ack, with $batch per call', async (expected) => {
  const { batch } = expected;
  const cost = await costOfMessages(testBed, { messages, bodyBytes: 40, publishBatch: batch, receiveBatch: batch, receivers: 1 });
  expect(cost.writeUnits).toBeCloseTo(expected.writeUnits, 9);
  expect(cost.refused).toBe(0);
  // The settings of the queue are read again every two seconds. The other calls are exact.
  const settingsReads = (cost.calls - expected.calls) * messages;
  expect(settingsReads).toBeGreaterThanOrEqual(0);
  expect(settingsReads).toBeLessThan(messages * 0.2);
});

it('a message that is published alone and received with nine others costs 6 write units and 0.15 read units', async () => {
  const cost = await costOfMessages(testBed, { messages, bodyBytes: 40, publishBatch: 1, receiveBatch: 10, receivers: 1 });
  expect(cost.writeUnits).toBeCloseTo(6, 9);
  // Each call beyond these 3.3 reads the settings of the queue again, for one read unit.
  expect(cost.readUnits - (cost.calls - 3.3)).toBeCloseTo(0.15, 9);
});

it('a message that is published with nine others and received alone costs 2.7 write units', async () => {
  const cost = await costOfMessages(testBed, { messages, bodyBytes: 40, publishBatch: 10, receiveBatch: 1, receivers: 1 });
  expect(cost.writeUnits).toBeCloseTo(2.7, 9);
});

it('each receive of an idle consumer that polls every five seconds costs three calls and 2.5 read units', async () => {
  const idleTestBed = await createTestBed();
  const { polling } = await idleCost(idleTestBed);
  await idleTestBed.close();
  expect(polling).toEqual({ callsPerMinute: 12 * 3, readUnitsPerMinute: 12 * 2.5 });
});

it('each other step, and each other way to begin or end a message, costs exactly its listed write units', async () => {
  const steps = await costOfSteps(testBed, 10);
  const tick = steps.pop()!;
  // Five units, plus one in the minutes in which the queue has to be kept awake.
  expect(tick.name).toBe('a tick of a schedule, published');
  expect(tick.cost.writeUnits).toBeGreaterThanOrEqual(5);
  expect(tick.cost.writeUnits).toBeLessThanOrEqual(5.21);
  expect(steps.map(({ name, cost }) => [name, Number(cost.writeUnits.toFixed(9))])).toEqual([
    ['receive again, the first time', 3],
    ['receive again, each later time', 3],
    ['extend', 3],
    ['whole life, delayed', 7],
    ["whole life, under the caller's own id", 7],
    ['whole life, under a key', 7],
    ["whole life, in a group under the caller's own id", 16],
    ['whole life, in a group under a key', 13],
    ['whole life, prepared and committed', 10],
    ['publish under a key that is taken, ignored', 1],
    ['whole life, kept with a result', 6],
    ['the same, ten together', 0.7],
  ]);
});

it('a message of a group costs exactly its listed write units, alone, received with others and published with them', async () => {
  const steps = await costOfGroupSteps(testBed, 20);
  expect(steps.map(({ name, cost }) => [name, Number(cost.writeUnits.toFixed(9))])).toEqual([
    ['whole life, each in a group of its own', 11],
    ['whole life, one after another in one group', 11],
    ['the same, ten received together', 5.8],
    ['whole life, in one group, ten a call', 1.1],
    ['die in a group, and stay in it as a dead letter', 11],
    ['receive and ack such a dead letter', 9],
  ]);
});

it('a push costs two writes a wake-up besides those of the receives and acks', async () => {
  const steps = await costOfPushSteps(testBed, 100);
  expect(steps.map(({ name, cost }) => [name, Number(cost.writeUnits.toFixed(9))])).toEqual([
    ['push to a function, one message a wake-up', 7],
    ['push to a function, ten a wake-up, published together', 0.7],
    ['push to a function, a hundred a wake-up, in tens', 0.52],
  ]);
});

it('a message of SQS with a MessageGroupId costs the units of a group, and on a FIFO queue two more for its deduplication', async () => {
  const steps = await costOfSqsSteps(testBed, 100);
  const units = steps.map(({ cost }) => Number(cost.writeUnits.toFixed(9)));
  expect(units.slice(0, 3)).toEqual([11, 1.1, 13]);
  // How far deduplication ids can be deflated decides how many fit into a row.
  expect(units[3]).toBeLessThanOrEqual(9);
  expect(units[4]).toBeLessThanOrEqual(3.3);
});
