/** Publishes to a topic into groups, under own ids and keys, and with delays. */
import { describe, expect, it } from 'vitest';
import type { PublishEntry } from '../../contract/contract.ts';
import { type Store, StoreError } from '../../engine/port/port.ts';
import { secondMs } from '../support/durations.ts';
import { noise } from '../support/noise.ts';
import { onBothStores } from '../support/on-both-stores.ts';
import type { StoreSpy } from '../support/store-spy.ts';
import { bodiesOf, subscribe, topicProcess } from '../support/topic-bed.ts';

onBothStores('a publish to a topic into groups', (driven) => {
  const group = 'g';
  const settings = { deduplication: { windowSeconds: 300, onDuplicate: 'ignore' as const } };
  const begin = async () => {
    await subscribe(driven(), { a: { settings }, b: { settings: { ...settings, retentionSeconds: null } } });
    return topicProcess(driven());
  };
  const markers = async () => (await driven().rows('leases')).filter(({ marks }) => marks !== undefined);

  it('each queue gets a message under an own id once, and the answer says whether all had it', async () => {
    const { publish } = await begin();
    const one = { body: 1, group, id: 'one' };
    expect(await publish(one, { body: 2, group })).toMatchObject([{ id: 'one', subscriptions: 2 }, { subscriptions: 2 }]);
    expect(await publish(one)).toEqual([{ ok: true, id: 'one', subscriptions: 2, duplicate: true }]);
    expect(await markers()).toHaveLength(2);
    const messages = await driven().receive('t-a');
    expect(messages.map(({ id, body }) => [id, body])).toEqual([
      ['one', 1],
      [expect.stringMatching(/~1$/), 2],
    ]);
  });

  it('a queue that has a message of the id gets no other, and the other queues get theirs', async () => {
    const { publish } = await begin();
    await driven().publish('t-a', { body: 'mine', id: 'one' });
    expect(await publish({ body: 1, group, id: 'one' }, { body: 2, group })).toMatchObject([
      { subscriptions: 2 },
      { subscriptions: 2 },
    ]);
    expect(await bodiesOf(driven(), 'b')).toEqual([1, 2]);
    expect((await bodiesOf(driven(), 'a')).sort()).toEqual([2, 'mine']);
  });

  it('a key in a group is taken in each queue for its window', async () => {
    const { publish } = await begin();
    const keyed = (body: number) => ({ body, group, dedupKey: 'k' });
    expect((await publish(keyed(1)))[0]).not.toHaveProperty('duplicate');
    expect(await publish(keyed(2))).toMatchObject([{ duplicate: true }]);
    driven().clock.advance(301 * secondMs);
    expect((await publish(keyed(3)))[0]).not.toHaveProperty('duplicate');
    const bodies: unknown[] = [];
    for (let messages = await driven().receive('t-b'); messages.length > 0; messages = await driven().receive('t-b')) {
      bodies.push(...messages.map(({ body }) => body));
      await driven().ack('t-b', messages);
    }
    expect(bodies).toEqual([1, 3]);
  });

  it('an id that is taken in one queue while the publish goes on leaves its other messages in that queue', async () => {
    const { publish } = await begin();
    const { spy } = driven();
    spy.before = async ({ method }) => {
      if (method !== 'transact') return;
      spy.before = () => {};
      await driven().publish('t-b', { body: 'mine', id: 'one' });
    };
    const large = noise(3000);
    await publish({ body: large, group, id: 'one' }, { body: large, group }, { body: 3, group });
    expect((await bodiesOf(driven(), 'b')).sort()).toEqual([3, 'mine', large].sort());
    const held = await driven().receive('t-a');
    expect(held.map(({ body }) => body)).toEqual([large, large, 3]);
  });

  describe('offloaded bodies without a TTL', () => {
    const large = noise(3000);
    const forever = { retentionSeconds: null };
    const entries = [
      { body: large, group, id: 'one' },
      { body: `x${large}`, group, id: 'two' },
      { body: `y${large}`, group },
    ];
    const lasting = async () =>
      (await driven().rows('messages')).filter(({ shard, ttl }) => (shard as string).startsWith('body:') && ttl === undefined);

    /** Before each transaction of the publish, one of these. */
    function atEachTransaction(...publishes: (() => Promise<unknown>)[]) {
      const { spy } = driven();
      const before: StoreSpy['before'] = async ({ method }) => {
        if (method !== 'transact') return;
        spy.before = () => {};
        await publishes.shift()?.();
        spy.before = before;
      };
      spy.before = before;
      return () => expect(publishes).toEqual([]);
    }

    it('a publish that finds ids taken in two queues, and cannot read one of them, leaves none', async () => {
      await subscribe(driven(), { a: { settings: forever }, b: { settings: forever } });
      const taken = atEachTransaction(async () => {
        for (const queue of ['t-a', 't-b']) await driven().publish(queue, { body: 'mine', id: 'one' });
      });
      const { store } = driven().spy;
      let transactions = 0;
      const over: Store = {
        ...store,
        get(keys, options) {
          const isGroup = keys.some((key) => key.table === 'leases' && key.id.includes('=two'));
          if (transactions > 0 && isGroup && reads++ === 1) throw new StoreError('too busy', 'no');
          return store.get(keys, options);
        },
        transact(writes, options) {
          transactions++;
          return store.transact(writes, options);
        },
      };
      let reads = 0;
      expect((await topicProcess(driven(), over).publish(...entries))[0]).toMatchObject({ ok: false, code: 'unavailable' });
      taken();
      expect(reads).toBe(2);
      expect(await lasting()).toEqual([]);
    });

    it.each<[string, PublishEntry[]]>([
      [
        'one id after the other',
        [
          { body: 'mine', id: 'one' },
          { body: 'mine', id: 'two' },
        ],
      ],
      [
        'an id after the end of the group has moved',
        [
          { body: 'mine', group },
          { body: 'mine', id: 'one' },
        ],
      ],
    ])('a publish that loses %s to other publishes leaves those of its messages', async (_, others) => {
      await subscribe(driven(), { a: { settings: forever }, b: { settings: forever } });
      const publish = (other: PublishEntry) => () => {
        driven().clock.advance(1);
        return driven().publish('t-b', other);
      };
      const lost = atEachTransaction(...others.map(publish));
      await topicProcess(driven()).publish(...entries);
      lost();
      expect(await lasting()).toHaveLength(2);
    });
  });

  it('a delayed message of a group keeps its place in each queue', async () => {
    const { publish } = await begin();
    await publish({ body: 1, group, delaySeconds: 30 }, { body: 2, group });
    expect(await driven().receive('t-a')).toEqual([]);
    driven().clock.advance(31 * secondMs);
    for (const name of ['t-a', 't-b']) {
      const first = await driven().receive(name);
      expect(first.map(({ body }) => body)[0]).toBe(1);
      await driven().ack(name, first);
    }
  });
});
