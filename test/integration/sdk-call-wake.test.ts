/** Calls that wait for their result on a connection for wake-ups: the SDK on a local server. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { Dumbwaiter, type QueueClient } from '../../sdk/index.ts';
import { eventually } from '../support/eventually.ts';
import { adminKey, type LocalQueue, startLocalQueue } from '../support/local-queue.ts';

let local: LocalQueue;
let queue: QueueClient<number>;
/** The waits of reads by id, in seconds. */
let reads: number[];
/** Replaces `wakeUrl` in the answers of the server. */
let wakeUrl: string | undefined;
/** Called before each read by id but the first. */
let beforeRead: () => Promise<void>;

beforeEach(async () => {
  local = await startLocalQueue();
  [reads, wakeUrl, beforeRead] = [[], undefined, async () => undefined];
  await local.http.call('createQueue', { queue: 'q' }, { keep: { doneSeconds: 60 } });
  const counting: typeof fetch = async (url, init) => {
    const isRead = init?.method === 'GET' && String(url).includes('/messages/');
    if (isRead && reads.length > 0) await beforeRead();
    if (isRead) reads.push(Number(new URL(String(url)).searchParams.get('waitSeconds') ?? 0));
    const response = await fetch(url, init);
    if (!isRead || wakeUrl === undefined) return response;
    return new Response((await response.text()).replace('/v1/wake', wakeUrl), response);
  };
  queue = new Dumbwaiter({ url: local.server.url, apiKey: adminKey, fetch: counting }).queue<number>('q');
});
afterEach(async () => {
  await local.server.close();
  expect(local.defects).toEqual([]);
});

/** Acks the one message that waits, with its double as the result. */
async function reply(): Promise<void> {
  const [message] = await queue.receive();
  await message!.ack({ result: message!.body * 2 });
}

/** A call reads once when it has waited, and once when the server has promised to tell it. */
const untilReads = (count: number) => eventually(() => reads.length === count);

test('a call whose reply takes long waits on the connection, and reads once when it is told', async () => {
  const calling = queue.call(4);
  await untilReads(2);
  await reply();
  expect(await calling).toBe(8);
  expect(reads).toEqual([1, 0, 20]);
});

test('a reply that comes while the connection is made is found by the read after it', async () => {
  const calling = queue.call(4);
  await untilReads(1);
  // The reply comes after the first wait, before the second read is sent.
  beforeRead = async () => {
    beforeRead = async () => undefined;
    await reply();
  };
  expect(await calling).toBe(8);
  expect(reads).toEqual([1, 0]);
});

test('a reply that comes soon is read without a connection', async () => {
  const consumer = queue.consume(({ body }) => body * 2, { reply: true });
  expect(await queue.call(4)).toBe(8);
  expect(reads).toEqual([1]);
  await consumer.stop();
});

test('several calls share the connection, and each gets its own result', async () => {
  const calls = [1, 2, 3].map((body) => queue.call(body));
  await untilReads(6);
  for (let replies = 0; replies < 3; replies++) await reply();
  expect(await Promise.all(calls)).toEqual([2, 4, 6]);
});

test('a call without a reply ends at its time, and its message is cancelled', async () => {
  await expect(queue.call(4, { timeoutSeconds: 2 })).rejects.toMatchObject({ code: 'call_timeout' });
  expect(reads).toEqual([1, 0, 0]);
  expect(await queue.receive()).toEqual([]);
});

test('an aborted call stops waiting on the connection', async () => {
  const stopping = new AbortController();
  const calling = queue.call(4, {}, { signal: stopping.signal });
  const aborted = expect(calling).rejects.toThrow('enough');
  await untilReads(2);
  stopping.abort(new Error('enough'));
  await aborted;
});

test('a call waits at the server where the connection is lost or refused', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  let connections = 0;
  server.on('connection', (socket) => {
    connections++;
    socket.on('message', () => socket.close());
  });
  await new Promise((resolve) => server.once('listening', resolve));
  wakeUrl = `ws://127.0.0.1:${(server.address() as { port: number }).port}/any`;
  const calling = queue.call(4);
  await untilReads(2);
  await reply();
  expect(await calling).toBe(8);
  expect({ reads, connections }).toEqual({ reads: [1, 20], connections: 1 });
  server.close();
});
