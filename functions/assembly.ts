/** The queue as a server runs it on any store: the engine, API keys and signing secrets. For Lambda and the servers. */
import { createEngine } from '../engine/create.ts';
import type { Engine, EngineParts } from '../engine/engine.ts';
import type { Clock } from '../engine/port/port.ts';
import { createKeys, type Keys } from './auth/api-keys.ts';
import { createCheckBack, type Invoke } from './service/check-back.ts';
import { type Log, logEngineEvents } from './service/log.ts';
import { createPoster } from './service/outgoing-post.ts';
import { createSigningSecrets, type SigningSecrets } from './service/signing-secrets.ts';

/** The store and what belongs to it. */
export type StoreParts = Pick<EngineParts, 'store' | 'clock' | 'random' | 'transactionItem'>;

export interface AssemblyOptions extends Pick<EngineParts, 'startRedrive'> {
  parts: StoreParts;
  /** How check-backs invoke functions. */
  invoke: Invoke;
  log: Log;
  /** Whether check-backs may go to private addresses. */
  allowsPrivate: boolean;
}

export interface ServedQueue {
  engine: Engine;
  keys: Keys;
  secrets: SigningSecrets;
  clock: Clock;
}

export function assembleQueue({ parts, log, allowsPrivate, invoke, startRedrive }: AssemblyOptions): ServedQueue {
  const secrets = createSigningSecrets(parts);
  const checkBack = createCheckBack({ log, post: createPoster({ allowsPrivate }), secrets, invoke });
  const engine = createEngine({ ...parts, checkBack, observe: logEngineEvents(log), ...(startRedrive && { startRedrive }) });
  return { engine, keys: createKeys(parts), secrets, clock: parts.clock };
}
