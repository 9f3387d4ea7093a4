/** What a publish to a topic does when it loses an answer, or when a request of its own comes late. */
import { expect, it } from 'vitest';
import { type Store, StoreError, type Write } from '../../engine/port/port.ts';
import { noise } from '../support/noise.ts';
import { onBothStores } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';
import { bodiesOf, subscribe, topicProcess } from '../support/topic-bed.ts';

const names = (count: number) => range(count).map((index) => `s${String(index).padStart(3, '0')}`);
const plain = (count: number) => Object.fromEntries(names(count).map((name) => [name, {}]));

onBothStores('a publish to a topic that loses an answer', (driven) => {
  it('a publication that has begun is answered as published, although its row can no longer be read', async () => {
    await subscribe(driven(), plain(150));
    const { store } = driven().spy;
    let hasBegun = false;
    const over: Store = {
      ...store,
      async get(keys, options) {
        const isPublication = keys.some((key) => key.table === 'queues' && key.kind === 'publication');
        if (hasBegun && isPublication) throw new StoreError('too busy', 'no');
        return store.get(keys, options);
      },
      async transact(writes, options) {
        await store.transact(writes, options);
        hasBegun = true;
        throw new StoreError('the answer was lost', 'unknown');
      },
    };
    expect(await topicProcess(driven(), over).publish({ body: 1 })).toMatchObject([{ ok: true, subscriptions: 150 }]);
  });

  it.each([
    1, 2, 3, 4,
  ])('a message that all queues have is a duplicate, although write %d of its publish is tried again', async (number) => {
    await subscribe(driven(), plain(150));
    const { store } = driven().spy;
    const [first] = await topicProcess(driven()).publish({ body: 1, id: 'x' });
    expect(first).toEqual({ ok: true, id: 'x', subscriptions: 150 });
    let writes = 0;
    const failOnce = () => {
      if (++writes === number) throw new StoreError('too busy', 'no', undefined, 'throttled');
    };
    const over: Store = {
      ...store,
      async transact(...call) {
        failOnce();
        return store.transact(...call);
      },
      async write(...call) {
        failOnce();
        return store.write(...call);
      },
    };
    const again = await topicProcess(driven(), over).publish({ body: 2, id: 'x' });
    expect(writes).toBeGreaterThan(number);
    expect(again).toEqual([{ ...first, duplicate: true }]);
  });

  it('a prepared publish whose answer is lost keeps its body when another process has committed it', async () => {
    const body = noise(2_000);
    await subscribe(driven(), plain(150), 60);
    const { store } = driven().spy;
    const other = topicProcess(driven(), store, 0);
    const over: Store = {
      ...store,
      async write(write, options) {
        const written = await store.write(write, options);
        if (write.key.table !== 'queues' || write.key.kind !== 'publication') return written;
        // The client sends the request again, and finds the row of the first one, which has been committed meanwhile.
        await other.commit('x');
        return { ...(await store.write(write, options)), maybeApplied: true };
      },
    };
    expect(await topicProcess(driven(), over).publish({ body, id: 'x', prepared: true })).toMatchObject([{ ok: true }]);
    driven().clock.advance(60_000);
    await topicProcess(driven()).sweep();
    for (const name of names(150)) expect(await bodiesOf(driven(), name)).toEqual([body]);
  });

  it('a step whose refused request is applied late keeps the bodies of the group', async () => {
    const body = noise(2_000);
    const subscriptions = Object.fromEntries(names(60).map((name) => [name, { settings: { retentionSeconds: null } }]));
    await subscribe(driven(), subscriptions);
    const { store } = driven().spy;
    const steps: (readonly Write[])[] = [];
    const over: Store = {
      ...store,
      async transact(writes, options) {
        if (!writes.some(({ key }) => key.table === 'queues' && key.kind === 'publication'))
          return store.transact(writes, options);
        steps.push(writes);
        if (steps.length === 2) {
          // A group's row is in the way for a moment.
          const at = writes.findIndex(({ key }) => key.table === 'leases');
          const [row] = await store.get([writes[at]!.key]);
          return { ok: false, refused: writes.map((_, index) => (index === at ? { row } : undefined)) };
        }
        if (steps.length === 3) await store.transact(steps[1]!);
        return store.transact(writes, options);
      },
    };
    await topicProcess(driven(), over).publish({ body, group: 'g' });
    expect(steps.length).toBeGreaterThan(2);
    expect(await driven().rows('queues')).not.toContainEqual(expect.objectContaining({ kind: 'publication' }));
    for (const name of names(60)) expect(await bodiesOf(driven(), name)).toEqual([body]);
  });
});
