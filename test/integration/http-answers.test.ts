import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectProblem, type LocalQueue, startLocalQueue } from '../support/local-queue.ts';

let queue: LocalQueue;
const where = { queue: 'answers' };
beforeAll(async () => {
  queue = await startLocalQueue();
  await queue.http.call('createQueue', where, { delaySeconds: 1 });
});
afterAll(async () => {
  await queue.server.close();
  expect(queue.defects).toEqual([]);
});

describe('an answer', () => {
  it('an answer has a request id and forbids caching', async () => {
    const responses = await Promise.all([queue.http.send('GET', '/v1/health'), queue.http.send('GET', '/v1/nowhere')]);
    for (const response of responses) {
      expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
      expect(response.headers.get('cache-control')).toBe('no-store');
    }
    expect(new Set(responses.map((response) => response.headers.get('x-request-id'))).size).toBe(2);
  });

  it.each([
    '/',
    '/v1',
    '/v2/health',
    '/v1/queues/a/nothing',
    '/v1/queues/a/b/c/d',
    '/v1/health/',
    '/v1/a%20b',
  ])('a request to %s, which is no route, is answered with 404', async (path) => {
    await expectProblem(await queue.http.send('GET', path), 404, 'not_found');
  });

  it('a browser at / is sent to the console, and another caller is told where it is', async () => {
    const headers = { accept: 'text/html,application/xhtml+xml', 'x-forwarded-prefix': '/queue' };
    const sent = await fetch(`${queue.server.url}/`, { headers, redirect: 'manual' });
    expect([sent.status, sent.headers.get('location')]).toEqual([302, `${queue.server.url}/queue/console/`]);
    const problem = await (await queue.http.send('GET', '/')).json();
    expect(problem).toMatchObject({ detail: 'There is no path /; see /v1/openapi.json. The console is at /console.' });
  });

  it.each([
    ['/v1/health', 'GET, HEAD'],
    ['/v1/openapi.json', 'GET, HEAD'],
    ['/v1/queues', 'GET, HEAD'],
    ['/v1/queues/a', 'PUT, GET, HEAD, PATCH, DELETE'],
    ['/v1/queues/a/publish', 'POST'],
    ['/v1/keys', 'POST, GET, HEAD'],
  ])('a method that %s does not have is answered with 405 and the allowed methods', async (path, methods) => {
    const response = await queue.http.send('OPTIONS', path);
    await expectProblem(response, 405, 'method_not_allowed');
    expect(response.headers.get('allow')).toBe(methods);
  });

  it('the answer to HEAD equals that to GET without the body', async () => {
    const response = await queue.http.send('HEAD', '/v1/health');
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
  });

  it('an answer of 404 distinguishes missing queues, messages and tasks', async () => {
    const body = { messages: [{ body: 1 }] };
    await expectProblem(await queue.http.send('POST', '/v1/queues/missing/receive'), 404, 'queue_not_found');
    await expectProblem(await queue.http.send('POST', '/v1/queues/missing/publish', { body }), 404, 'queue_not_found');
    await expectProblem(await queue.http.send('GET', `/v1/queues/${where.queue}/messages/missing`), 404, 'message_not_found');
    await expectProblem(await queue.http.send('GET', `/v1/queues/${where.queue}/redrive/missing`), 404, 'task_not_found');
  });

  it('a queue that exists with other settings is answered with 409 and keeps its settings', async () => {
    const response = await queue.http.send('PUT', `/v1/queues/${where.queue}`, { body: { delaySeconds: 2 } });
    await expectProblem(response, 409, 'queue_exists');
    expect((await queue.http.call('getQueue', where)).delaySeconds).toBe(1);
  });

  it('a publish has a result for each entry, whatever the result of its neighbours', async () => {
    const mixed = { queue: 'answers-mixed' };
    await queue.http.call('createQueue', mixed);
    const { results } = await queue.http.call('publish', mixed, {
      messages: [{ body: 1 }, {}, { body: 2, id: 'a b' }, { body: 3, id: 'mine' }, { body: 4, delaySeconds: -1 }],
    });
    const codes = results.map((result) => (result.ok ? 'ok' : result.code));
    expect(codes).toEqual(['ok', 'invalid_input', 'invalid_input', 'ok', 'invalid_input']);
    const again = await queue.http.call('publish', mixed, { messages: [{ body: 5, id: 'mine' }] });
    expect(again.results).toEqual([{ ok: true, id: 'mine', duplicate: true }]);
    const first = await queue.http.call('receive', mixed, { max: 100 });
    const second = await queue.http.call('receive', mixed, { max: 100 });
    expect([...first.messages, ...second.messages].map(({ body }) => body).sort()).toEqual([1, 3]);
  });

  it('a receive that waits is answered as soon as a message is published', async () => {
    const soon = { queue: 'answers-soon' };
    await queue.http.call('createQueue', soon);
    const startedAt = performance.now();
    const waiting = queue.http.call('receive', soon, { waitSeconds: 20 });
    await queue.http.call('publish', soon, { messages: [{ body: 'soon' }] });
    expect((await waiting).messages).toMatchObject([{ body: 'soon' }]);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });
});
