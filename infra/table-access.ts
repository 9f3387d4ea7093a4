import type { NodeFunction } from './node-function.ts';
import type { Tables } from './tables.ts';

/** What a function does with each table and with the index of due leases: actions of DynamoDB, without their prefix. */
export interface TableAccess {
  messages?: readonly string[];
  leases?: readonly string[];
  dueLeases?: readonly string[];
  queues: readonly string[];
  /** The partitions of `queues` that it may touch; all of them, unless they are named. */
  queueKinds?: readonly string[];
}

export type Conditions = Record<string, Record<string, string[]>>;

/** Partitions of `queues` that operations of the engine read and write. Left out: API keys, signing secrets and the sweep's bookmarks. */
export const engineKinds = ['queue', 'deleted', 'task', 'schedule'] as const;
export const sweepKinds = [...engineKinds, 'sweep'] as const;

/**
 * Nobody scans, nobody changes a table itself. A transaction asks for the actions of its parts; `BatchWriteItem` puts and
 * deletes by itself, so what goes with it adds nothing.
 */
const readOne = ['GetItem', 'BatchGetItem'];
const messages = [...readOne, 'Query', 'PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem'];
const leases = [...readOne, 'PutItem', 'UpdateItem'];
const dueLeases = ['Query'];
/** Settings; how many shards a queue has, and until when it is awake: any call may have to raise either. */
const queues = [...readOne, 'Query', 'PutItem'];

/** Publishes, receives and what follows; changes what was published; moves dead letters back. Not the API keys. */
export const messageAccess: TableAccess = { messages, leases, dueLeases, queues, queueKinds: engineKinds };
/** Everything, API keys included. */
export const adminAccess: TableAccess = { messages, leases, dueLeases, queues: [...queues, 'DeleteItem'] };
/** Also clears away the rows of queues that were deleted. */
export const sweepAccess: TableAccess = {
  ...adminAccess,
  leases: [...leases, 'DeleteItem', 'BatchWriteItem'],
  // It signs what it asks publishers.
  queueKinds: [...sweepKinds, 'signing'],
};
/** Creates queues and changes their settings. (Schedules publish what falls due at once: who declares them has `messageAccess`.) */
export const declareQueuesAccess: TableAccess = { queues, queueKinds: engineKinds };

/**
 * Holds a statement about the table `queues` to some values of its partition key:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
 */
export function queueKindsOnly({ queueKinds }: Partial<TableAccess>): Conditions | undefined {
  return queueKinds && { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': [...queueKinds] } };
}

export function allowTables(to: NodeFunction, tables: Tables, access: TableAccess): void {
  const allow = (actions: readonly string[] | undefined, resource: string, conditions?: Conditions) => {
    if (actions === undefined) return;
    const named = actions.map((action) => `dynamodb:${action}`);
    to.allow(named, [resource], conditions);
  };
  allow(access.messages, tables.messages.tableArn);
  allow(access.leases, tables.leases.tableArn);
  allow(access.dueLeases, `${tables.leases.tableArn}/index/due`);
  allow(access.queues, tables.queues.tableArn, queueKindsOnly(access));
  // Tables under a key of the user's own ask their callers for it: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
  tables.queues.encryptionKey?.grantEncryptDecrypt(to.function);
}
