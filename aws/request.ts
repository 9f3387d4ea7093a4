/** Sends one HTTP request over a kept connection, and reads its whole answer. */
import http, { type Agent, type IncomingHttpHeaders } from 'node:http';
import https from 'node:https';

const connectionMsMax = 1_000;
const requestMsMax = 5_000;

export interface HttpRequest {
  method: string;
  url: URL;
  headers: Record<string, string>;
  body: string;
  /** False opens a connection for this request alone. */
  agent: Agent | false;
  /** Milliseconds for the request and its whole answer. Default: `requestMsMax`. */
  msMax?: number;
  signal?: AbortSignal;
}

export interface HttpAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** The server did not accept a connection, or did not answer, in time. */
export class RequestTimeout extends Error {
  override readonly name = 'TimeoutError';
  readonly code = 'ETIMEDOUT';
}

/** Rejects with the error of the connection, with RequestTimeout, or with the reason of the signal. */
export function sendRequest({
  method,
  url,
  headers,
  body,
  agent,
  msMax = requestMsMax,
  signal,
}: HttpRequest): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const request = (url.protocol === 'https:' ? https : http).request({
      agent,
      method,
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port,
      path: url.pathname,
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    });
    const timer = setTimeout(() => abandon(new RequestTimeout(`no answer within ${msMax} ms`)), msMax);
    const release = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    const fail = (error: unknown) => {
      release();
      reject(error);
    };
    // Rejects at once: a destroyed request that waits for a connection emits its error only when it gets one.
    const abandon = (error: unknown) => {
      fail(error);
      request.destroy();
    };
    const onAbort = () => abandon(signal!.reason);
    signal?.addEventListener('abort', onAbort);
    request.on('socket', (socket) => {
      if (!socket.connecting) return;
      const connecting = setTimeout(
        () => abandon(new RequestTimeout(`no connection within ${connectionMsMax} ms`)),
        connectionMsMax,
      );
      const connected = () => clearTimeout(connecting);
      socket.once('connect', connected).once('close', connected);
    });
    request.on('error', fail);
    request.on('response', (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', fail);
      response.on('end', () => {
        release();
        const answered = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
        resolve({ status: response.statusCode!, headers: response.headers, body: answered });
      });
    });
    request.end(body);
  });
}
