import type { NodeFunction } from './node-function.ts';
import type { Tables } from './tables.ts';

/** What a function does with each table and with the index of due leases: actions of DynamoDB, without their prefix. */
export interface TableAccess {
  messages?: readonly string[];
  leases?: readonly string[];
  dueLeases?: readonly string[];
  queues: readonly string[];
}

/**
 * Nobody scans, nobody changes a table itself. A transaction asks for the actions of its parts; `BatchWriteItem` puts and
 * deletes by itself, so what goes with it adds nothing.
 */
const readOne = ['GetItem', 'BatchGetItem'];
const messages = [...readOne, 'Query', 'PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem'];
const leases = [...readOne, 'PutItem', 'UpdateItem'];
const dueLeases = ['Query'];
/** Settings, and how many shards a queue has, which any call may have to raise. */
const queues = [...readOne, 'Query', 'PutItem'];

/** Publishes, receives and what follows; changes what was published; moves dead letters back. */
export const messageAccess: TableAccess = { messages, leases, dueLeases, queues };
/** Everything, removing queues and keys included. */
export const adminAccess: TableAccess = { messages, leases, dueLeases, queues: [...queues, 'DeleteItem'] };
/** Also clears away the rows of queues that were deleted. */
export const sweepAccess: TableAccess = { ...adminAccess, leases: [...leases, 'DeleteItem', 'BatchWriteItem'] };
/** Creates queues and changes their settings. (Schedules publish what falls due at once: who declares them has `messageAccess`.) */
export const declareQueuesAccess: TableAccess = { queues };

export function allowTables(to: NodeFunction, tables: Tables, access: TableAccess): void {
  const allow = (actions: readonly string[] | undefined, resource: string) => {
    if (actions !== undefined)
      to.allow(
        actions.map((action) => `dynamodb:${action}`),
        [resource],
      );
  };
  allow(access.messages, tables.messages.tableArn);
  allow(access.leases, tables.leases.tableArn);
  allow(access.dueLeases, `${tables.leases.tableArn}/index/due`);
  allow(access.queues, tables.queues.tableArn);
  // Tables under a key of the user's own ask their callers for it: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
  tables.queues.encryptionKey?.grantEncryptDecrypt(to.function);
}
