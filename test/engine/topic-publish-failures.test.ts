/** Publishing to a topic while answers are lost, requests come twice or late, and subscriptions come and go. */
import { expect, it } from 'vitest';
import { publicationLeaseMs } from '../../contract/limits.ts';
import { type Store, StoreError, type Write } from '../../engine/port/port.ts';
import type { DrivenEngine } from '../support/driven-engine.ts';
import { minuteMs, secondMs } from '../support/durations.ts';
import { Killed } from '../support/failing-store.ts';
import { onBothStores } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';
import { bodiesOf, queueOf, subscribe, topicProcess } from '../support/topic-bed.ts';

/** A store that records the transactions of its process. `after` is called when one was applied. */
function watched({ spy: { store } }: DrivenEngine, after: (number: number) => void = () => {}) {
  const sent: (readonly Write[])[] = [];
  const over: Store = {
    ...store,
    async transact(writes, options) {
      const answer = await store.transact(writes, options);
      after(sent.push(writes));
      return answer;
    },
  };
  return { over, sent };
}

const lost = (): never => {
  throw new StoreError('the answer was lost', 'unknown');
};
const dies = (): never => {
  throw new Killed();
};
const inGroup = (...given: number[]) => given.map((body) => ({ body, group: 'g' }));
const names = (count: number) => range(count).map((index) => `s${String(index).padStart(3, '0')}`);

/** A topic with 101 subscriptions, made by its operations, whose publisher died after the first write of a publish. */
async function publisherDies(driven: DrivenEngine): Promise<void> {
  const { call, engine } = driven;
  await engine.call('createTopic', { topic: 't' }, {});
  for (const subscription of names(101)) {
    await call('createQueue', queueOf(subscription));
    await engine.call('subscribe', { topic: 't', subscription }, { queue: queueOf(subscription) });
  }
  const { over } = watched(driven, (number) => number === 1 && dies());
  await expect(topicProcess(driven, over).publish({ body: 1 })).rejects.toThrow(Killed);
}
const plain = (count: number) => Object.fromEntries(names(count).map((name) => [name, {}]));

async function ackAll(driven: DrivenEngine, name: string): Promise<unknown[]> {
  const messages = await driven.receive(queueOf(name));
  if (messages.length > 0) await driven.ack(queueOf(name), messages);
  return messages.map(({ body }) => body);
}

onBothStores('a publish to a topic that goes wrong', (driven) => {
  it('a late copy of the transaction brings no message back after its ack', async () => {
    await subscribe(driven(), { a: {}, b: {} });
    const { over, sent } = watched(driven());
    await topicProcess(driven(), over).publish({ body: 1 }, { body: 2, id: 'own' }, { body: 3, delaySeconds: 1 });
    expect(sent).toHaveLength(1);
    driven().clock.advance(secondMs);
    for (const name of ['a', 'b']) expect(await ackAll(driven(), name)).toHaveLength(3);
    for (const minutes of [1, 13]) {
      driven().clock.advance(minutes * minuteMs);
      await driven().spy.store.transact(sent[0]!);
      for (const name of ['a', 'b']) expect(await bodiesOf(driven(), name)).toEqual([]);
    }
  });

  it('a publish whose answer is lost is unavailable, and its repetition under own ids is a duplicate', async () => {
    await subscribe(driven(), { a: {}, b: {} });
    const { over } = watched(driven(), (number) => number === 1 && lost());
    const { publish } = topicProcess(driven(), over);
    const messages = [
      { body: 1, id: 'x' },
      { body: 2, id: 'y' },
    ];
    expect(await publish(...messages)).toMatchObject(
      messages.map(() => ({ ok: false, code: 'unavailable', message: expect.stringContaining('may or may not') })),
    );
    expect(driven().events.filter(({ kind }) => kind === 'unavailable')).toMatchObject([{ topic: 't' }]);
    expect(await publish(...messages)).toMatchObject(messages.map(() => ({ ok: true, subscriptions: 2, duplicate: true })));
    for (const name of ['a', 'b']) expect((await ackAll(driven(), name)).sort()).toEqual([1, 2]);
  });

  it('a publish that is throttled goes out again under new ids', async () => {
    await subscribe(driven(), { a: {}, b: {} });
    let throttled = 0;
    const over: Store = {
      ...driven().spy.store,
      async transact(writes, options) {
        if (throttled++ < 2) throw new StoreError('too busy', 'no', undefined, 'throttled');
        return driven().spy.store.transact(writes, options);
      },
    };
    expect(await topicProcess(driven(), over).publish({ body: 1 })).toMatchObject([{ ok: true, subscriptions: 2 }]);
    expect(await bodiesOf(driven(), 'a')).toEqual([1]);
    expect(await bodiesOf(driven(), 'b')).toEqual([1]);
  });

  it('a publish that finds a group moved on appends behind it, and the others get one copy', async () => {
    await subscribe(driven(), { a: {}, b: {} });
    const other = topicProcess(driven());
    await other.publish(...inGroup(1));
    let isFirst = true;
    const over: Store = {
      ...driven().spy.store,
      async transact(writes, options) {
        if (isFirst) {
          isFirst = false;
          await other.publish(...inGroup(2));
        }
        return driven().spy.store.transact(writes, options);
      },
    };
    await topicProcess(driven(), over).publish(...inGroup(3), { body: 'plain' });
    for (const name of ['a', 'b']) {
      const got: unknown[] = [];
      for (let more = await ackAll(driven(), name); more.length > 0; more = await ackAll(driven(), name)) got.push(...more);
      expect(got.filter((body) => typeof body === 'number')).toEqual([1, 2, 3]);
      expect(got.filter((body) => body === 'plain')).toHaveLength(1);
    }
  });

  it('a publisher without time left answers as soon as its publication has begun, and a sweep carries it on', async () => {
    await subscribe(driven(), plain(150));
    const { over, sent } = watched(driven());
    expect(await topicProcess(driven(), over, 0).publish({ body: 1 })).toMatchObject([{ ok: true, subscriptions: 150 }]);
    expect(sent).toHaveLength(1);
    expect(await driven().rows('messages')).toHaveLength(98);
    const { sweep } = topicProcess(driven());
    await sweep();
    expect(await driven().rows('messages')).toHaveLength(98);
    driven().clock.advance(publicationLeaseMs + 1);
    await sweep();
    expect(await driven().rows('messages')).toHaveLength(150);
  });

  it('a publisher goes on when the answer to a transaction of its publication is lost', async () => {
    await subscribe(driven(), plain(350));
    const { over, sent } = watched(driven(), (number) => number <= 3 && lost());
    expect(await topicProcess(driven(), over).publish({ body: 1 })).toMatchObject([{ ok: true, subscriptions: 350 }]);
    expect(sent).toHaveLength(4);
    expect(await driven().rows('messages')).toHaveLength(350);
  });

  it('a late copy of the request that begins a publication does not begin it again after its end', async () => {
    await subscribe(driven(), plain(150));
    const { over, sent } = watched(driven());
    await topicProcess(driven(), over).publish({ body: 1 });
    for (const name of names(150)) expect(await ackAll(driven(), name)).toEqual([1]);
    driven().clock.advance(14 * minuteMs);
    expect(sent).toHaveLength(2);
    await driven().spy.store.transact(sent[0]!);
    driven().clock.advance(minuteMs);
    await topicProcess(driven()).sweep();
    for (const name of names(150)) expect(await bodiesOf(driven(), name)).toEqual([]);
  });

  it('a later publish to a group comes behind an earlier one whose publisher died', async () => {
    await subscribe(driven(), plain(60));
    const { over } = watched(driven(), (number) => number === 1 && dies());
    await expect(topicProcess(driven(), over).publish(...inGroup(1))).rejects.toThrow(Killed);
    expect(await topicProcess(driven()).publish(...inGroup(2))).toMatchObject([{ ok: true, subscriptions: 60 }]);
    for (const name of names(60)) expect([...(await ackAll(driven(), name)), ...(await ackAll(driven(), name))]).toEqual([1, 2]);
  });

  it('with few subscriptions, too, a later publish to a group comes behind one that still goes out', async () => {
    await subscribe(driven(), plain(3));
    const own = range(40).map((index) => ({ body: `own ${index}`, id: `own-${index}` }));
    const { over, sent } = watched(driven());
    const first = await topicProcess(driven(), over, 0).publish(...own, ...inGroup(1));
    expect([first.every(({ ok }) => ok), sent.length]).toEqual([true, 1]);
    expect(await topicProcess(driven()).publish(...inGroup(2))).toMatchObject([{ ok: true, subscriptions: 3 }]);
    for (const name of names(3)) {
      const received: unknown[] = [];
      for (let some = await ackAll(driven(), name); some.length > 0; some = await ackAll(driven(), name)) received.push(...some);
      expect(received.filter((body) => typeof body === 'number')).toEqual([1, 2]);
    }
  });

  it('two processes that carry on one publication give each subscription one copy', async () => {
    await subscribe(driven(), plain(400));
    const { over } = watched(driven(), (number) => number === 1 && dies());
    await expect(topicProcess(driven(), over).publish({ body: 1 })).rejects.toThrow(Killed);
    driven().clock.advance(publicationLeaseMs);
    await Promise.all(range(2).map(() => topicProcess(driven()).sweep()));
    expect(await driven().rows('messages')).toHaveLength(400);
  });

  it('a step whose request arrives late, when another process has made it, gives no second copy', async () => {
    await subscribe(driven(), plain(400));
    const late: (readonly Write[])[] = [];
    const over: Store = {
      ...driven().spy.store,
      async transact(writes, options) {
        if (late.length > 0) return dies();
        if ((await driven().rows('messages')).length === 0) return driven().spy.store.transact(writes, options);
        late.push(writes);
        return lost();
      },
    };
    await expect(topicProcess(driven(), over).publish({ body: 1 })).rejects.toThrow(Killed);
    driven().clock.advance(publicationLeaseMs);
    let steps = 0;
    const sweeper: Store = {
      ...driven().spy.store,
      async transact(writes, options) {
        const answer = await driven().spy.store.transact(writes, options);
        if (steps++ === 0) await driven().spy.store.transact(late[0]!);
        return answer;
      },
    };
    await topicProcess(driven(), sweeper).sweep();
    expect(steps).toBeGreaterThan(2);
    expect(await driven().rows('messages')).toHaveLength(400);
  });

  it('a publication reaches no subscription that was added after it began, and none that was removed', async () => {
    const { engine } = driven();
    await publisherDies(driven());
    await engine.call('unsubscribe', { topic: 't', subscription: 's100' }, {});
    await engine.call('subscribe', { topic: 't', subscription: 's999' }, {});
    driven().clock.advance(publicationLeaseMs);
    await driven().sweep();
    for (const name of names(100)) expect(await bodiesOf(driven(), name)).toEqual([1]);
    expect(await bodiesOf(driven(), 's100')).toEqual([]);
    expect(await driven().bodies('t~s999')).toEqual([]);
  });

  it('a topic that is deleted while its messages go out has them delivered, before its subscriptions are removed', async () => {
    const { engine } = driven();
    await publisherDies(driven());
    await engine.call('deleteTopic', { topic: 't' }, { force: true });
    await driven().sweep();
    driven().clock.advance(publicationLeaseMs);
    await driven().sweep();
    for (const name of names(101)) expect(await bodiesOf(driven(), name)).toEqual([1]);
    const left = (await driven().rows('queues'))
      .filter(({ kind }) => kind !== 'queue' && kind !== 'sweep')
      .map(({ kind }) => kind);
    expect(left).toEqual(['begun-publication']);
  });
});
