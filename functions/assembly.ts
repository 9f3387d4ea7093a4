/** The queue as a server runs it on DynamoDB tables: the engine, API keys and signing secrets. For Lambda and the local server. */
import { createEngine } from '../engine/create.ts';
import { dynamoParts } from '../engine/dynamo/parts.ts';
import type { DynamoStoreParts } from '../engine/dynamo/store.ts';
import type { Engine, EngineParts } from '../engine/engine.ts';
import type { Clock } from '../engine/port/port.ts';
import { createKeys, type Keys } from './auth/api-keys.ts';
import { createCheckBack, type Invoke } from './service/check-back.ts';
import { type Log, logEngineEvents } from './service/log.ts';
import { createPoster } from './service/outgoing-post.ts';
import { createSigningSecrets, type SigningSecrets } from './service/signing-secrets.ts';

export interface AssemblyOptions extends Pick<DynamoStoreParts, 'client' | 'tables'>, Pick<EngineParts, 'startRedrive'> {
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

export function assembleQueue({ client, tables, log, allowsPrivate, invoke, startRedrive }: AssemblyOptions): ServedQueue {
  const parts = dynamoParts({ client, tables, forJson: true });
  const secrets = createSigningSecrets(parts);
  const checkBack = createCheckBack({ log, post: createPoster({ allowsPrivate }), secrets, invoke });
  const engine = createEngine({ ...parts, checkBack, observe: logEngineEvents(log), ...(startRedrive && { startRedrive }) });
  return { engine, keys: createKeys(parts), secrets, clock: parts.clock };
}
