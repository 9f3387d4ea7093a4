/** A DynamoDB endpoint that fails as a test says: a real HTTP server in front of a real engine. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { crc32 } from 'node:zlib';

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
  | { dateMs: number }
  /** Done by the engine, its answer damaged on the way: cut short, with another checksum, or no longer JSON. */
  | { damage: 'cut' | 'checksum' | 'json' };

export interface SeenRequest {
  operation: string;
  headers: IncomingMessage['headers'];
  /** Of the client's end of the connection. */
  port: number | undefined;
  body: Record<string, unknown>;
}

export interface FaultyEndpoint {
  url: string;
  /** The fates of the next requests, in order. Without one, a request passes. */
  fates: Fate[];
  /** The requests so far. */
  readonly seen: SeenRequest[];
  /** Called for each request before its fate, which waits for a promise. */
  onRequest: (request: SeenRequest) => unknown;
  /** Ends the connections that clients keep. They notice it when they next read. */
  closeIdle(): void;
  stop(): Promise<void>;
}

export async function startFaultyEndpoint(engine: string): Promise<FaultyEndpoint> {
  const fates: Fate[] = [];
  const seen: FaultyEndpoint['seen'] = [];

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat(await request.toArray());
    const operation = String(request.headers['x-amz-target']).split('.').at(-1)!;
    const { headers: sent, socket } = request;
    const arrived: SeenRequest = { operation, headers: sent, port: socket.remotePort, body: JSON.parse(body.toString()) };
    seen.push(arrived);
    await endpoint.onRequest(arrived);
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
    if (typeof fate === 'object' && 'damage' in fate) return damage(response, forwardedAnswer.status, text, fate.damage);
    const changed = typeof fate === 'object' && 'change' in fate ? JSON.stringify(fate.change(JSON.parse(text))) : text;
    respond(response, forwardedAnswer.status, changed);
  }

  const server = createServer((request, response) => {
    // The engine may be stopped, because the test of this client is over.
    answer(request, response).catch(() => request.socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint: FaultyEndpoint = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fates,
    seen,
    onRequest: () => undefined,
    closeIdle: () => server.closeIdleConnections(),
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return endpoint;
}

const forwarded = /^(x-amz-|authorization|content-type)/;

function respond(response: ServerResponse, status: number, text: string): void {
  const checksum = String(crc32(text));
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0', 'x-amz-crc32': checksum }).end(text);
}

function damage(response: ServerResponse, status: number, text: string, kind: 'cut' | 'checksum' | 'json'): void {
  const half = text.slice(0, Math.ceil(text.length / 2));
  if (kind === 'json') return void response.writeHead(status).end(half === text ? '' : half);
  if (kind === 'checksum') return void response.writeHead(status, { 'x-amz-crc32': String(crc32(text) ^ 1) }).end(text);
  response.writeHead(status, { 'content-length': String(text.length + 1) });
  response.write(text, () => response.destroy());
}
