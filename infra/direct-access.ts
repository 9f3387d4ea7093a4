/** IAM grants for programs that work on the tables themselves: over the direct transport, or in their own transactions. */
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';
import { ensureGrantable } from './grants.ts';
import { adminAccess, engineKinds, statementsOf, type TableAccess } from './table-access.ts';
import type { Tables } from './tables.ts';

/** The actions that commit entries of `publishItems` and `ackItems`. */
const transactions = { messages: ['PutItem'], leases: ['PutItem', 'UpdateItem'] } as const;

/** IAM cannot restrict a caller to some queues: all queues share partitions of `queues`, and have random keys in the other tables. */
const directAccess: TableAccess = { ...adminAccess, queueKinds: engineKinds };

/** Allows every operation on every queue, except operations on keys. */
export function grantDirect(scope: IConstruct, grantee: IGrantable, tables: Tables): Grant {
  return grantTables(scope, grantee, tables, directAccess);
}

/** Allows committing entries that the queue made, whatever transport returned them. */
export function grantTransactions(scope: IConstruct, grantee: IGrantable, tables: Tables): Grant {
  return grantTables(scope, grantee, tables, transactions);
}

function grantTables(scope: IConstruct, grantee: IGrantable, tables: Tables, access: Partial<TableAccess>): Grant {
  const grants = statementsOf(tables, access).map(({ actions, resource, conditions }) =>
    Grant.addToPrincipal({ grantee, actions, resourceArns: [resource], ...(conditions && { conditions }) }),
  );
  const key = tables.queues.encryptionKey?.grantEncryptDecrypt(grantee);
  const all = [...grants, ...(key ? [key] : [])].reduce((combined, one) => combined.combine(one));
  return ensureGrantable(scope, grantee, all);
}
