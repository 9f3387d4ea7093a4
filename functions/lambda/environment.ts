/** Builds what a Lambda entry needs (engine, keys, clock, log) from environment variables, once per container. */

import type { Scope } from '../../contract/contract.ts';
import { createEngine } from '../../engine/create.ts';
import { createDynamoClient } from '../../engine/dynamo/client.ts';
import { createCorrectedClock } from '../../engine/dynamo/corrected-clock.ts';
import { createDynamoStore } from '../../engine/dynamo/store.ts';
import { jsonItems } from '../../engine/dynamo/transactions.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Clock } from '../../engine/port/port.ts';
import { createRandom } from '../../engine/port/random.ts';
import { type AdminKey, fixedAdminKey, secretAdminKey } from '../auth/admin-key.ts';
import { createKeys, type Keys } from '../auth/api-keys.ts';
import { allScopes } from '../auth/authorize.ts';
import { createCheckBack } from '../service/check-back.ts';
import { logEngineEvents } from '../service/engine-log.ts';
import { createPoster } from '../service/outgoing-post.ts';
import { createSigningSecrets, type SigningSecrets } from '../service/signing-secrets.ts';
import { invokeRedrive } from './invoke-redrive.ts';
import { createLambdaLog, type LambdaLog } from './log.ts';

export interface Environment {
  engine: Engine;
  keys: Keys;
  secrets: SigningSecrets;
  adminKey: AdminKey;
  /** The scopes of callers that invoke this function directly. IAM decides which callers may. */
  invokeScopes: readonly Scope[];
  clock: Clock;
  log: LambdaLog;
}

/** Throws if a variable is missing or invalid, so that a misconfigured function fails at its start. */
export function createEnvironment(serviceName: string, variables: NodeJS.ProcessEnv = process.env): Environment {
  const log = createLambdaLog(serviceName);
  const clock = createCorrectedClock();
  const random = createRandom();
  const tables = {
    messages: required(variables, 'DUMBWAITER_MESSAGES_TABLE'),
    leases: required(variables, 'DUMBWAITER_LEASES_TABLE'),
    queues: required(variables, 'DUMBWAITER_QUEUES_TABLE'),
  };
  const store = createDynamoStore({ client: createDynamoClient(), tables, clock });
  const secrets = createSigningSecrets({ store, clock });
  const redriveFunction = variables.DUMBWAITER_REDRIVE_FUNCTION;
  const secret = variables.DUMBWAITER_ADMIN_KEY_SECRET;
  return {
    engine: createEngine({
      store,
      clock,
      random,
      transactionItem: jsonItems(tables),
      observe: logEngineEvents(log),
      checkBack: createCheckBack({ log, post: createPoster({ allowsPrivate: false }), secrets }),
      ...(redriveFunction === undefined
        ? {}
        : { startRedrive: (queue: string, task: string) => invokeRedrive(redriveFunction, { queue, task }) }),
    }),
    keys: createKeys({ store, clock, random }),
    secrets,
    adminKey: secret === undefined ? fixedAdminKey(undefined) : secretAdminKey(secret, clock),
    invokeScopes: scopesOf(variables.DUMBWAITER_INVOKE_SCOPES),
    clock,
    log,
  };
}

function required(variables: NodeJS.ProcessEnv, name: string): string {
  const value = variables[name];
  if (value === undefined || value === '') throw new Error(`The environment variable ${name} is not set.`);
  return value;
}

/** Defaults to all scopes. */
function scopesOf(text: string | undefined): readonly Scope[] {
  if (text === undefined) return allScopes;
  return text.split(',').map((name) => {
    const scope = allScopes.find((known) => known === name);
    if (scope === undefined) throw new Error(`DUMBWAITER_INVOKE_SCOPES names ${name}; known are ${allScopes.join(', ')}.`);
    return scope;
  });
}
