/**
 * Calls of SQS on Node's own requests and responses. As web requests and responses, which the HTTP API takes, each would take about 8 %
 * more of the server's processor time.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Bindings } from '../http/app.ts';
import { checkDeclared, incomplete, tooLarge } from '../http/request-body.ts';
import type { SqsFace } from '../sqs/face.ts';
import type { SqsRequest } from '../sqs/request.ts';
import type { TakeRequest } from './http-server.ts';

/** Answers calls of SQS, and leaves all others. */
export function takeSqsRequests(sqs: SqsFace): TakeRequest {
  return (incoming, outgoing, begin) => {
    const request = sqsRequestOf(incoming);
    if (!sqs.takes(request)) return false;
    answer(sqs, request, outgoing, begin()).catch(() => outgoing.destroy());
    return true;
  };
}

async function answer(sqs: SqsFace, request: SqsRequest, outgoing: ServerResponse, bindings: Bindings): Promise<void> {
  const { status, headers, text } = await sqs.answer(request, bindings);
  outgoing.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(text) }).end(text);
}

function sqsRequestOf(incoming: IncomingMessage): SqsRequest {
  const { method = '', headers } = incoming;
  let url: URL | undefined;
  return {
    method,
    get url() {
      url ??= new URL(`http://${headers.host}${incoming.url}`);
      return url;
    },
    headers: {
      get: (name) => (Object.hasOwn(headers, name) ? String(headers[name]) : null),
      has: (name) => Object.hasOwn(headers, name),
    },
    bytes: (bytesMax) => readBytes(incoming, bytesMax),
  };
}

async function readBytes(incoming: IncomingMessage, bytesMax: number): Promise<Uint8Array> {
  checkDeclared(incoming.headers['content-length'] ?? null, bytesMax);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    incoming
      .on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        // The rest is read and dropped, so that the client reads the answer.
        if (bytes <= bytesMax) chunks.push(chunk);
        else reject(tooLarge('more', bytesMax));
      })
      .on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
      .on('error', (error) => reject(incomplete(error)));
  });
}
