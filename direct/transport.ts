/**
 * `dumbwaiter-queue/direct`: runs the engine in the caller's process, on the deployment's tables, with the caller's IAM credentials.
 * No Lambda, no API Gateway, no API key. Needs `@aws-sdk/client-dynamodb` and `zod`.
 */

import type { InputOf, OperationName, OutputOf, ParamsOf, Transport } from '../contract/contract.ts';
import { DumbwaiterError, errors } from '../contract/errors.ts';
import { checkNames, type Names } from '../contract/names.ts';
import { createEngine } from '../engine/create.ts';
import { createDynamoClient } from '../engine/dynamo/client.ts';
import { commitTransaction } from '../engine/dynamo/own-transactions.ts';
import { dynamoParts } from '../engine/dynamo/parts.ts';
import { accessFromSdk, createSdkClient, type SdkClient, type SdkClientOptions } from '../engine/dynamo/sdk-client.ts';
import type { TableNames } from '../engine/dynamo/tables.ts';
import type { CallOptions, Engine, EngineEvent, QueueOperation, ServiceOperation } from '../engine/engine.ts';
import { createRedriveRunner } from '../engine/redrive/in-process.ts';
import { withDeadline } from '../sdk/calls/deadline.ts';
import { refusalOfCall, refusalOfCommit } from './errors.ts';

export interface DirectTransportOptions extends SdkClientOptions {
  /**
   * The names of the tables, from the deployment's outputs. Default: the environment variables `DUMBWAITER_MESSAGES_TABLE`,
   * `DUMBWAITER_LEASES_TABLE` and `DUMBWAITER_QUEUES_TABLE`, or else the names that `npm start` uses.
   */
  tables?: TableNames;
  /**
   * Replaces the client made from the other options. It commits your transactions. The queue's own calls take its endpoint,
   * region, credentials and HTTP agents, but do not run its middleware.
   */
  client?: SdkClient;
  /** Called for what the queue does by itself: it dead-letters or expires messages, or detects an anomaly. */
  observe?: (event: EngineEvent) => void;
  /**
   * Called for each answered call, to measure how available the queue is. `isAvailable` is false for what other transports answer with 5xx.
   * A call that the program gave up is not answered.
   */
  answered?: (operation: OperationName, isAvailable: boolean, seconds: number) => void;
}

export interface DirectTransport extends Transport {
  transact: NonNullable<Transport['transact']>;
  /**
   * Stops the redrives that run in this process; a sweep restarts them elsewhere. Waits until aborted calls have returned what
   * they leased. Then closes the connections, unless the client was passed in.
   */
  close(): Promise<void>;
}

const directNames: Names<DirectTransportOptions> = {
  endpoint: true,
  region: true,
  credentials: true,
  tables: true,
  client: true,
  observe: true,
  answered: true,
};

/**
 * Supports every operation except those of API keys and signing secrets, which belong to the HTTP API. Does not run the sweep:
 * the deployment does.
 * @throws TypeError for an unknown option
 */
export function directTransport(options: DirectTransportOptions = {}): DirectTransport {
  checkNames('directTransport', options, directNames);
  const { tables = tablesOfEnvironment(), client: given, observe, answered, ...config } = options;
  const sdk = given ?? createSdkClient(config);
  const client = createDynamoClient(accessFromSdk(sdk));
  const parts = dynamoParts({ client, tables });
  const startRedrive = async (queue: string, task: string) => redrives.start(queue, task);
  const engine = createEngine({ ...parts, startRedrive, ...(observe && { observe }) });
  const redrives = createRedriveRunner(engine, parts.clock);
  const running = new Map<Promise<unknown>, AbortSignal>();
  return {
    call(operation, params, input, { signal, timeoutMs, texts = false } = {}) {
      const calling = withDeadline({ signal, timeoutMs }, (ending) => {
        const answering = answer(engine, operation, params, input, { signal: ending, texts }).finally(() =>
          running.delete(answering),
        );
        running.set(answering, ending);
        return answering;
      });
      return answered ? counted(calling, (...outcome) => answered(operation, ...outcome)) : calling;
    },
    transact(items, { token, signal, timeoutMs }) {
      return withDeadline({ signal, timeoutMs }, (ending) =>
        commitTransaction(sdk, items, token, ending).catch((error: unknown) => {
          throw refusalOfCommit(error, items);
        }),
      );
    },
    async close() {
      await redrives.stop();
      await Promise.allSettled([...running].flatMap(([answering, ending]) => (ending.aborted ? [answering] : [])));
      client.destroy();
      if (given === undefined) sdk.destroy();
    },
  };
}

async function answer<Name extends OperationName>(
  engine: Engine,
  operation: Name,
  params: ParamsOf<Name>,
  input: InputOf<Name>,
  options: CallOptions,
): Promise<OutputOf<Name>> {
  if (operation === 'health') return { status: 'ok' } as OutputOf<Name>;
  const reason = refused.get(operation);
  if (reason !== undefined) throw new DumbwaiterError('forbidden', `${operation}: ${reason}`);
  try {
    const output = await engine.call(operation as QueueOperation, params as never, input as never, options);
    // A waiting receive keeps only this process running.
    return (operation === 'receive' ? { ...output, waitIsCheap: true } : output) as OutputOf<Name>;
  } catch (error) {
    throw refusalOfCall(error);
  }
}

const keysElsewhere = 'API keys belong to the HTTP API; here IAM grants access.';
const elsewhere = (what: string) => `${what} to the HTTP API and to Lambda invoke.`;
const reasons: { [Name in Exclude<ServiceOperation, 'health'>]: string } = {
  createKey: keysElsewhere,
  listKeys: keysElsewhere,
  getOwnKey: keysElsewhere,
  revokeKey: keysElsewhere,
  rotateSigningSecret: elsewhere('signing secrets belong'),
  putTarget: elsewhere('targets belong'),
  getTarget: elsewhere('targets belong'),
  listTargets: elsewhere('targets belong'),
  deleteTarget: elsewhere('targets belong'),
  queueStats: elsewhere('statistics belong'),
  topicStats: elsewhere('statistics belong'),
  listAudit: elsewhere('the audit belongs'),
  getStatus: elsewhere('the status belongs'),
};
/** Why an operation is refused here. */
const refused: ReadonlyMap<OperationName, string> = new Map(Object.entries(reasons) as [OperationName, string][]);

async function counted<Output>(
  calling: Promise<Output>,
  count: (isAvailable: boolean, seconds: number) => void,
): Promise<Output> {
  const startedAt = performance.now();
  const seconds = () => (performance.now() - startedAt) / 1000;
  try {
    await calling;
  } catch (error) {
    if (error instanceof DumbwaiterError) count(errors[error.code].status < 500, seconds());
    throw error;
  }
  count(true, seconds());
  return calling;
}

function tablesOfEnvironment(): TableNames {
  const { DUMBWAITER_MESSAGES_TABLE, DUMBWAITER_LEASES_TABLE, DUMBWAITER_QUEUES_TABLE } = process.env;
  return {
    messages: DUMBWAITER_MESSAGES_TABLE ?? 'dumbwaiter-messages',
    leases: DUMBWAITER_LEASES_TABLE ?? 'dumbwaiter-leases',
    queues: DUMBWAITER_QUEUES_TABLE ?? 'dumbwaiter-queues',
  };
}
