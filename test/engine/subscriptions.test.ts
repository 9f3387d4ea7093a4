/** Adding, changing, trying, listing and removing subscriptions. */
import { expect, it } from 'vitest';
import type { InputOf } from '../../contract/contract.ts';
import { feedsMax, pageEntriesMax, settingsCacheMs, subscriptionsMax, topicFilterBytesMax } from '../../contract/limits.ts';
import { signingKey, sqsKey } from '../../engine/model/rows-by-name.ts';
import { readTopic, subscriptionRow, topicKey, topicRow } from '../../engine/model/topic-record.ts';
import { arrivedMs } from '../../engine/queues/sleep.ts';
import type { DrivenEngine } from '../support/driven-engine.ts';
import { hourMs } from '../support/durations.ts';
import { onBothStores } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';
import { expectConsistent } from '../support/topic-rows.ts';

const topic = 't';
const subscribed = { topic, subscription: 's' };

onBothStores('subscriptions', (driven) => {
  const subscribe = (input: InputOf<'subscribe'> = {}, subscription = 's') =>
    driven().engine.call('subscribe', { topic, subscription }, input);
  const createTopic = (input: InputOf<'createTopic'> = {}) => driven().engine.call('createTopic', { topic }, input);

  it('a subscription owns a queue, whose settings are its own, then those of the topic, then the defaults', async () => {
    const { call, clock, create } = driven();
    await create('dead');
    await createTopic({ queueSettings: { delaySeconds: 3, visibilityTimeoutSeconds: 60 } });
    const at = new Date(clock.now()).toISOString();
    const settings = { visibilityTimeoutSeconds: 7, deadLetter: { queue: 'dead', maxReceives: 2 } };
    expect(await subscribe({ subject: 'a.*', filter: { kind: ['x', null] }, settings })).toEqual({
      topic,
      name: 's',
      subject: 'a.*',
      filter: { kind: ['x', null] },
      filterScope: 'attributes',
      queue: 't~s',
      ownsQueue: true,
      expiresAfterSeconds: null,
      createdAt: at,
      updatedAt: at,
    });
    expect(await call('getQueue', 't~s')).toMatchObject({ ...settings, delaySeconds: 3, retentionSeconds: 14 * 86_400 });
  });

  it('the queue of a subscription works as any queue does', async () => {
    const { engine, call, send, receive, ack } = driven();
    await createTopic();
    await subscribe();
    await send('t~s', 1, 2);
    expect(await engine.call('getSubscription', subscribed, {})).toMatchObject({ name: 's', counts: { ready: 2 } });
    expect(await ack('t~s', await receive('t~s'))).toMatchObject([{ ok: true }, { ok: true }]);
    expect(await call('updateQueue', 't~s', { paused: true })).toMatchObject({ name: 't~s', paused: true });
    await call('createQueue', 'q', { deadLetter: { queue: 't~s', maxReceives: 1 } });
    await expect(engine.call('unsubscribe', subscribed, {})).rejects.toMatchObject({ code: 'queue_in_use' });
    await call('deleteQueue', 'q');
    await engine.call('unsubscribe', subscribed, {});
    await expect(call('getQueue', 't~s')).rejects.toMatchObject({ code: 'queue_not_found' });
  });

  it('subscribe repeated with the same terms changes nothing, whatever was changed in its queue since', async () => {
    const { call, clock } = driven();
    await createTopic();
    const input = { subject: 'a', filter: { a: ['1'], b: [{ exists: true }] }, settings: { delaySeconds: 5 } };
    const first = await subscribe(input);
    await call('updateQueue', 't~s', { visibilityTimeoutSeconds: 5 });
    clock.advance(1000);
    expect(await subscribe(input)).toEqual(first);
    expect(await subscribe({ ...input, filter: { b: [{ exists: true }], a: ['1'] }, settings: {} })).toEqual(first);
    expect(await call('getQueue', 't~s')).toMatchObject({ delaySeconds: 5, visibilityTimeoutSeconds: 5 });
  });

  it.each<[string, InputOf<'subscribe'>]>([
    ['subject', { subject: 'b' }],
    ['filter', { filter: { a: ['2'] } }],
    ['filterScope', { filterScope: 'body' }],
    ['queue', { queue: 'existing' }],
    ['settings.delaySeconds', { settings: { delaySeconds: 1 } }],
    ['expiresAfterSeconds', { expiresAfterSeconds: 60 }],
  ])('subscribe with another %s is refused with its name, and changes nothing', async (field, input) => {
    const { engine, create } = driven();
    await create('existing');
    await createTopic();
    const first = await subscribe();
    await expect(subscribe(input)).rejects.toMatchObject({
      code: 'subscription_exists',
      message: expect.stringContaining(`different ${field};`),
    });
    expect(await engine.call('getSubscription', subscribed, {})).toMatchObject(first);
    await expectConsistent(driven());
  });

  it('a subscription delivers into an existing queue, which stays when the subscription goes', async () => {
    const { engine, call, create } = driven();
    await create('existing', { delaySeconds: 9 });
    await createTopic({ queueSettings: { delaySeconds: 3 } });
    expect(await subscribe({ queue: 'existing' })).toMatchObject({ queue: 'existing', ownsQueue: false });
    expect(await call('getQueue', 'existing')).toMatchObject({ delaySeconds: 9 });
    await expect(subscribe({ queue: 'existing' }, 'other')).rejects.toMatchObject({
      code: 'subscription_exists',
      message: expect.stringMatching(/^queue: .*"s".*"existing"/),
    });
    await expectConsistent(driven());
    await engine.call('unsubscribe', subscribed, {});
    expect(await subscribe({ queue: 'existing' }, 'other')).toMatchObject({ queue: 'existing' });
    await expectConsistent(driven());
  });

  it('a queue of a subscription is neither created nor deleted by the operations on queues', async () => {
    const { engine, call, create } = driven();
    await create('existing');
    await createTopic();
    await subscribe();
    await subscribe({ queue: 'existing' }, 'other');
    await expect(create('t~s')).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('queue: `~` is for the queues of subscriptions'),
    });
    await expect(call('deleteQueue', 't~s')).rejects.toMatchObject({
      code: 'queue_in_use',
      message: expect.stringContaining('delete the subscription'),
    });
    await expect(call('deleteQueue', 'existing')).rejects.toMatchObject({
      code: 'queue_in_use',
      message: expect.stringMatching(/"other".*"t".*delete the subscription first/),
    });
    await engine.call('unsubscribe', { topic, subscription: 'other' }, {});
    expect(await call('deleteQueue', 'existing')).toEqual({});
  });

  it.each<[string, InputOf<'subscribe'>, RegExp]>([
    ['a queue that does not exist', { queue: 'missing' }, /^queue: there is no queue "missing"/],
    ['a queue of another subscription', { queue: 't~other' }, /^queue: `~` is for the queues of subscriptions/],
    ['settings for an existing queue', { queue: 'existing', settings: {} }, /^settings: must be given without queue/],
    ['an end of an existing queue', { queue: 'existing', expiresAfterSeconds: 60 }, /^expiresAfterSeconds: /],
    ['a time that is too short', { expiresAfterSeconds: 59 }, /^expiresAfterSeconds: must be a whole number/],
    ['a subject that is no pattern', { subject: 'a..b' }, /^subject: /],
    ['a filter that is not one', { filter: { a: [{ near: 'b' }] } as never }, /^filter\.a/],
    ['too many combinations', { filter: { a: range(13).map(String), b: range(13).map(String) } }, /^filter: .*150/],
    ['a nested filter on attributes', { filter: { a: { b: ['c'] } } }, /^filter\.a: .*filterScope/],
    [
      'a dead-letter queue that is its own',
      { settings: { deadLetter: { queue: 't~s', maxReceives: 1 } } },
      /^settings\.deadLetter\.queue: dead letters would come back: "t~s" → "t~s"/,
    ],
    [
      'a dead-letter queue that does not exist',
      { settings: { deadLetter: { queue: 'missing', maxReceives: 1 } } },
      /^settings\.deadLetter\.queue: there is no queue "missing"/,
    ],
  ])('subscribe with %s is refused with its place, and changes nothing', async (_, input, message) => {
    const { engine, create } = driven();
    await create('existing');
    await createTopic();
    await expect(subscribe(input)).rejects.toMatchObject({ code: 'invalid_input', message: expect.stringMatching(message) });
    expect(await expectConsistent(driven())).toEqual([]);
    expect(await engine.call('getTopic', { topic }, {})).toMatchObject({ subscriptions: 0 });
  });

  it('updateSubscription changes only the terms given, and answers at once', async () => {
    const { engine, clock } = driven();
    await createTopic();
    const first = await subscribe({ subject: 'a.*', filter: { a: ['1'] } });
    clock.advance(1000);
    const before = clock.now();
    const update = (input: InputOf<'updateSubscription'>) => engine.call('updateSubscription', subscribed, input);
    const updatedAt = new Date(before).toISOString();
    expect(await update({ filter: { a: ['2'] } })).toEqual({ ...first, filter: { a: ['2'] }, updatedAt });
    expect(clock.now()).toBe(before);
    expect(await update({ filterScope: 'body', filter: { a: { b: ['2'] } } })).toMatchObject({ filterScope: 'body' });
    await expect(update({ filterScope: 'attributes' })).rejects.toMatchObject({ message: expect.stringMatching(/^filter\.a: /) });
    expect(await update({ subject: null, filter: null })).toMatchObject({ subject: null, filter: null, filterScope: 'body' });
    expect(await engine.call('getTopic', { topic }, {})).toMatchObject({ subscriptions: 1 });
    await expectConsistent(driven());
  });

  it('a subscription on an existing queue cannot be told to end by itself', async () => {
    const { engine, create } = driven();
    await create('existing');
    await createTopic();
    await subscribe({ queue: 'existing' });
    const update = engine.call('updateSubscription', subscribed, { expiresAfterSeconds: 60 });
    await expect(update).rejects.toMatchObject({ code: 'invalid_input', message: expect.stringMatching(/^expiresAfterSeconds/) });
  });

  it('testSubscription says whether a message matches, and which condition fails', async () => {
    const { engine } = driven();
    await createTopic();
    await subscribe({ subject: 'orders.*', filter: { country: ['DE', { prefix: 'A' }] } });
    const test = (input: InputOf<'testSubscription'>) => engine.call('testSubscription', subscribed, input);
    expect(await test({ body: 1, subject: 'orders.new', attributes: { country: 'AT' } })).toEqual({ matches: true });
    expect(await test({ body: 1, subject: 'orders.new', attributes: { country: 'FR' } })).toEqual({
      matches: false,
      failed: { path: 'filter.country', condition: ['DE', { prefix: 'A' }], value: 'FR' },
    });
    expect(await test({ body: 1 })).toEqual({ matches: false, failed: { path: 'subject', condition: 'orders.*' } });
    await expect(test({ body: 1, subject: 'orders.*' })).rejects.toMatchObject({ code: 'invalid_input' });
  });

  it('every operation on a missing subscription is refused with subscription_not_found', async () => {
    const { engine } = driven();
    await createTopic();
    await subscribe();
    await engine.call('unsubscribe', subscribed, {});
    for (const operation of ['getSubscription', 'updateSubscription', 'unsubscribe', 'testSubscription'] as const) {
      const input = operation === 'testSubscription' ? { body: 1 } : {};
      const call = engine.call(operation, subscribed, input as never);
      await expect(call, operation).rejects.toMatchObject({ code: 'subscription_not_found' });
    }
  });

  it('subscribe answers when every process sees the subscription, also if it is repeated soon', async () => {
    const { clock } = driven();
    await createTopic();
    const taken = async () => {
      const before = clock.now();
      await subscribe();
      return clock.now() - before;
    };
    expect(await taken()).toBe(settingsCacheMs);
    expect(await taken()).toBe(settingsCacheMs);
    clock.advance(arrivedMs);
    expect(await taken()).toBe(0);
  });

  it('a call that has no time to wait for the caches changes nothing', async () => {
    const { engine, clock } = driven();
    await createTopic();
    await subscribe();
    const options = { endsAt: clock.now() + settingsCacheMs };
    const refused = { code: 'unavailable', message: expect.stringContaining('Nothing was changed') };
    await expect(engine.call('subscribe', { topic, subscription: 'late' }, {}, options)).rejects.toMatchObject(refused);
    await expect(engine.call('unsubscribe', subscribed, {}, options)).rejects.toMatchObject(refused);
    await expect(engine.call('deleteTopic', { topic }, { force: true }, options)).rejects.toMatchObject(refused);
    expect(await expectConsistent(driven())).toEqual(['t~s']);
  });

  it('at most so many topics deliver into one queue', async () => {
    const { engine, create } = driven();
    await create('existing');
    const add = async (name: string) => {
      await engine.call('createTopic', { topic: name }, {});
      return engine.call('subscribe', { topic: name, subscription: 's' }, { queue: 'existing' });
    };
    for (const at of range(feedsMax)) await add(`t${at}`);
    await expect(add('more')).rejects.toMatchObject({ code: 'invalid_input', message: expect.stringMatching(/^queue: 100 /) });
    await engine.call('unsubscribe', { topic: 't0', subscription: 's' }, {});
    expect(await add('more')).toMatchObject({ queue: 'existing' });
  });

  it('what is kept of an owned queue under its name goes with it, unless another queue has the name by then', async () => {
    const { engine, spy, rows, clock, sweep } = driven();
    const kept = [signingKey, sqsKey];
    const left = async () => (await rows('queues')).filter(({ kind }) => kind === 'signing' || kind === 'sqs');
    await createTopic();
    for (const name of ['s', 'again']) {
      await subscribe({}, name);
      for (const keyOf of kept) {
        const key = keyOf(`t~${name}`) as { kind: string; name: string; table: 'queues' };
        await spy.store.write({ key, then: { put: { kind: key.kind, name: key.name, version: 1 } } });
      }
      await engine.call('unsubscribe', { topic, subscription: name }, {});
    }
    await subscribe({}, 'again');
    await sweep();
    expect(await left()).toHaveLength(4);
    clock.advance(hourMs);
    await sweep();
    expect((await left()).map(({ name }) => name)).toEqual(['t~again', 't~again']);
    expect((await rows('queues')).filter(({ kind }) => kind === 'deleted')).toEqual([]);
  });

  it('the filters of a topic together have a limit, and a filter that shortens or ends makes room for others', async () => {
    const { engine } = driven();
    const filterOf = (bytes: number) => ({ key: ['x'.repeat(bytes - '{"key":[""]}'.length)] });
    const size = 200 * 1024;
    const count = Math.floor(topicFilterBytesMax / size);
    await createTopic();
    const names = range(count).map((at) => `s${at}`);
    for (const name of names) await subscribe({ filter: filterOf(size) }, name);
    const left = topicFilterBytesMax - count * size;
    const refusal = {
      code: 'invalid_input',
      message: expect.stringMatching(
        /^filter: the filters of the topic "t" together must be at most 10485760 bytes.*would be 10485761;/,
      ),
    };
    await expect(subscribe({ filter: filterOf(left + 1) }, 'more')).rejects.toMatchObject(refusal);
    const update = (subscription: string, filter: object | null) =>
      engine.call('updateSubscription', { topic, subscription }, { filter: filter as never });
    await expect(update('s0', filterOf(size + left + 1))).rejects.toMatchObject(refusal);
    await subscribe({ subject: 'a' }, 'without');
    await subscribe({ filter: filterOf(left) }, 'more');
    await update('s0', filterOf(size - 100));
    await update('s1', filterOf(size + 100));
    await engine.call('unsubscribe', { topic, subscription: 's2' }, {});
    await subscribe({ filter: filterOf(size) }, 'another');
    await update('s3', null);
    await expectConsistent(driven());
  });

  it('a topic has at most so many subscriptions, listed in pages with one read each', async () => {
    const { engine, spy } = driven();
    await createTopic();
    await fill(driven(), subscriptionsMax);
    await expect(subscribe()).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(/^topic: .*10000 subscriptions/),
    });
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      spy.takeCounts();
      spy.takeRowsRead();
      const page = await engine.call('listSubscriptions', { topic }, { limit: pageEntriesMax, ...(cursor ? { cursor } : {}) });
      expect({ ...spy.takeCounts(), rows: spy.takeRowsRead() }).toMatchObject({
        gets: 1,
        ranges: 1,
        rows: page.subscriptions.length,
      });
      found.push(...page.subscriptions.map(({ name }) => name));
      cursor = page.cursor;
    } while (cursor);
    expect(found).toEqual([...new Set(found)].sort());
    expect(found).toHaveLength(subscriptionsMax);
    await engine.call('unsubscribe', { topic, subscription: found[0]! }, {});
    expect(await subscribe()).toMatchObject({ name: 's' });
  });
});

/** Gives the topic subscriptions whose queues do not exist, as rows. */
async function fill({ spy, clock }: DrivenEngine, count: number): Promise<void> {
  const [row] = await spy.store.get([topicKey(topic)]);
  const record = readTopic(row!);
  await spy.store.write({ key: topicKey(topic), then: { put: topicRow({ ...record, subscriptions: count, revision: count }) } });
  const writes = range(count).map((at) => {
    const put = subscriptionRow({
      topic,
      topicIncarnation: record.incarnation,
      name: `n${at}`,
      subject: null,
      filter: null,
      filterScope: 'attributes',
      queue: `t~n${at}`,
      queueIncarnation: 'none',
      ownsQueue: true,
      expiresAfterSeconds: null,
      fromRevision: at + 1,
      createdAt: clock.now(),
      updatedAt: clock.now(),
      version: 'v',
    });
    return { key: { table: 'queues' as const, kind: put.kind as string, name: put.name as string }, then: { put } };
  });
  await spy.store.writeAll(writes);
}
