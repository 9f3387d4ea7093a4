/** The WebSocket for wake-ups, spoken to without the SDK. */
import { request } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { Scope } from '../../contract/contract.ts';
import { anyHost } from '../../contract/host-rule.ts';
import { wakeQueuesMax, wakeRequestBytesMax } from '../../contract/limits.ts';
import type { WakeNotice } from '../../contract/wake.ts';
import { createCorrectedClock } from '../../engine/dynamo/corrected-clock.ts';
import { createMemoryStore } from '../../engine/memory/store.ts';
import { createRandom } from '../../engine/port/random.ts';
import { assembleQueue } from '../../functions/assembly.ts';
import { fixedAdminKey } from '../../functions/auth/admin-key.ts';
import { createAuthenticate } from '../../functions/auth/authenticate.ts';
import { createEndWatch } from '../../functions/local/end-watch.ts';
import { serveHttp, timeLimitsDefault } from '../../functions/local/http-server.ts';
import { createQueueWatch, type QueueWatch, type Tell } from '../../functions/local/queue-watch.ts';
import { createWakeServer } from '../../functions/local/wake-server.ts';
import { eventually } from '../support/eventually.ts';
import { adminKey, type LocalQueue, startLocalQueue } from '../support/local-queue.ts';

const queue = { queue: 'q' };
let local: LocalQueue;
let connections: Connection[];

beforeEach(async () => {
  local = await startLocalQueue();
  connections = [];
  await local.http.call('createQueue', queue, {});
});
afterEach(async () => {
  for (const { socket } of connections) socket.terminate();
  await local.server.close();
  expect(local.defects).toEqual([]);
});

interface Connection {
  socket: WebSocket;
  notices: WakeNotice[];
  /** The status of a refused handshake, or the code of the close. */
  ended: Promise<number>;
  listen(queue: string, key?: string): void;
}

async function connect({
  url = local.server.url,
  path = '/v1/wake',
  ...options
}: {
  url?: string;
  path?: string;
  origin?: string;
  headers?: Record<string, string>;
  autoPong?: boolean;
} = {}): Promise<Connection> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}${path}`, options);
  const notices: WakeNotice[] = [];
  socket.on('message', (data) => notices.push(JSON.parse(String(data))));
  const ended = new Promise<number>((resolve) => {
    socket.on('unexpected-response', (_, response) => resolve(response.statusCode!));
    socket.on('close', resolve);
  });
  socket.on('error', () => undefined);
  const listen = (name: string, key = adminKey) => socket.send(JSON.stringify({ action: 'listen', queue: name, key }));
  const connection = { socket, notices, ended, listen };
  connections.push(connection);
  await Promise.race([ended, new Promise((resolve) => socket.on('open', resolve))]);
  return connection;
}

const publish = (name = 'q') => local.http.call('publish', { queue: name }, { messages: [{ body: 1 }] });

test('a listen holds for one wake-up, and several queues share a connection', async () => {
  await local.http.call('createQueue', { queue: 'other' }, {});
  const { notices, listen } = await connect();
  listen('q');
  listen('other');
  await eventually(() => notices.length === 2);
  await publish();
  await eventually(() => notices.length === 3);
  await publish();
  await publish('other');
  await eventually(() => notices.length === 4);
  expect(notices).toEqual([{ listening: 'q' }, { listening: 'other' }, { wake: 'q' }, { wake: 'other' }]);
});

test('a message that waits already is not told of, since a consumer receives once when it listens', async () => {
  await publish();
  const { notices, listen } = await connect();
  listen('q');
  await eventually(() => notices.length === 1);
  expect(notices).toEqual([{ listening: 'q' }]);
});

describe('who may listen', () => {
  test('a listen with an unknown key, without the scope or for a queue that the key does not cover is refused', async () => {
    const key = async (queues: string[], scope: Scope) =>
      (await local.http.call('createKey', {}, { name: 'k', queues, scopes: [scope] })).key;
    const { notices, listen } = await connect();
    listen('q', 'dw_unknown');
    listen('q', await key(['q'], 'publish'));
    listen('q', await key(['other'], 'receive'));
    listen('q', await key(['q'], 'read'));
    listen('missing');
    await eventually(() => notices.length === 5);
    expect(notices.map((notice) => 'refused' in notice && notice.code)).toEqual([
      'unauthorized',
      'forbidden',
      'forbidden',
      'forbidden',
      'queue_not_found',
    ]);
    listen('q', await key(['q'], 'receive'));
    await eventually(() => notices.length === 6);
    expect(notices.at(-1)).toEqual({ listening: 'q' });
  });

  test('a key in the URL counts for nothing', async () => {
    const { notices, socket } = await connect({ path: `/v1/wake?key=${adminKey}` });
    socket.send(JSON.stringify({ action: 'listen', queue: 'q', key: '' }));
    await eventually(() => notices.length === 1);
    expect(notices).toMatchObject([{ refused: 'q', code: 'unauthorized' }]);
  });

  test('a key that is revoked after its listen is refused instead of woken', async () => {
    const { key, id } = await local.http.call('createKey', {}, { name: 'k', queues: ['q'], scopes: ['receive'] });
    const { notices, listen } = await connect();
    listen('q', key);
    await eventually(() => notices.length === 1);
    await local.http.call('revokeKey', { id });
    await publish();
    await eventually(() => notices.length === 2);
    expect(notices[1]).toMatchObject({ refused: 'q', code: 'unauthorized' });
  });

  test('a page of another origin and a name of another host are refused, as for HTTP', async () => {
    expect(await (await connect({ origin: 'https://evil.example' })).ended).toBe(403);
    expect(await (await connect({ headers: { host: 'evil.example' } })).ended).toBe(403);
    const own = await connect({ origin: local.server.url });
    own.listen('q');
    await eventually(() => own.notices.length === 1);
  });
});

describe('what a connection sends', () => {
  test.each([
    ['no JSON', '{'],
    ['no object', 'null'],
    ['another action', '{"action":"receive","queue":"q"}'],
    ['no key', '{"action":"listen","queue":"q"}'],
    ['no queue', `{"action":"listen","key":"${adminKey}"}`],
    ['the name of no queue', `{"action":"listen","queue":"a/b","key":"${adminKey}"}`],
  ])('a request that is %s ends the connection', async (_, sent) => {
    const { socket, ended } = await connect();
    socket.send(sent);
    expect(await ended).toBe(1008);
  });

  test('a request in binary, or one that is too large, ends the connection', async () => {
    const binary = await connect();
    binary.socket.send(Buffer.from('{"action":"keep"}'), { binary: true });
    expect(await binary.ended).toBe(1008);
    const large = await connect();
    large.socket.send(' '.repeat(wakeRequestBytesMax + 1));
    expect(await large.ended).toBe(1009);
  });

  test('a request to keep the connection has no answer', async () => {
    const { socket, notices, listen } = await connect();
    socket.send('{"action":"keep"}');
    listen('q');
    await eventually(() => notices.length > 0);
    expect(notices).toEqual([{ listening: 'q' }]);
  });
});

describe('requests that do not become a WebSocket', () => {
  const status = (path: string, upgrade: string) =>
    new Promise<number>((resolve, reject) => {
      const outgoing = request(`${local.server.url}${path}`, { headers: { connection: 'Upgrade, HTTP2-Settings', upgrade } });
      outgoing.on('response', (response) => {
        response.resume();
        resolve(response.statusCode!);
      });
      outgoing.on('error', reject).end();
    });

  test('a client that offers HTTP/2 gets its answer over HTTP/1.1', async () => {
    expect(await status('/v1/health', 'h2c')).toBe(200);
  });

  test('a WebSocket on another path is answered as the plain request that it also is', async () => {
    expect(await status('/v1/health', 'websocket')).toBe(200);
    expect(await (await connect({ path: '/v1/other' })).ended).toBe(404);
  });

  test('a handshake without its key is refused', async () => {
    expect(await status('/v1/wake', 'websocket')).toBe(400);
  });
});

test('a server that stops tells its connections that it goes away', async () => {
  const { ended, listen, notices } = await connect();
  listen('q');
  await eventually(() => notices.length === 1);
  const stopped = local.server.close();
  expect(await ended).toBe(1001);
  await stopped;
  local = await startLocalQueue();
});

describe('limits of connections', () => {
  /** A server of wake-ups over a store in memory. */
  async function serve(
    limits: { connections?: number; firstListenMs?: number; pingMs?: number },
    around: (watch: QueueWatch) => QueueWatch = (watch) => watch,
  ) {
    const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const parts = { store: createMemoryStore(), clock: createCorrectedClock(), random: createRandom() };
    const { engine, keys, clock } = assembleQueue({ parts, log: silent, hosts: anyHost, invoke: async () => '' });
    await engine.call('createQueue', queue, {});
    const watch = around(createQueueWatch({ engine, clock, isShared: false, onError: () => undefined }));
    const watchEnd = createEndWatch({ engine, clock, isShared: false });
    const authenticate = createAuthenticate({ keys, adminKey: fixedAdminKey(adminKey) });
    const wakes = createWakeServer({ engine, keys, clock, authenticate, watch, watchEnd, log: silent, limits });
    const app = { fetch: () => new Response('{}', { status: 503 }) };
    return { engine, http: await serveHttp(app, { host: '127.0.0.1', port: 0, timeLimits: timeLimitsDefault, wakes }) };
  }

  test('a connection that does not listen in time is closed', async () => {
    const { http } = await serve({ firstListenMs: 20 });
    const { ended } = await connect({ url: http.url });
    expect(await ended).toBe(1008);
    await http.close();
  });

  test('a connection that does not answer pings is cut', async () => {
    const { http } = await serve({ pingMs: 20 });
    const alive = await connect({ url: http.url });
    const dead = await connect({ url: http.url, autoPong: false });
    expect(await dead.ended).toBe(1006);
    expect(alive.socket.readyState).toBe(alive.socket.OPEN);
    await http.close();
  });

  test('a connection that sends requests faster than they are answered is cut, and one that listens for many queues is not', async () => {
    const { http, engine } = await serve({});
    const names = Array.from({ length: wakeQueuesMax }, (_, n) => `many${n}`);
    for (const name of names) await engine.call('createQueue', { queue: name }, {});
    const many = await connect({ url: http.url });
    for (const name of names) many.listen(name);
    await eventually(() => many.notices.length === wakeQueuesMax);
    const flood = await connect({ url: http.url });
    for (let request = 0; request < 10_000; request++) flood.listen('q', 'dw_unknown');
    expect(await flood.ended).toBe(1006);
    expect(many.socket.readyState).toBe(many.socket.OPEN);
    await http.close();
  });

  test('a listen that begins while the one before is told ends with its connection, so that it takes no wake-up of others', async () => {
    const live = new Set<Tell>();
    const { http } = await serve({}, (watch) => ({
      listen(name, tell) {
        live.add(tell);
        const end = watch.listen(name, tell);
        return () => {
          live.delete(tell);
          end();
        };
      },
    }));
    const { notices, listen, socket, ended } = await connect({ url: http.url });
    listen('q');
    await eventually(() => notices.length === 1);
    const [tellFirst] = live;
    listen('q');
    await eventually(() => notices.length === 2);
    tellFirst!(0);
    await eventually(() => notices.length === 3);
    socket.close();
    await ended;
    await eventually(() => live.size === 0);
    await http.close();
  });

  test('a connection beyond the limit is refused', async () => {
    const { http } = await serve({ connections: 1 });
    await connect({ url: http.url });
    expect(await (await connect({ url: http.url })).ended).toBe(503);
    await http.close();
  });

  test('a thousand idle connections take little memory, and a message wakes ten of them', async () => {
    const { http, engine } = await serve({});
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const used = () => {
      collect();
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    };
    await connect({ url: http.url });
    const before = used();
    const all: Connection[] = [];
    for (let batch = 0; batch < 20; batch++) {
      all.push(...(await Promise.all(Array.from({ length: 50 }, () => connect({ url: http.url })))));
    }
    for (const { listen } of all) listen('q');
    await eventually(() => all.every(({ notices }) => notices.length === 1));
    // Both ends of each connection are in this process.
    expect((used() - before) / all.length).toBeLessThan(64 * 1024);
    await engine.call('publish', queue, { messages: [{ body: 1 }] });
    await engine.call('receive', queue, {});
    await eventually(() => all.filter(({ notices }) => notices.length === 2).length === 10);
    await engine.call('publish', queue, { messages: [{ body: 2 }] });
    await eventually(() => all.filter(({ notices }) => notices.length === 2).length === 20);
    for (const { socket } of all) socket.terminate();
    await http.close();
  });
});
