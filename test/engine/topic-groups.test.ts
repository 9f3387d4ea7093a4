/** Publishes to a topic into groups, under own ids and keys, and with delays. */
import { expect, it } from 'vitest';
import { secondMs } from '../support/durations.ts';
import { noise } from '../support/noise.ts';
import { onBothStores } from '../support/on-both-stores.ts';
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
