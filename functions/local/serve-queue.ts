/** The queue on a store, served on a port, with its sweep, its redrives and its targets in this process. */

import { defined } from '../../contract/defined.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Keys } from '../auth/api-keys.ts';
import type { TargetRecords } from '../push/target-records.ts';
import type { TargetOperations } from '../service/service.ts';
import { serveHttp, type TimeLimits } from './http-server.ts';
import { createQueueStack, type QueueStack, type StackOptions } from './queue-stack.ts';
import { createWakeServer } from './wake-server.ts';

export interface ServeOptions extends StackOptions {
  host: string;
  /** 0 for any free port. */
  port: number;
  timeLimits: TimeLimits;
  /** Removes all rows of the store but those of API keys. Without it, there is no reset. */
  clear?: (() => Promise<void>) | undefined;
  /** Prepares the queue for its first call: at the start, before the port is open, and after a reset. */
  prepare?: ((queue: PreparedQueue) => Promise<void>) | undefined;
}

export interface PreparedQueue {
  readonly keys: Keys;
  readonly engine: Engine;
  readonly targets: TargetOperations;
  readonly records: TargetRecords;
}

export interface ServingQueue extends PreparedQueue {
  url: string;
  /** Empties the queue, except for its API keys, and ends the calls that wait. Undefined if the store cannot be emptied. */
  reset?: () => Promise<void>;
  /** Accepts no more calls, ends those that wait, and resolves when the calls, the sweep, the redrives and the deliveries have ended. */
  stop(): Promise<void>;
}

/** Throws StartFailure if the port cannot be opened, and what `prepare` throws. */
export async function serveQueue(options: ServeOptions): Promise<ServingQueue> {
  const { log, host, port, timeLimits, allowedOrigins, isOwnHost, clear } = options;
  const { clock } = options.parts;
  let resetting: Promise<void> | undefined;
  const reset = clear && (() => (resetting ??= replaceStack(clear).finally(() => (resetting = undefined))));
  let stack: QueueStack = createQueueStack(options, reset);
  await options.prepare?.(stack);
  /** The deliveries of earlier stacks that have not ended yet. */
  const ending = new Set<Promise<void>>();
  const wakes = createWakeServer({
    engine: { nextDue: (queue) => stack.engine.nextDue(queue) },
    authenticate: (authorization) => stack.authenticate(authorization),
    watch: { listen: (queue, tell) => stack.watch.listen(queue, tell) },
    watchEnd: (queue, id, tell) => stack.watchEnd(queue, id, tell),
    keys: { find: (id) => stack.keys.find(id), isOver: (key) => stack.keys.isOver(key) },
    clock,
    log,
    ...defined({ allowedOrigins, isOwnHost }),
  });
  const faces = { fetch: (request: Request, bindings: object) => stack.faces.fetch(request, bindings) };
  const http = await serveHttp(faces, { host, port, timeLimits, wakes });
  stack.startJobs();

  async function replaceStack(clear: () => Promise<void>): Promise<void> {
    const old = stack;
    // Not awaited: a delivery in progress may take long, and finds none of its rows afterwards.
    const ended = old.stopPush().finally(() => ending.delete(ended));
    ending.add(ended);
    http.endWaits();
    await old.stopJobs();
    await clear();
    stack = createQueueStack(options, reset);
    old.watch.end();
    await options.prepare?.(stack);
    stack.startJobs();
  }

  const serving: ServingQueue = {
    url: http.url,
    get keys() {
      return stack.keys;
    },
    get engine() {
      return stack.engine;
    },
    get targets() {
      return stack.targets;
    },
    get records() {
      return stack.records;
    },
    ...(reset && { reset }),
    async stop() {
      await resetting;
      await Promise.all([http.close(), stack.stopJobs(), stack.stopPush(), ...ending]);
    },
  };
  return serving;
}
