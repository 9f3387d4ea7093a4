/** A concurrency limit: what it counts, when it frees, how it changes and what it costs. */

import { expect, it } from 'vitest';
import type { QueueLimits, ReceivedMessage } from '../../contract/contract.ts';
import { settingsCacheMs } from '../../contract/limits.ts';
import { secondMs } from '../support/durations.ts';
import { eventually } from '../support/eventually.ts';
import { concurrencyOf, limitedQueue, permitGraceMs } from '../support/limited-queue.ts';
import { onBothStores } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';
import { noCalls } from '../support/store-spy.ts';

onBothStores('a concurrency limit', (driven) => {
  const { ack, count, receive, start } = limitedQueue(driven);

  it('a concurrency limit holds across receives and processes', async () => {
    await start(concurrencyOf(3));
    const two = await receive({ max: 2 });
    expect(two.length).toBe(2);
    const other = driven().another();
    const { messages: third } = await other.call('receive', { queue: 'q' }, { max: 5 });
    expect(third.length).toBe(1);
    expect(await count()).toBe(0);
    await ack(two);
    expect(await count()).toBe(2);
    expect(await count()).toBe(0);
  });

  it('a concurrency limit counts messages, not parcels', async () => {
    await start(concurrencyOf(4), 0);
    await driven().send('q', ...range(10));
    const first = await receive();
    expect(first.length).toBe(4);
    await ack(first.slice(0, 1));
    await ack(first.slice(0, 1));
    expect(await count()).toBe(1);
    await ack(first.slice(1));
    expect(await count()).toBe(3);
  });

  it('a release returns its permit: ready at once, delayed or dead-lettered', async () => {
    const { call, create } = driven();
    await create('dead');
    await start(concurrencyOf(1), 3, { deadLetter: { queue: 'dead', maxReceives: 1 } });
    for (const more of [{}, { delaySeconds: 100 }, { failed: 'no' }]) {
      const [held] = await receive();
      expect(await count()).toBe(0);
      const { results } = await call('release', 'q', { receipts: [held!.receipt], ...more });
      expect(results[0]).toMatchObject({ ok: true });
    }
    expect((await driven().receive('dead')).length).toBe(3);
  });

  it('the permits of a dead consumer are free when its leases end, plus the time of the claim and the margin of clocks', async () => {
    const { clock } = driven();
    await start(concurrencyOf(2));
    expect(await count()).toBe(2);
    clock.advance(10 * secondMs + permitGraceMs - 1);
    expect(await count()).toBe(0);
    clock.advance(1);
    expect(await count()).toBe(2);
  });

  it('an ack in a transaction holds its permit until the lease would end or the ack is repeated', async () => {
    const { call, commit, clock } = driven();
    await start(concurrencyOf(2), 4);
    const two = await receive();
    expect(await commit((await call('ackItems', 'q', { receipts: two.map(({ receipt }) => receipt) })).items)).toEqual([]);
    expect(await count()).toBe(0);
    await ack(two.slice(0, 1));
    expect(await count()).toBe(1);
    clock.advance(10 * secondMs + permitGraceMs);
    expect(await count()).toBe(2);
  });

  it('a concurrency limit can be changed while in use', async () => {
    const { call, clock } = driven();
    await start(concurrencyOf(4), 20);
    const four = await receive();
    const change = async (limits: QueueLimits | null) => {
      await call('updateQueue', 'q', { limits });
      clock.advance(settingsCacheMs);
    };
    await change(concurrencyOf(2));
    await ack(four.slice(0, 2));
    expect(await count()).toBe(0);
    await ack(four.slice(2, 3));
    expect(await count()).toBe(1);
    await change(concurrencyOf(5));
    const held = await receive();
    expect(held.length).toBe(3);
    await change(null);
    const all = await receive({ visibilityTimeoutSeconds: 100 });
    expect(all.length).toBeGreaterThan(5);
    await change(concurrencyOf(1));
    // Leases from before the limit go on.
    const { results } = await call('extend', 'q', { receipts: all.map(({ receipt }) => receipt), visibilityTimeoutSeconds: 100 });
    expect(results.every(({ ok }) => ok)).toBe(true);
    await ack([...held, ...four.slice(3), ...all]);
  });

  it('a waiting receive goes on when a permit is returned', async () => {
    const { clock } = driven();
    await start(concurrencyOf(1), 2);
    const [held] = await receive();
    clock.leaping = false;
    const waiting = receive({ waitSeconds: 20 });
    await eventually(() => clock.sleepers() === 1);
    await ack([held!]);
    expect((await waiting).length).toBe(1);
  });

  it('one ack returns as many permits as a receive can take', async () => {
    await start(concurrencyOf(100), 0);
    for (let parcel = 0; parcel < 20; parcel++) await driven().send('q', ...range(10));
    const hundred = await receive();
    expect(hundred.length).toBe(100);
    await ack(hundred);
    expect(await count()).toBe(100);
  });

  it('an ack returns the permits it can when other messages of it lost theirs with their leases', async () => {
    const { clock } = driven();
    await start(concurrencyOf(1), 1, { priority: { levels: 2, order: 'strict' } });
    const late = await receive({ visibilityTimeoutSeconds: 1 });
    clock.advance(secondMs + permitGraceMs);
    await driven().publish('q', { body: 'urgent', priority: 1 });
    const urgent = await receive();
    expect(urgent).toMatchObject([{ body: 'urgent' }]);
    await ack([...late, ...urgent]);
    await driven().send('q', 1, 2);
    expect(await count()).toBe(1);
  });

  it('a receive reads the permits once, however many shards and levels have messages', async () => {
    const { publish, spy } = driven();
    await start(concurrencyOf(1), 0, { priority: { levels: 3, order: 'strict' } });
    for (const priority of [0, 1, 2, 2]) await publish('q', { body: 1, priority });
    expect((await receive({ max: 1 })).length).toBe(1);
    spy.takeCounts();
    expect(await count()).toBe(0);
    expect(spy.takeCounts()).toEqual({ ...noCalls, ranges: 2, gets: 1 });
  });

  it('a concurrency limit holds with groups, priorities and own ids', async () => {
    const { publish } = driven();
    await start(concurrencyOf(3), 0, { priority: { levels: 3, order: 'strict' } });
    await publish('q', { body: 1, id: 'own' }, { body: 2, priority: 2 });
    await publish('q', ...range(5).map((body) => ({ body, group: 'a' })));
    const seen: ReceivedMessage[] = [];
    for (let messages = await receive(); messages.length > 0; messages = await receive()) {
      expect(messages.length).toBeLessThanOrEqual(3);
      seen.push(...messages);
      await ack(messages);
    }
    expect(seen.length).toBe(7);
    expect(seen.filter(({ group }) => group).map(({ body }) => body)).toEqual(range(5));
  });

  it('a concurrency limit costs two more writes for a message, and nothing where there is none', async () => {
    const { spy, create, send } = driven();
    await create('free');
    await start(concurrencyOf(5), 1);
    await ack(await receive());
    for (const [queue, receiving, acking] of [
      ['free', { ranges: 2, puts: 1, removals: 1 }, { puts: 1 }],
      ['q', { ranges: 2, gets: 1, puts: 2, removals: 1 }, { puts: 1, updates: 1 }],
    ] as const) {
      await send(queue, 1);
      spy.takeCounts();
      const held = await driven().receive(queue, { max: 1 });
      expect(spy.takeCounts(), queue).toEqual({ ...noCalls, ...receiving });
      await driven().ack(queue, held);
      expect(spy.takeCounts(), queue).toEqual({ ...noCalls, ...acking });
      expect(await driven().receive(queue)).toEqual([]);
      expect(spy.takeCounts(), queue).toEqual({ ...noCalls, ranges: 2 });
    }
  });

  it('the permits of a deleted queue are removed', async () => {
    const { call, clock, rows, sweep } = driven();
    await start(concurrencyOf(5), 3);
    await receive();
    await call('deleteQueue', 'q');
    clock.advance(24 * 3600 * secondMs);
    await sweep();
    expect((await rows('leases')).filter(({ id }) => (id as string).includes('!'))).toEqual([]);
  });
});
