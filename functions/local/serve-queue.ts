/** The queue on a store, served on a port, with its sweep, its redrives and its targets in this process. */

import { defined } from '../../contract/defined.ts';
import { wakePath } from '../../contract/wake.ts';
import type { Engine } from '../../engine/engine.ts';
import { type AssemblyOptions, assembleQueue } from '../assembly.ts';
import type { AdminKey } from '../auth/admin-key.ts';
import type { Keys } from '../auth/api-keys.ts';
import { createAuthenticate } from '../auth/authenticate.ts';
import { type AppParts, createApp } from '../http/app.ts';
import { createPrometheus } from '../metrics/prometheus.ts';
import type { TargetRecords } from '../push/target-records.ts';
import { createService, type TargetOperations } from '../service/service.ts';
import { createAuthenticateSqs } from '../sqs/authenticate.ts';
import { createSqsFace } from '../sqs/face.ts';
import { createBackgroundJobs } from './background-jobs.ts';
import { consoleFiles } from './console-files.ts';
import { createEndWatch } from './end-watch.ts';
import { type Fetch, serveHttp, type TimeLimits } from './http-server.ts';
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
  /** Whether calls of SQS need no valid signature. Only for a server that listens on a loopback address. Default false. */
  sqsAnonymous?: boolean;
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
  const prometheus = createPrometheus();
  const { engine, stats, keys, secrets, targets, records, dispatcher, queueRows, clock } = assembleQueue({
    parts,
    log,
    hosts,
    invoke: options.invoke,
    ...defined({ checkFunction: options.checkFunction, region: options.region, accessKeys: options.accessKeys }),
    meters: [prometheus.meter],
    targetsChanged: () => push.targetsChanged(),
    startRedrive: async (queue, task) => jobs.startRedrive(queue, task),
  });
  const jobs = createBackgroundJobs({ engine, stats, clock, log });
  const push = createPushJobs({ records, dispatcher, clock, log, ...defined({ holder: options.holder }) });
  const authenticate = createAuthenticate({ keys, adminKey });
  const service = createService({
    engine,
    keys,
    secrets,
    targets,
    stats,
    waitIsCheap: true,
    wakeUrl: wakePath,
    queueRows,
  });
  const newRequestId = () => crypto.randomUUID();
  const app = createApp({
    service,
    authenticate,
    log,
    newRequestId,
    consoleFiles,
    metrics: { contentType: prometheus.contentType, text: () => prometheus.text(engine) },
    ...(allowedOrigins && { allowedOrigins }),
    ...(isOwnHost && { isOwnHost }),
  });
  const sqs = createSqsFace({
    service,
    engine,
    queues: queueRows,
    clock,
    log,
    newRequestId,
    authenticate: createAuthenticateSqs({ keys, clock, isAnonymous: options.sqsAnonymous ?? false }),
    ...(isOwnHost && { isOwnHost }),
  });
  const faces: Fetch = { fetch: (request, bindings) => (sqs.takes(request) ? sqs : app).fetch(request, bindings) };
  const isShared = options.holder === undefined;
  const watchEnd = createEndWatch({ engine, clock, isShared });
  const watch = createQueueWatch({
    engine,
    clock,
    isShared,
    onError: (error, queue) => log.error('A queue cannot be watched for wake-ups', { queue }, error),
  });
  const wakes = createWakeServer({
    engine,
    clock,
    authenticate,
    watch,
    watchEnd,
    keys,
    log,
    ...defined({ allowedOrigins, isOwnHost }),
  });
  const http = await serveHttp(faces, { host, port, timeLimits, wakes });
  jobs.startSweep();
  push.start();
  const stop = async () => {
    await Promise.all([http.close(), jobs.stop(), push.stop()]);
  };
  return { url: http.url, keys, engine, targets, records, stop };
}
