/** What serves the SQS API: its function, and the secret from which the secrets of access keys are derived. */
import type { RemovalPolicy } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import type { DumbwaiterProps } from './dumbwaiter-props.ts';
import { type Functions, waitingMemorySize } from './functions.ts';
import { GeneratedSecret } from './generated-secret.ts';
import type { NodeFunction } from './node-function.ts';
import { allowTables, forgetSecretsAccess, sqsAccess } from './table-access.ts';
import type { Tables } from './tables.ts';

export interface SqsParts {
  functions: Functions;
  tables: Tables;
  removalPolicy: RemovalPolicy;
  encryptionKey: IKey | undefined;
}

export interface Sqs {
  handler: NodeFunction;
  /** Who knows it, and the ids of the access keys, can make every signature. */
  accessKeySecret: GeneratedSecret;
}

/**
 * Undefined if the deployment does not serve SQS. Only the function that verifies signatures, and the api function, which issues access
 * keys, may read the secret.
 */
export function addSqs(
  scope: Construct,
  { sqs, sqsConcurrency: concurrency }: Pick<DumbwaiterProps, 'sqs' | 'sqsConcurrency'>,
  { functions, tables, removalPolicy, encryptionKey }: SqsParts,
): Sqs | undefined {
  if (!sqs && concurrency !== undefined)
    throw new Error(`${scope.node.path}: sqsConcurrency needs sqs: no function takes calls of SQS`);
  if (!sqs) return undefined;
  const accessKeySecret = new GeneratedSecret(scope, 'AccessKeySecret', {
    description: "Dumbwaiter's master secret of access keys",
    rotatedByHand: 'Another secret makes all access keys invalid, so the operator rotates it by hand: docs/operating.md, "Keys".',
    removalPolicy,
    encryptionKey,
  });
  const handler = functions.addCallable('Sqs', {
    entry: 'sqs',
    description: 'Dumbwaiter: the SQS API',
    // Most of its time goes to receives that wait.
    memorySize: waitingMemorySize,
    ...(concurrency === undefined ? {} : { reservedConcurrentExecutions: concurrency }),
  });
  allowTables(handler, tables, sqsAccess);
  allowTables(handler, tables, forgetSecretsAccess);
  for (const reader of [handler, functions.api]) {
    reader.function.addEnvironment('DUMBWAITER_ACCESS_KEY_SECRET', accessKeySecret.arn);
    accessKeySecret.allowReading(reader);
  }
  return { handler, accessKeySecret };
}
