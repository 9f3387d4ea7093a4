/** Messages pushed to a URL by a local server: a real receiver, which verifies signatures with the library that receivers use. */
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TargetInput } from '../../contract/contract.ts';
import { Dumbwaiter, jsonText, type QueueClient } from '../../sdk/index.ts';
import { eventually } from '../support/eventually.ts';
import { adminKey, type LocalQueue, startLocalQueue } from '../support/local-queue.ts';
import { type PushReceiver, startPushReceiver } from '../support/push-receiver.ts';

let local: LocalQueue;
let receiver: PushReceiver;
let queue: QueueClient;
let count = 0;
beforeAll(async () => {
  local = await startLocalQueue();
});
afterAll(async () => {
  await local.server.close();
  expect(local.defects).toEqual([]);
});
beforeEach(async () => {
  receiver = await startPushReceiver();
  queue = new Dumbwaiter({ url: local.server.url, apiKey: adminKey }).queue(`q${++count}`);
});
afterEach(async () => {
  await queue.delete();
  await receiver.close();
});

const noWait = { minSeconds: 0, maxSeconds: 0, factor: 1, jitter: 0 };
const put = (more: Omit<TargetInput, 'url'> = {}) =>
  queue.targets.put('hook', { url: `${receiver.url}/hook?of=orders`, ...more });
/** Waits until the queue holds nothing that is leased or could be received. */
const drained = () =>
  eventually(async () => {
    const { counts } = await queue.describe();
    return counts.ready + counts.leased + counts.delayed === 0;
  });

describe('a message that is pushed to a URL', () => {
  it('a message that is pushed to a URL arrives as JSON, signed by the secret of its queue, and is acked by a status of 2xx', async () => {
    await queue.create({ keep: { doneSeconds: 60 } });
    const secret = await queue.rotateSigningSecret();
    receiver.answer = () => ({ status: 204 });
    await put();
    const body = jsonText('{"order":1970670598291982290,"name":"Ada"}');
    const { id } = await queue.publish({ body, attributes: { kind: 'created', n: 2 } });
    const [pushed] = await receiver.received(1);
    const { text, headers } = pushed!;
    expect(pushed).toMatchObject({ method: 'POST', path: '/hook?of=orders' });
    expect(headers['content-type']).toBe('application/json');
    expect(new Webhook(secret).verify(text, headers)).toEqual(JSON.parse(text));
    expect(() => new Webhook(secret).verify(`${text} `, headers)).toThrow('No matching signature');
    expect(JSON.parse(text)).toMatchObject({
      id,
      queue: queue.name,
      attributes: { kind: 'created', n: 2 },
      receives: 1,
      failures: 0,
      publishedAt: expect.stringMatching(/Z$/),
    });
    expect(text).toContain('"body":{"order":1970670598291982290,"name":"Ada"}');
    expect(text).not.toContain('receipt');
    await eventually(async () => (await queue.get(id)).state === 'done');
  });

  it('a message that is pushed to a URL arrives as a CloudEvent in binary mode if the target says so', async () => {
    await queue.create();
    await put({ format: 'cloudevents' });
    const attributes = { type: 'order.created', subject: 'naïve "50%"', traceid: 'abc', 'Not-Valid': 'x' };
    const { id } = await queue.publish({ body: { order: 1 }, attributes });
    const { headers, text } = (await receiver.received(1))[0]!;
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-id': id,
      'ce-source': `/queues/${queue.name}`,
      'ce-type': 'order.created',
      'ce-time': expect.stringMatching(/Z$/),
      'ce-subject': 'na%C3%AFve%20%2250%25%22',
      'ce-traceid': 'abc',
    });
    expect(Object.keys(headers).filter((name) => /not-valid/i.test(name))).toEqual([]);
    expect(JSON.parse(text)).toEqual({ order: 1 });
    const bytes = new Uint8Array([0, 255]);
    await queue.publish({ body: bytes });
    const second = (await receiver.received(2))[1]!;
    expect(second.headers['content-type']).toBe('application/cloudevents+json; charset=utf-8');
    expect(JSON.parse(second.text)).toMatchObject({ specversion: '1.0', data_base64: 'AP8=' });
  });

  it('a message that is pushed to a URL is signed by the earlier and the new secret after a rotation', async () => {
    await queue.create();
    const first = await queue.rotateSigningSecret();
    await put();
    await queue.publish({ body: 1 });
    await receiver.received(1);
    const second = await queue.rotateSigningSecret();
    await queue.publish({ body: 2 });
    const [one, two] = await receiver.received(2);
    expect(() => new Webhook(second).verify(one!.text, one!.headers)).toThrow('No matching signature');
    for (const secret of [first, second]) expect(new Webhook(secret).verify(two!.text, two!.headers)).toMatchObject({ body: 2 });
  });

  it('a message that is pushed to a URL is sent again after a failure, under the same webhook id, with the failure in its history', async () => {
    await queue.create({ backoff: noWait, keep: { doneSeconds: 60 } });
    receiver.answer = (_, nth) => ({ status: nth === 1 ? 500 : 200 });
    await put();
    const { id } = await queue.publish({ body: 1 });
    const [first, second] = await receiver.received(2);
    expect(second!.headers['webhook-id']).toBe(first!.headers['webhook-id']);
    expect(JSON.parse(second!.text)).toMatchObject({ receives: 2, failures: 1 });
    const message = await eventually(async () => {
      const read = await queue.get(id);
      return read.state === 'done' ? read : undefined;
    });
    expect(message.errors).toMatchObject([{ message: 'HTTP 500' }]);
  });

  it('a message that is pushed to a URL goes to the dead-letter queue after its receives, and others are delivered meanwhile', async () => {
    const dead = new Dumbwaiter({ url: local.server.url, apiKey: adminKey }).queue(`${queue.name}-dead`);
    await dead.create();
    await queue.create({ deadLetter: { queue: dead.name, maxReceives: 3 }, backoff: noWait });
    receiver.answer = ({ text }) => ({ status: JSON.parse(text).body === 'poison' ? 422 : 200 });
    await put({ maxConcurrency: 1 });
    await queue.publish([{ body: 'poison' }, { body: 'a' }, { body: 'b' }]);
    await drained();
    const bodies = receiver.requests.map(({ text }) => JSON.parse(text).body);
    expect(bodies.filter((body) => body === 'poison')).toHaveLength(3);
    expect(bodies.filter((body) => body !== 'poison').sort()).toEqual(['a', 'b']);
    expect((await dead.describe()).counts.dead).toBe(1);
    await queue.update({ deadLetter: null });
  });

  it('a message that is pushed to a URL waits as long as Retry-After says', async () => {
    await queue.create({ backoff: noWait });
    receiver.answer = () => ({ status: 503, headers: { 'retry-after': '120' } });
    await put();
    const { id } = await queue.publish({ body: 1 });
    await receiver.received(1);
    const waiting = await eventually(async () => {
      const message = await queue.get(id);
      return message.state === 'delayed' ? message : undefined;
    });
    expect(Date.parse(waiting.visibleAt) - Date.now()).toBeGreaterThan(100_000);
    expect(waiting).toMatchObject({ failures: 1, lastFailure: 'HTTP 503' });
  });

  it('a message that is pushed to a URL fails if the URL redirects, and the redirect is not followed', async () => {
    await queue.create();
    receiver.answer = () => ({ status: 307, headers: { location: `${receiver.url}/elsewhere` } });
    await put();
    await queue.publish({ body: 1 });
    await eventually(async () => (await queue.targets.get('hook')).failures === 1);
    expect(await queue.targets.get('hook')).toMatchObject({ state: 'active', lastError: { message: 'HTTP 307' } });
    expect(receiver.requests.map(({ path }) => path)).toEqual(['/hook?of=orders']);
  });

  it('a message that is pushed to a URL fails if the URL does not answer within the time-out of the target', async () => {
    await queue.create();
    receiver.answer = () => new Promise(() => undefined);
    await put({ timeoutSeconds: 1 });
    await queue.publish({ body: 1 });
    await eventually(async () => (await queue.targets.get('hook')).lastError?.message === 'no answer within 1 s');
  });
});

describe('a target', () => {
  it('a target ends when its URL answers 410, keeps the message, and continues when it is put again', async () => {
    await queue.create();
    receiver.answer = (_, nth) => ({ status: nth === 1 ? 410 : 200 });
    await put();
    const { id } = await queue.publish({ body: 1 });
    const ended = await eventually(async () => {
      const target = await queue.targets.get('hook');
      return target.state === 'ended' ? target : undefined;
    });
    expect(ended).toMatchObject({ lastError: { message: 'HTTP 410' }, nextTryAt: null });
    await eventually(async () => (await queue.get(id)).state === 'ready');
    expect(await queue.get(id)).toMatchObject({ receives: 0, failures: 0 });
    expect(await put()).toMatchObject({ state: 'active', failures: 0, lastError: null });
    await receiver.received(2);
    await drained();
  });

  it('a target is broken after five failures in a row, and a put makes it active', async () => {
    await queue.create({ backoff: noWait });
    receiver.answer = () => ({ status: 500 });
    await put({ maxConcurrency: 1 });
    await queue.publish([{ body: 1 }, { body: 2 }]);
    const broken = await eventually(async () => {
      const target = await queue.targets.get('hook');
      return target.state === 'broken' ? target : undefined;
    });
    expect(broken).toMatchObject({ failures: 5, lastError: { message: 'HTTP 500' } });
    expect(Date.parse(broken.nextTryAt!) - Date.parse(broken.lastError!.at)).toBe(10_000);
    expect(receiver.requests).toHaveLength(5);
    receiver.answer = () => ({ status: 200 });
    expect(await put({ maxConcurrency: 1 })).toMatchObject({ state: 'active', failures: 0 });
    await drained();
  });

  it('a target gets nothing while it is paused, and no more after it is deleted', async () => {
    await queue.create();
    await put({ paused: true });
    await queue.publish({ body: 1 });
    expect((await queue.targets.get('hook')).state).toBe('paused');
    await put();
    await receiver.received(1);
    await drained();
    await queue.targets.delete('hook');
    await queue.publish({ body: 2 });
    const [message] = await queue.receive({ waitSeconds: 15 });
    expect(message!.body).toBe(2);
    expect(receiver.requests).toHaveLength(1);
  });

  it('a target gets no more requests at a time than maxConcurrency', async () => {
    await queue.create();
    const release = Promise.withResolvers<void>();
    receiver.answer = async () => {
      await release.promise;
      return {};
    };
    await put({ maxConcurrency: 3 });
    await queue.publish(Array.from({ length: 12 }, (_, body) => ({ body })));
    await receiver.received(3);
    expect((await queue.describe()).counts).toMatchObject({ leased: 3, ready: 9 });
    release.resolve();
    await receiver.received(12);
    await drained();
    expect(receiver.mostAtOnce()).toBe(3);
  });
});
