/** The outputs of a stack: what an operator or a client needs. */
import { CfnOutput, Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import type { Functions } from './functions.ts';
import type { GeneratedSecret } from './generated-secret.ts';
import type { Metrics } from './metrics.ts';
import type { Sqs } from './sqs.ts';
import type { Tables } from './tables.ts';

export interface OutputParts {
  url: string;
  adminKey: GeneratedSecret;
  functions: Functions;
  tables: Tables;
  metrics: Metrics;
  sqs: Sqs | undefined;
  hasConsole: boolean;
}

/** The first construct in a stack uses plain names; others prefix theirs with their id. */
export function addOutputs(of: IConstruct, { url, adminKey, functions, tables, metrics, sqs, hasConsole }: OutputParts): void {
  const stack = Stack.of(of);
  const { api, publish, receive, declareQueues } = functions;
  const prefix = stack.node.tryFindChild('ApiUrl') === undefined ? '' : of.node.id;
  const output = (name: string, value: string, description: string) =>
    new CfnOutput(stack, `${prefix}${name}`, { value, description });
  output('ApiUrl', url, 'Base URL of the HTTP API');
  output('Region', stack.region, 'The Region of the deployment');
  output('AdminKeySecretArn', adminKey.arn, 'Secret that holds the first admin key');
  output('ApiFunctionName', api.function.functionName, 'To invoke instead of HTTP: every operation');
  output('PublishFunctionName', publish.function.functionName, 'To invoke instead of HTTP: publish only');
  output('ReceiveFunctionName', receive.function.functionName, 'To invoke instead of HTTP: receive and settle');
  output('MessagesTableName', tables.messages.tableName, 'Messages that no receive has taken yet');
  output('LeasesTableName', tables.leases.tableName, 'Messages that are leased, delayed or kept');
  output('QueuesTableName', tables.queues.tableName, 'Queues, API keys and redrive tasks');
  output('DeclareQueuesFunctionName', declareQueues.function.functionName, 'For stacks that import this one: makes API keys');
  output('DeclareQueuesRoleArn', declareQueues.role.roleArn, 'For stacks that import this one: the role of that function');
  output('MetricsNamespace', metrics.namespace, 'CloudWatch namespace of the metrics of queues');
  if (hasConsole) output('ConsoleUrl', `${url}/console`, 'The console, for a browser');
  if (sqs === undefined) return;
  output('SqsEndpointUrl', url, 'For clients of SQS: the variable AWS_ENDPOINT_URL_SQS');
  output('AccessKeySecretArn', sqs.accessKeySecret.arn, 'Secret from which the secrets of access keys are derived');
}
