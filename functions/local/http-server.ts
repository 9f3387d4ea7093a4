/** Serves an app on a port, and copes with clients that are slow, idle or disconnected. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { type DumbwaiterError, invalidInput } from '../../contract/errors.ts';
import { pathOfTarget } from '../http/request-path.ts';
import { answerSocket, isBeingAnswered, refusalOfClientError } from './client-errors.ts';
import { isLoopback } from './loopback.ts';
import { StartFailure } from './start-failure.ts';
import type { WakeServer } from './wake-server.ts';

/** Time limits in milliseconds. When a client exceeds one, Node closes the connection, with a 408 where it can. */
export interface TimeLimits {
  /** For the headers of a request, from the start of the connection or of the request. */
  headersMs: number;
  /** For a whole request, including its body. */
  requestMs: number;
  /** For the next request on a connection. */
  keepAliveMs: number;
  /** For calls in progress when the server closes. */
  closingMs: number;
}

export const timeLimitsDefault: TimeLimits = { headersMs: 10_000, requestMs: 30_000, keepAliveMs: 65_000, closingMs: 5_000 };

const idleCheckMs = 50;

export interface HttpServer {
  url: string;
  /** Ends the calls that wait, as if their clients had hung up, and goes on serving. */
  endWaits(): void;
  /** Accepts no more calls, aborts those that wait, and resolves when the calls in progress have ended. */
  close(): Promise<void>;
}

export interface Fetch {
  fetch(request: Request, bindings: object): Response | Promise<Response>;
}

/** Throws StartFailure if the port cannot be opened. Port 0 means any free port. */
export async function serveHttp(
  app: Fetch,
  { host, port, timeLimits, wakes }: { host: string; port: number; timeLimits: TimeLimits; wakes?: WakeServer },
): Promise<HttpServer> {
  // The name of the server for a request without a valid Host header.
  const hostname = isLoopback(host) ? host : 'localhost';
  const options = {
    headersTimeout: timeLimits.headersMs,
    requestTimeout: timeLimits.requestMs,
    keepAliveTimeout: timeLimits.keepAliveMs,
    connectionsCheckingInterval: Math.min(1_000, timeLimits.headersMs),
    // Node's own error response would have no body; `hostRefusal` replaces it.
    requireHostHeader: false,
    // Other upgrades that a client offers (Java's client offers HTTP/2) are ignored, and their requests answered.
    shouldUpgradeCallback: (request: IncomingMessage) => wakes?.isForWakeUps(request) ?? false,
  };
  const refuse = (refusal: DumbwaiterError) => app.fetch(new Request(`http://${nameInUrl(hostname)}/`), { refusal });
  const refusals = new WeakMap<IncomingMessage, DumbwaiterError>();
  const calls = createCallsInProgress();
  const listener = getRequestListener(
    (request, env) => {
      const { incoming, outgoing } = env as { incoming: IncomingMessage; outgoing: ServerResponse };
      return app.fetch(request, { refusal: refusals.get(incoming), signal: calls.begin(outgoing) });
    },
    { errorHandler: () => refuse(invalidHost()) },
  );
  const server = createServer(options, serve)
    // A server may ignore expectations other than 100-continue (RFC 9110, 10.1.1).
    .on('checkExpectation', serve)
    .on('upgrade', async (request, socket, head) => {
      try {
        wakes?.upgrade(request, socket, head);
      } catch (error) {
        await answerSocket(socket as Socket, await refuse(error as DumbwaiterError));
      }
    })
    .on('clientError', async (error, socket) => {
      if (isBeingAnswered(socket as Socket)) socket.destroy();
      else await answerSocket(socket as Socket, await refuse(refusalOfClientError(error)));
    });

  function serve(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const refusedHost = hostRefusal(incoming);
    const { path, refusal = refusedHost } = pathOfTarget(incoming.url ?? '');
    const query = incoming.url?.indexOf('?') ?? -1;
    incoming.url = query < 0 ? path : path + incoming.url?.slice(query);
    if (refusal !== undefined) refusals.set(incoming, refusal);
    if (refusedHost !== undefined || !incoming.headers.host) incoming.headers.host = nameInUrl(hostname);
    listener(incoming, outgoing);
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new StartFailure(reasonOf(error, host, port), { cause: error })));
    server.listen(port, host, resolve);
  });
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${nameInUrl(host)}:${bound}`,
    endWaits: calls.abort,
    async close() {
      calls.close();
      wakes?.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // Without this, a connection whose call has just been answered stays open for the next call.
      const idle = setInterval(() => server.closeIdleConnections(), idleCheckMs);
      const late = setTimeout(() => server.closeAllConnections(), timeLimits.closingMs);
      await closed;
      clearInterval(idle);
      clearTimeout(late);
    },
  };
}

/** A signal for each call. It aborts when the client disconnects before the answer, or when the server closes. */
function createCallsInProgress() {
  const calls = new Set<AbortController>();
  let isClosing = false;
  return {
    begin(outgoing: ServerResponse): AbortSignal {
      const call = new AbortController();
      if (isClosing) call.abort();
      calls.add(call);
      outgoing.once('close', () => {
        calls.delete(call);
        if (!outgoing.writableFinished) call.abort();
      });
      return call.signal;
    },
    abort(): void {
      for (const call of calls) call.abort();
    },
    close(): void {
      isClosing = true;
      for (const call of calls) call.abort();
    },
  };
}

function hostRefusal({ httpVersion, headers: { host } }: IncomingMessage): DumbwaiterError | undefined {
  if (host) return isHost(host) ? undefined : invalidHost();
  if (host !== undefined || httpVersion === '1.0') return undefined;
  return invalidInput('Host: is missing; HTTP/1.1 requires this header');
}

/** Almost all requests have the same `Host` header. */
let lastHost: string | undefined;

/** Whether a URL can be built with this `Host` header, and has the path that is appended. */
function isHost(host: string): boolean {
  if (host === lastHost) return true;
  if (/[\s/\\?#@]/.test(host) || !URL.canParse(`http://${host}`)) return false;
  lastHost = host;
  return true;
}

function invalidHost(): DumbwaiterError {
  return invalidInput('Host: is not a valid host name');
}

function nameInUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function reasonOf(error: Error, host: string, port: number): string {
  const code = 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') return `Port ${port} of ${host} is taken: choose another with --port.`;
  if (code === 'EACCES') return `This user may not open port ${port} of ${host}: choose another with --port.`;
  return `Port ${port} of ${host} cannot be opened: ${error.message}.`;
}
