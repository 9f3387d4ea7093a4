import type { NodeFunction } from './node-function.ts';
import type { Tables } from './tables.ts';

/**
 * What each function does with the tables, written out. A transaction asks for the actions of its parts, and for
 * `ConditionCheckItem` only where a part changes nothing. Nobody scans, and nobody may change a table itself.
 */
const read = ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Query'];
const write = ['dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem', 'dynamodb:BatchWriteItem'];

/** Runs the engine's operations: reads and writes rows of all three tables, and reads the index of due leases. */
export function allowEngine({ messages, leases, queues }: Tables, to: NodeFunction): void {
  to.allow([...read, ...write], [messages.tableArn, leases.tableArn, queues.tableArn]);
  to.allow(['dynamodb:Query'], [`${leases.tableArn}/index/due`]);
  allowKey({ messages, leases, queues }, to);
}

/** Creates and updates queues: rows of `queues` alone. */
export function allowQueues(tables: Pick<Tables, 'queues'>, to: NodeFunction): void {
  to.allow([...read, ...write], [tables.queues.tableArn]);
  allowKey(tables, to);
}

/** A table under the user's own KMS key asks its callers for that key too: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html */
function allowKey(tables: Partial<Tables>, to: NodeFunction): void {
  tables.queues?.encryptionKey?.grantEncryptDecrypt(to.function);
}
