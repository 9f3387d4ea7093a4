/** The endpoint at which the queue asks a publisher whether to commit prepared messages. It answers only requests that its queue signed. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import { dumbwaiter } from './connect.ts';

const receipts = dumbwaiter.queue<{ order: number }>('receipts');
await receipts.ensure({ prepared: { timeoutSeconds: 600 } });
const secret = await receipts.rotateSigningSecret(); // POST /v1/queues/receipts/signing-secret
const paid = new Set([1]);

const server = createServer(async (request, response) => {
  try {
    response.end(JSON.stringify({ outcome: await outcomeOf(request) }));
  } catch {
    response.writeHead(401).end();
  }
}).listen(0, '127.0.0.1');

async function outcomeOf(request: IncomingMessage): Promise<'commit' | 'rollback'> {
  const headers = request.headers as Record<string, string>;
  // Throws if the request is not from this queue or is older than five minutes.
  const question = new Webhook(secret).verify(await text(request), headers) as { body: { order: number } };
  return paid.has(question.body.order) ? 'commit' : 'rollback';
}

// Send by hand what the queue would send, and then a forged request.
await once(server, 'listening');
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const body = JSON.stringify({ queue: 'receipts', id: 'receipt-1', body: { order: 1 } });
const now = new Date();
const signature = new Webhook(secret).sign('question-1', now, body);
const headers = { 'webhook-id': 'question-1', 'webhook-timestamp': String(Math.floor(now.getTime() / 1000)) };
const signed = await fetch(url, { method: 'POST', body, headers: { ...headers, 'webhook-signature': signature } });
const forged = await fetch(url, { method: 'POST', body, headers: { ...headers, 'webhook-signature': 'v1,bm8=' } });
console.log(`signed: ${await signed.text()}, forged: ${forged.status}`);
server.close();
