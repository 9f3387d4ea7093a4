/** What wakes idle consumers: the WebSocket API on which they wait, the function behind it, and its triggers, alarms and metrics. */
import { Duration, type RemovalPolicy, Stack } from 'aws-cdk-lib';
import { WebSocketApi, WebSocketStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { WebSocketLambdaIntegration, WebSocketMockIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { Dashboard } from 'aws-cdk-lib/aws-cloudwatch';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { WakeRequest } from '../contract/wake.ts';
import type { Alarms } from './alarms.ts';
import { acknowledge, logAccess } from './cdk-versions.ts';
import { addWakeTo } from './dashboard.ts';
import { type Functions, waitingMemorySize } from './functions.ts';
import type { GeneratedSecret } from './generated-secret.ts';
import type { Metrics } from './metrics.ts';
import { resultFilters, triggerByStreams } from './stream-triggers.ts';
import { allowTables, wakeAccess } from './table-access.ts';
import type { Tables } from './tables.ts';

export interface WakeUpsProps {
  functions: Functions;
  tables: Tables;
  adminKey: GeneratedSecret;
  metrics: Metrics;
  alarms: Alarms;
  dashboard: Dashboard;
  requestsPerSecond: number;
  burst: number;
  logRetention: RetentionDays;
  removalPolicy: RemovalPolicy;
}

/** The function's name in alarms and metrics. */
const name = 'Wake';
/** API Gateway's limit for a WebSocket. A batch of stream records takes less. */
const timeout = Duration.seconds(29);
const stageName = 'wake';
const listen: WakeRequest['action'] = 'listen';
const keep: WakeRequest['action'] = 'keep';

/**
 * A client connects without a key, and shows one with each listen. There are no routes for the beginning and the end of a connection: a row
 * that is left of one ends by itself. API Gateway answers what keeps a connection open, without the function.
 */
export class WakeUps extends Construct {
  constructor(scope: Construct, id: string, props: WakeUpsProps) {
    super(scope, id);
    const { functions, tables, adminKey, metrics, alarms, dashboard, logRetention, removalPolicy } = props;
    const api = new WebSocketApi(this, 'Api', {
      description: 'Dumbwaiter: wake-ups of idle consumers',
      routeSelectionExpression: '$request.body.action',
    });
    const { region, account, urlSuffix, partition } = Stack.of(this);
    const address = `${api.apiId}.execute-api.${region}.${urlSuffix}/${stageName}`;
    const wake = functions.add(name, {
      entry: 'wake',
      description: 'Dumbwaiter: tells idle consumers that their queue has messages',
      memorySize: waitingMemorySize,
      timeout,
      environment: { DUMBWAITER_ADMIN_KEY_SECRET: adminKey.arn, DUMBWAITER_WAKE_ENDPOINT: `https://${address}` },
    });
    allowTables(wake, tables, wakeAccess);
    adminKey.allowReading(wake);
    functions.httpReceive.function.addEnvironment('DUMBWAITER_WAKE_URL', `wss://${address}`);
    api.addRoute(listen, { integration: new WebSocketLambdaIntegration('Listen', wake.function) });
    api.addRoute(keep, {
      integration: new WebSocketMockIntegration('Keep', {
        requestTemplates: { $default: '{"statusCode":200}' },
        templateSelectionExpression: '\\$default',
      }),
    });
    const accessLogs = new LogGroup(this, 'AccessLogs', { retention: logRetention, removalPolicy });
    const stage = new WebSocketStage(this, 'Stage', {
      webSocketApi: api,
      stageName,
      autoDeploy: true,
      throttle: { rateLimit: props.requestsPerSecond, burstLimit: props.burst },
    });
    logAccess(stage, accessLogs, accessLogLine);
    const connections = `arn:${partition}:execute-api:${region}:${account}:${api.apiId}/${stageName}/POST/@connections/*`;
    wake.allow(['execute-api:ManageConnections'], [connections]);
    triggerByStreams(wake, tables, resultFilters);
    metrics.addWake(name, wake);
    alarms.addWake(name, wake);
    addWakeTo(dashboard, wake, stage);
    const checked = 'The function checks the API key of each listen. Without one, a connection is told nothing.';
    acknowledge(api, 'AwsSolutions-APIG4', checked);
    const finding = `AwsSolutions-IAM5[Resource::${asText(Stack.of(this).resolve(connections))}]`;
    acknowledge(wake, finding, 'The ids of connections are not known before they connect.');
  }
}

/** What CloudFormation makes of a text, as cdk-nag writes it: each reference as `<name>`. */
function asText(resolved: unknown): string {
  if (typeof resolved === 'string') return resolved;
  const { Ref: reference, 'Fn::Join': [, parts] = ['', []] } = resolved as { Ref?: string; 'Fn::Join'?: [string, unknown[]] };
  return reference === undefined ? parts.map(asText).join('') : `<${reference}>`;
}

/** One line of JSON for each message of a client. It contains no text of the message, and so no key. */
const accessLogLine = {
  requestId: '$context.requestId',
  at: '$context.requestTime',
  ip: '$context.identity.sourceIp',
  route: '$context.routeKey',
  event: '$context.eventType',
  connection: '$context.connectionId',
  status: '$context.status',
  integrationError: '$context.integrationErrorMessage',
};
