/**
 * A publish to more subscriptions than one transaction takes, while the store fails once: at each of its calls in turn, in each
 * way. A sweep does what the publisher has left. Then every request arrives once more.
 */
import { describe, expect, it } from 'vitest';
import type { TopicEntry, TopicPublishResult } from '../../contract/contract.ts';
import { publicationLeaseMs } from '../../contract/limits.ts';
import { createMemoryStore } from '../../engine/memory/store.ts';
import { type Row, type Store, StoreError } from '../../engine/port/port.ts';
import { keyAttributes } from '../../engine/port/row-limits.ts';
import type { DrivenClock } from '../support/driven-clock.ts';
import { type DrivenEngine, driveEngine } from '../support/driven-engine.ts';
import { hourMs, minuteMs, secondMs } from '../support/durations.ts';
import { type Fault, failingStore, faults, Killed } from '../support/failing-store.ts';
import { noise } from '../support/noise.ts';
import { range } from '../support/range.ts';
import { queueOf, subscribe, topicProcess } from '../support/topic-bed.ts';

const tables = ['messages', 'leases', 'queues'] as const;

/** An engine in memory, with the rows of another one. */
async function memoryEngine(
  rows: { [table: string]: Row[] } = {},
  seed = 1,
): Promise<{ driven: DrivenEngine; memory: Store; snapshot(): { [table: string]: Row[] } }> {
  let store: ReturnType<typeof createMemoryStore>;
  const driven = await driveEngine(async (clock: DrivenClock) => {
    store = createMemoryStore({ now: clock.now });
    return { store, rows: async (table) => store.rows(table) };
  }, seed);
  for (const table of tables) {
    for (const row of rows[table] ?? []) {
      const { shard, id, kind, name } = row as { [key: string]: string };
      const key =
        table === 'messages'
          ? { table, shard: shard!, id: id! }
          : table === 'leases'
            ? { table, id: id! }
            : { table, kind: kind!, name: name! };
      await store!.write({ key, then: { put: { ...row, ...keyAttributes(key) } } });
    }
  }
  return { driven, memory: store!, snapshot: () => Object.fromEntries(tables.map((table) => [table, store!.rows(table)])) };
}

const nameOf = (index: number) => `s${String(index).padStart(5, '0')}`;
const deduplication = { windowSeconds: 3600, onDuplicate: 'ignore' } as const;

/** The rows of a topic with this many subscriptions. */
async function rowsOfTopic(count: number, preparedTimeoutSeconds: number | null = null) {
  const { driven, snapshot } = await memoryEngine();
  const subscriptions = Object.fromEntries(range(count).map((index) => [nameOf(index), { settings: { deduplication } }]));
  await subscribe(driven, subscriptions, preparedTimeoutSeconds);
  return snapshot();
}

/** One message of each kind: two share a row, three are in a group. */
const entries: TopicEntry[] = [
  { body: 'plain' },
  { body: noise(700) },
  { body: 'delayed', delaySeconds: 5 },
  { body: 'own', id: 'own' },
  { body: 'keyed', dedupKey: 'keyed' },
  ...[1, 2, 3].map((body) => ({ body, group: 'g' })),
];
const publishedBodies = entries.map(({ body }) => body);
const inGroup = [1, 2, 3];

/** All bodies that a subscription's queue delivers, in order; each message is acked. */
async function drained(driven: DrivenEngine, name: string): Promise<unknown[]> {
  const found: unknown[] = [];
  for (;;) {
    const messages = await driven.receive(queueOf(name));
    if (messages.length === 0) return found;
    found.push(...messages.map(({ body }) => body));
    const acked = await driven.ack(queueOf(name), messages);
    expect(acked.filter(({ ok }) => !ok)).toEqual([]);
  }
}

/** Every subscription has each message exactly once, or none has any. */
async function expectAllOrNone(driven: DrivenEngine, count: number, isAll: boolean | undefined, what: string): Promise<boolean> {
  const there = await Promise.all(range(count).map((index) => drained(driven, nameOf(index))));
  const all = isAll ?? there[0]!.length > 0;
  const sorted = (list: readonly unknown[]) => list.map(String).sort();
  for (const [index, got] of there.entries()) {
    expect(sorted(got), `${what}, subscription ${index}`).toEqual(all ? sorted(publishedBodies) : []);
    if (all)
      expect(
        got.filter((body) => typeof body === 'number'),
        what,
      ).toEqual(inGroup);
  }
  return all;
}

const isOk = (results: readonly TopicPublishResult[] | undefined) => results?.every(({ ok }) => ok);

/** Returns whether the fault occurred, and the number of calls. */
async function history(
  rows: { [table: string]: Row[] },
  count: number,
  fault: Fault,
  at: number,
  counted: 'calls' | 'writes' = 'calls',
) {
  const { driven, memory } = await memoryEngine(rows);
  const { over, seen } = failingStore(memory, at, fault, counted);
  const publisher = topicProcess(driven, over);
  const results = await publisher.publish(...entries).catch((error: unknown) => {
    if (!(error instanceof Killed) && !(error as { code?: string }).code && (error as Error).name !== 'StoreError') throw error;
    return undefined;
  });
  const what = `at call ${at}`;
  if (isOk(results))
    expect(
      results!.every((result) => result.ok && result.subscriptions === count),
      what,
    ).toBe(true);
  driven.clock.advance(publicationLeaseMs + secondMs);
  const sweeper = topicProcess(driven, memory);
  await sweeper.sweep();
  const isAll = await expectAllOrNone(driven, count, isOk(results) || undefined, what);
  const isLeft = (row: Row) => row.kind === 'publication' || String(row.shard ?? '').startsWith('body:');
  const left = (await Promise.all(tables.map((table) => driven.rows(table)))).flat().filter(isLeft);
  // Chunks of what was not published, or of a body whose row has ended, have a TTL.
  expect(
    left.filter(({ ttl }) => ttl === undefined),
    what,
  ).toEqual([]);
  // Late copies of all requests, in the order in which they were sent and in the opposite one.
  for (const writes of isAll ? [...seen.transactions, ...seen.transactions.toReversed()] : []) await memory.transact(writes);
  driven.clock.advance(minuteMs);
  await sweeper.sweep();
  if (isAll) {
    const again = await Promise.all(range(count).map((index) => drained(driven, nameOf(index))));
    expect(again.flat(), what).toEqual([]);
  }
  return { hasFailed: seen.calls > at, calls: seen.calls, transactions: seen.transactions.length };
}

describe.each(Object.entries(faults))('a publish to 60 subscriptions when %s', (_, fault) => {
  it('a publish gives every subscription each message once or none at all, whichever store call fails', async () => {
    const rows = await rowsOfTopic(60);
    let at = 0;
    for (; ; at++) {
      const { hasFailed } = await history(rows, 60, fault, at);
      if (!hasFailed) break;
    }
    // With fewer calls the histories would test too little.
    expect(at).toBeGreaterThan(8);
  });
});

describe('a publish to 250 subscriptions', () => {
  it('a publish gives every subscription each message once or none at all, after whichever write its process dies', async () => {
    const rows = await rowsOfTopic(250);
    for (let at = 0; ; at++) {
      const { hasFailed, calls } = await history(rows, 250, faults['its process dies after the call'], at, 'writes');
      if (hasFailed) continue;
      expect(calls).toBeGreaterThan(15);
      break;
    }
  }, 300_000);
});

const refusing = (memory: Store): Store => ({
  ...memory,
  transact: () => Promise.reject(new StoreError('too busy', 'no', undefined, 'throttled')),
});

async function reportedBySweep(driven: DrivenEngine, store: Store) {
  driven.events.length = 0;
  const { complete, topics } = await topicProcess(driven, store).sweep();
  const undelivered = topics.map((topic) => [topic.name, topic.undelivered, topic.oldestAgeSeconds]);
  return { complete, undelivered, anomalies: driven.events.filter(({ kind }) => kind === 'anomaly') };
}

describe('a publish whose messages cannot go out', () => {
  it('the sweep reports a publish that does not reach its subscriptions for 15 minutes, until it goes out', async () => {
    const { driven, memory } = await memoryEngine(await rowsOfTopic(150));
    const { over } = failingStore(memory, 1, faults['its process dies before the call'], 'writes');
    await expect(topicProcess(driven, over).publish({ body: 1 })).rejects.toThrow(Killed);
    const reported = (afterMs: number, store: Store) => {
      driven.clock.advance(afterMs);
      return reportedBySweep(driven, store);
    };
    expect(await reported(minuteMs, refusing(memory))).toEqual({ complete: false, undelivered: [['t', 1, 0]], anomalies: [] });
    const anomaly = { kind: 'anomaly', what: 'a publish to a topic does not reach all its subscriptions', topic: 't' };
    const undelivered = [['t', 1, expect.closeTo(15 * 60, -2)]];
    expect(await reported(15 * minuteMs, refusing(memory))).toMatchObject({ complete: false, undelivered, anomalies: [anomaly] });
    expect(await reported(minuteMs, memory)).toEqual({ complete: true, undelivered: [], anomalies: [] });
  });

  it("the 15 minutes of a publish in a caller's transaction begin when a sweep finds it committed, however late that is", async () => {
    const { driven, memory } = await memoryEngine(await rowsOfTopic(150));
    const { items } = await topicProcess(driven, memory).items({ body: 1 });
    driven.clock.advance(hourMs);
    expect(await driven.commit(items)).toEqual([]);
    expect(await reportedBySweep(driven, refusing(memory))).toMatchObject({ undelivered: [['t', 1, 0]], anomalies: [] });
    driven.clock.advance(10 * minuteMs);
    expect(await reportedBySweep(driven, refusing(memory))).toMatchObject({ complete: false, anomalies: [] });
    driven.clock.advance(5 * minuteMs);
    expect(await reportedBySweep(driven, refusing(memory))).toMatchObject({ complete: false, anomalies: [{ topic: 't' }] });
    expect(await reportedBySweep(driven, memory)).toEqual({ complete: true, undelivered: [], anomalies: [] });
    expect(await driven.bodies(queueOf(nameOf(149)))).toEqual([1]);
  });
});

describe('a publish to 10,000 subscriptions', () => {
  it('a publish reaches all subscriptions, with 202 more writes than messages', async () => {
    const rows = await rowsOfTopic(10_000);
    const { driven } = await memoryEngine(rows);
    const [result] = await topicProcess(driven).publish({ body: 1 });
    expect(result).toMatchObject({ ok: true, subscriptions: 10_000 });
    expect(await driven.rows('messages')).toHaveLength(10_000);
    const { puts, removals, transactions } = driven.spy.takeCounts();
    expect({ transactions, removals }).toEqual({ transactions: 102, removals: 1 });
    expect(puts).toBeGreaterThan(10_000);
  });
});
