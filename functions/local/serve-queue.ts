/** The queue on a store, served on a port, with its sweep, its redrives and its targets in this process. */

import { defined } from '../../contract/defined.ts';
import { wakePath } from '../../contract/wake.ts';
import type { Engine } from '../../engine/engine.ts';
import { type AssemblyOptions, assembleQueue } from '../assembly.ts';
import type { AdminKey } from '../auth/admin-key.ts';
import type { Keys } from '../auth/api-keys.ts';
import { createAuthenticate } from '../auth/authenticate.ts';
import { type AppParts, createApp } from '../http/app.ts';
import type { TargetRecords } from '../push/target-records.ts';
import { createService, type TargetOperations } from '../service/service.ts';
import { createBackgroundJobs } from './background-jobs.ts';
import { serveHttp, type TimeLimits } from './http-server.ts';
import { createPushJobs } from './push-jobs.ts';
import { createQueueWatch } from './queue-watch.ts';
import { createWakeServer } from './wake-server.ts';

export interface ServeOptions
  extends Omit<AssemblyOptions, 'startRedrive' | 'targetsChanged'>,
    Pick<AppParts, 'allowedOrigins' | 'isOwnHost'> {
  host: string;
  /** 0 for any free port. */
  port: number;
  timeLimits: TimeLimits;
  adminKey: AdminKey;
  /** Who holds targets. Set it for a store that only one process opens: after a crash, the next process need not wait. */
  holder?: string;
}

export interface ServingQueue {
  url: string;
  keys: Keys;
  engine: Engine;
  targets: TargetOperations;
  records: TargetRecords;
  /** Accepts no more calls, ends those that wait, and resolves when the calls, the sweep, the redrives and the deliveries have ended. */
  stop(): Promise<void>;
}

/** Throws StartFailure if the port cannot be opened. */
export async function serveQueue(options: ServeOptions): Promise<ServingQueue> {
  const { parts, log, host, port, timeLimits, adminKey, hosts, allowedOrigins, isOwnHost } = options;
  const { engine, keys, secrets, targets, records, dispatcher, clock } = assembleQueue({
    parts,
    log,
    hosts,
    invoke: options.invoke,
    ...defined({ checkFunction: options.checkFunction, region: options.region }),
    targetsChanged: () => push.targetsChanged(),
    startRedrive: async (queue, task) => jobs.startRedrive(queue, task),
  });
  const jobs = createBackgroundJobs({ engine, clock, log });
  const push = createPushJobs({ records, dispatcher, clock, log, ...defined({ holder: options.holder }) });
  const authenticate = createAuthenticate({ keys, adminKey });
  const app = createApp({
    service: createService({ engine, keys, secrets, targets, waitIsCheap: true, wakeUrl: wakePath }),
    authenticate,
    log,
    newRequestId: () => crypto.randomUUID(),
    ...(allowedOrigins && { allowedOrigins }),
    ...(isOwnHost && { isOwnHost }),
  });
  const watch = createQueueWatch({
    engine,
    clock,
    isShared: options.holder === undefined,
    onError: (error, queue) => log.error('A queue cannot be watched for wake-ups', { queue }, error),
  });
  const wakes = createWakeServer({ engine, clock, authenticate, watch, keys, log, ...defined({ allowedOrigins, isOwnHost }) });
  const http = await serveHttp(app, { host, port, timeLimits, wakes });
  jobs.startSweep();
  push.start();
  const stop = async () => {
    await Promise.all([http.close(), jobs.stop(), push.stop()]);
  };
  return { url: http.url, keys, engine, targets, records, stop };
}
