import { afterEach, beforeEach, expect, test } from 'vitest';
import { createEngine } from '../../../engine/create.ts';
import type { Engine } from '../../../engine/engine.ts';
import { createMemoryStore } from '../../../engine/memory/store.ts';
import { seededRandom } from '../../../engine/port/random.ts';
import { createEndWatch } from '../../../functions/local/end-watch.ts';
import { createDrivenClock, type DrivenClock } from '../../support/driven-clock.ts';
import { eventually } from '../../support/eventually.ts';
import { testSeed } from '../../support/seed.ts';

const queue = { queue: 'q' };

let clock: DrivenClock;
/** The engine of the process that watches, and one of another process on the same store. */
let own: Engine;
let other: Engine;
let told: string[];
let stops: (() => void)[];

beforeEach(async () => {
  clock = createDrivenClock();
  clock.leaping = false;
  const store = createMemoryStore({ now: clock.now });
  own = createEngine({ store, clock, random: seededRandom(testSeed) });
  other = createEngine({ store, clock, random: seededRandom(testSeed + 1) });
  [told, stops] = [[], []];
  await own.call('createQueue', queue, { keep: { doneSeconds: 60 } });
  await own.call('publish', queue, { messages: ['a', 'b'].map((id) => ({ body: 1, id })) });
});
afterEach(() => {
  for (const stop of stops) stop();
  clock.leaping = true;
});

function watch(id: string, isShared = false): () => void {
  const stop = createEndWatch({ engine: own, clock, isShared })('q', id, () => told.push(id));
  stops.push(stop);
  return stop;
}

async function ackAll(engine: Engine): Promise<void> {
  const { messages } = await engine.call('receive', queue, { max: 10 });
  await engine.call('ack', queue, { receipts: messages.map(({ receipt }) => receipt), result: 1 });
}

test('an ack in the process tells of the message once, and not a listener that has stopped', async () => {
  watch('a');
  watch('b')();
  await ackAll(own);
  expect(told).toEqual(['a']);
});

test('an ack of another process is noticed within a second where the store is shared', async () => {
  watch('a', true);
  clock.advance(1_000);
  await ackAll(other);
  expect(told).toEqual([]);
  await eventually(() => {
    clock.advance(1_000);
    return told.length > 0;
  });
  expect(told).toEqual(['a']);
});

test('a cancelled message is told of, since it cannot be read any more', async () => {
  watch('a', true);
  await other.call('cancelMessage', { ...queue, id: 'a' }, {});
  await eventually(() => {
    clock.advance(1_000);
    return told.length > 0;
  });
  expect(told).toEqual(['a']);
});
