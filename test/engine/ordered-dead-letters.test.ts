/** Dead letters that stay in their groups: a dead-letter queue with `groups.deadLetters: 'ordered'`. */
import { expect, it } from 'vitest';
import type { PublishEntry, ReceivedMessage } from '../../contract/contract.ts';
import { tombstoneMs } from '../../contract/limits.ts';
import { type Key, StoreError } from '../../engine/port/port.ts';
import { settingsForgottenMs } from '../../engine/queues/shard-scaling.ts';
import { hourMs, minuteMs, secondMs } from '../support/durations.ts';
import { noise } from '../support/noise.ts';
import { onEveryStore } from '../support/on-both-stores.ts';

const ordered = { deadLetters: 'ordered' } as const;

onEveryStore('a dead-letter queue that keeps dead letters in their groups', (driven) => {
  const create = async (more = {}, dead = {}) => {
    await driven().create('dead', { groups: ordered, visibilityTimeoutSeconds: 30, ...dead });
    await driven().create('q', { deadLetter: { queue: 'dead', maxReceives: 5 }, ...more });
  };
  const publish = async (...messages: PublishEntry[]) => {
    const { results } = await driven().call('publish', 'q', { messages: messages.map((one) => ({ group: 'g', ...one })) });
    return results.map((result) => (result.ok ? result.id : ''));
  };
  const reject = async (held: readonly ReceivedMessage[], queue = 'q') =>
    driven().call('release', queue, { receipts: held.map(({ receipt }) => receipt), deadLetter: true, failed: 'no' });
  /** Publishes each message and rejects it. */
  const die = async (...messages: PublishEntry[]) => {
    const ids: string[] = [];
    for (const message of messages) {
      ids.push(...(await publish(message)));
      await reject(await driven().receive('q'));
      driven().clock.advance(5);
    }
    return ids;
  };
  const take = (max = 10, queue = 'dead') => driven().receive(queue, { max });
  const bodiesOf = (messages: readonly { body?: unknown }[]) => messages.map(({ body }) => body);
  const get = (id: string, queue = 'dead') => driven().engine.call('getMessage', { queue, id }, {});
  const peek = async (input = {}, queue = 'dead') => (await driven().engine.call('peek', { queue }, input)).messages;
  const drain = async (queue = 'dead', max = 10) => {
    const taken: ReceivedMessage[] = [];
    for (let held = await take(max, queue); held.length > 0; held = await take(max, queue)) {
      taken.push(...held);
      await driven().ack(queue, held);
    }
    return taken;
  };
  const left = async () => {
    await driven().sweep();
    return (await driven().rows('leases')).filter(({ ttl, until }) => ttl === undefined && until === undefined);
  };
  const notFound = { code: 'message_not_found' };

  it('dead letters of a group come in the order in which they died, with their ids, attributes and death records', async () => {
    await create();
    const attributes = { trace: 'a' };
    const ids = await die({ body: 1, attributes }, { body: 2, id: 'two' }, { body: 3, group: 'h' }, { body: 4 });
    const taken = await take();
    expect(bodiesOf(taken).sort()).toEqual([1, 2, 3, 4]);
    expect(bodiesOf(taken.filter(({ group }) => group === 'g'))).toEqual([1, 2, 4]);
    expect(taken.map(({ id }) => id).sort()).toEqual(ids.toSorted());
    expect(taken.find(({ body }) => body === 1)).toMatchObject({
      attributes,
      group: 'g',
      receives: 1,
      failures: 0,
      deadLetter: { queue: 'q', reason: 'rejected', group: 'g', text: 'no', receives: 1, failures: 1 },
    });
    await driven().ack('dead', taken);
    expect(await driven().rows('messages')).toEqual([]);
    expect(await left()).toEqual([]);
  });

  it('a group waits for its dead letters in flight, and other groups do not', async () => {
    await create();
    await die({ body: 1 }, { body: 2 }, { body: 3, group: 'h' });
    const [first] = await take(1);
    expect(first).toMatchObject({ body: 1 });
    expect(bodiesOf(await take())).toEqual([3]);
    driven().clock.advance(31 * secondMs);
    const again = await take();
    expect(again.filter(({ group }) => group === 'g')).toMatchObject([{ body: 1, receives: 2 }]);
    await driven().ack('dead', again);
    expect(bodiesOf(await take())).toEqual([2]);
  });

  it('a dead letter that is released comes before the later ones of its group', async () => {
    await create();
    await die({ body: 1 }, { body: 2 });
    const held = await take();
    await driven().call('release', 'dead', { receipts: [held[0]!.receipt], delaySeconds: 10 });
    await driven().call('release', 'dead', { receipts: [held[1]!.receipt] });
    expect(await take()).toEqual([]);
    driven().clock.advance(10 * secondMs);
    expect(bodiesOf(await take())).toEqual([1, 2]);
  });

  it('messages that use up their receives together, or expire, stay in order', async () => {
    await create({ deadLetter: { queue: 'dead', maxReceives: 1 }, visibilityTimeoutSeconds: 10, retentionSeconds: 60 });
    await publish({ body: 1 }, { body: 2 }, { body: 3 });
    await publish({ body: 4 });
    expect(await take(3, 'q')).toHaveLength(3);
    for (const ms of [11 * secondMs, minuteMs]) {
      driven().clock.advance(ms);
      await driven().sweep();
    }
    expect((await peek({ state: 'dead' })).map(({ body, deadLetter }) => [body, deadLetter?.reason])).toEqual([
      [1, 'max_receives'],
      [2, 'max_receives'],
      [3, 'max_receives'],
      [4, 'expired'],
    ]);
    expect(bodiesOf(await drain('dead', 3))).toEqual([1, 2, 3, 4]);
  });

  it('dead letters of a group are listed, counted, filtered and read by id wherever they are', async () => {
    await create({ deduplication: { windowSeconds: 300, onDuplicate: 'ignore' } });
    const ids = await die({ body: 1 }, { body: 2, id: 'two' }, { body: 3, dedupKey: 'k' }, { body: 4, group: 'h' });
    for (const state of ['waiting', 'loaded'] as const) {
      if (state === 'loaded') {
        const held = await take();
        expect((await peek({ state: 'leased' })).length).toBe(4);
        await driven().call('release', 'dead', { receipts: held.map(({ receipt }) => receipt) });
      }
      const received = state === 'loaded' ? 1 : 0;
      for (const [index, id] of ids.entries()) {
        const expected = { id, body: index + 1, queue: 'dead', state: 'dead', receives: received, lastFailure: 'no' };
        expect(await get(id)).toMatchObject({ ...expected, deadLetter: { queue: 'q', text: 'no', receives: 1, failures: 1 } });
        expect(await get(id, 'q')).toMatchObject(expected);
      }
      expect(bodiesOf(await peek({ state: 'dead', reason: 'rejected', group: 'g' }))).toEqual([1, 2, 3]);
      expect(await peek({ reason: 'expired' })).toEqual([]);
      expect(bodiesOf(await peek({ id: 'two' }))).toEqual([2]);
      expect(bodiesOf(await peek({ id: ids[0] }))).toEqual([1]);
      expect(bodiesOf(await peek({ key: 'k' }))).toEqual([3]);
      expect(await driven().engine.call('getQueue', { queue: 'dead' }, {})).toMatchObject({ counts: { dead: 4, ready: 0 } });
    }
  });

  it('a redrive moves dead letters back to the end of their group, in order, wherever they are', async () => {
    await create();
    const ids = await die({ body: 1 }, { body: 2, id: 'two' }, { body: 3 }, { body: 4 });
    const held = await take(2);
    await driven().call('release', 'dead', { receipts: held.map(({ receipt }) => receipt) });
    const [waiting] = await publish({ body: 5 });
    expect(await driven().redrive('dead')).toMatchObject({ moved: 4, skipped: 0 });
    expect(await peek()).toEqual([]);
    const taken = await drain('q');
    expect(taken.map(({ id, body }) => [id, body])).toEqual([[waiting, 5], ...ids.map((id, index) => [id, index + 1])]);
    expect(taken.every(({ deadLetter, receives }) => deadLetter === undefined && receives === 1)).toBe(true);
    expect(await drain()).toEqual([]);
    expect(await driven().rows('messages')).toEqual([]);
    expect(await left()).toEqual([]);
  });

  it('a redrive skips the dead letters that are leased, that its filter leaves out, and messages that never died', async () => {
    await create();
    await die({ body: 1 }, { body: 2 }, { body: 3, attributes: { keep: 'yes' } }, { body: 4 });
    await driven().call('publish', 'dead', { messages: [{ body: 5, group: 'g' }] });
    await take(1);
    driven().clock.advance(1);
    expect(await driven().redrive('dead', { attribute: ['keep=yes'] })).toMatchObject({ moved: 1, skipped: 4 });
    expect(bodiesOf(await drain('q'))).toEqual([3]);
    expect(await driven().redrive('dead')).toMatchObject({ moved: 2, skipped: 2 });
    expect(bodiesOf(await drain('q'))).toEqual([2, 4]);
    driven().clock.advance(31 * secondMs);
    expect(bodiesOf(await drain())).toEqual([1, 5]);
  });

  it('a redrive of given ids moves those alone, from the row of the group and from behind it', async () => {
    await create();
    const ids = await die({ body: 1 }, { body: 2, id: 'two' }, { body: 3 }, { body: 4 });
    const held = await take(2);
    await driven().call('release', 'dead', { receipts: held.map(({ receipt }) => receipt) });
    expect(await driven().redrive('dead', { ids: [ids[3]!, 'two'] })).toMatchObject({ moved: 2, skipped: 0 });
    expect(bodiesOf(await drain('q'))).toEqual([4, 2]);
    expect(bodiesOf(await drain())).toEqual([1, 3]);
  });

  it('a redrive of a long group resumes page after page, at a rate too, and moves and counts each dead letter of each group once', async () => {
    await create({ deadLetter: { queue: 'dead', maxReceives: 1 } }, {});
    for (let at = 0; at < 12; at++) {
      await publish(...Array.from({ length: 10 }, (_, index) => ({ body: at * 10 + index, attributes: { odd: index % 2 } })));
      if (at === 1) await publish({ body: 'other', group: 'h', attributes: { odd: 1 } });
      await reject(await take(20, 'q'));
      driven().clock.advance(1);
    }
    expect(await driven().redrive('dead', { attribute: ['odd=1'], ratePerSecond: 20 })).toMatchObject({
      moved: 61,
      skipped: 60,
    });
    expect(await driven().redrive('dead')).toMatchObject({ moved: 60, skipped: 0 });
    const numbers = bodiesOf(await drain('q')).filter((body) => body !== 'other');
    const all = Array.from({ length: 120 }, (_, index) => index);
    expect(numbers).toEqual([...all.filter((one) => one % 2 === 1), ...all.filter((one) => one % 2 === 0)]);
  });

  it('a redrive to another queue keeps the group, and a dead letter can die and come back several times', async () => {
    await create();
    await driven().create('other', {});
    const [id] = await die({ body: 1 });
    for (let at = 0; at < 3; at++) {
      expect(await driven().redrive('dead')).toMatchObject({ moved: 1 });
      expect(await get(id!, 'q')).toMatchObject({ id, queue: 'q', state: 'ready' });
      await reject(await take(10, 'q'));
      driven().clock.advance(1);
    }
    expect(await driven().redrive('dead', { toQueue: 'other' })).toMatchObject({ moved: 1 });
    expect(await drain('other')).toMatchObject([{ id, group: 'g' }]);
    expect(await left()).toEqual([]);
  });

  it('a dead letter can be cancelled by its id, before and after a receive has loaded it', async () => {
    await create({}, { keep: { doneSeconds: 0, deadSeconds: 3600 } });
    const ids = await die({ body: 1 }, { body: 2, id: 'two' }, { body: 3 }, { body: 4 });
    const cancel = (id: string) => driven().engine.call('cancelMessage', { queue: 'dead', id }, {});
    await cancel('two');
    const held = await take();
    await driven().call('release', 'dead', { receipts: held.map(({ receipt }) => receipt) });
    await cancel(ids[0]!);
    for (const id of [ids[0]!, 'two']) {
      expect(await get(id)).toMatchObject({ id, state: 'cancelled', deadLetter: { queue: 'q', reason: 'rejected' } });
    }
    expect(bodiesOf(await drain())).toEqual([3, 4]);
    expect(await get(ids[0]!)).toMatchObject({ state: 'cancelled', deadLetter: { queue: 'q', reason: 'rejected' } });
    driven().clock.advance(2 * hourMs);
    await expect(get('two')).rejects.toMatchObject(notFound);
  });

  it('a purge removes dead letters, frees their own ids, and leaves no body behind', async () => {
    await create({ retentionSeconds: null }, { retentionSeconds: null });
    await die({ body: noise(3000), id: 'one' }, { body: noise(3000) }, { body: 3 });
    await take(1);
    driven().clock.advance(1);
    await driven().call('purge', 'dead', {});
    driven().clock.advance(tombstoneMs);
    expect(await drain()).toEqual([]);
    await driven().sweep();
    await expect(get('one')).rejects.toMatchObject(notFound);
    expect(await publish({ body: 4, id: 'one' })).toEqual(['one']);
    expect(bodiesOf(await drain('q'))).toEqual([4]);
    driven().clock.advance(settingsForgottenMs + hourMs);
    await driven().sweep();
    expect(await driven().rows('messages')).toEqual([]);
  });

  it('dead letters leave no body behind, whatever the retention of the queues and wherever they go', async () => {
    for (const [from, to] of [
      [null, null],
      [null, 600],
      [600, null],
      [600, 600],
    ] as const) {
      const more = { visibilityTimeoutSeconds: 30 };
      await create({ retentionSeconds: from, ...more }, { retentionSeconds: to, ...more });
      await die({ body: noise(3000) }, { body: noise(5000), id: 'large' }, { body: noise(3000) }, { body: noise(4000) });
      await take(1);
      driven().clock.advance(1);
      expect(await driven().redrive('dead')).toMatchObject({ moved: 3 });
      driven().clock.advance(31 * secondMs);
      expect((await drain()).length + (await drain('q')).length).toBe(4);
      driven().clock.advance(hourMs);
      await driven().sweep();
      await driven().sweep();
      expect((await driven().rows('messages')).filter(({ ttl }) => ttl === undefined)).toEqual([]);
      for (const queue of ['q', 'dead']) await driven().engine.call('deleteQueue', { queue }, {});
      driven().clock.advance(settingsForgottenMs + 1);
      await driven().sweep();
    }
  });

  it('a dead letter that cannot be read does not block its group', async () => {
    await create({}, { retentionSeconds: null });
    const [id] = await die({ body: noise(5000) }, { body: 2 });
    for (const { shard, id: chunk } of await driven().rows('messages')) {
      const key = { table: 'messages', shard: shard as string, id: chunk as string } as const;
      if (key.shard.startsWith('body:')) await driven().spy.store.write({ key, then: { remove: true } });
    }
    expect(bodiesOf(await drain())).toEqual([2]);
    expect(await get(id!)).toMatchObject({ state: 'dead', deadLetter: { reason: 'unreadable' } });
  });

  it('dead letters outside groups, and in a queue without the setting, are received by age as before', async () => {
    await create({}, { groups: null });
    await die({ body: 1 }, { body: 2 });
    expect(bodiesOf(await take(1))).toEqual([1]);
    expect(bodiesOf(await take(1))).toEqual([2]);
    await driven().call('updateQueue', 'dead', { groups: ordered });
    driven().clock.advance(31 * secondMs);
    await driven().call('publish', 'q', { messages: [{ body: 3 }] });
    await reject(await take(10, 'q'));
    await die({ body: 4 });
    const rows = (await driven().rows('leases')).filter(({ group }) => group !== undefined);
    expect(rows.filter(({ group }) => (group as { lastDeadLetter?: string }).lastDeadLetter)).toHaveLength(1);
    expect(bodiesOf(await drain()).sort()).toEqual([1, 2, 3, 4]);
    expect(await left()).toEqual([]);
  });

  it('a dead letter that leaves its group after a failure keeps its death record, and comes back to its group', async () => {
    await create({}, { groups: { ...ordered, onFailure: 'aside' } });
    const [id] = await die({ body: 1 }, { body: 2 });
    const held = await take();
    await driven().call('release', 'dead', { receipts: [held[0]!.receipt], failed: 'again', delaySeconds: 5 });
    expect(await get(id!)).toMatchObject({ id, group: 'g', deadLetter: { queue: 'q', reason: 'rejected' } });
    await driven().ack('dead', [held[1]!]);
    driven().clock.advance(5 * secondMs);
    expect(await driven().redrive('dead')).toMatchObject({ moved: 1 });
    expect(await drain('q')).toMatchObject([{ id, group: 'g', body: 1 }]);
  });

  it('a dead letter that dies in its dead-letter queue goes on to the next one, in its group', async () => {
    await driven().create('last', { groups: ordered });
    await create({}, { deadLetter: { queue: 'last', maxReceives: 5 } });
    const ids = await die({ body: 1 }, { body: 2, id: 'two' });
    await reject(await take(), 'dead');
    driven().clock.advance(1);
    expect(await get('two', 'last')).toMatchObject({ deadLetter: { queue: 'dead', group: 'g' } });
    expect(await driven().redrive('last')).toMatchObject({ moved: 2 });
    expect((await drain()).map(({ id }) => id)).toEqual(ids);
  });

  /** Runs `act` once, before the next call of the store that `isWanted`. */
  const before = (isWanted: (call: { method: string; keys: readonly Key[] }) => boolean, act: () => Promise<unknown>) => {
    driven().spy.before = async (call) => {
      if (!isWanted(call)) return;
      driven().spy.before = () => {};
      await act();
    };
  };

  it('a redrive does not move a dead letter that a receive takes first, nor a receive one that a redrive moves first', async () => {
    await create();
    await die({ body: 1 }, { body: 2 });
    const received: unknown[] = [];
    before(
      ({ method }) => method === 'transact',
      async () => received.push(...bodiesOf(await take())),
    );
    expect(await driven().redrive('dead')).toMatchObject({ moved: 0, skipped: 2 });
    expect(received).toEqual([1, 2]);
    driven().clock.advance(31 * secondMs);
    await drain();
    await die({ body: 3 }, { body: 4 });
    let moved: unknown;
    before(
      ({ method, keys }) => method === 'write' && keys.some(({ table }) => table === 'leases'),
      async () => {
        moved = await driven().redrive('dead');
      },
    );
    expect(await take()).toEqual([]);
    expect(moved).toMatchObject({ moved: 2, skipped: 0 });
    expect(bodiesOf(await drain('q'))).toEqual([3, 4]);
    expect(await drain()).toEqual([]);
  });

  it('a redrive does not move a dead letter that a receive has claimed, and not removed yet from where it waited', async () => {
    await create();
    await die({ body: 1 });
    const claimed = Promise.withResolvers<void>();
    const redriven = Promise.withResolvers<void>();
    let receiving: Promise<ReceivedMessage[]> | undefined;
    before(
      ({ method }) => method === 'transact',
      async () => {
        before(
          ({ method }) => method === 'writeAll',
          () => {
            claimed.resolve();
            return redriven.promise;
          },
        );
        receiving = take();
        await claimed.promise;
      },
    );
    expect(await driven().redrive('dead')).toMatchObject({ moved: 0, skipped: 1 });
    redriven.resolve();
    expect(bodiesOf(await receiving!)).toEqual([1]);
    expect(await drain('q')).toEqual([]);
  });

  it('of a rejection and a receive by another process at the same time, one has the message', async () => {
    await create({ visibilityTimeoutSeconds: 10 });
    await publish({ body: 1 }, { body: 2 });
    const held = await take(2, 'q');
    driven().clock.advance(11 * secondMs);
    const received: unknown[] = [];
    before(
      ({ method }) => method === 'transact',
      async () => received.push(...bodiesOf(await take(1, 'q'))),
    );
    const { results } = await reject(held);
    expect(results).toMatchObject([{ code: 'lease_lost' }, { code: 'lease_lost' }]);
    expect(received).toEqual([1]);
    expect(await peek()).toEqual([]);
  });

  it('dead letters whose answer from the store is lost are there once, and the caller is told', async () => {
    await create();
    await publish({ body: 1 }, { body: 2, id: 'two' });
    const held = await take(2, 'q');
    const { store } = driven().spy;
    let lost = 0;
    const other = driven().another({
      ...store,
      async transact(writes, options) {
        await store.transact(writes, options);
        lost++;
        throw new StoreError('no answer', 'unknown');
      },
    });
    const receipts = held.map(({ receipt }) => receipt);
    const { results } = await other.call('release', { queue: 'q' }, { receipts, deadLetter: true });
    expect(results).toEqual([
      { ok: true, deadLettered: true },
      { ok: true, deadLettered: true },
    ]);
    expect(lost).toBe(1);
    expect((await drain()).map(({ body }) => body)).toEqual([1, 2]);
  });

  it('dead letters cost one transaction however many die together, and the writes of a group afterwards', async () => {
    await create({}, { deadLetter: null });
    await driven().call('peek', 'dead', {});
    await publish({ body: 1 }, { body: 2 }, { body: 3 });
    const held = await take(3, 'q');
    driven().spy.takeCounts();
    await reject(held);
    // The rows of both groups, and a parcel and a marker for each message.
    expect(driven().spy.takeCounts()).toMatchObject({ puts: 8, updates: 0, removals: 0, refused: 0, transactions: 1 });
    const letters = await take();
    expect(driven().spy.takeCounts()).toMatchObject({ puts: 1, removals: 3, refused: 0, transactions: 0 });
    await driven().ack('dead', letters);
    expect(driven().spy.takeCounts()).toMatchObject({ puts: 4, removals: 0, refused: 0, transactions: 1 });
  });
});
