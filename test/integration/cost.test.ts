/** What a message costs: exact counts, as a real DynamoDB engine reports them. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Ground, layGround } from '../../bench/ground.ts';
import { idleCost } from '../../bench/idle.ts';
import { costOfLife } from '../../bench/life.ts';
import { costOfSteps } from '../../bench/steps.ts';

let ground: Ground;
beforeAll(async () => {
  ground = await layGround();
});
afterAll(() => ground.close());

const messages = 100;

it.each([
  { batch: 1, writeUnits: 6, calls: 6 },
  { batch: 10, writeUnits: 0.6, calls: 0.6 },
])('the life of a small message costs $writeUnits write units and $calls calls at $batch a batch', async (expected) => {
  const { batch } = expected;
  const cost = await costOfLife(ground, { messages, bodyBytes: 40, publishBatch: batch, receiveBatch: batch, receivers: 1 });
  expect(cost.writeUnits).toBeCloseTo(expected.writeUnits, 9);
  expect(cost.refused).toBe(0);
  // The queue's settings are read again every two seconds. The other calls are exact.
  const settingsReads = (cost.calls - expected.calls) * messages;
  expect(settingsReads).toBeGreaterThanOrEqual(0);
  expect(settingsReads).toBeLessThan(messages * 0.2);
});

it('a message that is published alone and received with nine others costs 6 write units and a fifth of a read unit', async () => {
  const cost = await costOfLife(ground, { messages, bodyBytes: 40, publishBatch: 1, receiveBatch: 10, receivers: 1 });
  expect(cost.writeUnits).toBeCloseTo(6, 9);
  expect(cost.readUnits).toBeLessThan(0.25);
});

it('an idle consumer that polls every five seconds costs three calls and 2.5 read units for each receive', async () => {
  const idleGround = await layGround();
  const { asking } = await idleCost(idleGround);
  await idleGround.close();
  expect(asking).toEqual({ callsPerMinute: 12 * 3, readUnitsPerMinute: 12 * 2.5 });
});

it('each other step, and each life that begins or ends in another way, costs an exact number of write units', async () => {
  const steps = await costOfSteps(ground, 10);
  const tick = steps.pop()!;
  // Five, and one in some minutes that keeps the queue awake.
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
    ['whole life, prepared and committed', 10],
    ['publish under a key that is taken, ignored', 1],
    ['whole life, kept with a result', 6],
    ['the same, ten together', 0.7],
  ]);
});
