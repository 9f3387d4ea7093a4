/** Every operation of the engine once, on every store: what a store does not take shows here first. */
import { afterAll, expect, it } from 'vitest';
import type { OperationName, ParamsOf } from '../../contract/contract.ts';
import { routes } from '../../contract/routes.ts';
import type { QueueOperation } from '../../engine/engine.ts';
import { onEveryStore } from '../support/on-both-stores.ts';

const ofTargets: OperationName[] = ['putTarget', 'getTarget', 'listTargets', 'deleteTarget'];
const ofServers: OperationName[] = [
  'createKey',
  'listKeys',
  'getOwnKey',
  'revokeKey',
  'rotateSigningSecret',
  'queueStats',
  'topicStats',
  'listAudit',
  'getStatus',
  'health',
  ...ofTargets,
];
const minuteMs = 60_000;
type SubscriptionParams = ParamsOf<'subscribe'>;

onEveryStore('each operation', (driven) => {
  const called = new Set<OperationName>();
  afterAll(() => {
    expect([...called, ...ofServers].sort()).toEqual(Object.keys(routes).sort());
  });

  /** The engine's own call, which notes the operation. */
  function calls(): ReturnType<typeof driven>['engine']['call'] {
    return (operation: QueueOperation, ...rest) => {
      called.add(operation);
      return driven().engine.call(operation, ...rest) as never;
    };
  }

  it('each operation on queues and schedules succeeds', async () => {
    const call = calls();
    await call('createQueue', { queue: 'q' }, {});
    expect(await call('updateQueue', { queue: 'q' }, { visibilityTimeoutSeconds: 7 })).toMatchObject({ name: 'q' });
    expect(await call('getQueue', { queue: 'q' }, {})).toMatchObject({ visibilityTimeoutSeconds: 7 });
    expect((await call('listQueues', {}, {})).queues).toHaveLength(1);
    await call('putSchedule', { name: 's' }, { queue: 'q', everySeconds: 60, message: { body: 'tick' } });
    await call('updateSchedule', { name: 's' }, { everySeconds: 120 });
    expect(await call('getSchedule', { name: 's' }, {})).toMatchObject({ everySeconds: 120 });
    expect((await call('listSchedules', {}, {})).schedules).toHaveLength(1);
    driven().clock.advance(2 * minuteMs);
    await driven().sweep();
    driven().clock.advance(2 * minuteMs);
    await driven().sweep();
    expect(await driven().bodies('q')).toContain('tick');
    await call('deleteSchedule', { name: 's' }, {});
    await call('purge', { queue: 'q' }, {});
    await call('deleteQueue', { queue: 'q' }, {});
    expect((await call('listQueues', {}, {})).queues).toEqual([]);
  });

  it('each operation on topics and subscriptions succeeds', async () => {
    const call = calls();
    const topic = { topic: 't' };
    await call('createTopic', topic, { queueSettings: { retentionSeconds: null } });
    await call('updateTopic', topic, { preparedTimeoutSeconds: 60 });
    expect(await call('getTopic', topic, {})).toMatchObject({ name: 't', preparedTimeoutSeconds: 60 });
    const [own, other] = ['s', 'u'].map((subscription) => ({ ...topic, subscription })) as [
      SubscriptionParams,
      SubscriptionParams,
    ];
    await call('createQueue', { queue: 'existing' }, {});
    await call('subscribe', own, { subject: 'a.>', filter: { kind: [null, 'a'] } });
    await call('subscribe', other, { queue: 'existing' });
    await call('updateSubscription', own, { filter: { kind: ['b'] }, expiresAfterSeconds: 3600 });
    expect(await call('getSubscription', own, {})).toMatchObject({ queue: 't~s', counts: { ready: 0 } });
    const message = { body: 1, attributes: { kind: 'b' }, subject: 'a.b' };
    expect(await call('testSubscription', own, message)).toEqual({ matches: true });
    expect((await call('listSubscriptions', topic, {})).subscriptions).toHaveLength(2);
    expect((await call('listTopics', {}, {})).topics).toMatchObject([{ name: 't', subscriptions: 2 }]);
    const prepared = ['yes', 'no'].map((id) => ({ body: id, id, prepared: true }));
    const { results } = await call('publishToTopic', topic, { messages: [message, { body: 2 }, ...prepared] });
    expect(results).toMatchObject([2, 1, 0, 0].map((subscriptions) => ({ ok: true, subscriptions })));
    await call('commitPublication', { ...topic, id: 'yes' }, {});
    await call('rollbackPublication', { ...topic, id: 'no' }, {});
    const { items } = await call('topicPublishItems', topic, { messages: [{ body: 3 }] });
    expect(await driven().commit(items)).toEqual([]);
    expect(await driven().bodies('t~s')).toEqual([1]);
    expect((await driven().bodies('existing')).map(String).sort()).toEqual(['1', '2', '3', 'yes']);
    await call('unsubscribe', other, {});
    await call('deleteTopic', topic, { force: true });
    await driven().sweep();
    expect((await call('listTopics', {}, {})).topics).toEqual([]);
    expect((await call('listQueues', {}, {})).queues.map(({ name }) => name)).toEqual(['existing']);
  });

  it('each operation on messages succeeds', async () => {
    const call = calls();
    const at = { queue: 'q' };
    await call('createQueue', { queue: 'dead' }, {});
    await call('createQueue', at, { deadLetter: { queue: 'dead', maxReceives: 1 }, prepared: { timeoutSeconds: 600 } });
    const messages = [{ body: 1 }, { body: 2, id: 'mine' }, { body: 3, id: 'off' }];
    const prepared = ['yes', 'no'].map((id) => ({ body: id, id, prepared: true }));
    const { results } = await call('publish', at, { messages: [...messages, ...prepared] });
    expect(results.every(({ ok }) => ok)).toBe(true);
    await call('commitMessage', { ...at, id: 'yes' }, {});
    await call('rollbackMessage', { ...at, id: 'no' }, {});
    await call('updateMessage', { ...at, id: 'off' }, { delaySeconds: 60 });
    expect(await call('getMessage', { ...at, id: 'off' }, {})).toMatchObject({ state: 'delayed' });
    await call('cancelMessage', { ...at, id: 'off' }, {});
    expect((await call('peek', at, {})).messages.map(({ body }) => body)).toEqual(expect.arrayContaining([1, 2, 'yes']));

    const received = (await call('receive', at, { max: 10 })).messages;
    expect(received.map(({ body }) => body)).toEqual(expect.arrayContaining([1, 2, 'yes']));
    const receipts = received.map(({ receipt }) => receipt);
    expect((await call('extend', at, { receipts, visibilityTimeoutSeconds: 60 })).results.every(({ ok }) => ok)).toBe(true);
    const [first, second, third] = receipts as [string, string, string];
    expect((await call('release', at, { receipts: [first] })).results).toMatchObject([{ ok: true }]);
    expect((await call('ack', at, { receipts: [second] })).results).toMatchObject([{ ok: true }]);
    const acked = await call('ackItems', at, { receipts: [third] });
    const published = await call('publishItems', at, { messages: [{ body: 4 }, { body: 5, id: 'five' }] });
    expect(await driven().commit([...acked.items, ...published.items])).toEqual([]);
    expect((await driven().bodies('q', { max: 10 })).sort()).toEqual([4, 5]);
    expect(await call('releaseMessage', { ...at, id: 'five' }, {})).toEqual({ deadLettered: true });

    // The released messages had their only receive: they are dead, and go back.
    await driven().sweep();
    const { id: task } = await call('redrive', { queue: 'dead' }, { toQueue: 'q' });
    await driven().engine.runRedrive('dead', task, { until: driven().clock.now() + minuteMs });
    expect(await call('getRedrive', { queue: 'dead', task }, {})).toMatchObject({ state: 'done', moved: 2 });
    const { id: other } = await call('redrive', { queue: 'dead' }, { toQueue: 'q' });
    expect(await call('cancelRedrive', { queue: 'dead', task: other }, {})).toMatchObject({
      state: expect.stringMatching(/cancel/),
    });
  });
});
