/** Publishing to a topic: which queues get which messages, and what the answer says. */
import { describe, expect, it } from 'vitest';
import { secondMs } from '../support/durations.ts';
import { onEveryStore } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';
import { noCalls } from '../support/store-spy.ts';
import { bodies, bodiesOf, subscribe, topicProcess } from '../support/topic-bed.ts';

onEveryStore('a publish to a topic', (driven) => {
  it('a publish gives each message to each subscription that matches, with the attributes of the topic', async () => {
    await subscribe(driven(), {
      all: {},
      orders: { subject: 'orders.*' },
      eu: { filter: { region: ['eu'] } },
      us: { filter: { region: ['us'] } },
    });
    const { publish } = topicProcess(driven());
    const results = await publish(
      { body: 'one', subject: 'orders.created', attributes: { region: 'eu' } },
      { body: 'two', subject: 'invoices.created' },
      { body: 'three', id: 'own' },
    );
    expect(results).toEqual([
      { ok: true, id: expect.stringMatching(/^[0-9a-z]{24}~0$/), subscriptions: 3 },
      { ok: true, id: expect.stringMatching(/^[0-9a-z]{24}~0$/), subscriptions: 1 },
      { ok: true, id: 'own', subscriptions: 1 },
    ]);
    const { receive } = driven();
    const all = await receive('t-all');
    const ids = results.map((result) => (result.ok ? result.id : ''));
    expect(all.map(({ body, attributes }) => ({ body, attributes }))).toEqual(
      expect.arrayContaining([
        { body: 'one', attributes: { region: 'eu', topic: 't', publication: ids[0], subject: 'orders.created' } },
        { body: 'two', attributes: { topic: 't', publication: ids[1], subject: 'invoices.created' } },
        { body: 'three', attributes: { topic: 't', publication: 'own' } },
      ]),
    );
    expect(all).toHaveLength(3);
    expect(all.find(({ body }) => body === 'three')?.id).toBe('own');
    expect(await bodiesOf(driven(), 'orders')).toEqual(['one']);
    expect(await bodiesOf(driven(), 'eu')).toEqual(['one']);
    expect(await bodiesOf(driven(), 'us')).toEqual([]);
    expect(driven().events).toEqual([
      { kind: 'topic_published', topic: 't', published: 3, delivered: 5, filtered: 7, unmatched: 0 },
    ]);
  });

  it('a publish to a topic without subscriptions succeeds and says 0', async () => {
    await subscribe(driven(), {});
    expect(await topicProcess(driven()).publish({ body: 1 }, { body: 2, id: 'own' })).toEqual([
      { ok: true, id: expect.any(String), subscriptions: 0 },
      { ok: true, id: 'own', subscriptions: 0 },
    ]);
    expect(await driven().rows('messages')).toEqual([]);
    const event = { kind: 'topic_published', topic: 't', published: 2, delivered: 0, filtered: 0, unmatched: 2 };
    expect(driven().events).toEqual([event]);
  });

  it('a publish is reported once: not what is refused, and not a message that is published again', async () => {
    await subscribe(driven(), { a: {}, b: { subject: 'paid' } });
    const published = { body: 1, id: 'own' };
    const { publish } = topicProcess(driven());
    await publish(published);
    await publish(published);
    await publish({ body: 2, attributes: { topic: 'other' } });
    const event = { kind: 'topic_published', topic: 't', published: 1, delivered: 1, filtered: 1, unmatched: 0 };
    expect(driven().events).toEqual([event]);
  });

  it('a publish to a topic that does not exist is refused with topic_not_found', async () => {
    await expect(topicProcess(driven()).publish({ body: 1 })).rejects.toMatchObject({ code: 'topic_not_found' });
  });

  it('a publish that sets an attribute of the topic itself is refused, and the others go out', async () => {
    await subscribe(driven(), { a: {}, b: {} });
    const { publish } = topicProcess(driven());
    expect(await publish({ body: 1, attributes: { publication: 'x' } }, { body: 2 })).toEqual([
      {
        ok: false,
        code: 'invalid_input',
        message: 'messages[0].attributes.publication: is set by the topic; give the attribute another name',
      },
      { ok: true, id: expect.any(String), subscriptions: 2 },
    ]);
    expect(await bodiesOf(driven(), 'b')).toEqual([2]);
  });

  it('delays and priorities hold in each queue, where a priority above the levels is lowered', async () => {
    await subscribe(driven(), {
      plain: {},
      urgent: { settings: { priority: { levels: 3, order: 'strict' } } },
      slow: { settings: { delaySeconds: 60 } },
    });
    const { publish } = topicProcess(driven());
    const at = new Date(driven().clock.now() + 30 * secondMs).toISOString();
    expect(
      await publish(
        { body: 'low' },
        { body: 'high', priority: 2 },
        { body: 'later', delaySeconds: 10 },
        { body: 'at', deliverAt: at },
      ),
    ).toMatchObject(range(4).map(() => ({ ok: true, subscriptions: 3 })));
    const { clock } = driven();
    expect(await driven().bodies('t-urgent', { max: 1 })).toEqual(['high']);
    expect(await bodiesOf(driven(), 'plain')).toEqual(expect.arrayContaining(['low', 'high']));
    expect(await bodiesOf(driven(), 'slow')).toEqual([]);
    clock.advance(10 * secondMs);
    expect(await bodiesOf(driven(), 'slow')).toEqual(['later']);
    clock.advance(20 * secondMs);
    expect(await bodiesOf(driven(), 'plain')).toEqual(expect.arrayContaining(['at']));
    clock.advance(30 * secondMs);
    expect(await bodiesOf(driven(), 'slow')).toEqual(expect.arrayContaining(['low', 'high']));
  });

  it('a repeated id is a duplicate where the first has it, and is published where it has not', async () => {
    await subscribe(driven(), { a: {}, b: {} });
    const { publish } = topicProcess(driven());
    expect(await publish({ body: 1, id: 'x' })).toEqual([{ ok: true, id: 'x', subscriptions: 2 }]);
    await subscribe(driven(), { c: {} });
    driven().clock.advance(3 * secondMs);
    expect(await publish({ body: 2, id: 'x' }, { body: 3 }, { body: 4, id: 'y' }, { body: 5, id: 'y' })).toEqual([
      { ok: true, id: 'x', subscriptions: 3 },
      { ok: true, id: expect.any(String), subscriptions: 3 },
      { ok: true, id: 'y', subscriptions: 3 },
      { ok: true, id: 'y', subscriptions: 3, duplicate: true },
    ]);
    expect(await publish({ body: 6, id: 'x' })).toEqual([{ ok: true, id: 'x', subscriptions: 3, duplicate: true }]);
    expect((await bodiesOf(driven(), 'a')).sort()).toEqual([1, 3, 4]);
    expect((await bodiesOf(driven(), 'c')).sort()).toEqual([2, 3, 4]);
  });

  it('an own id and a key that their messages gave up are published again', async () => {
    const settings = { idempotency: 'live', deduplication: { windowSeconds: null, onDuplicate: 'ignore' } } as const;
    await subscribe(driven(), { a: { settings }, b: { settings } });
    const { publish } = topicProcess(driven());
    for (const body of [1, 2, 3]) {
      expect(await publish({ body, id: 'x' }, { body, dedupKey: 'k' })).toEqual([
        { ok: true, id: 'x', subscriptions: 2 },
        { ok: true, id: '@k', subscriptions: 2 },
      ]);
      for (const queue of ['t-a', 't-b']) {
        const messages = await driven().receive(queue);
        expect(messages.map((message) => message.body)).toEqual([body, body]);
        await driven().ack(queue, messages);
      }
    }
  });

  it.each([
    ['ignore', [1, 10]],
    ['replace', [2, 10]],
    ['debounce', [2, 15]],
  ] as const)('a taken dedup key leaves or changes the message that waits in each queue, in the mode %s', async (onDuplicate, [
    body,
    seconds,
  ]) => {
    const settings = { deduplication: { windowSeconds: 3600, onDuplicate } };
    await subscribe(driven(), { a: { settings }, b: { settings } });
    const { publish } = topicProcess(driven());
    expect(await publish({ body: 1, dedupKey: 'k', delaySeconds: 10 })).toEqual([{ ok: true, id: '@k', subscriptions: 2 }]);
    driven().clock.advance(5 * secondMs);
    await subscribe(driven(), { c: { settings } });
    driven().clock.advance(0);
    const other = topicProcess(driven());
    expect(await other.publish({ body: 2, dedupKey: 'k', delaySeconds: 10 })).toEqual([{ ok: true, id: '@k', subscriptions: 3 }]);
    expect(await other.publish({ body: body === 1 ? 3 : 2, dedupKey: 'k', delaySeconds: 10 })).toEqual([
      { ok: true, id: '@k', subscriptions: 3, duplicate: true },
    ]);
    driven().clock.advance((seconds - 5) * secondMs - 1);
    expect(await bodiesOf(driven(), 'a')).toEqual([]);
    driven().clock.advance(1);
    expect(await bodiesOf(driven(), 'a')).toEqual([body]);
    expect(await bodiesOf(driven(), 'b')).toEqual([body]);
    driven().clock.advance(10 * secondMs);
    expect(await bodiesOf(driven(), 'c')).toEqual([2]);
  });

  it('a dedup key is refused for all subscriptions if one of their queues has no deduplication', async () => {
    await subscribe(driven(), { a: { settings: { deduplication: { windowSeconds: null, onDuplicate: 'ignore' } } }, b: {} });
    expect(await topicProcess(driven()).publish({ body: 1, dedupKey: 'k' }, { body: 2 })).toEqual([
      {
        ok: false,
        code: 'invalid_input',
        message: 'messages[0].dedupKey: the queue "t-b" has no setting "deduplication", was "k"',
      },
      { ok: true, id: expect.any(String), subscriptions: 2 },
    ]);
    expect(await bodiesOf(driven(), 'a')).toEqual([2]);
  });

  it('a group keeps the order of publishing in each queue', async () => {
    await subscribe(driven(), { a: {}, b: {} });
    const { publish } = topicProcess(driven());
    const inGroup = (group: string, ...given: number[]) => given.map((body) => ({ body, group }));
    await publish(...inGroup('g', 1, 2), ...inGroup('h', 7));
    await publish(...inGroup('g', 3), { body: 'plain' });
    for (const name of ['a', 'b']) {
      const received: unknown[] = [];
      for (;;) {
        const messages = await driven().receive(`t-${name}`);
        if (messages.length === 0) break;
        received.push(...messages.filter(({ group }) => group === 'g').map(({ body }) => body));
        await driven().ack(`t-${name}`, messages);
      }
      expect(received).toEqual([1, 2, 3]);
    }
  });

  it('large bodies reach each queue', async () => {
    await subscribe(driven(), { a: {}, b: { settings: { retentionSeconds: null } } });
    const body = 'x'.repeat(1000) + Math.PI.toString().repeat(5000);
    await topicProcess(driven()).publish({ body, subject: 's' });
    expect(await bodiesOf(driven(), 'a')).toEqual([body]);
    expect(await bodiesOf(driven(), 'b')).toEqual([body]);
  });

  it('a subscription whose queue is gone, or was created again, gets nothing and is not counted', async () => {
    await subscribe(driven(), { a: {}, b: {}, c: { queueIncarnation: 'elsewise' } });
    await driven().call('deleteQueue', 't-b');
    expect(await topicProcess(driven()).publish({ body: 1 })).toEqual([{ ok: true, id: expect.any(String), subscriptions: 1 }]);
    expect(await bodiesOf(driven(), 'c')).toEqual([]);
  });

  it('messages with and without the delay of the queue, small and large in turn, fit into the transactions', async () => {
    await subscribe(driven(), { a: {}, b: {}, c: {} });
    const large = 'x'.repeat(9_000);
    const entries = range(25).flatMap((number) => [{ body: number }, { body: `${number} ${large}`, delaySeconds: 0 }]);
    const results = await topicProcess(driven()).publish(...entries);
    expect(results).toMatchObject(entries.map(() => ({ ok: true, subscriptions: 3 })));
    for (const name of ['a', 'b', 'c']) {
      const got = await bodiesOf(driven(), name);
      expect(new Set(got)).toEqual(new Set(entries.map(({ body }) => body)));
      expect(got).toHaveLength(entries.length);
    }
  });
});

describe('cost', () => {
  onEveryStore('a publish to a topic', (driven) => {
    it('a publish costs 1 put for one subscription, and 1 transaction of one put each for several', async () => {
      await subscribe(driven(), { a: {} });
      const { publish } = topicProcess(driven());
      await publish({ body: 'so that the settings are known' });
      driven().spy.takeCounts();
      await publish({ body: 1 });
      expect(driven().spy.takeCounts()).toEqual({ ...noCalls, puts: 1 });
      await subscribe(driven(), { b: {}, c: {} });
      const other = topicProcess(driven());
      await other.publish({ body: 'so that the settings are known' });
      driven().spy.takeCounts();
      await other.publish({ body: 1 });
      expect(driven().spy.takeCounts()).toEqual({ ...noCalls, puts: 3, transactions: 1 });
      await other.publish(...bodies(...range(100)));
      expect(driven().spy.takeCounts()).toEqual({ ...noCalls, puts: 30, transactions: 1 });
    });
  });
});
