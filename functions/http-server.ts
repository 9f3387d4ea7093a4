/** Serves an app on a port, and bears with clients that are slow, cut off or idle. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { isLoopback } from './loopback.ts';
import { pathOfTarget } from './request-path.ts';
import { StartFailure } from './start-failure.ts';

/** How long clients may take; in time Node closes the connection, with a 408 where it can. */
export interface Patience {
  /** For the headers of a request, from the begin of the connection or of the request. */
  headersMs: number;
  /** For a request with its body. */
  requestMs: number;
  /** For the next request on a connection. */
  keepAliveMs: number;
  /** For the calls under way when the server closes. */
  closingMs: number;
}

export const usualPatience: Patience = { headersMs: 10_000, requestMs: 30_000, keepAliveMs: 65_000, closingMs: 5_000 };

const idleCheckMs = 50;

export interface HttpServer {
  url: string;
  /** Takes no more calls, and ends when those under way have ended. */
  close(): Promise<void>;
}

export interface Fetch {
  fetch(request: Request, bindings: object): Response | Promise<Response>;
}

/** Throws StartFailure if the port cannot be had. Port 0 is any free one. */
export async function serveHttp(
  app: Fetch,
  { host, port, patience }: { host: string; port: number; patience: Patience },
): Promise<HttpServer> {
  // The name of the server for an HTTP/1.0 request without a Host header.
  const hostname = isLoopback(host) ? host : 'localhost';
  const options = {
    headersTimeout: patience.headersMs,
    requestTimeout: patience.requestMs,
    keepAliveTimeout: patience.keepAliveMs,
    connectionsCheckingInterval: Math.min(1_000, patience.headersMs),
  };
  const server = createServer(options, (incoming, outgoing) => {
    const { path, fault } = pathOfTarget(incoming.url ?? '');
    const query = incoming.url?.indexOf('?') ?? -1;
    incoming.url = query < 0 ? path : path + incoming.url?.slice(query);
    return getRequestListener((request) => app.fetch(request, { pathFault: fault }), { hostname })(incoming, outgoing);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new StartFailure(reasonOf(error, host, port), { cause: error })));
    server.listen(port, host, resolve);
  });
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // A connection whose call has just been answered would stay open for the next one.
      const idle = setInterval(() => server.closeIdleConnections(), idleCheckMs);
      const late = setTimeout(() => server.closeAllConnections(), patience.closingMs);
      await closed;
      clearInterval(idle);
      clearTimeout(late);
    },
  };
}

function reasonOf(error: Error, host: string, port: number): string {
  const code = 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') return `Port ${port} of ${host} is taken: choose another with --port.`;
  if (code === 'EACCES') return `Port ${port} of ${host} may not be opened by this user: choose another with --port.`;
  return `Port ${port} of ${host} cannot be opened: ${error.message}.`;
}
