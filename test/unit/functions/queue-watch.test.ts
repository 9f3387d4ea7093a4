import { afterEach, beforeEach, expect, test } from 'vitest';
import { createEngine } from '../../../engine/create.ts';
import type { Engine } from '../../../engine/engine.ts';
import { createMemoryStore } from '../../../engine/memory/store.ts';
import type { Store } from '../../../engine/port/port.ts';
import { seededRandom } from '../../../engine/port/random.ts';
import { createQueueWatch, type QueueWatch } from '../../../functions/local/queue-watch.ts';
import { createDrivenClock, type DrivenClock } from '../../support/driven-clock.ts';
import { eventually } from '../../support/eventually.ts';
import { testSeed } from '../../support/seed.ts';

const queue = { queue: 'q' };

let clock: DrivenClock;
let store: Store;
/** The engine of the process that watches, and one of another process on the same store. */
let own: Engine;
let other: Engine;
let watch: QueueWatch;
let told: [listener: number, inMs: number][];
let ends: (() => void)[];
let looks: number;

beforeEach(async () => {
  clock = createDrivenClock();
  clock.leaping = false;
  const memory = createMemoryStore({ now: clock.now });
  looks = 0;
  store = memory;
  [own, other] = [1, 2].map((process) => createEngine({ store, clock, random: seededRandom(testSeed + process) })) as [
    Engine,
    Engine,
  ];
  [told, ends] = [[], []];
  await own.call('createQueue', queue, {});
});
afterEach(() => {
  for (const end of ends) end();
  clock.leaping = true;
});

function startWatch(isShared: boolean): void {
  const engine = {
    onWakeup: own.onWakeup,
    nextDue: async (name: string) => {
      const due = await own.nextDue(name);
      looks++;
      return due;
    },
  };
  watch = createQueueWatch({ engine, clock, isShared, onError: (error) => Promise.reject(error) });
}

/** Listens with so many listeners, and waits until the watch has looked. */
async function listen(count = 1): Promise<void> {
  const before = looks;
  for (let index = 0; index < count; index++) {
    const listener = ends.length;
    ends.push(watch.listen('q', (inMs) => told.push([listener, inMs])));
  }
  if (before === 0) await eventually(() => looks > 0);
}

/** Lets a second pass, and waits for the look that it brings. */
async function look(): Promise<void> {
  const before = looks;
  await eventually(() => clock.sleepers() > 0);
  clock.advance(1_000);
  await eventually(() => looks > before);
}

const publish = (engine: Engine, more = {}) => engine.call('publish', queue, { messages: [{ body: 1, ...more }] });

test('a publish of this process tells a listener, which then no longer listens', async () => {
  startWatch(false);
  await listen();
  await publish(own);
  await eventually(() => told.length === 1);
  await publish(own);
  expect(told).toEqual([[0, 0]]);
});

test('a publish of another process is noticed within a second where the store is shared', async () => {
  startWatch(true);
  await listen();
  await publish(other);
  expect(told).toEqual([]);
  await look();
  await eventually(() => told.length === 1);
});

test('where no other process changes the store, a watch does not look by itself', async () => {
  startWatch(false);
  await listen();
  expect(clock.sleepers()).toBe(0);
  expect(looks).toBe(1);
});

test('a queue whose messages cannot be received is told of once, not at each look', async () => {
  await own.call('updateQueue', queue, { paused: true });
  startWatch(true);
  await listen();
  await publish(other);
  await look();
  await eventually(() => told.length === 1);
  await listen();
  for (let time = 0; time < 5; time++) await look();
  expect(told).toEqual([[0, 0]]);
});

test('a delayed message is told of with the time until then, and its listener goes on listening', async () => {
  startWatch(false);
  await listen();
  await publish(own, { delaySeconds: 30 });
  await eventually(() => told.length === 1);
  await publish(own);
  await eventually(() => told.length === 2);
  expect(told).toEqual([
    [0, 30_000],
    [0, 0],
  ]);
});

test('ten listeners are told of a message, and the others a second later if it still waits', async () => {
  startWatch(false);
  await listen(25);
  await publish(own);
  await eventually(() => told.length === 10);
  await look();
  await eventually(() => told.length === 25);
  expect(new Set(told.map(([listener]) => listener)).size).toBe(25);
});

test('the other listeners are left alone if the message was received', async () => {
  startWatch(false);
  await listen(25);
  await publish(own);
  await eventually(() => told.length === 10);
  await own.call('receive', queue, {});
  await look();
  expect(told).toHaveLength(10);
  await publish(own);
  await eventually(() => told.length === 20);
});

test('a watch ends with its last listener', async () => {
  startWatch(true);
  await listen();
  await eventually(() => clock.sleepers() > 0);
  ends[0]!();
  await eventually(() => clock.sleepers() === 0);
});

test('listeners of a queue that is deleted are told once, so that they receive and learn of it', async () => {
  startWatch(true);
  await listen();
  await other.call('deleteQueue', queue, {});
  for (let second = 0; second < 5 && told.length === 0; second++) {
    await eventually(() => clock.sleepers() > 0);
    clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await eventually(() => told.length > 0);
  expect(told).toEqual([[0, 0]]);
});
