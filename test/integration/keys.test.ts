import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OperationName, Scope } from '../../contract/contract.ts';
import { type Route, routes } from '../../contract/routes.ts';
import { scopes } from '../../contract/scopes.ts';
import { version } from '../../contract/version.ts';
import { cases } from '../support/cases.ts';
import { expectProblem, type HttpCalls, type LocalQueue, requestFor, startLocalQueue } from '../support/local-queue.ts';

let queue: LocalQueue;
beforeAll(async () => {
  queue = await startLocalQueue();
  for (const name of ['covered-1', 'covered-2', 'elsewhere', 'z-covered']) {
    await queue.http.call('createQueue', { queue: name });
    await queue.http.call('createTopic', { topic: name });
  }
});
afterAll(async () => {
  await queue.server.close();
  expect(queue.defects).toEqual([]);
});

async function keyFor(scopes: readonly Scope[], queues: string[], topics?: string[]): Promise<HttpCalls> {
  const { key } = await queue.http.call(
    'createKey',
    {},
    { name: 'test', scopes: [...scopes], queues, ...(topics && { topics }) },
  );
  return queue.http.as(key);
}

/** An input that is refused itself once the key is accepted. */
const bad = { nonsense: true };
const paramsOf = (name: string) => ({ queue: name, topic: name, subscription: 'x', target: 'x', id: 'x', task: 'x', name: 'x' });
const operations = cases(Object.keys(routes) as OperationName[]);
const ofQueues = cases(operations.filter((operation) => routes[operation].path.includes('{queue}')));
const ofTopics = cases(operations.filter((operation) => routes[operation].path.includes('{topic}')));

async function send(calls: HttpCalls, operation: OperationName, name: string): Promise<Response> {
  const route: Route = routes[operation];
  const { path, body } = requestFor(route, paramsOf(name), bad);
  return calls.send(route.method, path, { body });
}

describe('without a key', () => {
  it.each(
    operations.filter((operation) => operation !== 'health'),
  )('the operation %s is refused without a key', async (operation) => {
    for (const key of [undefined, 'wrong', 'dw_000000000000_00000000000000000000000000000000']) {
      const response = await send(queue.http.as(key), operation, 'covered-1');
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/);
      await expectProblem(response, 401, 'unauthorized');
    }
  });

  it('a request without a valid key is refused before its body is read and its queue looked up', async () => {
    const { http } = queue;
    const huge = 'x'.repeat(100_000);
    await expectProblem(await http.as('wrong').send('POST', '/v1/queues/missing/publish', { body: huge }), 401, 'unauthorized');
  });
});

describe('a key', () => {
  it.each(cases(scopes))('a key of the scope %s may do exactly what the scope allows', async (scope) => {
    const allowed: string[] = ['any', scope, ...(scope === 'receive' ? ['read'] : [])];
    const calls = await keyFor([scope], ['covered-*'], ['covered-*']);
    for (const operation of [...ofQueues, ...ofTopics]) {
      const needed = routes[operation].scope;
      const response = await send(calls, operation, 'covered-1');
      if (allowed.includes(needed)) {
        expect(await expectProblem(response, 400, 'invalid_input')).toContain('nonsense: unknown field');
      } else {
        expect(await expectProblem(response, 403, 'forbidden')).toContain(needed);
      }
    }
  });

  it('a key of the scope read may do what a key of any scope may, read messages, topics and subscriptions, and change nothing', () => {
    const allowed = cases(operations.filter((operation) => ['any', 'read'].includes(routes[operation].scope)));
    expect(allowed.filter((operation) => routes[operation].method !== 'GET')).toEqual(['testSubscription']);
    expect(allowed.filter((operation) => routes[operation].scope === 'read')).toEqual([
      'peek',
      'getMessage',
      'getTopic',
      'getSubscription',
      'listSubscriptions',
      'testSubscription',
    ]);
  });

  it('a key may do nothing on queues and topics that it does not cover, existing or not', async () => {
    const calls = await keyFor(scopes, ['covered-*', 'elsewher'], ['covered-*', 'elsewher']);
    for (const operation of [...ofQueues, ...ofTopics]) {
      for (const name of ['elsewhere', 'missing', 'z-covered']) {
        expect(await expectProblem(await send(calls, operation, name), 403, 'forbidden')).toContain(name);
      }
    }
  });

  it('a key of all scopes administers keys and schedules only if it covers all queues', async () => {
    const some = await keyFor(scopes, ['a*', 'b*']);
    const all = await keyFor(['admin'], ['*']);
    const beside = operations.filter(
      (operation) => /\/(keys|schedules)\b/.test(routes[operation].path) && routes[operation].scope === 'admin',
    );
    expect(beside.length).toBe(8);
    for (const operation of beside) {
      await expectProblem(await send(some, operation, ''), 403, 'forbidden');
      await expectProblem(await send(all, operation, ''), 400, 'invalid_input');
    }
  });

  it('a key for all queues but not all topics administers schedules, not keys', async () => {
    const some = await keyFor(scopes, ['*'], ['order-*']);
    await some.call('listSchedules', {});
    expect(await expectProblem(await some.send('GET', '/v1/keys'), 403, 'forbidden')).toContain('topics');
  });

  it('a key grants no scope or queue that it lacks', async () => {
    const all = await keyFor(['admin', 'publish'], ['*']);
    const body = { name: 'more', queues: ['*'], scopes: ['publish', 'receive'] };
    expect(await expectProblem(await all.send('POST', '/v1/keys', { body }), 403, 'forbidden')).toContain('receive');
    await all.call('createKey', {}, { ...body, scopes: ['publish'] });
    await expectProblem(await all.send('POST', '/v1/keys', { body: { ...body, scopes: ['read'] } }), 403, 'forbidden');
    const receiver = await keyFor(['admin', 'receive'], ['*']);
    await receiver.call('createKey', {}, { ...body, scopes: ['read'] });
  });

  it('a pattern of a key may end with .fifo', async () => {
    const calls = await keyFor(['admin'], ['ordered-*.fifo']);
    await calls.call('createQueue', { queue: 'ordered-1.fifo' });
    expect((await calls.call('listQueues', {})).queues.map(({ name }) => name)).toEqual(['ordered-1.fifo']);
    await expectProblem(await calls.send('PUT', '/v1/queues/ordered-1', { body: {} }), 403, 'forbidden');
    await calls.call('deleteQueue', { queue: 'ordered-1.fifo' });
  });

  it('a key moves no messages to a queue that it does not cover', async () => {
    const calls = await keyFor(['admin'], ['covered-*']);
    const deadLetter = { queue: 'elsewhere', maxReceives: 1 };
    await expectProblem(await calls.send('PUT', '/v1/queues/covered-9', { body: { deadLetter } }), 403, 'forbidden');
    await expectProblem(await calls.send('PATCH', '/v1/queues/covered-1', { body: { deadLetter } }), 403, 'forbidden');
    await expectProblem(
      await calls.send('POST', '/v1/queues/covered-1/redrive', { body: { toQueue: 'elsewhere' } }),
      403,
      'forbidden',
    );
    expect((await queue.http.call('getQueue', { queue: 'covered-1' })).deadLetter).toBeNull();
    await calls.call('updateQueue', { queue: 'covered-1' }, { deadLetter: { ...deadLetter, queue: 'covered-2' } });
  });

  it.each([1, 2, 3, 100])('a key lists only the queues that it covers, without a gap on pages of at most %i', async (limit) => {
    const calls = await keyFor(['publish'], ['covered-2', 'else*', 'z-*']);
    const listed: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await calls.call('listQueues', {}, { limit, ...(cursor === undefined ? {} : { cursor }) });
      expect(page.queues.length).toBeLessThanOrEqual(limit);
      listed.push(...page.queues.map(({ name }) => name));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(listed).toEqual(['covered-2', 'elsewhere', 'z-covered']);
  });

  it('a key sees the counts of the queues that it covers, and of no other', async () => {
    await queue.http.call('publish', { queue: 'covered-2' }, { messages: [{ body: 1 }] });
    const calls = await keyFor(['publish'], ['covered-2', 'else*']);
    const { queues } = await calls.call('listQueues', {}, { counts: true });
    expect(queues.map(({ name, counts }) => [name, counts?.ready])).toEqual([
      ['covered-2', 1],
      ['elsewhere', 0],
    ]);
    await queue.http.call('purge', { queue: 'covered-2' });
  });

  it('a key for a topic sees the counts of a queue that its subscription owns, and not of an existing queue', async () => {
    await queue.http.call('createTopic', { topic: 'seen' });
    await queue.http.call('subscribe', { topic: 'seen', subscription: 'own' });
    await queue.http.call('subscribe', { topic: 'seen', subscription: 'feeds' }, { queue: 'elsewhere' });
    const of = (subscription: string) => ({ topic: 'seen', subscription });
    const byTopic = await keyFor(['receive'], ['covered-*'], ['seen']);
    expect(await byTopic.call('getSubscription', of('own'))).toHaveProperty('counts');
    const shown = await byTopic.call('getSubscription', of('feeds'));
    expect(shown).toMatchObject({ name: 'feeds', queue: 'elsewhere' });
    expect(shown).not.toHaveProperty('counts');
    const byBoth = await keyFor(['receive'], ['elsewhere'], ['seen']);
    expect(await byBoth.call('getSubscription', of('feeds'))).toHaveProperty('counts');
    await queue.http.call('deleteTopic', { topic: 'seen' }, { force: true });
  });

  it('a key of any scope reads what it may do', async () => {
    const calls = await keyFor(['publish'], ['covered-*'], ['else*']);
    expect(await calls.call('getOwnKey', {})).toEqual({
      id: expect.any(String),
      scopes: ['publish'],
      queues: ['covered-*'],
      topics: ['else*'],
      expiresAt: null,
      version,
      environment: null,
    });
    expect(await queue.http.call('getOwnKey', {})).toMatchObject({ scopes: ['publish', 'receive', 'admin'], queues: ['*'] });
  });

  it('a key lists only the topics that it covers', async () => {
    const calls = await keyFor(['receive'], [], ['covered-2', 'else*']);
    const { topics } = await calls.call('listTopics', {}, { limit: 100 });
    expect(topics.map(({ name }) => name)).toEqual(['covered-2', 'elsewhere']);
    expect(await (await keyFor(['receive'], ['covered-*'])).call('listTopics', {})).toEqual({ topics: [] });
  });

  it('a key for a topic also covers the queues that its subscriptions own, and a key for queues alone does not', async () => {
    await queue.http.call('subscribe', { topic: 'covered-1', subscription: 'own' });
    const owned = { queue: 'covered-1~own' };
    const byTopic = await keyFor(['receive'], [], ['covered-1']);
    expect(await byTopic.call('receive', owned)).toMatchObject({ messages: [] });
    expect((await byTopic.call('listQueues', {})).queues.map(({ name }) => name)).toEqual([owned.queue]);
    for (const patterns of [['covered-1~*'], ['covered*']]) {
      await (await keyFor(['receive'], patterns)).call('receive', owned);
    }
    for (const patterns of [['covered-1'], ['covered-2~*'], ['own']]) {
      const calls = await keyFor(['receive'], patterns, ['covered-2']);
      await expectProblem(await calls.send('POST', `/v1/queues/${owned.queue}/receive`, { body: {} }), 403, 'forbidden');
    }
  });

  it('a subscription delivers into no queue, and dead-letters into none, that the key does not cover', async () => {
    const calls = await keyFor(['receive', 'admin'], ['covered-*'], ['covered-2']);
    const deadLetter = { queue: 'elsewhere', maxReceives: 1 };
    const refused: [string, string, object][] = [
      ['PUT', '/v1/topics/covered-2/subscriptions/x', { queue: 'elsewhere' }],
      ['PUT', '/v1/topics/covered-2/subscriptions/x', { settings: { deadLetter } }],
      ['PATCH', '/v1/topics/covered-2', { queueSettings: { deadLetter } }],
      ['PUT', '/v1/topics/covered-2', { queueSettings: { deadLetter } }],
    ];
    for (const [method, path, body] of refused) {
      expect(await expectProblem(await calls.send(method, path, { body }), 403, 'forbidden')).toContain('elsewhere');
    }
    const { queueSettings, subscriptions } = await queue.http.call('getTopic', { topic: 'covered-2' });
    expect({ queueSettings, subscriptions }).toEqual({ queueSettings: {}, subscriptions: 0 });
    await calls.call('subscribe', { topic: 'covered-2', subscription: 'x' }, { queue: 'covered-2' });
  });

  it('a key without the scope admin subscribes no queue that calls an address', async () => {
    const settings = { prepared: { checkBack: { url: 'https://example.com/' } } };
    const where = '/v1/topics/elsewhere/subscriptions/calls';
    const calls = await keyFor(['receive'], [], ['elsewhere']);
    expect(await expectProblem(await calls.send('PUT', where, { body: { settings } }), 403, 'forbidden')).toContain('admin');
    const byAdmin = await keyFor(['receive', 'admin'], [], ['elsewhere']);
    expect((await byAdmin.send('PUT', where, { body: { settings } })).status).toBe(200);
  });

  it('a revoked key is refused', async () => {
    const { id, key } = await queue.http.call('createKey', {}, { name: 'short', scopes: ['admin'], queues: ['*'] });
    await queue.http.as(key).call('getQueue', { queue: 'elsewhere' });
    await queue.http.as(key).call('revokeKey', { id });
    await expectProblem(await queue.http.as(key).send('GET', '/v1/queues/elsewhere'), 401, 'unauthorized');
  });
});
