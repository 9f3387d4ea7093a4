/** Topics through the SDK, over HTTP and in process, against the whole queue on real stores. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Dumbwaiter } from '../../sdk/index.ts';
import { eventually } from '../support/eventually.ts';
import { type StartedClient, sdkTransports } from '../support/sdk-transports.ts';

interface Order {
  order: number;
}

describe.each(sdkTransports)('a topic over $name', ({ start }) => {
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

  it('a broadcast whose signal aborts ends its subscription', async () => {
    const topic = await newTopic();
    const abort = new AbortController();
    const { consumer, subscription } = await topic.broadcast(() => undefined, { signal: abort.signal });
    expect(await subscription.describe()).toMatchObject({ expiresAfterSeconds: 600 });
    abort.abort();
    await consumer.done;
    await eventually(async () => (await topic.subscriptions().all()).length === 0);
  });
});
