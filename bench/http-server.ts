/**
 * A child process of `http-path.ts`: the local server's HTTP path over an engine that answers at once, or a bare HTTP server with no checks.
 * `node bench/http-server.ts app|bare KEY`, with an IPC channel. Each message from the parent is answered with the CPU time so far, in ms.
 */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '../engine/engine.ts';
import { createMemoryStore } from '../engine/memory/store.ts';
import { createRandom } from '../engine/port/random.ts';
import { fixedAdminKey } from '../functions/auth/admin-key.ts';
import { createKeys } from '../functions/auth/api-keys.ts';
import { createAuthenticate } from '../functions/auth/authenticate.ts';
import { createApp } from '../functions/http/app.ts';
import { serveHttp, timeLimitsDefault } from '../functions/local/http-server.ts';
import { createService } from '../functions/service/service.ts';
import { createSigningSecrets } from '../functions/service/signing-secrets.ts';
import { ownCpuMs } from './timing.ts';

const [kind, adminKey] = process.argv.slice(2);
const answers: Record<string, object> = {
  publish: { results: [{ ok: true, id: '1kdvdna15000001d4v3mjggm-1ynnbyt6fb9b0~0' }] },
  receive: { messages: [] },
  ack: { results: [{ ok: true }] },
};

async function serveApp(): Promise<string> {
  const clock = { now: () => Date.now(), trusted: () => true, sleep: (ms: number) => sleep(ms) };
  const store = createMemoryStore();
  const keys = createKeys({ store, clock, random: createRandom() });
  const engine = { callChecked: async (operation: string) => answers[operation] } as unknown as Engine;
  const quiet = { info: () => {}, warn: console.error, error: console.error };
  const app = createApp({
    service: createService({
      engine,
      keys,
      secrets: createSigningSecrets({ store, clock }),
      targets: {} as never,
      stats: {} as never,
      status: {} as never,
      audit: { noted: (_: unknown, run: () => unknown) => run() } as never,
      waitIsCheap: true,
    }),
    authenticate: createAuthenticate({ keys, adminKey: fixedAdminKey(adminKey) }),
    log: quiet,
    newRequestId: () => crypto.randomUUID(),
    isOwnHost: (name) => name === '127.0.0.1',
  });
  const { url } = await serveHttp(app, { host: '127.0.0.1', port: 0, timeLimits: timeLimitsDefault });
  return url;
}

async function serveBare(): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      JSON.parse(Buffer.concat(chunks).toString());
      const body = JSON.stringify(answers[request.url!.split('/').at(-1)!]);
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

if (process.send === undefined || adminKey === undefined) throw new Error('bench/http-path.ts starts this program');
const url = await (kind === 'app' ? serveApp() : serveBare());
process.on('message', () => process.send!(ownCpuMs()));
process.on('disconnect', () => process.exit());
process.send({ url });
