/** IAM grants that CDK would silently drop fail at synth instead, with the reason. */
import { Stack, Token } from 'aws-cdk-lib';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IConstruct } from 'constructs';

/**
 * Throws if a policy of this stack cannot reach the grantee. CDK reports success for a role of another account, although it cannot change
 * that role. For accounts, organizations and services it only returns a failed grant, which callers rarely check.
 */
export function ensureGrantable(scope: IConstruct, { grantPrincipal }: IGrantable, granted: Grant): Grant {
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

function refused(scope: IConstruct, why: string): Error {
  return new Error(`${scope.node.path}: this grant would have no effect. The grantee ${why}.`);
}
