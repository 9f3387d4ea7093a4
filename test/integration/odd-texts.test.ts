/** Half surrogate pairs in every text of every request, and keys such as `__proto__` in every object of it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { OperationName } from '../../contract/contract.ts';
import { type Route, routes } from '../../contract/routes.ts';
import { cases } from '../support/cases.ts';
import { type HttpCalls, type LocalQueue, requestFor, startLocalQueue } from '../support/local-queue.ts';

let local: LocalQueue;
let http: HttpCalls;
const at = '2030-01-01T00:00:00.000Z';
beforeAll(async () => {
  local = await startLocalQueue({ dynamodb: true });
  http = local.http;
  await http.call('createQueue', { queue: 'other' }, {});
});
afterAll(async () => {
  await local.server.close();
  expect(local.defects).toEqual([]);
});

const params = {
  queue: 'odd',
  id: 'an-id',
  task: 'a-task',
  name: 'a-name',
  target: 'a-target',
  topic: 'a-topic',
  subscription: 'a-sub',
};
const settings = {
  visibilityTimeoutSeconds: 30,
  deadLetter: { queue: 'other', maxReceives: 3 },
  backoff: { minSeconds: 1, maxSeconds: 60, factor: 2, jitter: 0 },
  priority: { levels: 2, order: 'strict' },
  groups: { concurrency: 1, onFailure: 'block', ratePerSecond: null },
  limits: { concurrency: 5, ratePerSecond: 5 },
  deduplication: { windowSeconds: null, onDuplicate: 'ignore' },
  prepared: { timeoutSeconds: 60, checkBack: { url: 'https://example.com/ask' } },
  keep: { doneSeconds: 60, deadSeconds: 60 },
};
const content = { body: { text: 'a', list: ['b'] }, attributes: { kind: 'c' } };
const bytes = { bodyBase64: 'AAAA', attributes: { kind: 'c' } };
const messages = [
  { ...content, id: 'own' },
  { ...bytes, deliverAt: at },
  { ...content, group: 'a group' },
  { ...content, dedupKey: 'key' },
];
const schedule = { queue: 'odd', startAt: at, endAt: null, missed: 'one', message: { ...content, priority: 1 } };
const receipts = ['a receipt'];

/** Inputs that contain each text and each object of an operation's input. */
const inputs: { [Name in OperationName]?: object[] } = {
  createQueue: [settings],
  updateQueue: [settings, { prepared: { timeoutSeconds: 60, checkBack: { functionName: 'ask' } } }],
  listQueues: [{ cursor: 'abc', limit: 5 }],
  queueStats: [{ from: '2026-01-31T12:00:00.000Z' }],
  topicStats: [{ from: '2026-01-31T12:00:00.000Z' }],
  listAudit: [{ cursor: 'abc', queue: 'odd', key: 'admin', from: '2026-01-31T12:00:00.000Z' }],
  publish: [{ messages }],
  publishItems: [{ messages: messages.slice(0, 2) }],
  receive: [{ max: 1 }],
  ack: [{ receipts, result: content }],
  ackItems: [{ receipts }],
  release: [{ receipts, failed: 'why' }],
  extend: [{ receipts, progress: 0.5 }],
  purge: [{}],
  peek: [{ state: 'ready', cursor: 'abc' }],
  getMessage: [{ waitSeconds: 0 }],
  updateMessage: [
    { content: { body: content.body }, attributes: content.attributes, deliverAt: at },
    { content: { bodyBase64: 'AAAA' } },
  ],
  cancelMessage: [{ force: true }],
  releaseMessage: [{ delaySeconds: 1, receives: 1 }],
  commitMessage: [{}],
  rollbackMessage: [{}],
  redrive: [{ ids: ['an-id'], reason: 'rejected', from: at, until: at, toQueue: 'other' }],
  putTarget: [
    { url: 'https://example.com/hook', format: 'json' },
    { functionName: 'a-function', batchSize: 5 },
  ],
  putSchedule: [
    { ...schedule, cron: '0 0 * * *', timeZone: 'UTC' },
    { ...schedule, everySeconds: 60 },
  ],
  updateSchedule: [{ ...schedule, cron: '0 0 * * *', timeZone: 'UTC' }],
  listSchedules: [{ cursor: 'abc' }],
  createTopic: [{ queueSettings: settings }],
  updateTopic: [{ queueSettings: settings }],
  deleteTopic: [{ force: true }],
  listTopics: [{ cursor: 'abc' }],
  subscribe: [{ subject: 'a.b', filter: { kind: ['c'] }, filterScope: 'attributes', settings }, { queue: 'other' }],
  updateSubscription: [{ subject: 'a.b', filter: { kind: ['c'] }, filterScope: 'body' }],
  listSubscriptions: [{ cursor: 'abc' }],
  testSubscription: [{ ...content, subject: 'a.b' }],
  publishToTopic: [{ messages: messages.map((message) => ({ ...message, subject: 'a.b' })) }],
  topicPublishItems: [{ messages: [{ ...messages[0], subject: 'a.b' }] }],
  commitPublication: [{}],
  rollbackPublication: [{}],
  createKey: [{ name: 'a key', queues: ['*'], scopes: ['publish'], expiresAt: at }],
  listKeys: [{ cursor: 'abc' }],
};
/** The operations without an input. */
const bare = [
  'getQueue',
  'deleteQueue',
  'getRedrive',
  'cancelRedrive',
  'getSchedule',
  'deleteSchedule',
  'getTopic',
  'getSubscription',
  'unsubscribe',
  'getOwnKey',
  'revokeKey',
  'rotateSigningSecret',
  'getTarget',
  'deleteTarget',
  'listTargets',
  'getStatus',
  'health',
];

/** Each text within a value, with the value in which another text replaces it. */
function withText(value: unknown, odd: (text: string) => string, path = ''): { path: string; value: unknown }[] {
  if (typeof value === 'string') return [{ path, value: odd(value) }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const place = Array.isArray(value) ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`;
    return withText(inner, odd, place).map((one) => ({ path: one.path, value: replaced(value, name, one.value) }));
  });
}

/** Each object within a value, with one more member. */
function withMember(value: unknown, member: string, path = ''): { path: string; value: unknown }[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.entries(value).flatMap(([name, one]) => {
    const place = Array.isArray(value) ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`;
    return withMember(one, member, place).map((found) => ({ path: found.path, value: replaced(value, name, found.value) }));
  });
  if (Array.isArray(value)) return inner;
  const odd = Object.fromEntries([...Object.entries(value), [member, 1]]);
  return [{ path: path === '' ? member : `${path}.${member}`, value: odd }, ...inner];
}

function replaced(value: object, name: string, inner: unknown): unknown {
  const members = Object.entries(value).map(([one, old]) => [one, one === name ? inner : old]);
  return Array.isArray(value) ? members.map(([, one]) => one) : Object.fromEntries(members);
}

/** The outcome of an input: refused as a whole or in one entry, with the message; or accepted. */
async function outcomeOf(operation: OperationName, input: object): Promise<{ status: number; told: string | undefined }> {
  const route: Route = routes[operation];
  const { path, body } = requestFor(route, params, input);
  const response = await http.send(route.method, path, { body });
  const answer = (await response.json()) as { detail?: string; results?: { ok: boolean; message?: string }[] };
  if (!response.ok) return { status: response.status, told: answer.detail ?? '' };
  return { status: response.status, told: answer.results?.find(({ ok }) => !ok)?.message };
}

beforeEach(async () => {
  await http.send('DELETE', '/v1/queues/odd');
  await http.call('createQueue', { queue: 'odd' }, settings as never);
  await http.call('createTopic', { topic: params.topic }, {});
});

const operations = cases(Object.keys(inputs) as OperationName[]);
/** Fields that are stored as sent, or only compared. */
const isKept = (path: string) =>
  /(^|\.)(body|result|attributes)(\.|\[|$)/.test(path) || /^failed$|^receipts|^filter\./.test(path);

describe('a request', () => {
  it('every operation has an input in this test', () => {
    expect([...operations, ...bare].sort()).toEqual(Object.keys(routes).sort());
  });

  it.each(
    operations,
  )("a request of %s with an unpaired surrogate in a text is refused with the field's name or keeps the text", async (operation) => {
    for (const input of inputs[operation]!) {
      for (const odd of [() => '\ud83e', (text: string) => `${text}\udd14`, (text: string) => `\ud83e${text}`]) {
        for (const { path, value } of withText(input, odd)) {
          const { status, told } = await outcomeOf(operation, value as object);
          expect(status, `${path}: ${told}`).toBeLessThan(500);
          // In a query string, UTF-8 cannot express half a pair.
          if (!isKept(path) && !['GET', 'DELETE'].includes(routes[operation].method)) expect(told, path).toContain(path);
        }
      }
    }
  });

  it.each(
    operations,
  )('a request of %s with a member of an odd name is refused with that name or keeps the member', async (operation) => {
    for (const member of ['__proto__', 'constructor', 'prototype', '\ud83e']) {
      for (const input of inputs[operation]!) {
        for (const { path, value } of withMember(input, member)) {
          const { status, told } = await outcomeOf(operation, value as object);
          expect(status, `${path}: ${told}`).toBeLessThan(500);
          const isTaken = /(body|result)\./.test(path) || (/attributes\./.test(path) && /^[cp]/.test(member));
          if (!isTaken) expect(told, path).toContain(member.isWellFormed() ? path : path.replace(member, ''));
        }
      }
    }
  });

  it('a publish keeps an unpaired surrogate, as an escape, in attributes and bodies', async () => {
    const body = '{"\\ud83e":"\\ud83e"}';
    await http.send('POST', '/v1/queues/odd/publish', { body: `{"messages":[{"body":${body},"attributes":{"a":"\\ud83e"}}]}` });
    const shown = await (await http.send('GET', '/v1/queues/odd/messages')).text();
    expect(shown).toContain(`"body":${body},"attributes":{"a":"\\ud83e"}`);
  });

  it('a cursor with an unpaired surrogate, or with names that every object has, is refused', async () => {
    const cursors = [
      '{"name":"\\ud83e"}',
      '{"table":"leases","shard":0,"skip":0,"id":"\\ud83e","expiry":1}',
      '{"__proto__":{"name":"a"}}',
      '{}',
    ];
    for (const path of ['/v1/queues', '/v1/schedules', '/v1/keys', '/v1/queues/odd/messages']) {
      for (const cursor of cursors) {
        const response = await http.send('GET', `${path}?cursor=${Buffer.from(cursor).toString('base64url')}`);
        expect(await response.json(), `${path} ${cursor}`).toMatchObject({
          status: 400,
          detail: expect.stringMatching(/^cursor: /),
        });
      }
    }
  });
});
