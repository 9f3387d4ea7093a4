import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../contract/errors.ts';
import { callBytesMax } from '../../contract/limits.ts';
import { problem } from '../../functions/openapi/output-records.ts';
import { adminKey, type LocalQueue, startLocalQueue } from '../support/local-queue.ts';

/** Short enough to wait for. */
const timeLimits = { headersMs: 400, requestMs: 2_500, keepAliveMs: 2_000, closingMs: 1_000 };
const idleConnections = 1_000;
const where = { queue: 'patient' };

let queue: LocalQueue;
let port: number;
beforeAll(async () => {
  queue = await startLocalQueue({ timeLimits });
  port = Number(new URL(queue.server.url).port);
  await queue.http.call('createQueue', where);
});
afterAll(async () => {
  await queue.server.close();
  expect(queue.defects).toEqual([]);
});

const head = (...headers: string[]) =>
  [
    `POST /v1/queues/${where.queue}/publish HTTP/1.1`,
    'host: localhost',
    `authorization: Bearer ${adminKey}`,
    'content-type: application/json',
    ...headers,
    '',
    '',
  ].join('\r\n');
const message = JSON.stringify({ messages: [{ body: 'cut off' }] });

/** A connection, and all that comes back until the server closes it. */
function open(): Promise<{ socket: Socket; answer: Promise<string> }> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve({ socket, answer }));
    const answer = new Promise<string>((ended) => {
      let text = '';
      socket.on('data', (data) => {
        text += data;
      });
      socket.on('error', () => undefined);
      socket.on('close', () => ended(text));
    });
    socket.once('error', reject);
  });
}

async function nothingPublished(): Promise<void> {
  const { counts } = await queue.http.call('getQueue', where);
  expect(counts).toMatchObject({ ready: 0, delayed: 0, leased: 0 });
}

describe('a request that does not arrive whole changes nothing', () => {
  const answersTo = async (parts: string[]): Promise<string> => {
    const { socket, answer } = await open();
    for (const part of parts) socket.write(part);
    return answer;
  };

  it.each<[string, string[]]>([
    ['no bytes at all', []],
    ['headers that never end', ['POST /v1/queues/patient/publish HTTP/1.1\r\nhost: localhost\r\n']],
  ])('a connection with %s is closed in less time than whole requests have, with a 408 or nothing', async (_, parts) => {
    const startedAt = performance.now();
    expect(await answersTo(parts)).toMatch(/^$|^HTTP\/1\.1 408 /);
    expect(performance.now() - startedAt).toBeLessThan(timeLimits.requestMs);
    await nothingPublished();
  });

  it('a connection whose body never comes, stops short or never ends is closed in time, with a 408 or nothing', async () => {
    const answers = await Promise.all([
      answersTo([head(`content-length: ${message.length}`)]),
      answersTo([head(`content-length: ${message.length}`), message.slice(0, -1)]),
      answersTo([head('transfer-encoding: chunked'), `${message.length.toString(16)}\r\n${message}\r\n`]),
    ]);
    for (const answer of answers) expect(answer).toMatch(/^$|^HTTP\/1\.1 408 /);
    await nothingPublished();
  });

  it('a request whose client disconnects within it changes nothing', async () => {
    for (let i = 0; i < 20; i++) {
      const { socket, answer } = await open();
      socket.write(head(`content-length: ${message.length}`) + message.slice(0, -1));
      if (i % 2 === 0) socket.resetAndDestroy();
      else socket.destroy();
      await answer;
    }
    await nothingPublished();
  });

  it('a request that is no HTTP changes nothing', async () => {
    const { socket, answer } = await open();
    socket.write('\u0016\u0003\u0001 hello\r\n\r\n');
    expect(await answer).toMatch(/^HTTP\/1\.1 400 /);
    await nothingPublished();
  });
});

describe('a request that is too large', () => {
  it('a request that is too large is refused by its length before its body is sent', async () => {
    const { socket, answer } = await open();
    socket.write(head(`content-length: ${callBytesMax + 1}`));
    const text = await answer;
    expect(text).toMatch(/^HTTP\/1\.1 413 /);
    expect(text).toContain('payload_too_large');
  });

  it('a request that is too large is cut off when its chunks pass the limit', async () => {
    const { socket, answer } = await open();
    socket.write(head('transfer-encoding: chunked'));
    const chunk = 'x'.repeat(64 * 1024);
    let sent = 0;
    const timer = setInterval(() => {
      for (let i = 0; i < 16 && !socket.destroyed; i++) {
        socket.write(`${chunk.length.toString(16)}\r\n${chunk}\r\n`);
        sent += chunk.length;
      }
    }, 5);
    const text = await answer;
    clearInterval(timer);
    expect(text).toMatch(/^HTTP\/1\.1 413 |^$/);
    expect(sent).toBeGreaterThan(callBytesMax);
    await nothingPublished();
  });
});

describe(`${idleConnections} idle connections`, () => {
  it('idle connections do not keep others from being served, and are closed in time', async () => {
    const opened = await Promise.all(Array.from({ length: idleConnections }, open));
    expect(await (await queue.http.send('GET', '/v1/health')).json()).toEqual({ status: 'ok' });
    await queue.http.call('publish', { queue: where.queue }, { messages: [{ body: 'served' }] });
    const { messages } = await queue.http.call('receive', where);
    expect(messages).toMatchObject([{ body: 'served' }]);
    await queue.http.call('ack', where, { receipts: messages.map(({ receipt }) => receipt) });
    await Promise.all(opened.map(({ answer }) => answer));
  });
});

describe('a request that Node refuses itself', () => {
  /** The head and the problem of an answer, which has the form of all other answers. */
  const problemOf = (text: string): { status: number; code: string; detail: string } => {
    const [head = '', body = ''] = text.split('\r\n\r\n');
    const answer = problem.parse(JSON.parse(body));
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${answer.status} `));
    const headers = head.toLowerCase();
    for (const header of ['content-type: application/problem+json', `x-request-id: ${answer.requestId}`, 'connection: close'])
      expect(headers).toContain(header);
    return answer;
  };
  const health = 'GET /v1/health HTTP/1.1\r\nhost: localhost\r\n';

  it.each<[string, string[], number, ErrorCode]>([
    ['whose headers do not end', [health], 408, 'request_timeout'],
    ['whose headers are too large', [health, `x-large: ${'x'.repeat(20_000)}\r\n\r\n`], 431, 'headers_too_large'],
    [
      'whose chunks have too large extensions',
      [head('transfer-encoding: chunked', 'connection: close'), `1;${'x'.repeat(20_000)}\r\n`],
      413,
      'payload_too_large',
    ],
    ['that is no HTTP', ['\u0016\u0003\u0001 hello\r\n\r\n'], 400, 'invalid_input'],
    ['with two lengths', [head('content-length: 1', 'content-length: 2')], 400, 'invalid_input'],
    ['without a Host header', ['GET /v1/health HTTP/1.1\r\nconnection: close\r\n\r\n'], 400, 'invalid_input'],
    ['whose Host is no name', ['GET /v1/health HTTP/1.1\r\nhost: a b\r\nconnection: close\r\n\r\n'], 400, 'invalid_input'],
  ])('a request that Node refuses is answered by problem+json: one %s', async (_, parts, status, code) => {
    const { socket, answer } = await open();
    for (const part of parts) socket.write(part);
    expect(problemOf(await answer)).toMatchObject({ status, code });
    await nothingPublished();
  });

  it('a request with an unknown expectation is answered as one without it', async () => {
    const { socket, answer } = await open();
    socket.write(`${health}expect: wonders\r\nconnection: close\r\n\r\n`);
    expect(await answer).toMatch(/^HTTP\/1\.1 200 /);
  });
});
