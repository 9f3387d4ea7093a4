/** A real HTTP server on a free port of this machine, which answers as one test needs. */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HttpListener {
  url: string;
  /** Closes open connections, too. */
  close(): Promise<void>;
}

export async function listen(answer: RequestListener): Promise<HttpListener> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
