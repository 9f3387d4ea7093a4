/** A DynamoDB endpoint that fails as a test says: a real HTTP server in front of a real engine. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What happens to one request. */
export type Fate =
  | 'pass'
  /** Cut off before it reaches the engine. */
  | 'lose'
  /** Done by the engine, and its answer cut off. */
  | 'loseAnswer'
  /** Never answered. */
  | 'hang'
  /** Answered instead of the engine. */
  | { status: number; body: object }
  /** Done by the engine, its answer changed. */
  | { change: (answer: Record<string, unknown>) => object }
  /** Done by the engine, with this time in the answer. */
  | { dateMs: number };

export interface FaultyEndpoint {
  url: string;
  /** The fates of the next requests, in order. Without one, a request passes. */
  fates: Fate[];
  /** The requests so far. */
  readonly seen: { operation: string; body: Record<string, unknown> }[];
  stop(): Promise<void>;
}

export async function startFaultyEndpoint(engine: string): Promise<FaultyEndpoint> {
  const fates: Fate[] = [];
  const seen: FaultyEndpoint['seen'] = [];

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat(await request.toArray());
    seen.push({ operation: String(request.headers['x-amz-target']).split('.').at(-1)!, body: JSON.parse(body.toString()) });
    const fate = fates.shift() ?? 'pass';
    if (fate === 'hang') return;
    if (fate === 'lose') return void request.socket.destroy();
    if (typeof fate === 'object' && 'status' in fate) return void respond(response, fate.status, JSON.stringify(fate.body));
    const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => forwarded.test(name))) as Record<
      string,
      string
    >;
    const forwardedAnswer = await fetch(engine, { method: 'POST', headers, body });
    const text = await forwardedAnswer.text();
    if (fate === 'loseAnswer') return void request.socket.destroy();
    if (typeof fate === 'object' && 'dateMs' in fate) response.setHeader('date', new Date(fate.dateMs).toUTCString());
    const changed = typeof fate === 'object' && 'change' in fate ? JSON.stringify(fate.change(JSON.parse(text))) : text;
    respond(response, forwardedAnswer.status, changed);
  }

  const server = createServer((request, response) => {
    // The engine may be stopped, because the test of this client is over.
    answer(request, response).catch(() => request.socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fates,
    seen,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const forwarded = /^(x-amz-|authorization|content-type)/;

function respond(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(text);
}
