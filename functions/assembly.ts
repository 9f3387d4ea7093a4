/** The queue as a server runs it on any store: the engine, API keys, signing secrets and targets. For Lambda and the servers. */
import type { StoreKind } from '../contract/contract.ts';
import { defined } from '../contract/defined.ts';
import type { HostRule } from '../contract/host-rule.ts';
import { createEngine } from '../engine/create.ts';
import type { Engine, EngineParts } from '../engine/engine.ts';
import type { Clock } from '../engine/port/port.ts';
import type { AccessKeys } from './auth/access-keys.ts';
import { createKeys, type Keys } from './auth/api-keys.ts';
import { type Meter, measuredEngine } from './metrics/measured-engine.ts';
import { createStats, type Stats } from './metrics/stats.ts';
import { createStatus, type Status } from './metrics/status.ts';
import { createFunctionDelivery } from './push/deliver-function.ts';
import { createUrlDelivery } from './push/deliver-url.ts';
import type { Deliver } from './push/delivery.ts';
import { createDispatcher, type Dispatcher } from './push/dispatcher.ts';
import { createTargetRecords, type TargetRecords } from './push/target-records.ts';
import { type CheckFunction, createTargets } from './push/targets.ts';
import { type Audit, createAudit } from './service/audit.ts';
import { createCheckBack, type Invoke } from './service/check-back.ts';
import { type Log, logEngineEvents } from './service/log.ts';
import { createPoster } from './service/outgoing-post.ts';
import type { TargetOperations } from './service/service.ts';
import { createSigningSecrets, type SigningSecrets } from './service/signing-secrets.ts';
import { createQueueRows, type QueueRows } from './sqs/queue-rows.ts';
import { createListenerRows, type ListenerRows } from './wake/listener-rows.ts';

/** The store and what belongs to it. */
export interface StoreParts extends Pick<EngineParts, 'store' | 'clock' | 'random' | 'transactionItem' | 'moreRowBytes'> {
  /** What the status of the server says of it. Default: `dynamodb`. */
  kind?: StoreKind;
}

export interface AssemblyOptions extends Pick<EngineParts, 'startRedrive'> {
  parts: StoreParts;
  /** How check-backs invoke functions. */
  invoke: Invoke;
  log: Log;
  /** Which hosts may have private addresses, for check-backs and targets. */
  hosts: HostRule;
  /** Notices a function that does not exist when a target is put. */
  checkFunction?: CheckFunction;
  /** The AWS region, for the events that functions get. */
  region?: string;
  /** Default: none are issued. */
  accessKeys?: AccessKeys;
  /** More places for the counts of the engine, besides its statistics. */
  meters?: readonly Meter[];
  /** Called after each change of a target in this process. */
  targetsChanged?: () => void;
}

export interface ServedQueue {
  engine: Engine;
  stats: Stats;
  status: Status;
  audit: Audit;
  keys: Keys;
  secrets: SigningSecrets;
  targets: TargetOperations;
  records: TargetRecords;
  dispatcher: Dispatcher;
  /** Connections that listen for queues, where no process keeps them. */
  listeners: ListenerRows;
  /** What only SQS knows of queues. */
  queueRows: QueueRows;
  clock: Clock;
}

export function assembleQueue(options: AssemblyOptions): ServedQueue {
  const { parts, log, hosts, invoke, checkFunction, region = 'local', targetsChanged: changed, startRedrive } = options;
  const secrets = createSigningSecrets(parts);
  const post = createPoster(hosts);
  const checkBack = createCheckBack({ log, post, secrets, invoke });
  const stats = createStats({ ...parts, onError: (error) => log.error('Statistics were not stored', { kind: 'defect' }, error) });
  const { kind = 'dynamodb' } = parts;
  const status = createStatus({ ...parts, kind });
  const audit = createAudit({
    ...parts,
    onError: (error, operation) => log.error('The audit did not note a call', { operation }, error),
  });
  const logged = logEngineEvents(log);
  const engine = measuredEngine(parts.clock, [stats.meter, ...(options.meters ?? [])], (count) =>
    createEngine({
      ...parts,
      checkBack,
      observe(event) {
        logged(event);
        count(event);
      },
      ...(startRedrive && { startRedrive }),
    }),
  );
  const records = createTargetRecords(parts);
  const targets = createTargets({ ...parts, records, hosts, ...defined({ checkFunction, changed }) });
  const toFunction = createFunctionDelivery({ invoke, region });
  const toUrl = createUrlDelivery({ post, secrets });
  const deliver: Deliver = (target, ...rest) => (target.terms.url === undefined ? toFunction : toUrl)(target, ...rest);
  const dispatcher = createDispatcher({ ...parts, engine, records, deliver, log });
  const keys = createKeys({ ...parts, ...defined({ accessKeys: options.accessKeys }) });
  const listeners = createListenerRows(parts);
  const queueRows = createQueueRows(parts);
  return { engine, stats, status, audit, keys, secrets, targets, records, dispatcher, listeners, queueRows, clock: parts.clock };
}
