/** A receiver of the messages that a queue pushes to it. It handles only requests that the queue signed, and each message once. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import { dumbwaiter } from './connect.ts';

const orders = dumbwaiter.queue<{ order: number }>('pushed-orders');
await orders.ensure({ backoff: { minSeconds: 1, maxSeconds: 300 } });
const secret = await orders.rotateSigningSecret();
const handled = new Set<string>();
const both = Promise.withResolvers<void>();

const server = createServer(async (request, response) => {
  try {
    await handle(request);
    response.writeHead(204).end(); // Any 2xx acks the message.
  } catch {
    response.writeHead(401).end();
  }
}).listen(0, '127.0.0.1');

async function handle(request: IncomingMessage): Promise<void> {
  const headers = request.headers as Record<string, string>;
  // Throws if the request is not from this queue or is older than five minutes.
  const message = new Webhook(secret).verify(await text(request), headers) as { id: string; body: { order: number } };
  if (handled.has(message.id)) return; // A message may come more than once.
  handled.add(message.id);
  console.log(`order ${message.body.order}`);
  if (handled.size === 2) both.resolve();
}

await once(server, 'listening');
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/orders`;
await orders.targets.put('shop', { url, maxConcurrency: 5, timeoutSeconds: 10 });
await orders.publish([{ body: { order: 1 } }, { body: { order: 2 } }]);
await both.promise;

const { state, lastError } = await orders.targets.get('shop');
console.log(`${state}, ${lastError?.message ?? 'no failure'}`);
await orders.targets.delete('shop');
const forged = await fetch(url, { method: 'POST', body: '{"id":"x","body":{"order":3}}' });
console.log(`forged: ${forged.status}`);
server.close();
