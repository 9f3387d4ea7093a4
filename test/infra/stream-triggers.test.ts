/** The filters of the streams' triggers, on the rows that the engine writes: what invokes the dispatch function, and what does not. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { InputOf, OutputOf } from '../../contract/contract.ts';
import { createEngine } from '../../engine/create.ts';
import type { Engine, QueueOperation } from '../../engine/engine.ts';
import { createMemoryStore } from '../../engine/memory/store.ts';
import { seededRandom } from '../../engine/port/random.ts';
import { endsIn, incarnationsIn, type StreamRecord } from '../../functions/lambda/stream-records.ts';
import { resultFilters, streamFilters } from '../../infra/stream-triggers.ts';
import { createDrivenClock, type DrivenClock } from '../support/driven-clock.ts';
import { hourMs } from '../support/durations.ts';
import { type StreamedStore, streamed } from '../support/streamed-store.ts';

let clock: DrivenClock;
let streams: StreamedStore;
let engine: Engine;

beforeEach(async () => {
  clock = createDrivenClock();
  streams = streamed(createMemoryStore({ now: clock.now }));
  engine = createEngine({ store: streams.store, clock, random: seededRandom(7) });
  await call('createQueue', { deduplication: {}, limits: { concurrency: 50 }, prepared: { timeoutSeconds: 60 } });
});

function call<Name extends QueueOperation>(operation: Name, input: object): Promise<OutputOf<Name>> {
  return engine.call(operation, { queue: 'q' } as never, input as InputOf<Name>) as Promise<OutputOf<Name>>;
}

async function receipts(input: object = {}): Promise<string[]> {
  return (await call('receive', { max: 10, ...input })).messages.map(({ receipt }) => receipt);
}

/** By the rules of Lambda's filters: a pattern's lists are at the leaves of a record, and a missing parent makes a leaf missing. */
function passes(pattern: object, record: unknown): boolean {
  return Object.entries(pattern).every(([name, wanted]) => {
    const value = (record as Record<string, unknown> | undefined)?.[name];
    if (!Array.isArray(wanted)) return passes(wanted, value);
    return wanted.some((one) => (typeof one === 'object' ? one.exists === (value !== undefined) : one === value));
  });
}

/** The records that invoke the function. */
async function triggersOf(
  work: () => Promise<unknown>,
  filters: typeof streamFilters | typeof resultFilters = streamFilters,
): Promise<StreamRecord[]> {
  streams.takeRecords();
  await work();
  const records = streams.takeRecords();
  expect(records.length).toBeGreaterThan(0);
  return records.flatMap(({ eventName, dynamodb: { Keys, NewImage } = {} }) => {
    const record = { eventName, dynamodb: { Keys, NewImage } } as StreamRecord;
    const some: readonly object[] = filters[Keys?.shard === undefined ? 'leases' : 'messages'];
    return some.some((filter) => passes(filter, record)) ? [record] : [];
  });
}

const published: [string, object][] = [
  ['without more', { body: 1 }],
  ['with an id of its own', { body: 1, id: 'own' }],
  ['under a dedupKey', { body: 1, dedupKey: 'key' }],
  ['in a group', { body: 1, group: 'g' }],
];

describe.each(published)('a message that is published %s', (_, message) => {
  const publish = () => call('publish', { messages: [message] });

  test('its publish triggers a dispatch of its queue', async () => {
    const records = await triggersOf(publish);
    expect(incarnationsIn(records, clock.now()).size).toBe(1);
  });

  test('its ack triggers none', async () => {
    await publish();
    const held = await receipts();
    expect(held).toHaveLength(1);
    expect(await triggersOf(() => call('ack', { receipts: held }))).toEqual([]);
  });

  test('its receive dispatches nothing', async () => {
    await publish();
    expect(incarnationsIn(await triggersOf(receipts), clock.now()).size).toBe(0);
  });
});

test('the receive of a message that was published without more does not even invoke the dispatch function', async () => {
  await call('publish', { messages: [{ body: 1 }] });
  expect(await triggersOf(receipts)).toEqual([]);
});

test('a message that takes a used dedupKey triggers a dispatch', async () => {
  const publish = () => call('publish', { messages: [{ body: 1, dedupKey: 'key' }] });
  await publish();
  await call('ack', { receipts: await receipts() });
  expect(incarnationsIn(await triggersOf(publish), clock.now()).size).toBe(1);
});

test('a delayed message triggers no dispatch before its time, which the sweep notices', async () => {
  const records = await triggersOf(() => call('publish', { messages: [{ body: 1, delaySeconds: 60 }] }));
  expect(incarnationsIn(records, clock.now()).size).toBe(0);
  expect(incarnationsIn(records, clock.now() + hourMs).size).toBe(1);
});

test('a prepared message triggers a dispatch when it is committed', async () => {
  const publish = () => call('publish', { messages: [{ body: 1, id: 'own', prepared: true }] });
  expect(incarnationsIn(await triggersOf(publish), clock.now()).size).toBeLessThanOrEqual(1);
  const commit = () => engine.call('commitMessage', { queue: 'q', id: 'own' }, {});
  expect(incarnationsIn(await triggersOf(commit), clock.now()).size).toBe(1);
});

test('the release of a message that has a row of its own triggers a dispatch', async () => {
  await call('publish', { messages: [{ body: 1, id: 'own' }] });
  const held = await receipts();
  expect(incarnationsIn(await triggersOf(() => call('release', { receipts: held })), clock.now()).size).toBe(1);
});

describe('a request, whose result is kept', () => {
  const request = { body: 1, id: 'request' };
  const ends = async (work: () => Promise<unknown>) => endsIn(await triggersOf(work, resultFilters));
  const keep = { doneSeconds: 60 };
  const isRequest = [{ incarnation: expect.stringMatching(/^[0-9a-z]{8}$/), id: 'request' }];

  beforeEach(async () => {
    await call('updateQueue', { keep });
  });

  test('its publish and its receive tell no one who waits for the result, and its ack does', async () => {
    expect(await ends(() => call('publish', { messages: [request] }))).toEqual([]);
    let held: string[] = [];
    expect(await ends(async () => (held = await receipts()))).toEqual([]);
    expect(await ends(() => call('ack', { receipts: held, result: 5 }))).toEqual(isRequest);
  });

  test('its ack triggers no dispatch', async () => {
    await call('publish', { messages: [request] });
    const held = await receipts();
    expect(await triggersOf(() => call('ack', { receipts: held, result: 5 }))).toEqual([]);
  });

  test('its dead-lettering tells those who wait, too', async () => {
    await engine.call('createQueue', { queue: 'dead' }, {});
    await call('updateQueue', { deadLetter: { queue: 'dead', maxReceives: 5 } });
    await call('publish', { messages: [request] });
    const held = await receipts();
    expect(await ends(() => call('release', { receipts: held, failed: 'no', deadLetter: true }))).toEqual(isRequest);
  });

  test('a queue that keeps nothing triggers nothing by an ack', async () => {
    await call('updateQueue', { keep: null });
    await call('publish', { messages: [request] });
    const held = await receipts();
    expect(await triggersOf(() => call('ack', { receipts: held }), resultFilters)).toEqual([]);
  });
});
