/** Prepared publishes to a topic, and publishes in the caller's own transaction. */
import { expect, it } from 'vitest';
import { tombstoneMs } from '../../contract/limits.ts';
import { minuteMs, secondMs } from '../support/durations.ts';
import { failingStore, faults, Killed } from '../support/failing-store.ts';
import { noise } from '../support/noise.ts';
import { onBothStores, onEveryStore } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';
import { bodiesOf, queueOf, subscribe, topicProcess } from '../support/topic-bed.ts';

const names = (count: number) => range(count).map((index) => `s${String(index).padStart(3, '0')}`);
const plain = (count: number) => Object.fromEntries(names(count).map((name) => [name, {}]));
const idOf = (result: { ok: boolean; id?: string } | undefined) => result?.id ?? '';

onEveryStore('a prepared publish to a topic', (driven) => {
  it('a prepared publish reaches the subscriptions of its commit, with its delay from then, and a repeated commit does nothing', async () => {
    await subscribe(driven(), { a: {}, b: {} }, 60);
    const { publish, commit, rollback } = topicProcess(driven());
    const [first, delayed] = await publish({ body: 1, prepared: true }, { body: 2, delaySeconds: 10, prepared: true });
    expect(first).toEqual({ ok: true, id: expect.stringContaining('~'), subscriptions: 0 });
    await subscribe(driven(), { c: {} });
    driven().clock.advance(5 * secondMs);
    for (const name of ['a', 'b', 'c']) expect(await bodiesOf(driven(), name)).toEqual([]);
    for (const one of [first, delayed, first]) expect(await commit(idOf(one))).toEqual({});
    for (const name of ['a', 'b', 'c']) expect(await bodiesOf(driven(), name)).toEqual([1]);
    driven().clock.advance(10 * secondMs - 1);
    expect(await bodiesOf(driven(), 'c')).toEqual([]);
    driven().clock.advance(1);
    for (const name of ['a', 'b', 'c']) expect(await bodiesOf(driven(), name)).toEqual([2]);
    await expect(rollback(idOf(first))).rejects.toMatchObject({ code: 'message_committed' });
  });

  it('a prepared publish that is rolled back, or not committed in time, reaches no subscription', async () => {
    await subscribe(driven(), { a: {}, b: {} }, 60);
    const { publish, commit, rollback, sweep } = topicProcess(driven());
    const [back, late] = await publish({ body: noise(5000), prepared: true }, { body: 2, prepared: true });
    for (const _ of range(2)) expect(await rollback(idOf(back))).toEqual({});
    driven().clock.advance(minuteMs + 1);
    await sweep();
    for (const one of [back, late]) await expect(commit(idOf(one))).rejects.toMatchObject({ code: 'message_rolled_back' });
    expect(driven().events).toContainEqual({
      kind: 'rolled_back',
      topic: 't',
      row: expect.stringContaining(idOf(late)),
      asked: 0,
    });
    for (const name of ['a', 'b']) expect(await bodiesOf(driven(), name)).toEqual([]);
    expect(await driven().rows('messages')).toEqual([]);
    driven().clock.advance(tombstoneMs + 1);
    await expect(commit(idOf(late))).rejects.toMatchObject({ code: 'publication_not_found' });
  });

  it('a repeated own id is a duplicate while its publish waits, and a rollback frees it', async () => {
    await subscribe(driven(), { a: {}, b: {} }, 60);
    const { publish, commit, rollback } = topicProcess(driven());
    expect(await publish({ body: 1, id: 'x', prepared: true })).toEqual([{ ok: true, id: 'x', subscriptions: 0 }]);
    expect(await publish({ body: 2, id: 'x', prepared: true })).toEqual([
      { ok: true, id: 'x', subscriptions: 0, duplicate: true },
    ]);
    await rollback('x');
    expect(await publish({ body: 3, id: 'x', prepared: true })).toEqual([{ ok: true, id: 'x', subscriptions: 0 }]);
    await commit('x');
    expect(await publish({ body: 4, id: 'x', prepared: true })).toEqual([
      { ok: true, id: 'x', subscriptions: 0, duplicate: true },
    ]);
    expect(await bodiesOf(driven(), 'b')).toEqual([3]);
  });

  it('a commit that another process overtakes with a rollback delivers nothing', async () => {
    await subscribe(driven(), { a: {}, b: {} }, 60);
    const { publish, commit } = topicProcess(driven());
    const [waiting] = await publish({ body: 1, prepared: true });
    driven().spy.before = async ({ method }) => {
      if (method !== 'transact') return;
      driven().spy.before = () => {};
      expect(await topicProcess(driven()).rollback(idOf(waiting))).toEqual({});
    };
    await expect(commit(idOf(waiting))).rejects.toMatchObject({ code: 'message_rolled_back' });
    for (const name of ['a', 'b']) expect(await bodiesOf(driven(), name)).toEqual([]);
  });

  it('a publish to a group reads none of the prepared publishes that wait or are decided', async () => {
    await subscribe(driven(), { a: {}, b: {} }, 60);
    const { publish, commit } = topicProcess(driven());
    const prepared = await publish(...range(20).map((body) => ({ body, prepared: true as const })));
    for (const one of prepared.slice(10)) await commit(idOf(one));
    await publish({ body: 'so that the settings are known', group: 'g' });
    driven().spy.takeRowsRead();
    await publish({ body: 'next', group: 'g' });
    expect(driven().spy.takeRowsRead()).toBe(0);
  });

  it('a prepared publish is refused by a topic that does not have the setting', async () => {
    await subscribe(driven(), { a: {} });
    expect(await topicProcess(driven()).publish({ body: 1, prepared: true })).toEqual([
      {
        ok: false,
        code: 'invalid_input',
        message: 'messages[0].prepared: the topic "t" has no setting "preparedTimeoutSeconds"',
      },
    ]);
  });
});

onBothStores('a prepared publish whose commit breaks off', (driven) => {
  it.each(
    Object.entries(faults),
  )('a commit to 120 subscriptions reaches each of them once, or the publish still waits, when %s', async (_, fault) => {
    await subscribe(driven(), plain(120), 600);
    let at = 0;
    for (let hasFailed = true; hasFailed; at++) {
      const { publish, commit, sweep } = topicProcess(driven());
      const [prepared] = await publish({ body: at, prepared: true });
      const { over, seen } = failingStore(driven().spy.store, at, fault);
      await topicProcess(driven(), over)
        .commit(idOf(prepared))
        .catch((error: unknown) => {
          if (!(error instanceof Killed) && (error as Error).name !== 'StoreError') throw error;
        });
      driven().clock.advance(31 * secondMs);
      await commit(idOf(prepared));
      await sweep();
      for (const writes of seen.transactions) await driven().spy.store.transact(writes);
      driven().clock.advance(31 * secondMs);
      await sweep();
      for (const name of names(120)) {
        const messages = await driven().receive(queueOf(name));
        expect(
          messages.map(({ body }) => body),
          `at call ${at}, ${name}`,
        ).toEqual([at]);
        await driven().ack(queueOf(name), messages);
      }
      hasFailed = seen.calls > at;
    }
    expect(at).toBeGreaterThan(4);
  });
});

onEveryStore('a publish to a topic in the caller’s own transaction', (driven) => {
  it('few entries are the messages themselves', async () => {
    await subscribe(driven(), { a: {}, b: { filter: { only: ['b'] } } });
    const { items } = topicProcess(driven());
    const large = noise(2000);
    const made = await items({ body: 1 }, { body: large, id: 'own', attributes: { only: 'b' } });
    expect(made.ids).toEqual([expect.stringContaining('~'), 'own']);
    expect(await bodiesOf(driven(), 'a')).toEqual([]);
    expect(await driven().commit(made.items)).toEqual([]);
    expect(await bodiesOf(driven(), 'a')).toEqual(expect.arrayContaining([1, large]));
    expect(await bodiesOf(driven(), 'b')).toEqual([large]);
    const again = await items({ body: 2, id: 'own' });
    expect(await driven().commit(again.items)).not.toEqual([]);
    const settings = (await driven().rows('queues')).filter(({ kind }) => kind === 'queue');
    expect(settings.map(({ hasTransactions }) => hasTransactions)).toEqual([true, true]);
  });

  it('many entries are a publication that a sweep delivers once, even if they are committed twice', async () => {
    await subscribe(driven(), plain(60));
    const { items, sweep } = topicProcess(driven());
    const made = await items({ body: noise(600) }, { body: 2, id: 'own' });
    expect(made.items.length).toBeLessThan(5);
    expect(await driven().commit(made.items)).toEqual([]);
    await sweep();
    for (const name of names(60)) {
      const messages = await driven().receive(queueOf(name));
      expect(messages).toHaveLength(2);
      await driven().ack(queueOf(name), messages);
    }
    expect(await driven().commit(made.items)).not.toEqual([]);
    await sweep();
    for (const name of names(60)) expect(await bodiesOf(driven(), name)).toEqual([]);
  });

  it('a group, a key, a prepared message and a repeated id are refused', async () => {
    await subscribe(driven(), { a: {} }, 60);
    const { items } = topicProcess(driven());
    for (const entry of [{ group: 'g' }, { dedupKey: 'k' }, { prepared: true }]) {
      await expect(items({ body: 1, ...entry })).rejects.toMatchObject({
        code: 'invalid_input',
        message: expect.stringContaining(`messages[0].${Object.keys(entry)[0]}: is not allowed in a transaction`),
      });
    }
    await expect(items({ body: 1, id: 'x' }, { body: 2, id: 'x' })).rejects.toMatchObject({ code: 'invalid_input' });
  });
});
