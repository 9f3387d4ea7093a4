import { afterAll, beforeAll, expect, it } from 'vitest';
import type { OperationName } from '../../contract/contract.ts';
import { nextTicksMax } from '../../contract/limits.ts';
import { routes } from '../../contract/routes.ts';
import { version } from '../../contract/version.ts';
import { wakePath } from '../../contract/wake.ts';
import { eventually } from '../support/eventually.ts';
import { expectProblem, type HttpCalls, type LocalQueue, startLocalQueue } from '../support/local-queue.ts';

let queue: LocalQueue;
const called = new Set<OperationName>();
beforeAll(async () => {
  queue = await startLocalQueue({ dynamodb: true });
});
afterAll(async () => {
  await queue.server.close();
  expect(queue.defects).toEqual([]);
  expect([...called].sort()).toEqual(Object.keys(routes).sort());
});

const call: HttpCalls['call'] = (operation, params, input) => {
  called.add(operation);
  return queue.http.call(operation, params, input);
};

let queues = 0;
async function newQueue(settings: object = {}): Promise<{ queue: string }> {
  const params = { queue: `routes-${++queues}` };
  await call('createQueue', params, settings);
  return params;
}

it('the health route answers without a key', async () => {
  called.add('health');
  const response = await queue.http.as(undefined).send('GET', '/v1/health');
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ status: 'ok' });
});

it('the routes of queues create, read, change, list and delete a queue', async () => {
  const dead = { queue: 'orders-dead' };
  const orders = { queue: 'orders' };
  await call('createQueue', dead);
  const created = await call('createQueue', orders, {
    deadLetter: { queue: dead.queue, maxReceives: 2 },
    backoff: { minSeconds: 1, maxSeconds: 10, factor: 2, jitter: 0.5 },
  });
  expect(created).toMatchObject({ name: orders.queue, visibilityTimeoutSeconds: 30, delaySeconds: 0 });
  expect(await call('createQueue', orders, { deadLetter: created.deadLetter, backoff: created.backoff })).toEqual(created);
  expect((await call('updateQueue', orders, { visibilityTimeoutSeconds: 5 })).visibilityTimeoutSeconds).toBe(5);
  const read = await call('getQueue', orders);
  expect(read).toMatchObject({ visibilityTimeoutSeconds: 5, counts: { ready: 0, leased: 0, atLeast: false } });
  const names = (await call('listQueues', {}, { limit: 100 })).queues.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining([dead.queue, orders.queue]));
  await expectProblem(await queue.http.send('DELETE', `/v1/queues/${dead.queue}`), 409, 'queue_in_use');
  expect(await call('deleteQueue', orders)).toEqual({});
  expect(await call('deleteQueue', dead)).toEqual({});
  await expectProblem(await queue.http.send('GET', `/v1/queues/${orders.queue}`), 404, 'queue_not_found');
});

it('the routes of schedules put, read, change, list and delete a schedule', async () => {
  const where = await newQueue();
  const nightly = { name: 'nightly' };
  const message = { body: { report: 'sales' } };
  const put = await call('putSchedule', nightly, { ...where, cron: '30 2 * * *', message });
  expect(put).toMatchObject({ ...nightly, ...where, timeZone: 'UTC', lastError: null, message: { ...message, attributes: {} } });
  const { nextTicks, ...read } = await call('getSchedule', nightly);
  expect(read).toEqual(put);
  expect(nextTicks).toHaveLength(nextTicksMax);
  expect(nextTicks[0]).toBe(put.nextAt);
  expect(await call('updateSchedule', nightly, { paused: true })).toMatchObject({ paused: true, nextAt: null });
  expect((await call('listSchedules', {}, { limit: 10 })).schedules.map(({ name }) => name)).toEqual([nightly.name]);
  expect(await call('deleteSchedule', nightly)).toEqual({});
  await expectProblem(await queue.http.send('GET', '/v1/schedules/nightly'), 404, 'schedule_not_found');
});

it('the routes of topics and subscriptions create, read, change, test, list and delete them', async () => {
  const events = { topic: 'events' };
  const [billing, audit] = [
    { ...events, subscription: 'billing' },
    { ...events, subscription: 'audit' },
  ];
  const { queue: existing } = await newQueue();
  const created = await call('createTopic', events, { queueSettings: { visibilityTimeoutSeconds: 5 } });
  expect(created).toMatchObject({ name: 'events', preparedTimeoutSeconds: null, subscriptions: 0 });
  // Each name here is also one that stays text elsewhere.
  const filter = { body: [null, { prefix: 'a' }], attributes: { result: [{ numeric: ['>', 1] }] } };
  const made = await call('subscribe', billing, { filter, filterScope: 'body', subject: 'orders.*' });
  expect(made).toMatchObject({ name: 'billing', queue: 'events~billing', ownsQueue: true, filter, filterScope: 'body' });
  expect(await call('subscribe', audit, { queue: existing })).toMatchObject({ queue: existing, ownsQueue: false });
  const read = await call('getSubscription', billing);
  expect(read).toMatchObject({ ...made, counts: { ready: 0 } });
  expect((await call('getQueue', { queue: 'events~billing' })).visibilityTimeoutSeconds).toBe(5);
  const { subscriptions } = await call('listSubscriptions', events, { limit: 10 });
  expect(subscriptions.map(({ name }) => name)).toEqual(['audit', 'billing']);
  expect(await call('updateSubscription', audit, { subject: 'orders.>' })).toMatchObject({ subject: 'orders.>' });
  expect(await call('testSubscription', audit, { body: {}, subject: 'users.new' })).toEqual({
    matches: false,
    failed: { path: 'subject', condition: 'orders.>', value: 'users.new' },
  });
  const refusedFor = { body: 0, subject: 'orders.a', attributes: { topic: 'x' } };
  const published = await call('publishToTopic', events, {
    messages: [{ body: { body: 'a', attributes: { result: 2 } }, subject: 'orders.a' }, refusedFor],
  });
  expect(published.results).toMatchObject([
    { ok: true, subscriptions: 2 },
    { ok: false, code: 'invalid_input' },
  ]);
  const [got] = (await call('receive', { queue: 'events~billing' }, {})).messages;
  expect(got).toMatchObject({ body: { body: 'a' }, attributes: { topic: 'events', subject: 'orders.a' } });
  expect(await call('updateTopic', events, { preparedTimeoutSeconds: 60 })).toMatchObject({ preparedTimeoutSeconds: 60 });
  expect(await call('getTopic', events)).toMatchObject({ preparedTimeoutSeconds: 60, subscriptions: 2 });
  expect((await call('listTopics', {}, { limit: 10 })).topics.map(({ name }) => name)).toEqual(['events']);
  const prepared = await call('publishToTopic', events, {
    messages: ['yes', 'no'].map((id) => ({ body: id, id, subject: 'orders.b', prepared: true })),
  });
  expect(prepared.results).toMatchObject([
    { ok: true, id: 'yes' },
    { ok: true, id: 'no' },
  ]);
  expect(await call('commitPublication', { ...events, id: 'yes' })).toEqual({});
  expect(await call('rollbackPublication', { ...events, id: 'no' })).toEqual({});
  await expectProblem(await queue.http.send('POST', '/v1/topics/events/publications/no/commit'), 409, 'message_rolled_back');
  await expectProblem(await queue.http.send('POST', '/v1/topics/events/publications/x/commit'), 404, 'publication_not_found');
  await expectProblem(await queue.http.send('DELETE', '/v1/queues/events~billing'), 409, 'queue_in_use');
  await expectProblem(await queue.http.send('PUT', '/v1/queues/events~other', { body: {} }), 400, 'invalid_input');
  await expectProblem(await queue.http.send('DELETE', '/v1/topics/events'), 409, 'topic_in_use');
  expect(await call('unsubscribe', billing)).toEqual({});
  await expectProblem(await queue.http.send('GET', '/v1/topics/events/subscriptions/billing'), 404, 'subscription_not_found');
  expect(await call('deleteTopic', events, { force: true })).toEqual({});
  await expectProblem(await queue.http.send('GET', '/v1/topics/events'), 404, 'topic_not_found');
});

it('the routes of targets put, read, list and delete a target', async () => {
  const where = await newQueue();
  const hook = { ...where, target: 'hook' };
  const put = await call('putTarget', hook, { url: 'http://127.0.0.1:9/hook', paused: true });
  expect(put).toMatchObject({ name: 'hook', url: 'http://127.0.0.1:9/hook', state: 'paused' });
  expect(await call('getTarget', hook)).toMatchObject({ name: 'hook', state: 'paused' });
  expect((await call('listTargets', where)).targets.map(({ name }) => name)).toEqual(['hook']);
  expect(await call('deleteTarget', hook)).toEqual({});
  const path = `/v1/queues/${where.queue}/targets/hook`;
  await expectProblem(await queue.http.send('GET', path), 404, 'target_not_found');
});

it('the routes of messages take a message from publish to ack', async () => {
  const where = await newQueue();
  const body = { text: 'ä😀', list: [1, null, { deep: true }] };
  const messages = [{ body, attributes: { kind: 'a', size: 1.5 } }, { bodyBase64: 'AAEC' }];
  expect(await call('publish', where, { messages })).toMatchObject({ results: [{ ok: true }, { ok: true }] });
  const received = await call('receive', where, { max: 10, visibilityTimeoutSeconds: 60, waitSeconds: 1 });
  expect(received.messages).toMatchObject([
    { body, attributes: { kind: 'a', size: 1.5 }, receives: 1, failures: 0 },
    { bodyBase64: 'AAEC', attributes: {}, receives: 1, failures: 0 },
  ]);
  const receipts = received.messages.map(({ receipt }) => receipt);
  const extended = await call('extend', where, { receipts, visibilityTimeoutSeconds: 120 });
  const { leasedUntil } = received.messages[0]!;
  expect(extended.results.every((result) => result.ok && result.leasedUntil > leasedUntil)).toBe(true);
  expect(await call('ack', where, { receipts })).toEqual({ results: [{ ok: true }, { ok: true }] });
  expect(await call('receive', where)).toEqual({ messages: [], waitIsCheap: true, wakeUrl: wakePath });
});

it('the routes of transactions return entries in DynamoDB’s JSON', async () => {
  const where = await newQueue();
  const made = await call('publishItems', where, {
    messages: [{ body: 1 }, { body: 2, id: 'mine' }, { body: 'x', delaySeconds: 9 }],
  });
  expect(made.items.map(({ Put }) => Put!.TableName)).toEqual(['dumbwaiter-messages', 'dumbwaiter-leases', 'dumbwaiter-leases']);
  expect(made.ids[1]).toBe('mine');
  const news = { topic: 'news' };
  await call('createTopic', news, {});
  await call('subscribe', { ...news, subscription: 'all' }, { queue: where.queue });
  const fanned = await call('topicPublishItems', news, { messages: [{ body: 1 }, { body: 2, id: 'mine' }] });
  expect(fanned.items.map(({ Put }) => Put!.TableName)).toEqual(['dumbwaiter-messages', 'dumbwaiter-leases']);
  expect(fanned.ids[1]).toBe('mine');
  expect(await call('receive', where)).toEqual({ messages: [], waitIsCheap: true, wakeUrl: wakePath });
  await call('publish', where, { messages: [{ body: 3 }, { body: 4 }] });
  const { receipt } = (await call('receive', where)).messages[0]!;
  const { items } = await call('ackItems', where, { receipts: [receipt] });
  expect(items[0]!.Update!.Key).toEqual({ id: { S: receipt.split('.')[1] } });
  const path = `/v1/queues/${where.queue}`;
  await expectProblem(await queue.http.send('POST', `${path}/ack-items`, { body: { receipts: ['x'] } }), 400, 'invalid_receipt');
  await expectProblem(await queue.http.send('POST', `${path}/publish-items`, { body: { messages: [{}] } }), 400, 'invalid_input');
});

it('a release stores the reason of a failure', async () => {
  const where = await newQueue();
  await call('publish', where, { messages: [{ body: 1, id: 'm1' }] });
  const first = await call('receive', where);
  const receipts = first.messages.map(({ receipt }) => receipt);
  expect((await call('release', where, { receipts, delaySeconds: 0, failed: 'No paper' })).results).toMatchObject([{ ok: true }]);
  const found = await call('getMessage', { ...where, id: 'm1' });
  expect(found).toMatchObject({ state: 'ready', receives: 1, failures: 1, lastFailure: 'No paper' });
  const second = await call('receive', where, { waitSeconds: 5 });
  expect(second.messages).toMatchObject([{ id: 'm1', receives: 2, failures: 1 }]);
});

it('the routes by id change a waiting message and then cancel it', async () => {
  const where = await newQueue();
  const { results } = await call('publish', where, { messages: [{ body: 1 }] });
  const [{ id }] = results as [{ ok: true; id: string }];
  expect(await call('updateMessage', { ...where, id }, { delaySeconds: 60 })).toMatchObject({ id });
  expect(await call('cancelMessage', { ...where, id })).toEqual({});
  await expectProblem(await queue.http.send('GET', `/v1/queues/${where.queue}/messages/${id}`), 404, 'message_not_found');
});

it('the route by id releases a leased message, whose receipt is then refused', async () => {
  const where = await newQueue();
  await call('publish', where, { messages: [{ body: 1, id: 'm1' }] });
  const [held] = (await call('receive', where)).messages;
  const released = await call('releaseMessage', { ...where, id: 'm1' }, { delaySeconds: 600, receives: held!.receives });
  const found = await call('getMessage', { ...where, id: 'm1' });
  expect(found).toMatchObject({ state: 'delayed', receives: 1, failures: 0, ...released });
  expect((await call('ack', where, { receipts: [held!.receipt] })).results).toMatchObject([{ ok: false, code: 'lease_lost' }]);
  const path = `/v1/queues/${where.queue}/messages`;
  await expectProblem(await queue.http.send('POST', `${path}/none/release`, { body: {} }), 404, 'message_not_found');
  await expectProblem(await queue.http.send('POST', `${path}/m1/release`, { body: { receives: 0 } }), 400, 'invalid_input');
});

it('the routes by id commit or roll back a prepared message and find one by its key', async () => {
  const where = await newQueue({
    prepared: { timeoutSeconds: 60, checkBack: { url: 'https://example.com/check' } },
    deduplication: { windowSeconds: 60, onDuplicate: 'ignore' },
  });
  const messages = [
    { body: 1, prepared: true },
    { body: 2, prepared: true, id: 'own' },
    { body: 3, dedupKey: 'k' },
  ];
  const { results } = await call('publish', where, { messages });
  const [first] = results as [{ ok: true; id: string }];
  expect(results.slice(1)).toEqual([
    { ok: true, id: 'own' },
    { ok: true, id: '@k' },
  ]);
  expect(await call('getMessage', { ...where, id: first.id })).toMatchObject({ state: 'prepared' });
  expect(await call('getMessage', { ...where, id: '@k' })).toMatchObject({ id: '@k', body: 3 });
  expect(await call('commitMessage', { ...where, id: first.id })).toEqual({});
  expect(await call('rollbackMessage', { ...where, id: 'own' })).toEqual({});
  const path = (id: string, what: string) => `/v1/queues/${where.queue}/messages/${id}/${what}`;
  await expectProblem(await queue.http.send('POST', path(first.id, 'rollback')), 409, 'message_committed');
  await expectProblem(await queue.http.send('POST', path('own', 'commit')), 409, 'message_rolled_back');
  await expectProblem(await queue.http.send('POST', path('nobody', 'commit')), 404, 'message_not_found');
  const checkBack = { url: 'http://example.com' };
  const insecure = await queue.http.send('PATCH', `/v1/queues/${where.queue}`, {
    body: { prepared: { timeoutSeconds: 60, checkBack } },
  });
  await expectProblem(insecure, 400, 'invalid_input');
  expect((await call('receive', where, { max: 10 })).messages.map(({ id }) => id).sort()).toEqual([first.id, '@k'].sort());
});

it('the peek route shows messages page by page and by state', async () => {
  const where = await newQueue();
  await call('publish', where, { messages: [1, 2, 3].map((body) => ({ body })) });
  await call('publish', where, { messages: [{ body: 'later', delaySeconds: 600 }] });
  const bodies: unknown[] = [];
  let cursor: string | undefined;
  do {
    const page = await call('peek', where, { state: 'ready', limit: 2, ...(cursor === undefined ? {} : { cursor }) });
    bodies.push(...page.messages.map(({ body }) => body));
    cursor = page.cursor;
  } while (cursor !== undefined);
  expect(bodies.sort()).toEqual([1, 2, 3]);
  expect((await call('peek', where, { state: 'delayed' })).messages).toMatchObject([{ body: 'later', state: 'delayed' }]);
});

it('the peek route takes filters from the query, and an attribute more than once', async () => {
  const where = await newQueue();
  const kinds = ['a,b', 'a', 'b'];
  await call('publish', where, { messages: kinds.map((kind) => ({ body: kind, attributes: { kind, size: 1 } })) });
  const read = (query: string) => queue.http.send('GET', `/v1/queues/${where.queue}/messages?${query}`);
  const page = await (await read('attribute=size=1&attribute=kind=a,b&priority=0&text=,')).json();
  expect(page).toMatchObject({ messages: [{ body: 'a,b' }], examined: 3 });
  await expectProblem(await read('attribute=kind'), 400, 'invalid_input');
  await expectProblem(await read('text=a&text=b'), 400, 'invalid_input');
});

it('the purge route empties a queue', async () => {
  const where = await newQueue();
  await call('publish', where, { messages: [{ body: 1 }] });
  // Messages published within the margin of two clocks before a purge may stay.
  await eventually(async () => {
    expect(Date.parse((await call('purge', where)).purgedBefore)).toBeLessThanOrEqual(Date.now());
    return (await call('receive', where, { visibilityTimeoutSeconds: 0 })).messages.length === 0 ? true : undefined;
  });
});

it('the redrive routes start a task, read it and cancel it', async () => {
  const dead = await newQueue();
  const where = await newQueue({ deadLetter: { queue: dead.queue, maxReceives: 9 } });
  await call('publish', where, { messages: [{ body: 1, id: 'dies' }] });
  const receipts = (await call('receive', where)).messages.map(({ receipt }) => receipt);
  const released = await call('release', where, { receipts, deadLetter: true, failed: 'broken' });
  expect(released.results).toEqual([{ ok: true, deadLettered: true }]);
  const found = await call('getMessage', { ...dead, id: 'dies' });
  expect(found).toMatchObject({ state: 'dead', deadLetter: { queue: where.queue, reason: 'rejected', text: 'broken' } });
  const started = await call('redrive', dead, { reason: 'rejected', ratePerSecond: 1000 });
  const done = await eventually(async () => {
    const task = await call('getRedrive', { ...dead, task: started.id });
    return task.state === 'running' ? undefined : task;
  });
  expect(done).toMatchObject({ state: 'done', moved: 1, toQueue: null, error: null });
  expect((await call('receive', where, { waitSeconds: 5 })).messages).toMatchObject([{ id: 'dies', body: 1 }]);
  expect(await call('cancelRedrive', { ...dead, task: started.id })).toMatchObject({ state: 'done' });
});

it('the routes of keys create, list and revoke a key', async () => {
  const { key, ...shown } = await call('createKey', {}, { name: 'k', queues: ['routes-*'], scopes: ['publish'] });
  expect(key).toMatch(/^dw_[0-9a-z]+_[0-9a-z]{32}$/);
  expect((await call('listKeys', {}, { limit: 100 })).keys).toContainEqual(shown);
  expect(await call('getOwnKey', {})).toMatchObject({ id: 'admin', scopes: ['publish', 'receive', 'admin'] });
  expect(await call('revokeKey', { id: shown.id })).toEqual({});
  await expectProblem(await queue.http.send('DELETE', `/v1/keys/${shown.id}`), 404, 'key_not_found');
});

it('the routes of statistics answer the points of a queue, and of a topic', async () => {
  const where = { queue: 'routes-stats' };
  await call('createQueue', where, {});
  expect(await call('queueStats', where, { stepSeconds: 1_200 })).toEqual({ points: [] });
  const topic = { topic: 'routes-stats' };
  await call('createTopic', topic, {});
  expect(await call('topicStats', topic, { stepSeconds: 1_200 })).toEqual({ points: [] });
  await call('deleteTopic', topic, {});
});

it('the route of the status answers where messages are and when the last sweep ended, to a key that may do everything', async () => {
  const status = await call('getStatus', {});
  expect(status).toMatchObject({ version, store: { kind: 'dynamodb', error: null }, throttledWrites: 0 });
  const { key } = await call('createKey', {}, { name: 'some', queues: ['orders'], scopes: ['admin'] });
  expect((await queue.http.as(key).send('GET', '/v1/status')).status).toBe(403);
});

it('the route of the audit answers which key changed what', async () => {
  await call('createQueue', { queue: 'routes-audit' }, {});
  const { entries } = await call('listAudit', {}, { queue: 'routes-audit', limit: 1 });
  expect(entries).toMatchObject([{ operation: 'createQueue', key: { id: 'admin' }, params: { queue: 'routes-audit' } }]);
});

it('the route of signing secrets creates a secret, shows it once, and replaces it while the queue exists', async () => {
  const where = { queue: 'routes-signing' };
  await call('createQueue', where, {});
  const { secret } = await call('rotateSigningSecret', where);
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect((await call('rotateSigningSecret', where)).secret).not.toBe(secret);
  expect(JSON.stringify(await call('getQueue', where))).not.toContain('whsec_');
  await call('deleteQueue', where);
  await expectProblem(await queue.http.send('POST', '/v1/queues/routes-signing/signing-secret'), 404, 'queue_not_found');
});
