import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { adminAccess, type TableAccess } from './table-access.ts';
import type { Tables } from './tables.ts';

/**
 * Partitions of `queues` that the engine reads and writes: what is left out are the API keys, which belong to the HTTP API, and the
 * sweep's bookmarks. IAM can hold that, for they are values of the partition key; it cannot hold a caller to some queues, whose rows lie
 * in these same partitions, and under random keys in the other tables.
 */
export const directKinds = ['queue', 'deleted', 'task', 'schedule'] as const;

/** What commits entries of `publishItems` and `ackItems`. */
const transactions = { messages: ['PutItem'], leases: ['PutItem', 'UpdateItem'] } as const;

/** Every operation but those of keys, on every queue. */
export function grantDirect(grantee: IGrantable, tables: Tables): Grant {
  return grantTables(grantee, tables, adminAccess);
}

/** Committing entries that the queue made, over whichever transport. */
export function grantTransactions(grantee: IGrantable, tables: Tables): Grant {
  return grantTables(grantee, tables, transactions);
}

function grantTables(grantee: IGrantable, tables: Tables, access: Partial<TableAccess>): Grant {
  const grant = (actions: readonly string[] = [], resource: string, conditions?: object) =>
    Grant.addToPrincipal({
      grantee,
      actions: actions.map((action) => `dynamodb:${action}`),
      resourceArns: [resource],
      ...(conditions && { conditions: conditions as Record<string, Record<string, unknown>> }),
    });
  const grants: Grant[] = [];
  if (access.messages) grants.push(grant(access.messages, tables.messages.tableArn));
  if (access.leases) grants.push(grant(access.leases, tables.leases.tableArn));
  if (access.dueLeases) grants.push(grant(access.dueLeases, `${tables.leases.tableArn}/index/due`));
  if (access.queues) {
    // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
    const kinds = { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': [...directKinds] } };
    grants.push(grant(access.queues, tables.queues.tableArn, kinds));
  }
  const key = tables.queues.encryptionKey?.grantEncryptDecrypt(grantee);
  return [...grants, ...(key ? [key] : [])].reduce((all, one) => all.combine(one));
}
