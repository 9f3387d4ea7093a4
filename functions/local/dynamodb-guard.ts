/**
 * Gives other programs on this machine access to the embedded DynamoDB engine. The engine answers any web page and checks no signature, so
 * it listens on a secret address. The guard forwards only requests that carry the access key and do not come from a web page (no `Origin`,
 * no foreign `Host`). It does not check the signature itself.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sameBytes } from '../auth/key-rows.ts';
import { hostnameOf, isLoopback } from './loopback.ts';

export interface DynamodbGuard {
  url: string;
  port: number;
  close(): Promise<void>;
}

const host = '127.0.0.1';

/** `target`: the engine's URL. `port`: used if it is free; otherwise any free port is used. */
export async function startDynamodbGuard(target: string, accessKeyId: string, port = 0): Promise<DynamodbGuard> {
  const server = createServer((incoming, answer) => {
    const reason = refusalReason(incoming, accessKeyId);
    if (reason === undefined) forward(incoming, answer, target);
    else refuse(answer, reason);
  });
  try {
    await once(server.listen(port, host), 'listening');
  } catch (error) {
    if (port === 0 || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    await once(server.listen(0, host), 'listening');
  }
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${bound}`,
    port: bound,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function refusalReason({ method, headers }: IncomingMessage, accessKeyId: string): string | undefined {
  if (method !== 'POST') return 'DynamoDB takes POST requests.';
  if (headers.origin !== undefined) return 'Web pages may not call this endpoint (the request has an Origin header).';
  const hostname = hostnameOf(headers.host ?? '');
  if (hostname === undefined || !isLoopback(hostname)) return 'The Host header names another server.';
  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
  const given = /\bCredential=([^/,\s]+)\//.exec(headers.authorization ?? '')?.[1] ?? '';
  if (sameBytes(Buffer.from(given), Buffer.from(accessKeyId))) return undefined;
  return 'The access key is not the one of this server: use the exports that it printed.';
}

/** Uses the format of DynamoDB's errors, so that AWS clients show the message. */
function refuse(answer: ServerResponse, message: string): void {
  answer.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' });
  answer.end(JSON.stringify({ __type: 'com.amazon.coral.service#UnrecognizedClientException', message }));
}

function forward(incoming: IncomingMessage, answer: ServerResponse, target: string): void {
  // DynamoDB has only this path: nothing that the caller sent becomes part of the URL.
  const outgoing = request(target, { method: 'POST', headers: incoming.headers });
  outgoing.on('response', (response) => {
    answer.writeHead(response.statusCode ?? 502, response.headers);
    response.pipe(answer);
  });
  // Cut the connection, so that the client does not take a partial answer for a whole one.
  outgoing.on('error', () => answer.destroy());
  answer.on('close', () => outgoing.destroy());
  incoming.pipe(outgoing);
}
