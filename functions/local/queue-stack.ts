/** What a server runs on its store: the engine, both APIs and the background jobs. A reset replaces it, because it caches rows. */
import type { Environment } from '../../contract/contract.ts';
import { defined } from '../../contract/defined.ts';
import { wakePath } from '../../contract/wake.ts';
import type { Engine } from '../../engine/engine.ts';
import { type AssemblyOptions, assembleQueue } from '../assembly.ts';
import type { AdminKey } from '../auth/admin-key.ts';
import type { Keys } from '../auth/api-keys.ts';
import { type Authenticate, createAuthenticate } from '../auth/authenticate.ts';
import { type AppParts, createApp } from '../http/app.ts';
import { createPrometheus } from '../metrics/prometheus.ts';
import type { TargetRecords } from '../push/target-records.ts';
import { createService, type TargetOperations } from '../service/service.ts';
import { createAuthenticateSqs } from '../sqs/authenticate.ts';
import { createSqsFace } from '../sqs/face.ts';
import { createBackgroundJobs } from './background-jobs.ts';
import { consoleFiles } from './console-files.ts';
import { createEndWatch, type EndWatch } from './end-watch.ts';
import type { Fetch } from './http-server.ts';
import { createPushJobs } from './push-jobs.ts';
import { createQueueWatch, type EndableWatch } from './queue-watch.ts';

export interface StackOptions
  extends Omit<AssemblyOptions, 'startRedrive' | 'targetsChanged'>,
    Pick<AppParts, 'allowedOrigins' | 'isOwnHost' | 'localstackHealth'> {
  adminKey: AdminKey;
  /** The name of the deployment. Default: none. */
  environment?: Environment | undefined;
  /** Who holds targets. Set it for a store that only one process opens: after a crash, the next process need not wait. */
  holder?: string;
  /** Whether calls of SQS need no valid signature. Only for a server that listens on a loopback address. Default false. */
  sqsAnonymous?: boolean;
  /** Whether SQS creates a queue that a call names and that does not exist. Default false. */
  sqsCreatesQueues?: boolean;
}

export interface QueueStack {
  engine: Engine;
  keys: Keys;
  targets: TargetOperations;
  records: TargetRecords;
  faces: Fetch;
  authenticate: Authenticate;
  watch: EndableWatch;
  watchEnd: EndWatch;
  startJobs(): void;
  /** Resolves when the sweep and the redrives have ended. */
  stopJobs(): Promise<void>;
  /** Resolves when the deliveries in progress have ended. */
  stopPush(): Promise<void>;
}

export function createQueueStack(options: StackOptions, reset: (() => Promise<void>) | undefined): QueueStack {
  const { parts, log, adminKey, hosts, allowedOrigins, isOwnHost } = options;
  const prometheus = createPrometheus();
  const { engine, stats, status, audit, keys, secrets, targets, records, dispatcher, queueRows, clock } = assembleQueue({
    parts,
    log,
    hosts,
    invoke: options.invoke,
    ...defined({ checkFunction: options.checkFunction, region: options.region, accessKeys: options.accessKeys }),
    meters: [prometheus.meter],
    targetsChanged: () => push.targetsChanged(),
    startRedrive: async (queue, task) => jobs.startRedrive(queue, task),
  });
  const jobs = createBackgroundJobs({ engine, stats, status, prometheus, clock, log });
  const push = createPushJobs({ records, dispatcher, clock, log, ...defined({ holder: options.holder }) });
  const authenticate = createAuthenticate({ keys, adminKey });
  const service = createService({
    engine,
    keys,
    secrets,
    targets,
    stats,
    audit,
    status,
    waitIsCheap: true,
    wakeUrl: wakePath,
    queueRows,
    environment: options.environment,
  });
  const newRequestId = () => crypto.randomUUID();
  const app = createApp({
    service,
    authenticate,
    log,
    countAnswer: prometheus.answered,
    newRequestId,
    consoleFiles,
    metrics: { contentType: prometheus.contentType, text: () => prometheus.text(engine) },
    ...defined({ allowedOrigins, isOwnHost, reset, localstackHealth: options.localstackHealth }),
  });
  const sqs = createSqsFace({
    service,
    engine,
    queues: queueRows,
    clock,
    log,
    countAnswer: prometheus.answered,
    newRequestId,
    authenticate: createAuthenticateSqs({ keys, clock, isAnonymous: options.sqsAnonymous ?? false }),
    ...defined({ isOwnHost, createsQueues: options.sqsCreatesQueues }),
  });
  const isShared = options.holder === undefined;
  const watch = createQueueWatch({
    engine,
    clock,
    isShared,
    onError: (error, queue) => log.error('A queue cannot be watched for wake-ups', { queue }, error),
  });
  return {
    engine,
    keys,
    targets,
    records,
    authenticate,
    watch,
    watchEnd: createEndWatch({ engine, clock, isShared }),
    faces: { fetch: (request, bindings) => (sqs.takes(request) ? sqs : app).fetch(request, bindings) },
    startJobs() {
      jobs.startSweep();
      push.start();
    },
    stopJobs: jobs.stop,
    stopPush: push.stop,
  };
}
