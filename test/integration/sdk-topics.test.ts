/** Topics through the SDK, over HTTP and in process, against the whole queue on real stores. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Dumbwaiter, DumbwaiterError, type QueueClient } from '../../sdk/index.ts';
import { eventually } from '../support/eventually.ts';
import { type StartedClient, sdkTransports } from '../support/sdk-transports.ts';

interface Order {
  order: number;
}

describe.each(sdkTransports)('a topic over $name', ({ name, start }) => {
  let started: StartedClient;
  let dumbwaiter: Dumbwaiter;
  beforeAll(async () => {
    started = await start();
    dumbwaiter = started.client;
  });
  afterAll(() => started.stop());

  let made = 0;
  const newTopic = async () => {
    const topic = dumbwaiter.topic<Order>(`orders-${++made}`);
    await topic.create();
    return topic;
  };
  async function bodiesIn(queue: QueueClient<Order>): Promise<number[]> {
    const received = await queue.receive({ max: 100 });
    await queue.ack(received);
    return received.map(({ body }) => body.order).sort((a, b) => a - b);
  }

  it('the SDK creates, describes, changes, lists and deletes a topic', async () => {
    const topic = dumbwaiter.topic('settings');
    const created = await topic.create({ queueSettings: { visibilityTimeoutSeconds: 9 } });
    expect(created).toMatchObject({ name: 'settings', subscriptions: 0, queueSettings: { visibilityTimeoutSeconds: 9 } });
    expect(await topic.create({ queueSettings: { visibilityTimeoutSeconds: 9 } })).toEqual(created);
    await expect(topic.create()).rejects.toMatchObject({ code: 'topic_exists' });
    expect(await topic.ensure({ preparedTimeoutSeconds: 60 })).toMatchObject({
      preparedTimeoutSeconds: 60,
      queueSettings: { visibilityTimeoutSeconds: 9 },
    });
    expect(await topic.update({ preparedTimeoutSeconds: 90 })).toMatchObject({ preparedTimeoutSeconds: 90 });
    expect(await topic.describe()).toMatchObject({ preparedTimeoutSeconds: 90 });
    expect((await dumbwaiter.topics({ limit: 1 }).all()).map(({ name }) => name)).toContain('settings');
    await topic.delete();
    await expect(topic.describe()).rejects.toMatchObject({ code: 'topic_not_found', retryable: false });
  });

  it('servers answer statistics of a topic, and the direct transport refuses them', async () => {
    const stats = (await newTopic()).stats();
    if (name === 'HTTP') expect(await stats).toEqual([]);
    else await expect(stats).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('a message reaches each subscription that matches, once, and the answer says how many', async () => {
    const topic = await newTopic();
    const audit = dumbwaiter.queue<Order>(`audit-${made}`);
    await audit.create();
    const [all, german] = [topic.subscription('all'), topic.subscription('german')];
    await Promise.all([
      topic.subscribe('all'),
      topic.subscribe('german', { filter: { country: ['DE'] } }),
      topic.subscribe('audit', { subject: '*.paid', queue: audit.name }),
    ]);
    expect(await topic.publish({ body: { order: 1 } })).toMatchObject({ ok: true, subscriptions: 1 });
    const results = await topic.publish([
      { body: { order: 2 }, attributes: { country: 'DE' } },
      { body: { order: 3 }, attributes: { country: 'FR' }, subject: 'orders.paid' },
      { body: { order: 4 }, delaySeconds: -1 },
    ]);
    expect(results).toMatchObject([
      { ok: true, subscriptions: 2 },
      { ok: true, subscriptions: 2 },
      { ok: false, code: 'invalid_input', message: expect.stringContaining('delaySeconds') },
    ]);
    expect(await bodiesIn(all.queue())).toEqual([1, 2, 3]);
    expect(await bodiesIn(german.queue())).toEqual([2]);
    expect(await bodiesIn(audit)).toEqual([3]);
  });

  it('the SDK describes, changes, tests, lists and ends subscriptions', async () => {
    const topic = await newTopic();
    const billing = topic.subscription('billing');
    const subscribed = await topic.subscribe('billing', { subject: 'orders.>', settings: { visibilityTimeoutSeconds: 4 } });
    expect(subscribed).toMatchObject({ name: 'billing', queue: `${topic.name}~billing`, ownsQueue: true, filter: null });
    expect(await billing.describe()).toMatchObject({ ...subscribed, counts: { ready: 0 } });
    expect(await billing.queue().describe()).toMatchObject({ name: subscribed.queue, visibilityTimeoutSeconds: 4 });
    expect(await billing.test({ body: { order: 1 }, subject: 'orders.paid' })).toEqual({ matches: true });
    expect(await billing.test({ body: { order: 1 }, subject: 'stock' })).toMatchObject({
      matches: false,
      failed: { path: 'subject', condition: 'orders.>', value: 'stock' },
    });
    expect(await billing.update({ filter: { country: ['DE'] } })).toMatchObject({ subject: 'orders.>' });
    expect((await topic.subscriptions({ limit: 1 }).all()).map(({ name }) => name)).toEqual(['billing']);
    await expect(topic.delete()).rejects.toMatchObject({ code: 'topic_in_use' });
    await billing.delete();
    await expect(billing.describe()).rejects.toMatchObject({ code: 'subscription_not_found' });
    await topic.delete();
  });

  it('ensure creates a subscription or gives it exactly these terms, and refuses another queue', async () => {
    const topic = await newTopic();
    const billing = topic.subscription('billing');
    await billing.ensure({ subject: 'orders.>', filter: { country: ['DE'] }, settings: { delaySeconds: 5 } });
    expect(await billing.ensure({ subject: 'orders.*', settings: { visibilityTimeoutSeconds: 4 } })).toMatchObject({
      subject: 'orders.*',
      filter: null,
    });
    expect(await billing.queue().describe()).toMatchObject({ delaySeconds: 5, visibilityTimeoutSeconds: 4 });
    const other = dumbwaiter.queue(`other-${made}`);
    await other.create();
    await expect(billing.ensure({ queue: other.name })).rejects.toMatchObject({ code: 'subscription_exists' });
  });

  it('a prepared publish reaches the subscriptions when it is committed, and never after a rollback', async () => {
    const topic = await newTopic();
    await topic.update({ preparedTimeoutSeconds: 60 });
    await topic.subscribe('all');
    const queue = topic.subscription('all').queue();
    await eventually(async () => {
      const [result] = await topic.publish([{ body: { order: 0 }, prepared: true }]);
      return result!.ok || undefined;
    });
    const kept = await topic.publish({ body: { order: 1 }, prepared: true });
    const dropped = await topic.publish({ body: { order: 2 }, prepared: true });
    expect(await queue.receive()).toEqual([]);
    await topic.commit(kept.id);
    await topic.commit(kept.id);
    await topic.rollback(dropped.id);
    await expect(topic.commit(dropped.id)).rejects.toMatchObject({ code: 'message_rolled_back' });
    await expect(topic.rollback(kept.id)).rejects.toMatchObject({ code: 'message_committed' });
    await expect(topic.commit('nothing')).rejects.toMatchObject({ code: 'publication_not_found' });
    expect(await bodiesIn(queue)).toEqual([1]);
  });

  it('a broadcast gives each message to each listener until its stop, which ends its subscription', async () => {
    const topic = await newTopic();
    const heard: [number[], number[]] = [[], []];
    const listeners = await Promise.all(
      heard.map((orders) =>
        topic.broadcast(({ body }) => void orders.push(body.order), { subject: 'orders.*', maxIdlePollSeconds: 1 }),
      ),
    );
    expect(await topic.publish({ body: { order: 1 }, subject: 'orders.paid' })).toMatchObject({ subscriptions: 2 });
    await topic.publish({ body: { order: 2 }, subject: 'stock' });
    await eventually(() => heard.every((orders) => orders.includes(1)));
    await Promise.all(listeners.map((listener) => listener.stop()));
    expect(heard).toEqual([[1], [1]]);
    expect(await topic.subscriptions().all()).toEqual([]);
  });

  it('a broadcast whose signal aborts ends its subscription', async () => {
    const topic = await newTopic();
    const abort = new AbortController();
    const { consumer, subscription } = await topic.broadcast(() => undefined, { signal: abort.signal });
    expect(await subscription.describe()).toMatchObject({ expiresAfterSeconds: 600 });
    abort.abort();
    await consumer.done;
    await eventually(async () => (await topic.subscriptions().all()).length === 0);
  });

  it('a broadcast whose subscription ended by itself subscribes again', async () => {
    const topic = await newTopic();
    const orders: number[] = [];
    const listener = await topic.broadcast(({ body }) => void orders.push(body.order), { maxIdlePollSeconds: 1 });
    listener.consumer.on('error', () => undefined);
    await listener.subscription.delete();
    await eventually(async () => (await topic.subscriptions().all()).length === 1);
    await topic.publish({ body: { order: 7 } });
    await eventually(() => orders.includes(7));
    await listener.stop();
  });

  it('publishing to a topic that does not exist is refused', async () => {
    const publishing = dumbwaiter.topic('missing').publish({ body: 1 });
    await expect(publishing).rejects.toThrow(DumbwaiterError);
    await expect(publishing).rejects.toMatchObject({ code: 'topic_not_found' });
  });
});
