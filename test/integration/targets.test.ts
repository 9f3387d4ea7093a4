/** Targets as records: put, read, listed and deleted over HTTP and by the SDK. Their deliveries are in push-url and push-function. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { publicHostsAnd } from '../../contract/host-rule.ts';
import { targetsMax } from '../../contract/limits.ts';
import { createMemoryStore } from '../../engine/memory/store.ts';
import { createRandom } from '../../engine/port/random.ts';
import { assembleQueue } from '../../functions/assembly.ts';
import { Dumbwaiter } from '../../sdk/index.ts';
import { cases } from '../support/cases.ts';
import { createDrivenClock } from '../support/driven-clock.ts';
import { adminKey, type LocalQueue, loggedDefects, startLocalQueue } from '../support/local-queue.ts';

let local: LocalQueue;
let dumbwaiter: Dumbwaiter;
beforeAll(async () => {
  local = await startLocalQueue();
  dumbwaiter = new Dumbwaiter({ url: local.server.url, apiKey: adminKey });
});
afterAll(async () => {
  await local.server.close();
  expect(local.defects).toEqual([]);
});

const url = 'http://127.0.0.1:9/hook';
const paused = true;

it('a target is put, put again without a change, changed, listed and deleted', async () => {
  const queue = dumbwaiter.queue('kept');
  await queue.create();
  const put = await queue.targets.put('hook', { url, paused });
  expect(put).toEqual({
    queue: 'kept',
    name: 'hook',
    functionName: null,
    url,
    batchSize: 1,
    maxBatchingWindowSeconds: 0,
    maxConcurrency: 10,
    reportBatchItemFailures: false,
    format: 'json',
    timeoutSeconds: 10,
    state: 'paused',
    failures: 0,
    nextTryAt: null,
    lastError: null,
    createdAt: expect.any(String),
    updatedAt: put.createdAt,
  });
  expect(await queue.targets.put('hook', { url, paused })).toEqual(put);
  expect(await queue.targets.get('hook')).toEqual(put);
  const changed = await queue.targets.put('hook', { url, paused, format: 'cloudevents', timeoutSeconds: 3 });
  expect(changed).toMatchObject({ format: 'cloudevents', timeoutSeconds: 3, createdAt: put.createdAt });
  await queue.targets.put('a-function', { functionName: 'f', batchSize: 5, maxBatchingWindowSeconds: 2, paused });
  expect(await queue.targets.list()).toMatchObject([
    {
      name: 'a-function',
      functionName: 'f',
      url: null,
      batchSize: 5,
      maxBatchingWindowSeconds: 2,
      format: null,
      timeoutSeconds: null,
    },
    { name: 'hook', format: 'cloudevents' },
  ]);
  await queue.targets.delete('a-function');
  expect((await queue.targets.list()).map(({ name }) => name)).toEqual(['hook']);
  for (const call of [queue.targets.get('a-function'), queue.targets.delete('a-function')]) {
    await expect(call).rejects.toMatchObject({ code: 'target_not_found', message: expect.stringContaining('"a-function"') });
  }
});

it('a queue that is created again under its name has none of the earlier targets', async () => {
  const queue = dumbwaiter.queue('again');
  await queue.create();
  await queue.targets.put('hook', { url, paused });
  await queue.delete();
  await expect(queue.targets.list()).rejects.toMatchObject({ code: 'queue_not_found' });
  await expect(queue.targets.put('hook', { url, paused })).rejects.toMatchObject({ code: 'queue_not_found' });
  await queue.create();
  expect(await queue.targets.list()).toEqual([]);
});

it('a queue has at most ten targets', async () => {
  const queue = dumbwaiter.queue('many');
  await queue.create();
  for (let count = 0; count < targetsMax; count++) await queue.targets.put(`t${count}`, { url, paused });
  await expect(queue.targets.put('more', { url, paused })).rejects.toMatchObject({
    code: 'invalid_input',
    message: `target: a queue has at most ${targetsMax} targets`,
  });
  await queue.targets.put('t0', { url, paused, format: 'cloudevents' });
  expect(await queue.targets.list()).toHaveLength(targetsMax);
});

const refused: [string, object, string][] = [
  ['no destination', {}, 'must have exactly one of functionName and url'],
  ['two destinations', { url, functionName: 'f' }, 'must have exactly one of functionName and url'],
  ['a URL with a password', { url: 'https://me:secret@example.com/' }, 'url: must be a URL of https or http'],
  ['a URL of another scheme', { url: 'ftp://example.com/' }, 'url: must be a URL of https or http'],
  ['a batch size for a URL', { url, batchSize: 2 }, 'batchSize: is allowed only with functionName'],
  ['a format for a function', { functionName: 'f', format: 'json' }, 'format: is allowed only with url'],
  ['a time-out for a function', { functionName: 'f', timeoutSeconds: 5 }, 'timeoutSeconds: is allowed only with url'],
  ['too large a batch', { functionName: 'f', batchSize: 101 }, 'batchSize: must be a whole number from 1 to 100'],
  ['too long a window', { functionName: 'f', maxBatchingWindowSeconds: 301 }, 'maxBatchingWindowSeconds: must be a whole number'],
  ['an unknown format', { url, format: 'xml' }, 'format: must be one of json, cloudevents'],
];

it.each(cases(refused))('a target with %s is refused, and nothing is stored', async (_, input, message) => {
  const queue = dumbwaiter.queue('refusing');
  await queue.ensure();
  await expect(queue.targets.put('bad', input)).rejects.toMatchObject({
    code: 'invalid_input',
    message: expect.stringContaining(message),
  });
  expect(await queue.targets.list()).toEqual([]);
});

/** A queue as a deployment assembles it, which calls public hosts only, and `hooks.internal`. */
async function deployed() {
  const clock = createDrivenClock();
  const store = createMemoryStore({ now: clock.now });
  const { log } = loggedDefects();
  const unknown = Object.assign(new Error('Function not found'), { code: 'ResourceNotFoundException' });
  const queue = assembleQueue({
    parts: { store, clock, random: createRandom() },
    log,
    hosts: publicHostsAnd(['hooks.internal', '*.shop.internal']),
    invoke: async () => '',
    checkFunction: async (name) => {
      if (name === 'missing') throw unknown;
      if (name === 'denied') throw Object.assign(new Error('not authorized'), { code: 'AccessDeniedException' });
    },
  });
  await queue.engine.call('createQueue', { queue: 'q' }, {});
  return { ...queue, store, clock };
}

it('a deployment refuses URLs of private hosts, except those that its operator allows', async () => {
  const { targets } = await deployed();
  for (const host of [
    'localhost',
    '127.0.0.1',
    '10.0.0.1',
    '[::1]',
    '169.254.169.254',
    'db.internal',
    'printer',
    'other.internal',
  ]) {
    await expect(targets.put('q', 't', { url: `https://${host}/` }), host).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('DUMBWAITER_PUSH_ALLOWED_HOSTS'),
    });
  }
  await expect(targets.put('q', 't', { url: 'http://example.com/' })).rejects.toThrow('url: must be a URL of https');
  for (const allowed of ['https://example.com/', 'http://hooks.internal:8080/', 'https://eu.shop.internal/']) {
    expect(await targets.put('q', 't', { url: allowed })).toMatchObject({ url: allowed });
  }
});

it('a function that Lambda does not know is refused when its target is put', async () => {
  const { targets } = await deployed();
  await expect(targets.put('q', 't', { functionName: 'missing' })).rejects.toMatchObject({
    code: 'invalid_input',
    message: 'functionName: there is no function "missing"',
  });
  expect(await targets.put('q', 't', { functionName: 'denied' })).toMatchObject({ functionName: 'denied' });
});

it('the targets of a deleted queue are removed with its rows', async () => {
  const { engine, targets, store, clock } = await deployed();
  await targets.put('q', 't', { url: 'https://example.com/' });
  const rows = async () => (await store.range({ table: 'queues', partition: 'target', limit: 10 })).rows.length;
  expect(await rows()).toBe(1);
  await engine.call('deleteQueue', { queue: 'q' }, {});
  for (let minute = 0; minute < 30; minute++) {
    clock.advance(60_000);
    await engine.sweep({ until: clock.now() + 60_000 });
  }
  expect(await rows()).toBe(0);
});
