/** One HTTP request: what ends it, and what it leaves behind. */
import { once } from 'node:events';
import { Agent, createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type HttpRequest, sendRequest } from '../../../aws/request.ts';

let server: Server;
let agent: Agent;
let arrived: string[];

beforeEach(async () => {
  arrived = [];
  // A request to `/hang` is never answered.
  server = createServer((request, response) => {
    arrived.push(request.url!);
    request.resume();
    if (request.url !== '/hang') response.end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  agent = new Agent({ keepAlive: true, maxSockets: 1 });
});
afterEach(async () => {
  agent.destroy();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

function send(path: string, options: Pick<HttpRequest, 'msMax' | 'signal'> = {}) {
  const url = new URL(path, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return sendRequest({ method: 'POST', url, headers: {}, body: 'x', agent, ...options });
}

/** Takes the agent's only connection. */
async function hang() {
  const hanging = new AbortController();
  const ended = send('/hang', { signal: hanging.signal }).catch((error: Error) => error.name);
  await expect.poll(() => arrived).toEqual(['/hang']);
  return { end: () => hanging.abort(), ended };
}

it('a request that waits for a connection times out in its own time, and is never sent', async () => {
  const { end, ended } = await hang();
  await expect(send('/late', { msMax: 50 })).rejects.toMatchObject({ name: 'TimeoutError', code: 'ETIMEDOUT' });
  end();
  expect(await ended).toBe('AbortError');
  expect((await send('/next')).status).toBe(200);
  expect(arrived).toEqual(['/hang', '/next']);
});

it('a request that waits for a connection rejects as soon as its signal aborts', async () => {
  const { end, ended } = await hang();
  const reason = new Error('no longer needed');
  const caller = new AbortController();
  const waiting = send('/late', { signal: caller.signal });
  caller.abort(reason);
  const first = await Promise.race([waiting.catch((error: unknown) => error), delay(1_000, 'still waiting')]);
  expect(first).toBe(reason);
  end();
  await ended;
});

it('a request whose signal has already aborted is not sent', async () => {
  const reason = new Error('no longer needed');
  await expect(send('/late', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect(arrived).toEqual([]);
});
