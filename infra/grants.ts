/**
 * IAM grants: to invoke a function, or for programs that work on the tables themselves, over the direct transport or in their own
 * transactions. Grants that CDK would silently drop fail at synth instead, with the reason.
 */
import { Stack, Token } from 'aws-cdk-lib';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IConstruct } from 'constructs';
import { grantReading, type ReadableSecret } from './generated-secret.ts';
import { adminAccess, type DumbwaiterTables, engineKinds, serveAccess, statementsOf, type TableAccess } from './table-access.ts';

/**
 * Throws if a policy of this stack cannot reach the grantee. CDK reports success for a role of another account, although it cannot change
 * that role. For accounts, organizations and services it only returns a failed grant, which callers rarely check.
 */
function ensureGrantable(scope: IConstruct, { grantPrincipal }: IGrantable, granted: Grant): Grant {
  const own = Stack.of(scope).account;
  const { principalAccount: other } = grantPrincipal;
  const isForeign = other !== undefined && !Token.isUnresolved(other) && !Token.isUnresolved(own) && other !== own;
  if (isForeign) {
    throw refused(
      scope,
      `is of account ${other}, the queue of account ${own}: give it a role of account ${own} to assume, or an API key`,
    );
  }
  if (!granted.success) {
    throw refused(scope, 'has no policy that this stack can add to: grant to a role, user or group of this account');
  }
  return granted;
}

/** Allows invoking the function itself only. It has no versions or aliases. */
export function grantInvoke(scope: IConstruct, target: IFunction, grantee: IGrantable): Grant {
  const granted = Grant.addToPrincipal({ grantee, actions: ['lambda:InvokeFunction'], resourceArns: [target.functionArn] });
  return ensureGrantable(scope, grantee, granted);
}

/** Allows reading a secret. */
export function grantSecret(scope: IConstruct, grantee: IGrantable, secret: ReadableSecret): Grant {
  return ensureGrantable(scope, grantee, grantReading(grantee, secret));
}

function refused(scope: IConstruct, why: string): Error {
  return new Error(`${scope.node.path}: this grant would have no effect. The grantee ${why}.`);
}

/** The actions that commit entries of `publishItems` and `ackItems`. */
const transactions = { messages: ['PutItem'], leases: ['PutItem', 'UpdateItem'] } as const;

/** IAM cannot restrict a caller to some queues: all queues share partitions of `queues`, and have random keys in the other tables. */
const directAccess: TableAccess = { ...adminAccess, queueKinds: engineKinds };

/** Allows every operation on every queue, except operations on keys. */
export function grantDirect(scope: IConstruct, grantee: IGrantable, tables: DumbwaiterTables): Grant {
  return grantTables(scope, grantee, tables, directAccess);
}

/** Allows what `npm run serve` does: every operation, the sweep, and reading the secrets of keys. */
export function grantServe(
  scope: IConstruct,
  grantee: IGrantable,
  tables: DumbwaiterTables,
  secrets: readonly ReadableSecret[],
): Grant {
  const granted = grantTables(scope, grantee, tables, serveAccess);
  return secrets.reduce((all, secret) => all.combine(grantReading(grantee, secret)), granted);
}

/** Allows committing entries that the queue made, whatever transport returned them. */
export function grantTransactions(scope: IConstruct, grantee: IGrantable, tables: DumbwaiterTables): Grant {
  return grantTables(scope, grantee, tables, transactions);
}

/** Allows an access to the tables, and the use of their key. */
export function grantTables(
  scope: IConstruct,
  grantee: IGrantable,
  tables: DumbwaiterTables,
  access: Partial<TableAccess>,
): Grant {
  const grants = statementsOf(tables, access).map(({ actions, resource, conditions }) =>
    Grant.addToPrincipal({ grantee, actions, resourceArns: [resource], ...(conditions && { conditions }) }),
  );
  const key = tables.queues.encryptionKey?.grantEncryptDecrypt(grantee);
  const all = [...grants, ...(key ? [key] : [])].reduce((combined, one) => combined.combine(one));
  return ensureGrantable(scope, grantee, all);
}
