import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Dumbwaiter, DumbwaiterError, errors } from '../../sdk/index.ts';
import { cases } from '../support/cases.ts';
import { ContractServer, send, sendProblem } from '../support/contract-server.ts';

const unlimited = { expiresAt: null, lastUsedAt: null };
const key = {
  id: 'k1',
  name: 'k',
  queues: ['*'],
  topics: ['*'],
  scopes: [],
  createdAt: '2030-01-01T00:00:00.000Z',
  ...unlimited,
};
const task = {
  id: 't1',
  queue: 'q',
  toQueue: null,
  state: 'running' as const,
  moved: 0,
  skipped: 0,
  startedAt: '2030-01-01T00:00:00.000Z',
  updatedAt: '2030-01-01T00:00:00.000Z',
  endedAt: null,
  error: null,
};
const stored = (id: string) => ({
  id,
  queue: 'q',
  state: 'ready' as const,
  attributes: {},
  receives: 0,
  failures: 0,
  publishedAt: '2030-01-01T00:00:00.000Z',
  visibleAt: '2030-01-01T00:00:00.000Z',
  expiresAt: null,
});

let server: ContractServer;
let dumbwaiter: Dumbwaiter;
let looks = 0;

beforeEach(async () => {
  looks = 0;
  server = await ContractServer.start({
    health: () => ({ status: 'ok' }),
    purge: () => ({ purgedBefore: '2030-01-01T00:00:00.000Z' }),
    deleteQueue: () => ({}),
    listKeys: ({ cursor }) => (cursor ? { keys: [{ ...key, id: 'k2' }] } : { keys: [key], cursor: 'more' }),
    createKey: ({ topics = [], ...input }) => ({ ...key, ...input, topics, key: 'secret' }),
    revokeKey: () => ({}),
    getMessage: (_, { id }) => ({ ...stored(id), bodyBase64: 'AP8=' }),
    peek: ({ cursor }) =>
      cursor
        ? { messages: [{ ...stored('m3'), body: 3 }], examined: 1 }
        : { messages: ['m1', 'm2'].map((id) => ({ ...stored(id), body: id })), examined: 2, cursor: 'c&1' },
    redrive: () => task,
    getRedrive: () => (++looks < 3 ? { ...task, moved: looks } : { ...task, state: 'done' as const, moved: 3 }),
    cancelRedrive: () => ({ ...task, state: 'cancelled' as const }),
  });
  dumbwaiter = new Dumbwaiter({ url: `${server.url}/`, apiKey: 'key-1', retries: 0 });
});
afterEach(() => server.stop());

describe('a call over HTTP', () => {
  it('a call over HTTP has the key, escapes names and puts the input of a read in the query', async () => {
    const page = await dumbwaiter.queue('Odd_name-1').peek({ state: 'ready', limit: 2 }).first();
    expect(server.calls[0]).toEqual({
      operation: 'peek',
      params: { queue: 'Odd_name-1' },
      input: { state: 'ready', limit: '2' },
      authorization: 'Bearer key-1',
    });
    expect(page).toMatchObject({ items: [{ id: 'm1', body: 'm1' }, { id: 'm2' }], cursor: 'c&1' });
    await dumbwaiter.queue('q').get('@key:1');
    expect(server.calls[1]?.params).toEqual({ queue: 'q', id: '@key:1' });
  });

  it('a call over HTTP keeps the path of the base URL, and sends each entry of a list', async () => {
    await server.stop();
    const seen: string[] = [];
    const client = new Dumbwaiter({
      url: 'https://example.test/stage/',
      fetch: async (url) => {
        seen.push(String(url));
        return Response.json({ status: 'ok', messages: [] });
      },
    });
    await client.health();
    await client
      .queue('q')
      .peek({ attribute: ['kind=a,b', 'size=1'] })
      .first();
    expect(seen).toEqual([
      'https://example.test/stage/v1/health',
      'https://example.test/stage/v1/queues/q/messages?attribute=kind%3Da%2Cb&attribute=size%3D1',
    ]);
    server = await ContractServer.start({});
  });

  it.each(['', '.', '..'])('a call over HTTP refuses the name %j, which would change the path', async (name) => {
    await expect(dumbwaiter.queue(name).delete()).rejects.toMatchObject({ code: 'invalid_input' });
    expect(server.calls).toHaveLength(0);
  });

  it.each([
    [{ url: 'localhost:8420' }, 'url is "localhost:8420"'],
    [{ url: 'nonsense' }, 'url is "nonsense"'],
    [{ url: 'http://localhost', apiKey: 'key\n' }, 'line break'],
    [{ url: 'http://localhost', apiKey: '' }, 'apiKey is empty'],
  ])('the HTTP transport refuses the options %j at once', (options, message) => {
    expect(() => new Dumbwaiter(options)).toThrow(message);
  });

  it('a call over HTTP reads bytes as bytes', async () => {
    const message = await dumbwaiter.queue<Uint8Array>('q').get('m1');
    expect(message).toEqual({ ...stored('m1'), body: new Uint8Array([0, 255]) });
  });

  it('a call over HTTP walks through the pages of a list', async () => {
    const ids: string[] = [];
    for await (const { id } of dumbwaiter.queue('q').peek({ state: 'ready' })) ids.push(id);
    expect(ids).toEqual(['m1', 'm2', 'm3']);
    expect(server.calls.map(({ input }) => input)).toEqual([{ state: 'ready' }, { state: 'ready', cursor: 'c&1' }]);
    expect((await dumbwaiter.keys.list().all()).map(({ id }) => id)).toEqual(['k1', 'k2']);
  });

  it('a call over HTTP creates and revokes keys, deletes and purges queues', async () => {
    expect((await dumbwaiter.keys.create({ name: 'n', queues: ['a-*'], scopes: ['publish'] })).key).toBe('secret');
    expect(await dumbwaiter.keys.revoke('k1')).toBeUndefined();
    expect(await dumbwaiter.queue('q').delete()).toBeUndefined();
    expect(await dumbwaiter.queue('q').purge()).toEqual({ purgedBefore: '2030-01-01T00:00:00.000Z' });
    expect(server.calls.map(({ operation }) => operation)).toEqual(['createKey', 'revokeKey', 'deleteQueue', 'purge']);
  });

  it('a call over HTTP follows a redrive until it ends, and cancels one', async () => {
    const redrive = await dumbwaiter.queue('q').redrive({ reason: 'expired' });
    const moved: number[] = [];
    const ended = await redrive.wait({ pollMs: 1, onProgress: (seen) => moved.push(seen.moved) });
    expect(ended.state).toBe('done');
    expect(moved).toEqual([0, 1, 2, 3]);
    expect((await (await dumbwaiter.queue('q').getRedrive('t1')).cancel()).state).toBe('cancelled');
  });
});

describe('a refusal over HTTP', () => {
  it.each(cases(Object.entries(errors)))('a refusal over HTTP of code %s throws an error of that code', async (code, {
    status,
    retryable,
  }) => {
    server.once((response) => sendProblem(response, new DumbwaiterError(code as 'internal', 'told so')));
    const error = await dumbwaiter.health().catch((thrown) => thrown);
    expect(error).toBeInstanceOf(DumbwaiterError);
    expect(error).toMatchObject({ code, status, retryable, message: 'told so', requestId: 'request-1' });
  });

  it.each([
    [413, '{"message":"Request Entity Too Large"}', 'payload_too_large', 'HTTP 413: Request Entity Too Large'],
    [429, '{"message":"Too Many Requests"}', 'throttled', 'HTTP 429: Too Many Requests'],
    [403, '{"message":"Forbidden"}', 'forbidden', 'HTTP 403: Forbidden'],
    [404, 'no such page', 'not_found', 'HTTP 404: no such page'],
    [500, '{"message":"Internal Server Error"}', 'unavailable', 'HTTP 500: Internal Server Error'],
    [502, '<html>Bad Gateway</html>', 'unavailable', 'HTTP 502: <html>Bad Gateway</html>'],
    [503, '', 'unavailable', 'HTTP 503'],
    [504, '{"message":"Endpoint request timed out"}', 'unavailable', 'HTTP 504: Endpoint request timed out'],
    [418, 'short and stout', 'invalid_input', 'HTTP 418: short and stout'],
    [500, '{"code":"from_the_future","detail":"new"}', 'unavailable', 'HTTP 500: new'],
  ])('a gateway that answers %i with %s throws an error of code %s', async (status, body, code, message) => {
    server.once((response) => send(response, status, body, { 'apigw-requestid': 'gw-1' }));
    await expect(dumbwaiter.health()).rejects.toMatchObject({ code, message, requestId: 'gw-1' });
  });

  it('a refusal over HTTP gives the id of the request from the problem or from a header', async () => {
    server.once((response) => send(response, 503, '', { 'x-request-id': 'x-1', 'apigw-requestid': 'gw-1' }));
    await expect(dumbwaiter.health()).rejects.toMatchObject({ requestId: 'x-1' });
    server.once((response) => send(response, 503, '{"code":"unavailable","requestId":"r-1"}', { 'x-request-id': 'x-1' }));
    await expect(dumbwaiter.health()).rejects.toMatchObject({ requestId: 'r-1' });
    server.once((response) => send(response, 503, ''));
    expect(await dumbwaiter.health().catch((error) => error.requestId)).toBeUndefined();
  });

  it('a refusal over HTTP gives the wait of Retry-After, in seconds or as a date', async () => {
    server.once((response) => send(response, 429, '', { 'retry-after': '3' }));
    await expect(dumbwaiter.health()).rejects.toMatchObject({ code: 'throttled', retryAfterMs: 3_000 });
    server.once((response) => send(response, 503, '', { 'retry-after': new Date(Date.now() + 60_000).toUTCString() }));
    const { retryAfterMs } = await dumbwaiter.health().catch((error) => error);
    expect(retryAfterMs).toBeGreaterThan(55_000);
    expect(retryAfterMs).toBeLessThanOrEqual(60_000);
    server.once((response) => send(response, 503, '', { 'retry-after': 'soon' }));
    expect(await dumbwaiter.health().catch((error) => error.retryAfterMs)).toBeUndefined();
  });

  it('a refusal over HTTP names the target of a redirect', async () => {
    server.once((response) => send(response, 301, '', { location: 'https://elsewhere.test/' }));
    await expect(dumbwaiter.health()).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('https://elsewhere.test/'),
    });
    expect(server.calls).toHaveLength(1);
  });

  it('a refusal over HTTP says if the server is no Dumbwaiter', async () => {
    server.once((response) => send(response, 200, '<html>hello</html>'));
    await expect(dumbwaiter.health()).rejects.toMatchObject({ code: 'internal', message: expect.stringContaining('not JSON') });
  });
});

describe('no answer over HTTP', () => {
  it('a call over HTTP throws unavailable if the connection is refused', async () => {
    const { url } = server;
    await server.stop();
    await expect(new Dumbwaiter({ url, retries: 0 }).health()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('ECONNREFUSED'),
    });
    server = await ContractServer.start({});
  });

  it('a call over HTTP throws unavailable if the connection breaks, also within the answer', async () => {
    server.once((response) => response.destroy());
    await expect(dumbwaiter.health()).rejects.toMatchObject({ code: 'unavailable' });
    server.once((response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"status":');
      setImmediate(() => response.destroy());
    });
    await expect(dumbwaiter.health()).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('a call over HTTP is retried after a lost answer without notice to the caller', async () => {
    const client = new Dumbwaiter({ url: server.url });
    server.once((response) => response.destroy());
    server.once((response) => send(response, 502, '<html>'));
    expect(await client.health()).toEqual({ status: 'ok' });
    expect(server.calls).toHaveLength(3);
  });

  it('a call over HTTP throws unavailable after timeoutMs and closes the connection', async () => {
    server.once(() => {});
    await expect(dumbwaiter.health({ timeoutMs: 50 })).rejects.toMatchObject({
      code: 'unavailable',
      message: 'No answer within 50 ms.',
    });
    await vi.waitFor(() => expect(server.aborted).toBe(1));
  });

  it('a call over HTTP rejects with the reason of its signal, also within the answer', async () => {
    const controller = new AbortController();
    server.once((response) => {
      response.writeHead(200);
      response.write('{');
      setImmediate(() => controller.abort(new Error('enough')));
    });
    await expect(dumbwaiter.health({ signal: controller.signal })).rejects.toThrow('enough');
    await vi.waitFor(() => expect(server.aborted).toBe(1));
    await expect(dumbwaiter.health({ signal: controller.signal })).rejects.toThrow('enough');
    expect(server.calls).toHaveLength(1);
  });

  it('a call over HTTP ends in time even if fetch ignores its signal', async () => {
    const client = new Dumbwaiter({ url: 'http://nowhere.test', fetch: () => new Promise(() => {}), retries: 0, timeoutMs: 20 });
    await expect(client.health()).rejects.toMatchObject({ code: 'unavailable' });
  });
});
