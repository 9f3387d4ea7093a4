/** Bodies that do not fit into a row: a publish to a topic stores each once, however many subscriptions get it. */
import { expect, it } from 'vitest';
import type { TopicEntry } from '../../contract/contract.ts';
import { type Store, StoreError } from '../../engine/port/port.ts';
import { noise } from '../support/noise.ts';
import { onBothStores } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';
import { bodiesOf, subscribe, topicProcess } from '../support/topic-bed.ts';

const large = noise(300_000);
const other = `other ${noise(20_000)}`;
const third = `third ${noise(20_000)}`;
const names = (count: number) => range(count).map((index) => `s${index}`);
const deduplication = { windowSeconds: 60, onDuplicate: 'ignore' as const };

onBothStores('large bodies of a topic', (driven) => {
  const chunks = async () => (await driven().rows('messages')).filter(({ shard }) => (shard as string).startsWith('body:'));

  async function subscribeAll(count: number, settings = {}) {
    await subscribe(driven(), Object.fromEntries(names(count).map((name) => [name, { settings }])));
  }

  it.each<[string, number, TopicEntry]>([
    ['in one transaction', 100, {}],
    ['in several', 150, {}],
    ['in groups', 60, { group: 'g' }],
    ['under an own id', 30, { id: 'own' }],
    ['under a key', 30, { dedupKey: 'key' }],
    ['with a delay', 30, { delaySeconds: 3600 }],
  ])('are stored once for all subscriptions: %s', async (_, count, entry) => {
    await subscribeAll(count, { deduplication });
    const [result] = await topicProcess(driven()).publish({ ...entry, body: large });
    expect(result).toMatchObject({ ok: true, subscriptions: count });
    expect(await chunks()).toHaveLength(1);
    driven().clock.advance(3601_000);
    for (const name of names(count)) expect((await bodiesOf(driven(), name))[0] === large, name).toBe(true);
  });

  it('are stored once, whatever else the subscriptions get with them', async () => {
    const only = (...kinds: string[]) => ({ filter: { kind: kinds } });
    await subscribe(driven(), { all: {}, a: only('a'), ab: only('a', 'b'), bc: only('b', 'c') });
    const entries = [large, other, third, 'small'].map((body, index) => ({ body, attributes: { kind: 'abcd'[index]! } }));
    await topicProcess(driven()).publish(...entries);
    expect(await chunks()).toHaveLength(3);
    expect(await bodiesOf(driven(), 'all')).toHaveLength(4);
    expect((await bodiesOf(driven(), 'ab')).sort()).toEqual([large, other].sort());
    expect((await bodiesOf(driven(), 'bc')).sort()).toEqual([other, third].sort());
  });

  it('are stored once by a commit, and the publication removes its own copy', async () => {
    await subscribe(driven(), { a: {}, b: {}, c: {} }, 60);
    const { publish, commit } = topicProcess(driven());
    const [result] = await publish({ body: large, prepared: true });
    await commit((result as { id: string }).id);
    expect(await chunks()).toHaveLength(1);
    for (const name of ['a', 'b', 'c']) expect((await bodiesOf(driven(), name))[0] === large, name).toBe(true);
  });

  it('go to all subscriptions at once if a chunk has no answer until it is late', async () => {
    // A queue without retention has a body of its own, so each step of the publication writes chunks.
    const count = 120;
    await subscribeAll(count, { retentionSeconds: null });
    const { store } = driven().spy;
    let lost = 0;
    const over: Store = {
      ...store,
      async write(write, options) {
        const isChunk = 'shard' in write.key && write.key.shard.startsWith('body:');
        if (!isChunk || !(await hasBegun()) || lost++ > 0) return store.write(write, options);
        throw new StoreError('no answer in time', 'unknown', undefined, 'late');
      },
    };
    const hasBegun = async () => (await driven().rows('queues')).some(({ kind }) => kind === 'publication');
    const [result] = await topicProcess(driven(), over).publish({ body: other });
    expect(result).toMatchObject({ ok: true, subscriptions: count });
    expect(lost).toBeGreaterThan(1);
    expect(await hasBegun()).toBe(false);
    for (const name of names(count)) expect(await bodiesOf(driven(), name), name).toEqual([other]);
  });

  it("are written once by the caller's transaction", async () => {
    await subscribe(driven(), { a: {}, b: {}, c: { settings: { retentionSeconds: null } } });
    const { items } = await topicProcess(driven()).items({ body: other });
    expect(await driven().commit(items)).toEqual([]);
    expect(await chunks()).toHaveLength(2);
    for (const name of ['a', 'b', 'c']) expect(await bodiesOf(driven(), name)).toEqual([other]);
  });
});
