/** The queue as a server runs it on any store: the engine, API keys and signing secrets. For Lambda and the servers. */
import { createEngine } from '../engine/create.ts';
import type { Engine, EngineParts } from '../engine/engine.ts';
import type { Clock } from '../engine/port/port.ts';
import { createKeys, type Keys } from './auth/api-keys.ts';
import { createTargetRecords } from './push/target-records.ts';
import { type CheckFunction, createTargets } from './push/targets.ts';
import { createCheckBack, type Invoke } from './service/check-back.ts';
import { type Log, logEngineEvents } from './service/log.ts';
import { createPoster, type HostRule } from './service/outgoing-post.ts';
import type { TargetOperations } from './service/service.ts';
import { createSigningSecrets, type SigningSecrets } from './service/signing-secrets.ts';

/** The store and what belongs to it. */
export type StoreParts = Pick<EngineParts, 'store' | 'clock' | 'random' | 'transactionItem'>;

export interface AssemblyOptions extends Pick<EngineParts, 'startRedrive'> {
  parts: StoreParts;
  /** How check-backs invoke functions. */
  invoke: Invoke;
  log: Log;
  /** Which hosts may have private addresses, for check-backs and targets. */
  hosts: HostRule;
  /** Notices a function that does not exist when a target is put. */
  checkFunction?: CheckFunction;
}

export interface ServedQueue {
  engine: Engine;
  keys: Keys;
  secrets: SigningSecrets;
  targets: TargetOperations;
  clock: Clock;
}

export function assembleQueue({ parts, log, hosts, invoke, checkFunction, startRedrive }: AssemblyOptions): ServedQueue {
  const secrets = createSigningSecrets(parts);
  const checkBack = createCheckBack({ log, post: createPoster(hosts), secrets, invoke });
  const engine = createEngine({ ...parts, checkBack, observe: logEngineEvents(log), ...(startRedrive && { startRedrive }) });
  const records = createTargetRecords(parts);
  const targets = createTargets({ ...parts, records, hosts, ...(checkFunction && { checkFunction }) });
  return { engine, keys: createKeys(parts), secrets, targets, clock: parts.clock };
}
