/** The WebSocket of a server, on which idle consumers wait to be woken: the protocol of `contract/wake.ts`, by the package `ws`. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { defined } from '../../contract/defined.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { wakeConnectionsMax, wakeFirstListenMs, wakePingMs, wakeQueuesMax, wakeRequestBytesMax } from '../../contract/limits.ts';
import { type WakeNotice, wakePath } from '../../contract/wake.ts';
import type { Keys } from '../auth/api-keys.ts';
import { refusalOf } from '../errors/refusal.ts';
import type { IsOwnHost } from '../http/own-host.ts';
import type { Log } from '../service/log.ts';
import { acceptListen, type ListenParts, readRequest, stillCounts } from '../wake/listen.ts';
import type { EndWatch } from './end-watch.ts';
import { hostnameOf } from './loopback.ts';
import type { QueueWatch } from './queue-watch.ts';

export interface WakeServerParts extends ListenParts {
  watch: QueueWatch;
  watchEnd: EndWatch;
  keys: Pick<Keys, 'find' | 'isOver'>;
  log: Log;
  /** As for HTTP. Default: every name does. */
  isOwnHost?: IsOwnHost;
  /** As for HTTP: origins whose web pages may connect, besides pages of this server; `*` allows all. */
  allowedOrigins?: readonly string[];
  /** Replaces some limits in tests. */
  limits?: Partial<typeof limitsDefault>;
}

const limitsDefault = { connections: wakeConnectionsMax, firstListenMs: wakeFirstListenMs, pingMs: wakePingMs };

export interface WakeServer {
  /** Whether a request to upgrade its connection is for this server. */
  isForWakeUps(request: IncomingMessage): boolean;
  /** Throws DumbwaiterError for a request that is refused. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  close(): void;
}

/** WebSocket close codes: https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1 */
const closeCodes = { goingAway: 1001, policyViolation: 1008 };
/** A client that sends requests faster than they are answered, or does not read the answers, has its connection cut. */
const waitingRequestsMax = 2 * wakeQueuesMax;
const unreadBytesMax = 64 * 1024;
/** A client that does not answer the close has its connection cut. */
const closeMsMax = 500;

export function createWakeServer(parts: WakeServerParts): WakeServer {
  const { watch, watchEnd, keys, log, isOwnHost = () => true, allowedOrigins = [] } = parts;
  const limits = { ...limitsDefault, ...parts.limits };
  const server = new WebSocketServer({ noServer: true, maxPayload: wakeRequestBytesMax, clientTracking: true });
  const silent = new WeakSet<WebSocket>();
  const pinging = setInterval(ping, limits.pingMs);
  pinging.unref();

  /** Cuts connections that did not answer the ping before. */
  function ping(): void {
    for (const socket of server.clients) {
      if (silent.has(socket)) socket.terminate();
      silent.add(socket);
      socket.ping();
    }
  }

  function serve(socket: WebSocket): void {
    /** By queue, or by queue and message: ends the listen. */
    const listens = new Map<string, () => void>();
    const late = setTimeout(() => socket.close(closeCodes.policyViolation, 'no listen in time'), limits.firstListenMs);
    const send = (notice: WakeNotice) => socket.send(JSON.stringify(notice));
    const endListens = () => {
      for (const end of listens.values()) end();
      listens.clear();
    };

    async function listen(text: string): Promise<void> {
      const request = readRequest(text);
      if (request.action === 'keep') return;
      const { queue, id } = request;
      const of = defined({ id });
      const name = id === undefined ? queue : `${queue}/${id}`;
      try {
        const { principal, dueInMs } = await acceptListen(parts, request);
        listens.get(name)?.();
        if (listens.size >= wakeQueuesMax && !listens.has(name)) {
          throw new DumbwaiterError('invalid_input', `queue: a connection listens for at most ${wakeQueuesMax} queues`);
        }
        if (socket.readyState !== socket.OPEN) return;
        clearTimeout(late);
        if (id === undefined) {
          const tell = (inMs: number) => void wake(queue, principal.id, inMs, end);
          const end = watch.listen(queue, tell);
          listens.set(name, end);
        } else {
          const tell = () => void tellEnd(queue, id, principal.id);
          listens.set(name, watchEnd(queue, id, tell));
        }
        send({ listening: queue, ...of, ...(dueInMs !== undefined && { dueInMs }) });
      } catch (error) {
        const { code, message } = refusalOf(error, randomUUID(), log, { queue });
        send({ refused: queue, ...of, code, message });
      }
    }

    /** `end`: of the listen that is told. The client may have begun another meanwhile, which must stay. */
    async function wake(queue: string, principalId: string, inMs: number, end: () => void): Promise<void> {
      const counts = await stillCounts(keys, principalId).catch(() => true);
      const isOver = inMs === 0 || !counts;
      if (isOver) end();
      if (isOver && listens.get(queue) === end) listens.delete(queue);
      if (!counts) send({ refused: queue, code: 'unauthorized', message: 'The API key is unknown or revoked.' });
      else if (socket.readyState === socket.OPEN) send(inMs === 0 ? { wake: queue } : { wake: queue, inMs });
    }

    async function tellEnd(queue: string, id: string, principalId: string): Promise<void> {
      listens.delete(`${queue}/${id}`);
      const counts = await stillCounts(keys, principalId).catch(() => true);
      if (counts && socket.readyState === socket.OPEN) send({ ended: queue, id });
    }

    let handled = Promise.resolve();
    let waiting = 0;
    socket.on('message', (data, isBinary) => {
      if (++waiting > waitingRequestsMax || socket.bufferedAmount > unreadBytesMax) {
        socket.terminate();
        return;
      }
      // One after the other, so that a connection has one request in progress.
      handled = handled
        .then(() => listen(isBinary ? '' : String(data)))
        .catch((error: Error) => socket.close(closeCodes.policyViolation, error.message.slice(0, 100)))
        .finally(() => waiting--);
    });
    socket.on('pong', () => silent.delete(socket));
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      clearTimeout(late);
      endListens();
    });
  }

  return {
    isForWakeUps: ({ url = '', headers }) => headers.upgrade?.toLowerCase() === 'websocket' && url.split('?', 1)[0] === wakePath,
    upgrade(request, socket, head) {
      const { host = '', origin } = request.headers;
      const hostname = hostnameOf(host);
      if (hostname === undefined || !isOwnHost(hostname))
        throw new DumbwaiterError('forbidden', `Host: ${host} is not a name of this server`);
      if (origin !== undefined && !isAllowed(origin, host))
        throw new DumbwaiterError('forbidden', `Origin: ${origin} may not connect`);
      if (server.clients.size >= limits.connections) {
        throw new DumbwaiterError('unavailable', `This server keeps at most ${limits.connections} connections for wake-ups.`);
      }
      server.handleUpgrade(request, socket, head, serve);
    },
    close() {
      clearInterval(pinging);
      for (const socket of server.clients) {
        socket.close(closeCodes.goingAway);
        setTimeout(() => socket.terminate(), closeMsMax);
      }
    },
  };

  /** Browsers send the origin of every page that connects, and let all of them connect. */
  function isAllowed(origin: string, host: string): boolean {
    if (allowedOrigins.includes('*') || allowedOrigins.includes(origin)) return true;
    return URL.canParse(origin) && new URL(origin).host === host;
  }
}
