/** A receiver of pushed messages. It handles only requests that its queue signed, and each message once. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';

interface Pushed {
  id: string;
  body: { order: number };
}

/** `secret`: what `rotateSigningSecret` of the queue returned. */
export async function startReceiver(secret: string, port = 0): Promise<{ server: Server; url: string }> {
  const handled = new Set<string>(); // A real service keeps the ids in its database, written together with the work.

  async function handle(request: IncomingMessage): Promise<number> {
    let message: Pushed;
    try {
      // Throws if the request is not from this queue, was altered, or is older than five minutes.
      message = new Webhook(secret).verify(await text(request), request.headers as Record<string, string>) as Pushed;
    } catch {
      return 401;
    }
    if (handled.has(message.id)) return 204; // A message may come more than once.
    handled.add(message.id);
    console.log(`order ${message.body.order}`);
    return 204; // Any 2xx acks the message.
  }

  const server = createServer(async (request, response) => {
    response.writeHead(await handle(request)).end();
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/orders` };
}

if (import.meta.main) {
  const { url } = await startReceiver(process.env.WEBHOOK_SECRET ?? '', Number(process.env.PORT ?? 0));
  console.log(`listening on ${url}`);
}
