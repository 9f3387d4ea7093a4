/** The DynamoDB permissions of each function. */
import type { ITable, Table, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import type { NodeFunction } from './node-function.ts';

/** With `exactOptionalPropertyTypes`, tables that an app defines are no `ITable`. */
export type DumbwaiterTable = ITable | Table | TableV2;

/** The three tables of a deployment. */
export interface DumbwaiterTables {
  readonly messages: DumbwaiterTable;
  readonly leases: DumbwaiterTable;
  readonly queues: DumbwaiterTable;
}

/** The DynamoDB actions that a function needs on each table and on the index of due leases, without the prefix `dynamodb:`. */
export interface TableAccess {
  messages?: readonly string[];
  leases?: readonly string[];
  dueLeases?: readonly string[];
  queues: readonly string[];
  /** The partitions of `queues` that the function may access; `*` stands for any text. Default: all. */
  queueKinds?: readonly string[] | undefined;
}

type Conditions = Record<string, Record<string, string[]>>;

/** Partitions of `queues` that operations of the engine read and write. They exclude API keys, signing secrets and the sweep's bookmarks. */
export const engineKinds = [
  'queue',
  'deleted',
  'task',
  'schedule',
  'topic',
  'subscription',
  'deleted-topic',
  'publication',
  'begun-publication',
] as const;
/** The sweep signs its questions to publishers, and removes what is kept of a deleted queue under its name. */
export const sweepKinds = [...engineKinds, 'sweep', 'target', 'signing', 'sqs'] as const;

/** Statistics, of all queues. */
export const statsKind = 'stats';

/** The partitions of the audit. */
export const auditKinds = ['audit0', 'audit1', 'audit2', 'audit3'] as const;

/**
 * No function scans a table or changes its definition. A transaction needs the permissions of its parts. `BatchWriteItem` alone permits
 * puts and deletes, so listing those actions beside it permits nothing more.
 */
const readOne = ['GetItem', 'BatchGetItem'];
const messages = [...readOne, 'Query', 'PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem'];
const leases = [...readOne, 'PutItem', 'UpdateItem'];
const dueLeases = ['Query'];
/** Rows of `queues` hold settings, the number of shards, and until when a queue is awake. Any call may have to raise the last two. */
const undeletedQueues = [...readOne, 'Query', 'PutItem'];
/** Callers that may receive also add and remove subscriptions, with the queues that these own. */
const queues = [...undeletedQueues, 'DeleteItem'];

/** For publishing, receiving, settling, changing messages and redriving. Excludes API keys. */
export const messageAccess: TableAccess = { messages, leases, dueLeases, queues, queueKinds: [...engineKinds, statsKind] };
/** For callers that may only publish, or only receive: some of their calls change messages and subscriptions, which the audit notes. */
export const invocableAccess: TableAccess = { ...messageAccess, queueKinds: [...messageAccess.queueKinds!, ...auditKinds] };
/** For receiving over HTTP. An API key is read for each call, and written to note its latest use. */
export const httpReceiveAccess: TableAccess = {
  messages,
  leases,
  dueLeases,
  queues: undeletedQueues,
  queueKinds: ['queue', 'key', statsKind],
};
/** For every operation of the engine, and those on API keys. */
export const adminAccess: TableAccess = { messages, leases, dueLeases, queues };
/** Rows of targets are updated, not put: the dispatcher that holds a target has fields of its own in the row. */
const queuesAndTargets = [...queues, 'UpdateItem'];
/** For every operation. */
export const apiAccess: TableAccess = { ...adminAccess, queues: queuesAndTargets };
/** The sweep also deletes the rows of deleted queues. */
export const sweepAccess: TableAccess = {
  ...adminAccess,
  leases: [...leases, 'DeleteItem', 'BatchWriteItem'],
  queueKinds: [...sweepKinds, statsKind],
};
/** For all that a server does: the work of all functions. */
export const serveAccess: TableAccess = { ...sweepAccess, queues: queuesAndTargets, queueKinds: undefined };
/** For delivering to targets: receiving, settling, and the rows of targets. Requests to URLs are signed. */
export const dispatchAccess: TableAccess = {
  ...messageAccess,
  queues: [...undeletedQueues, 'UpdateItem'],
  queueKinds: ['queue', 'target', 'signing', statsKind],
};
/** For wake-ups: checking keys, reading when something is due, and the rows of connections that listen. */
export const wakeAccess: TableAccess = {
  messages: ['Query'],
  dueLeases,
  queues: [...undeletedQueues, 'DeleteItem'],
  queueKinds: ['queue', 'key', 'wake:*'],
};
/** For calls of SQS: queues and their messages, what only SQS knows of queues, and the API keys to which access keys belong. */
export const sqsAccess: TableAccess = {
  ...messageAccess,
  queueKinds: ['queue', 'deleted', 'task', 'topic', 'sqs', 'key', statsKind, ...auditKinds],
};
/** The signing secrets of a queue are removed with it. Calls of SQS cannot read them. */
export const forgetSecretsAccess: TableAccess = { queues: ['DeleteItem'], queueKinds: ['signing'] };
/** For the targets that a stack declares, besides `declareQueuesAccess`. */
export const declareTargetsAccess: TableAccess = { queues: queuesAndTargets, queueKinds: ['target'] };
/** For the API keys that a stack declares. */
export const declareKeysAccess = { queues: [...readOne, 'PutItem', 'DeleteItem'], queueKinds: ['key'] } as const;
/**
 * For what a stack declares no longer: API keys and targets. A deployment applies policies before it removes the last of them, so the function
 * always has these permissions.
 */
export const removeDeclaredAccess: TableAccess = { queues: ['DeleteItem'], queueKinds: ['key', 'target'] };
/**
 * For creating and updating queues and topics. A topic that was just deleted and is declared again leaves rows to remove. A stack that
 * declares schedules needs `messageAccess`: putting a schedule may publish at once.
 */
export const declareQueuesAccess: TableAccess = { queues, queueKinds: engineKinds };

/** The statements that allow an access, each on one table or index. */
export function statementsOf(tables: DumbwaiterTables, access: Partial<TableAccess>) {
  const statements: [actions: readonly string[] | undefined, resource: () => string, conditions?: Conditions | undefined][] = [
    [access.messages, () => tables.messages.tableArn],
    [access.leases, () => tables.leases.tableArn],
    [access.dueLeases, () => `${tables.leases.tableArn}/index/due`],
    [access.queues, () => tables.queues.tableArn, queueKindsOnly(access)],
  ];
  // Of an imported deployment, only the tables that are named may be needed.
  return statements.flatMap(([actions, resource, conditions]) =>
    actions ? [{ actions: actions.map((action) => `dynamodb:${action}`), resource: resource(), conditions }] : [],
  );
}

/**
 * Restricts a statement about the table `queues` to some values of its partition key:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
 */
function queueKindsOnly({ queueKinds }: Partial<TableAccess>): Conditions | undefined {
  const operator = queueKinds?.some((kind) => kind.includes('*')) ? 'StringLike' : 'StringEquals';
  return queueKinds && { [`ForAllValues:${operator}`]: { 'dynamodb:LeadingKeys': [...queueKinds] } };
}

export function allowTables(to: NodeFunction, tables: DumbwaiterTables, access: TableAccess): void {
  for (const { actions, resource, conditions } of statementsOf(tables, access)) to.allow(actions, [resource], conditions);
  // Callers of tables under a customer managed key need permissions on that key: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
  tables.queues.encryptionKey?.grantEncryptDecrypt(to.function);
}
