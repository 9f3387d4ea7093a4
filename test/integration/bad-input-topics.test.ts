/** Bad input to the operations on topics and subscriptions, over a real HTTP server. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../contract/errors.ts';
import { expectProblem, type LocalQueue, startLocalQueue } from '../support/local-queue.ts';

let queue: LocalQueue;
const topic = { topic: 'news' };
const path = '/v1/topics/news';
const fresh = `${path}/subscriptions/fresh`;
const known = `${path}/subscriptions/known`;

beforeAll(async () => {
  queue = await startLocalQueue();
  const { http } = queue;
  for (const name of ['audit', 'dead', 'plain']) await http.call('createQueue', { queue: name });
  await http.call('createTopic', topic, { queueSettings: { delaySeconds: 1 } });
  await Promise.all([
    http.call(
      'subscribe',
      { ...topic, subscription: 'known' },
      { subject: 'orders.>', settings: { deadLetter: { queue: 'dead' } } },
    ),
    http.call('subscribe', { ...topic, subscription: 'feeding' }, { queue: 'audit' }),
  ]);
});
afterAll(async () => {
  await queue.server.close();
  expect(queue.defects).toEqual([]);
});

async function state(): Promise<unknown> {
  const { http } = queue;
  return Promise.all([
    http.call('listTopics', {}),
    http.call('listSubscriptions', topic, { limit: 100 }),
    http.call('listQueues', {}, { limit: 100 }),
  ]);
}

/** 151 values: 150 combinations are allowed. */
const many = Array.from({ length: 151 }, (_, i) => i);
const deep = JSON.parse(`${'{"a":'.repeat(300)}[1]${'}'.repeat(300)}`);

type Case = [title: string, method: string, path: string, body: unknown, status: number, code: ErrorCode, detail: string];
const subjects: Case[] = [
  ['an empty subject', '', 'must not be empty'],
  ['a subject with an empty token', 'a..b', 'must not contain an empty token'],
  ['a subject that ends with a dot', 'a.', 'must not contain an empty token'],
  ['a wildcard within a token', 'a.b*', '`*` and `>` must be whole tokens'],
  ['a `>` that is not last', 'a.>.b', '`>` must be the last token'],
  ['white space in a subject', 'a b', 'must not contain white space'],
  ['a subject of 17 tokens', Array(17).fill('a').join('.'), 'must be at most 16 tokens, was 17'],
  ['a subject of 257 characters', 'a'.repeat(257), 'must be at most 256 characters, was 257'],
  ['a number as the subject', 5, 'must be a text, was 5'],
].map(([title, subject, detail]) => [String(title), 'PUT', fresh, { subject }, 400, 'invalid_input', `subject: ${detail}`]);

const filters: Case[] = [
  ['a list as the filter', [], 'filter: must be an object'],
  ['a text in place of a list of conditions', { a: 'x' }, 'filter.a: must be a list'],
  ['an empty list of conditions', { a: [] }, 'filter.a: must have at least one condition'],
  ['an unknown operator', { a: [{ above: 3 }] }, 'filter.a[0]: has no operator "above"'],
  ['two operators in one condition', { a: [{ prefix: 'x', suffix: 'y' }] }, 'filter.a[0]: must have exactly one operator'],
  ['a number to a prefix', { a: [{ prefix: 3 }] }, 'filter.a[0].prefix: must be a text'],
  ['a wrong range', { a: [{ numeric: ['>', 5, '<', 3] }] }, 'filter.a[0].numeric: the first number of a range must be less'],
  ['a wrong address range', { a: [{ cidr: '10.0.0.0/33' }] }, 'filter.a[0].cidr: must have 0 to 32 bits'],
  ['nested keys on attributes', { a: { b: ['x'] } }, 'filter.a: must be a list: keys nest only with'],
  ['six keys', { a: [1], b: [1], c: [1], d: [1], e: [1], f: [1] }, 'filter: must have at most 5 keys, has 6'],
  ['151 combinations', { a: many }, 'filter: must be at most 150 combinations of values, is 151'],
  [
    '152 combinations of two keys',
    { a: many.slice(0, 76), b: ['x', 'y'] },
    'filter: must be at most 150 combinations of values, is 152',
  ],
  ['a filter nested 300 deep', deep, 'filter'],
].map(([title, filter, detail]) => [String(title), 'PUT', fresh, { filter }, 400, 'invalid_input', String(detail)]);

describe('a call on topics that is refused changes nothing', () => {
  it.each<Case>([
    ...subjects,
    ...filters,
    [
      'an unknown setting of a topic',
      'PUT',
      '/v1/topics/other',
      { queueSetting: {} },
      400,
      'invalid_input',
      'queueSetting: unknown field; the nearest is queueSettings',
    ],
    [
      'an unknown setting of its queues',
      'PUT',
      '/v1/topics/other',
      { queueSettings: { delay: 1 } },
      400,
      'invalid_input',
      'queueSettings.delay: unknown field',
    ],
    [
      'a bad time for prepared publishes',
      'PATCH',
      path,
      { preparedTimeoutSeconds: 0 },
      400,
      'invalid_input',
      'preparedTimeoutSeconds: must be a whole number',
    ],
    [
      'a dead-letter queue that does not exist',
      'PATCH',
      path,
      { queueSettings: { deadLetter: { queue: 'none' } } },
      400,
      'invalid_input',
      'queueSettings.deadLetter',
    ],
    ['a topic name with `~`', 'PUT', '/v1/topics/a~b', {}, 400, 'invalid_input', 'topic: must be 1 to 80 characters'],
    [
      'a topic name of 81 characters',
      'PUT',
      `/v1/topics/${'a'.repeat(81)}`,
      {},
      400,
      'invalid_input',
      'topic: must be 1 to 80 characters',
    ],
    [
      'a subscription name with a dot',
      'PUT',
      `${path}/subscriptions/a.b`,
      {},
      400,
      'invalid_input',
      'subscription: must be 1 to 80',
    ],
    ['a topic that exists with other settings', 'PUT', path, {}, 409, 'topic_exists', 'news'],
    ['a topic that does not exist', 'PATCH', '/v1/topics/missing', {}, 404, 'topic_not_found', 'missing'],
    ['a topic that has subscriptions', 'DELETE', path, undefined, 409, 'topic_in_use', 'force'],
    ['force that is no flag', 'DELETE', `${path}?force=maybe`, undefined, 400, 'invalid_input', 'force: must be true or false'],
    [
      'a body in place of a query',
      'DELETE',
      path,
      { force: true },
      400,
      'invalid_input',
      'force: must be sent in the query string',
    ],
    [
      'an unknown field of a subscription',
      'PUT',
      fresh,
      { subjects: 'a' },
      400,
      'invalid_input',
      'subjects: unknown field; the nearest is subject',
    ],
    [
      'an unknown scope of a filter',
      'PUT',
      fresh,
      { filterScope: 'headers' },
      400,
      'invalid_input',
      'filterScope: must be one of attributes, body',
    ],
    [
      'an end that comes too soon',
      'PUT',
      fresh,
      { expiresAfterSeconds: 59 },
      400,
      'invalid_input',
      'expiresAfterSeconds: must be',
    ],
    [
      'a queue that does not exist',
      'PUT',
      fresh,
      { queue: 'missing' },
      400,
      'invalid_input',
      'queue: there is no queue "missing"',
    ],
    [
      'a queue that a subscription owns',
      'PUT',
      fresh,
      { queue: 'news~known' },
      400,
      'invalid_input',
      'queue: `~` is for the queues of subscriptions',
    ],
    ['a queue that the topic delivers into already', 'PUT', fresh, { queue: 'audit' }, 409, 'subscription_exists', '"feeding"'],
    [
      'settings of an existing queue',
      'PUT',
      fresh,
      { queue: 'plain', settings: {} },
      400,
      'invalid_input',
      'settings: must be given without queue',
    ],
    [
      'an end with an existing queue',
      'PUT',
      fresh,
      { queue: 'plain', expiresAfterSeconds: 60 },
      400,
      'invalid_input',
      'expiresAfterSeconds: must be given without queue',
    ],
    [
      'dead letters into its own queue',
      'PUT',
      fresh,
      { settings: { deadLetter: { queue: 'news~fresh' } } },
      400,
      'invalid_input',
      'settings.deadLetter',
    ],
    [
      'dead letters into a queue that does not exist',
      'PUT',
      fresh,
      { settings: { deadLetter: { queue: 'none' } } },
      400,
      'invalid_input',
      'settings.deadLetter',
    ],
    [
      'dead letters that lead back to it',
      'PATCH',
      '/v1/queues/dead',
      { deadLetter: { queue: 'news~known' } },
      400,
      'invalid_input',
      'deadLetter',
    ],
    ['other terms for a subscription that exists', 'PUT', known, {}, 409, 'subscription_exists', 'different subject'],
    [
      'another queue for a subscription that exists',
      'PUT',
      known,
      { queue: 'plain', subject: 'orders.>' },
      409,
      'subscription_exists',
      'different queue',
    ],
    ['a queue in a change of a subscription', 'PATCH', known, { queue: 'plain' }, 400, 'invalid_input', 'queue: unknown field'],
    [
      'a bad filter in a change of a subscription',
      'PATCH',
      known,
      { filter: { a: [] } },
      400,
      'invalid_input',
      'filter.a: must have',
    ],
    [
      'a scope that its filter does not fit',
      'PATCH',
      known,
      { filterScope: 'attributes', filter: { a: { b: ['x'] } } },
      400,
      'invalid_input',
      'filter.a: must be a list',
    ],
    [
      'an end for a queue that it does not own',
      'PATCH',
      `${path}/subscriptions/feeding`,
      { expiresAfterSeconds: 60 },
      400,
      'invalid_input',
      'expiresAfterSeconds: only a subscription with a queue of its own',
    ],
    ['a subscription that does not exist', 'PATCH', fresh, {}, 404, 'subscription_not_found', 'fresh'],
    [
      'a subscription of a topic that does not exist',
      'PUT',
      '/v1/topics/missing/subscriptions/a',
      {},
      404,
      'topic_not_found',
      'missing',
    ],
    ['a message with two bodies to test', 'POST', `${known}/test`, { body: 1, bodyBase64: 'AA==' }, 400, 'invalid_input', 'body'],
    [
      'a subject with a wildcard to test',
      'POST',
      `${known}/test`,
      { body: 1, subject: 'a.*' },
      400,
      'invalid_input',
      'subject: must not contain `*` or `>`',
    ],
    ['an id of a message to test', 'POST', `${known}/test`, { body: 1, id: 'x' }, 400, 'invalid_input', 'id: unknown field'],
    [
      'a queue with `~` to create',
      'PUT',
      '/v1/queues/news~fresh',
      {},
      400,
      'invalid_input',
      'queue: `~` is for the queues of subscriptions',
    ],
    [
      'a queue that a subscription owns to delete',
      'DELETE',
      '/v1/queues/news~known',
      undefined,
      409,
      'queue_in_use',
      'subscription',
    ],
    ['a queue that a subscription feeds to delete', 'DELETE', '/v1/queues/audit', undefined, 409, 'queue_in_use', 'feeding'],
    [
      'a queue whose dead letters come from a subscription to delete',
      'DELETE',
      '/v1/queues/dead',
      undefined,
      409,
      'queue_in_use',
      'news~known',
    ],
  ])('a call with %s is refused and changes nothing', async (_, method, target, body, status, code, detail) => {
    const before = await state();
    const response = await queue.http.send(method, target, { body });
    expect(await expectProblem(response, status, code)).toContain(detail);
    expect(await state()).toEqual(before);
  });
});

const publish = (message: unknown) => queue.http.send('POST', `${path}/publish`, { body: { messages: [message] } });

describe('a publish to a topic', () => {
  it.each<[string, object, string]>([
    ['an unknown field', { body: 1, subjects: 'a' }, 'messages[0].subjects: unknown field; the nearest is subject'],
    ['no body', { subject: 'a' }, 'messages[0]'],
    ['a wildcard in its subject', { body: 1, subject: 'a.*' }, 'messages[0].subject: must not contain `*` or `>`'],
    ['an empty token in its subject', { body: 1, subject: 'a..b' }, 'messages[0].subject: must not contain an empty token'],
    ['an attribute that the topic sets', { body: 1, attributes: { topic: 'x' } }, 'messages[0].attributes'],
    ['a key that a queue does not accept', { body: 1, subject: 'orders.paid', dedupKey: 'k' }, 'has no setting "deduplication"'],
    ['a group and a priority', { body: 1, group: 'g', priority: 1 }, 'messages[0]'],
    ['prepared, which the topic does not accept', { body: 1, prepared: true }, 'messages[0].prepared'],
  ])('a message with %s is refused, and reaches no subscription', async (_, message, detail) => {
    const before = await state();
    const response = await publish(message);
    expect(response.status).toBe(200);
    const { results } = (await response.json()) as { results: { ok: boolean; code: string; message: string }[] };
    expect(results).toMatchObject([{ ok: false, code: 'invalid_input' }]);
    expect(results[0]!.message).toContain(detail);
    expect(await state()).toEqual(before);
    expect(await queue.http.call('peek', { queue: 'news~known' })).toEqual({ messages: [], examined: 0 });
    expect(await queue.http.call('peek', { queue: 'audit' })).toEqual({ messages: [], examined: 0 });
  });

  it.each<Case>([
    ['no messages', 'POST', `${path}/publish`, { messages: [] }, 400, 'invalid_input', 'messages: must be a list of 1 to 100'],
    [
      'a bad message',
      'POST',
      `${path}/publish-items`,
      { messages: [{ body: 1, subject: '' }] },
      400,
      'invalid_input',
      'messages[0].subject: must not be empty',
    ],
    [
      'a topic that does not exist',
      'POST',
      '/v1/topics/missing/publish',
      { messages: [{ body: 1 }] },
      404,
      'topic_not_found',
      'missing',
    ],
    ['a publication that does not exist', 'POST', `${path}/publications/none/commit`, {}, 404, 'publication_not_found', 'none'],
    ['a publication that does not exist', 'POST', `${path}/publications/none/rollback`, {}, 404, 'publication_not_found', 'none'],
  ])('a call with %s is refused', async (_, method, target, body, status, code, detail) => {
    expect(await expectProblem(await queue.http.send(method, target, { body }), status, code)).toContain(detail);
  });

  it('a topic that is deleted while it is published to refuses every publish after the answer, and breaks none', async () => {
    const { http } = queue;
    const short = { topic: 'short' };
    await http.call('createTopic', short);
    await Promise.all(['a', 'b'].map((subscription) => http.call('subscribe', { ...short, subscription })));
    const statuses = new Set<number>();
    const publish = async () => {
      const response = await http.send('POST', '/v1/topics/short/publish', { body: { messages: [{ body: 1 }] } });
      await response.arrayBuffer();
      return response.status;
    };
    const publishUntilRefused = async () => {
      let status = 200;
      while (status === 200) {
        status = await publish();
        statuses.add(status);
      }
    };
    expect(await Promise.all(Array.from({ length: 4 }, publish))).toEqual([200, 200, 200, 200]);
    const publishing = Array.from({ length: 4 }, publishUntilRefused);
    expect((await http.send('DELETE', '/v1/topics/short?force=true')).status).toBe(200);
    expect(await publish()).toBe(404);
    await Promise.all(publishing);
    statuses.delete(200);
    expect([...statuses]).toEqual([404]);
  });
});
