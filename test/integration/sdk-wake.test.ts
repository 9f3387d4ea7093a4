/** Consumers that wait to be woken: the SDK on a local server, with timers that only the test advances. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type WebSocket as ServerSocket, WebSocketServer } from 'ws';
import { type Consumer, type ConsumerOptions, Dumbwaiter, type DumbwaiterError } from '../../sdk/index.ts';
import { eventually } from '../support/eventually.ts';
import { isPausing, listeningPauseMs, untilListening } from '../support/idle-consumer.ts';
import { adminKey, type LocalQueue, startLocalQueue } from '../support/local-queue.ts';
import { ManualTimers } from '../support/manual-timers.ts';

const queue = { queue: 'q' };

let local: LocalQueue;
let timers: ManualTimers;
let consumer: Consumer | undefined;
/** The bodies that the handler got, and the codes of errors. */
let got: unknown[];
let receives: number;
let isClosed: boolean;
/** Replaces `wakeUrl` in the answers of the server. */
let wakeUrl: string | undefined;

beforeEach(async () => {
  local = await startLocalQueue();
  timers = new ManualTimers();
  [consumer, got, receives, wakeUrl, isClosed] = [undefined, [], 0, undefined, false];
  await local.http.call('createQueue', queue, {});
});

afterEach(async () => {
  await consumer?.stop({ deadlineMs: 0 });
  if (!isClosed) await local.server.close();
  expect(local.defects).toEqual([]);
});

function consume(options: ConsumerOptions = {}, apiKey = adminKey): void {
  const counting: typeof fetch = async (url, init) => {
    const response = await fetch(url, init);
    if (!String(url).endsWith('/receive')) return response;
    receives++;
    const text = await response.text();
    return new Response(wakeUrl === undefined ? text : text.replace('/v1/wake', wakeUrl), response);
  };
  const client = new Dumbwaiter({ url: local.server.url, apiKey, timers, fetch: counting });
  consumer = client
    .queue('q')
    .consume(({ body }) => void got.push(body), { wake: true, visibilityTimeoutSeconds: 60, ...options });
  consumer.on('error', ({ error }) => got.push((error as DumbwaiterError).code));
}

const idle = (pauseMs?: number) => untilListening(timers, pauseMs);
const publish = (body: number, name = 'q', more = {}) =>
  local.http.call('publish', { queue: name }, { messages: [{ body, ...more }] });

/** A server that accepts every listen, at once or when the test says so, and wakes nobody. */
async function startDeaf(whenAsked = Promise.resolve()) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  const sockets: ServerSocket[] = [];
  let listens = 0;
  server.on('connection', (socket) => {
    sockets.push(socket);
    socket.on('message', async (data) => {
      listens++;
      await whenAsked;
      socket.send(JSON.stringify({ listening: JSON.parse(String(data)).queue }));
    });
  });
  await new Promise((resolve) => server.once('listening', resolve));
  wakeUrl = `ws://127.0.0.1:${(server.address() as { port: number }).port}/any`;
  return { sockets, listens: () => listens, stop: () => server.close() };
}

test('an idle consumer is woken by a publish, without any poll', async () => {
  consume();
  await idle();
  const before = receives;
  await publish(1);
  await eventually(() => got.length === 1);
  expect(got).toEqual([1]);
  expect(receives).toBeGreaterThan(before);
});

test('a consumer listens again after it was woken, and is woken by the next message too', async () => {
  consume();
  for (const body of [1, 2, 3]) {
    await idle();
    await publish(body);
    await eventually(() => got.length === body);
  }
  expect(got).toEqual([1, 2, 3]);
});

test('a message that came just before the server accepted the listen is received at once', async () => {
  const accepted = Promise.withResolvers<void>();
  const deaf = await startDeaf(accepted.promise);
  consume();
  while (deaf.listens() === 0) {
    await eventually(() => timers.pendingMs.length > 0);
    // A listen goes out in the first pause of more than a second.
    if (timers.pendingMs.some((ms) => ms > 1_000)) await eventually(() => deaf.listens() > 0);
    else await timers.advance(timers.pendingMs[0]!);
  }
  await publish(1);
  expect(got).toEqual([]);
  accepted.resolve();
  await eventually(() => got.length === 1);
  deaf.stop();
});

test('a message of another queue wakes nobody', async () => {
  await local.http.call('createQueue', { queue: 'other' }, {});
  consume();
  await idle();
  const before = receives;
  await publish(1, 'other');
  await publish(2);
  await eventually(() => got.length === 1);
  expect(got).toEqual([2]);
  // The receive that found it, and none before it.
  expect(receives - before).toBeLessThanOrEqual(2);
});

test('a delayed message that was there before tells the consumer when to receive, and so does one that comes later', async () => {
  await publish(1, 'q', { delaySeconds: 100 });
  consume();
  await idle();
  expect(timers.pendingMs.some((ms) => ms > 90_000 && ms <= 100_000)).toBe(true);
  await publish(2, 'q', { delaySeconds: 50 });
  await eventually(() => timers.pendingMs.some((ms) => ms > 40_000 && ms <= 50_000));
});

test('a wake-up that is lost costs one pause', async () => {
  const deaf = await startDeaf();
  consume();
  await idle();
  await publish(1);
  await timers.advance(listeningPauseMs - 1_000);
  expect(got).toEqual([]);
  await timers.advance(1_000);
  await eventually(() => got.length === 1);
  deaf.stop();
});

test('with maxIdlePollSeconds, a consumer that listens polls as often as that', async () => {
  consume({ maxIdlePollSeconds: 7 });
  await idle(7_000);
  expect(isPausing(timers)).toBe(false);
});

test('a consumer whose connection breaks polls every five seconds at most, connects again and listens', async () => {
  const deaf = await startDeaf();
  consume();
  await idle();
  expect([deaf.sockets.length, deaf.listens()]).toEqual([1, 1]);
  deaf.sockets[0]!.terminate();
  await eventually(() => !isPausing(timers));
  await eventually(() => timers.pendingMs.length > 0);
  expect(timers.pendingMs[0]).toBeLessThanOrEqual(5_000);
  await idle();
  expect([deaf.sockets.length, deaf.listens()]).toEqual([2, 2]);
  deaf.stop();
});

test('a consumer that cannot connect polls as without wake-ups', async () => {
  wakeUrl = 'ws://127.0.0.1:9/none';
  consume();
  for (let polls = 0; polls < 12; polls++) {
    await eventually(() => timers.pendingMs.length > 0);
    expect(timers.pendingMs[0]).toBeLessThanOrEqual(5_000);
    await timers.advance(timers.pendingMs[0]!);
  }
  await publish(1);
  while (got.length === 0) {
    await eventually(() => timers.pendingMs.length > 0 || got.length > 0);
    if (got.length === 0) await timers.advance(timers.pendingMs[0]!);
  }
});

test('a consumer whose key is revoked is not woken but refused, and reports it', async () => {
  const { id, key } = await local.http.call('createKey', {}, { name: 'reader', queues: ['q'], scopes: ['receive'] });
  consume({}, key);
  await idle();
  await local.http.call('revokeKey', { id });
  await publish(1);
  await eventually(() => got.length === 1);
  expect(got).toEqual(['unauthorized']);
});

test('a consumer that stops closes its connection', async () => {
  const deaf = await startDeaf();
  consume();
  await idle();
  await consumer!.stop();
  expect(timers.pendingMs).toEqual([]);
  await eventually(() => deaf.sockets[0]!.readyState === deaf.sockets[0]!.CLOSED);
  deaf.stop();
});

test('a server that stops closes the connections of idle consumers, which then poll', async () => {
  consume();
  await idle();
  await local.server.close();
  isClosed = true;
  await eventually(() => got.includes('unavailable'));
  expect(isPausing(timers)).toBe(false);
});

test('without the option, a consumer waits at the local server as before', async () => {
  consume({ wake: false });
  await publish(1);
  await eventually(() => got.length === 1);
  expect(timers.pendingMs.every((ms) => ms <= 100)).toBe(true);
});
