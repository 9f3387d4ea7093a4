/** Builds what a Lambda entry needs from environment variables, once per container. */
import type { ServiceName } from '../../aws/endpoints.ts';
import { accessFromEnvironment } from '../../aws/environment.ts';
import { invokeFunction } from '../../aws/invoke-function.ts';
import { readSecret } from '../../aws/read-secret.ts';
import type { Environment as NamedEnvironment, Scope } from '../../contract/contract.ts';
import { environmentOf } from '../../contract/environment.ts';
import { publicHostsAnd } from '../../contract/host-rule.ts';
import { fullAccess, scopes } from '../../contract/scopes.ts';
import { sideBySide } from '../../engine/context/side-by-side.ts';
import { createDynamoClient } from '../../engine/dynamo/client.ts';
import { dynamoParts } from '../../engine/dynamo/parts.ts';
import { assembleQueue, type ServedQueue } from '../assembly.ts';
import { secretAccessKeys } from '../auth/access-keys.ts';
import { type AdminKey, fixedAdminKey, secretAdminKey } from '../auth/admin-key.ts';
import { createEmf, type Emf } from '../metrics/emf.ts';
import type { CountAnswer } from '../service/log.ts';
import { createLambdaLog, type LambdaLog } from './log.ts';

export interface Environment extends ServedQueue {
  adminKey: AdminKey;
  /** The scopes of callers that invoke this function directly. IAM decides which callers may. */
  invokeScopes: readonly Scope[];
  log: LambdaLog;
  countAnswer: CountAnswer;
  /** Undefined if the deployment has no metrics of queues. */
  emf: Emf | undefined;
  /** Stores and prints what was counted. Must be called at the end of each invocation: the function may never run again. */
  flushCounts(): Promise<void>;
  /** Reads a secret of Secrets Manager. Undefined if it is not text. */
  readSecret(arn: string): Promise<string | undefined>;
  /** Invokes the redrive function to run a task, which Lambda queues, and retries twice if the function fails. */
  invokeRedrive(functionName: string, event: RedriveEvent): Promise<void>;
  /** Invokes the dispatch function for each of these queues. One that fails keeps none from theirs. Rejects with the first failure. */
  invokeDispatch(functionName: string, queues: Iterable<string>): Promise<void>;
  /** Where idle consumers can wait to be woken. Undefined if the deployment offers no wake-ups. */
  wakeUrl: string | undefined;
  /** The name of the deployment. Undefined if it has none. */
  environment: NamedEnvironment | undefined;
  /** Whether the function has the files of the console beside its code. */
  hasConsole: boolean;
  /** Undefined if the deployment does not push messages. */
  dispatchFunction: string | undefined;
}

/** Asks the dispatch function to deliver the messages of this queue to its targets. */
export interface DispatchEvent {
  queue: string;
}

export interface RedriveEvent {
  queue: string;
  task: string;
}

/** The sweep may have to invoke the dispatch function for a thousand queues in the seconds that are left to it. */
const invocationsAtOnce = 16;
/** How long Lambda may take to say whether a function exists. */
const checkFunctionMsMax = 3_000;

/** Throws if a variable is missing or invalid, so that a misconfigured function fails at its start. */
export function createEnvironment(serviceName: string, variables: NodeJS.ProcessEnv = process.env): Environment {
  const log = createLambdaLog(serviceName);
  const tables = {
    messages: required(variables, 'DUMBWAITER_MESSAGES_TABLE'),
    leases: required(variables, 'DUMBWAITER_LEASES_TABLE'),
    queues: required(variables, 'DUMBWAITER_QUEUES_TABLE'),
  };
  const access = (service: ServiceName) => accessFromEnvironment(service, variables);
  const lambda = access('lambda');
  const secretsManager = access('secretsmanager');
  const invokeLater = async (functionName: string, event: RedriveEvent | DispatchEvent) => {
    await invokeFunction(lambda, { functionName, payload: JSON.stringify(event), type: 'Event' });
  };
  const redriveFunction = variables.DUMBWAITER_REDRIVE_FUNCTION;
  const adminKeySecret = variables.DUMBWAITER_ADMIN_KEY_SECRET;
  const accessKeySecret = variables.DUMBWAITER_ACCESS_KEY_SECRET;
  const parts = dynamoParts({ client: createDynamoClient(access('dynamodb')), tables, forJson: true });
  const namespace = variables.DUMBWAITER_METRICS_NAMESPACE;
  const namesIn = (list = '') => new Set(list.split(','));
  const measured = {
    queues: namesIn(variables.DUMBWAITER_METRICS_QUEUES),
    topics: namesIn(variables.DUMBWAITER_METRICS_TOPICS),
  };
  // Not by `console`: Lambda would put more before the JSON.
  const print = (line: string) => void process.stdout.write(`${line}\n`);
  const emf = namespace ? createEmf({ namespace, ...measured, clock: parts.clock, print }) : undefined;
  const queue = assembleQueue({
    parts,
    log,
    meters: emf ? [emf.meter] : [],
    hosts: publicHostsAnd((variables.DUMBWAITER_PUSH_ALLOWED_HOSTS ?? '').split(',')),
    invoke: (functionName, payload, signal) => invokeFunction(lambda, { functionName, payload, type: 'RequestResponse', signal }),
    checkFunction: async (functionName) => {
      await invokeFunction(lambda, { functionName, payload: '', type: 'DryRun', msMax: checkFunctionMsMax });
    },
    region: variables.AWS_REGION || 'unknown',
    ...(accessKeySecret && {
      accessKeys: secretAccessKeys(() => readSecret(secretsManager, accessKeySecret), parts.clock),
    }),
    ...(redriveFunction && { startRedrive: (name, task) => invokeLater(redriveFunction, { queue: name, task }) }),
  });
  return {
    ...queue,
    adminKey:
      adminKeySecret === undefined
        ? fixedAdminKey(undefined)
        : secretAdminKey(() => readSecret(secretsManager, adminKeySecret), parts.clock),
    invokeScopes: scopesOf(variables.DUMBWAITER_INVOKE_SCOPES),
    log,
    emf,
    countAnswer: (operation, isAvailable) => emf?.answered(operation, isAvailable),
    async flushCounts() {
      emf?.flush();
      await Promise.all([queue.stats.flush(), queue.status.flush()]);
    },
    readSecret: (arn) => readSecret(secretsManager, arn),
    invokeRedrive: invokeLater,
    async invokeDispatch(functionName, queues) {
      const failures: unknown[] = [];
      await sideBySide(
        [...queues],
        invocationsAtOnce,
        () => false,
        async (name) => {
          await invokeLater(functionName, { queue: name }).catch((error: unknown) => failures.push(error));
        },
      );
      if (failures.length > 0) throw failures[0];
    },
    wakeUrl: variables.DUMBWAITER_WAKE_URL || undefined,
    environment: variables.DUMBWAITER_ENVIRONMENT ? environmentOf(variables.DUMBWAITER_ENVIRONMENT) : undefined,
    hasConsole: variables.DUMBWAITER_CONSOLE === 'true',
    dispatchFunction: variables.DUMBWAITER_DISPATCH_FUNCTION || undefined,
  };
}

function required(variables: NodeJS.ProcessEnv, name: string): string {
  const value = variables[name];
  if (value === undefined || value === '') throw new Error(`The environment variable ${name} is not set.`);
  return value;
}

/** Defaults to full access. */
function scopesOf(text: string | undefined): readonly Scope[] {
  if (text === undefined) return fullAccess;
  return text.split(',').map((name) => {
    const scope = scopes.find((known) => known === name);
    if (scope === undefined) throw new Error(`DUMBWAITER_INVOKE_SCOPES names ${name}; known are ${scopes.join(', ')}.`);
    return scope;
  });
}
