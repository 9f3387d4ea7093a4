import { beforeEach, describe, expect, test } from 'vitest';
import { createEngine } from '../../../engine/create.ts';
import type { Engine } from '../../../engine/engine.ts';
import { createMemoryStore } from '../../../engine/memory/store.ts';
import { seededRandom } from '../../../engine/port/random.ts';
import { endsIn, incarnationsIn, wakesIn } from '../../../functions/lambda/stream-records.ts';
import { createDrivenClock, type DrivenClock } from '../../support/driven-clock.ts';
import { testSeed } from '../../support/seed.ts';
import { type StreamedStore, streamed } from '../../support/streamed-store.ts';

const queue = { queue: 'q' };
const settings = {
  deadLetter: { queue: 'dead', maxReceives: 2 },
  backoff: null,
  prepared: { timeoutSeconds: 60 },
  deduplication: { windowSeconds: 60 },
};

let clock: DrivenClock;
let stream: StreamedStore;
let engine: Engine;
let incarnations: { [name: string]: string };

beforeEach(async () => {
  clock = createDrivenClock();
  stream = streamed(createMemoryStore({ now: clock.now }));
  engine = createEngine({ store: stream.store, clock, random: seededRandom(testSeed) });
  await engine.call('createQueue', { queue: 'dead' }, {});
  await engine.call('createQueue', queue, settings as never);
  incarnations = {};
  for (const name of ['q', 'dead']) incarnations[(await engine.nextDue(name)).incarnation] = name;
  stream.takeRecords();
});

/** What listeners would be told: the queue, how many messages, and in how many ms. */
function told(): [queue: string | undefined, messages: number, inMs: number][] {
  return wakesIn(stream.takeRecords(), clock.now()).map(({ incarnation, messages, inMs }) => [
    incarnations[incarnation],
    messages,
    inMs,
  ]);
}

const publish = (...messages: object[]) => engine.call('publish', queue, { messages: messages as never });
const receive = async (max = 10, more = {}) => (await engine.call('receive', queue, { max, ...more })).messages;

describe('a publish', () => {
  test('a publish of messages that are ready tells of each of them', async () => {
    await publish({ body: 1 }, { body: 2 }, { body: 3 });
    expect(told()).toEqual([['q', 3, 0]]);
    await publish({ body: 1, id: 'own' });
    expect(told()).toEqual([['q', 1, 0]]);
    await publish({ body: 1, dedupKey: 'k' });
    expect(told()).toEqual([['q', 1, 0]]);
  });

  test('a delayed message is told of with the time until it is ready', async () => {
    await publish({ body: 1, delaySeconds: 30 });
    expect(told()).toEqual([['q', 1, 30_000]]);
  });

  test('the first message of a group is told of, and one that waits behind it is not', async () => {
    await publish({ body: 1, group: 'g' });
    expect(told()).toEqual([['q', 1, 0]]);
    await receive();
    stream.takeRecords();
    await publish({ body: 2, group: 'g' });
    expect(told()).toEqual([]);
  });

  test('a prepared message is told of when it is committed, and not before', async () => {
    const { results } = await publish({ body: 1, prepared: true });
    expect(told()).toEqual([]);
    await engine.call('commitMessage', { queue: 'q', id: (results[0] as { id: string }).id }, {});
    expect(told()).toEqual([['q', 1, 0]]);
  });

  test('the parts of a body that does not fit its row are told of once, with the message', async () => {
    const body = Array.from({ length: 100_000 }, (_, index) => (index * 7919) % 10_007);
    await publish({ body });
    expect(stream.takeRecords().length).toBeGreaterThan(1);
    await publish({ body });
    expect(told()).toEqual([['q', 1, 0]]);
  });
});

describe('a message that was received', () => {
  test('a receive and an ack tell nobody', async () => {
    await publish({ body: 1 }, { body: 2 });
    stream.takeRecords();
    const [first, second] = await receive();
    expect(told()).toEqual([]);
    await engine.call('ack', queue, { receipts: [first!.receipt] });
    await engine.call('extend', queue, { receipts: [second!.receipt], visibilityTimeoutSeconds: 60 });
    await engine.call('ack', queue, { receipts: [second!.receipt] });
    expect(told()).toEqual([]);
  });

  test('messages of a parcel that a receive leaves are told of', async () => {
    await publish({ body: 1 }, { body: 2 }, { body: 3 });
    stream.takeRecords();
    expect(await receive(1)).toHaveLength(1);
    expect(told()).toEqual([['q', 2, 0]]);
  });

  test('a release tells of the message, with its delay', async () => {
    await publish({ body: 1 });
    await publish({ body: 2 });
    const [first, second] = await receive();
    stream.takeRecords();
    await engine.call('release', queue, { receipts: [first!.receipt] });
    expect(told()).toEqual([['q', 1, 0]]);
    await engine.call('release', queue, { receipts: [second!.receipt], delaySeconds: 20 });
    expect(told()).toEqual([['q', 1, 20_000]]);
  });

  test('a dead-lettered message is told of in the queue that it enters', async () => {
    await publish({ body: 1 });
    const [message] = await receive();
    stream.takeRecords();
    await engine.call('release', queue, { receipts: [message!.receipt], deadLetter: true });
    expect(told()).toEqual([['dead', 1, 0]]);
  });

  test('a redriven message is told of in the queue that it returns to', async () => {
    await publish({ body: 1 });
    const [message] = await receive();
    await engine.call('release', queue, { receipts: [message!.receipt], deadLetter: true });
    stream.takeRecords();
    const { id } = await engine.call('redrive', { queue: 'dead' }, {});
    await engine.runRedrive('dead', id, { until: Number.POSITIVE_INFINITY });
    expect(told()).toEqual([['q', 1, 0]]);
  });

  test('the next message of a group is told of when the one before is acked', async () => {
    await publish({ body: 1, group: 'g' });
    await publish({ body: 2, group: 'g' });
    const [message] = await receive(1);
    stream.takeRecords();
    await engine.call('ack', queue, { receipts: [message!.receipt] });
    expect(told()).toEqual([['q', 1, 0]]);
  });
});

test('a dispatcher is woken also for a lease that ends at once, and a delayed message wakes it only when it is due', async () => {
  await publish({ body: 1, delaySeconds: 30 });
  const delayed = stream.takeRecords();
  expect([...incarnationsIn(delayed, clock.now())]).toEqual([]);
  const [incarnation] = incarnationsIn(delayed, clock.now() + 30_000);
  expect(incarnations[incarnation!]).toBe('q');
  await publish({ body: 2 });
  await receive(1, { visibilityTimeoutSeconds: 0 });
  const claimed = stream.takeRecords().filter(({ dynamodb }) => dynamodb?.Keys?.shard === undefined);
  expect(claimed.length).toBeGreaterThan(0);
  expect(incarnationsIn(claimed, clock.now()).size).toBe(1);
});

test('a record of messages is read without its image, and removals, bodies and other odd records name no queue', () => {
  const put = (shard: string) => ({ eventName: 'INSERT', dynamodb: { Keys: { shard: { S: shard }, id: { S: 'x' } } } });
  const records = [put('aaaaaaaa:0'), put('aaaaaaaa:3.1'), put('bbbbbbbb:0')];
  expect(incarnationsIn(records, clock.now())).toEqual(new Set(['aaaaaaaa', 'bbbbbbbb']));
  const odd = [
    {},
    { eventName: 'INSERT' },
    { eventName: 'REMOVE', dynamodb: { Keys: { id: { S: 'x' } } } },
    { eventName: 'REMOVE', dynamodb: { Keys: { shard: { S: 'aaaaaaaa:0' }, id: { S: 'x' } } } },
    put('body:aaaaaaaa'),
    put('aaaaaaaa~group'),
    { eventName: 'MODIFY', dynamodb: { Keys: { id: { S: 'x' } }, NewImage: { id: { S: 'x' } } } },
  ];
  expect(incarnationsIn(odd, clock.now())).toEqual(new Set());
});

test('the end of a message under an own id is told to those who wait for it, and neither its publish nor its receive is', async () => {
  const ends = () => endsIn(stream.takeRecords()).map(({ incarnation, id }) => [incarnations[incarnation], id]);
  await publish({ body: 1, id: 'done' }, { body: 2, id: 'dead' }, { body: 3 });
  expect(ends()).toEqual([]);
  const received = await receive();
  const receiptOf = (id: string) => received.find((message) => message.id === id)!.receipt;
  expect(ends()).toEqual([]);
  await engine.call('ack', queue, { receipts: [receiptOf('done')] });
  expect(ends()).toEqual([['q', 'done']]);
  await engine.call('release', queue, { receipts: [receiptOf('dead')], failed: 'no', deadLetter: true });
  expect(ends()).toEqual([['q', 'dead']]);
});
