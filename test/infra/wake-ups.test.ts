/** A deployment with wake-ups: what its template has more than another. */
import { App } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { beforeAll, describe, expect, test } from 'vitest';
import { keyKind } from '../../functions/auth/key-rows.ts';
import { wakeKind } from '../../functions/wake/listener-rows.ts';
import { addStack } from '../../infra/stack.ts';
import { ensureBundles, type Synthesized, synthesize } from './synthesized.ts';

const lambda = 'AWS::Lambda::Function';
const mapping = 'AWS::Lambda::EventSourceMapping';
const route = 'AWS::ApiGatewayV2::Route';

let plain: Synthesized;
let waking: Synthesized;

beforeAll(async () => {
  await ensureBundles();
  plain = synthesize();
  waking = synthesize({ wakeUps: true });
});

function variablesOf(name: string, from = waking): Record<string, unknown> {
  return (from.at(lambda, `Functions/${name}/Function`).Properties.Environment as { Variables: Record<string, unknown> })
    .Variables;
}

function statementsOf(role: string): { Action: string | string[]; Resource: unknown; Condition?: object }[] {
  return waking
    .all('AWS::IAM::Policy')
    .filter(([, { Properties }]) => JSON.stringify(Properties.Roles).includes(`"DumbwaiterFunctions${role}Role`))
    .flatMap(([, { Properties }]) => (Properties.PolicyDocument as { Statement: [] }).Statement);
}

test('a deployment has wake-ups only on request', () => {
  expect(plain.template.findResources(mapping)).toEqual({});
  expect(plain.all('AWS::ApiGatewayV2::Api')).toHaveLength(1);
  expect(variablesOf('HttpReceive', plain)).not.toHaveProperty('DUMBWAITER_WAKE_URL');
  const app = addStack(new App({ context: { wakeUps: 'true' } }));
  expect(app.node.findChild('Dumbwaiter').node.tryFindChild('WakeUps')).toBeDefined();
});

test('API Gateway sends a listen to the wake function, and answers a keep itself', () => {
  const api = waking.at('AWS::ApiGatewayV2::Api', 'WakeUps/Api').Properties;
  expect(api).toMatchObject({ ProtocolType: 'WEBSOCKET', RouteSelectionExpression: '$request.body.action' });
  const routes = waking.all(route).filter(([id]) => id.includes('WakeUps'));
  expect(routes.map(([, { Properties }]) => Properties.RouteKey).sort()).toEqual(['keep', 'listen']);
  const integrations = waking.all('AWS::ApiGatewayV2::Integration').filter(([id]) => id.includes('WakeUps'));
  expect(integrations.map(([, { Properties }]) => Properties.IntegrationType).sort()).toEqual(['AWS_PROXY', 'MOCK']);
});

test('the stage for wake-ups is throttled as the HTTP API is, and logs neither text nor headers', () => {
  const { DefaultRouteSettings, AccessLogSettings } = synthesize({
    wakeUps: true,
    throttle: { requestsPerSecond: 5, burst: 10 },
  }).at('AWS::ApiGatewayV2::Stage', 'WakeUps/Stage').Properties as Record<string, Record<string, unknown>>;
  expect(DefaultRouteSettings).toMatchObject({ ThrottlingRateLimit: 5, ThrottlingBurstLimit: 10 });
  expect(AccessLogSettings!.Format).not.toMatch(/body|header|authoriz/i);
});

test('the function of receives says where to wait, and the wake function knows where to send', () => {
  const urlOf = (value: unknown) => JSON.stringify(value);
  expect(urlOf(variablesOf('HttpReceive').DUMBWAITER_WAKE_URL)).toMatch(/"wss:\/\/",\{"Ref":"DumbwaiterWakeUpsApi/);
  expect(urlOf(variablesOf('Wake').DUMBWAITER_WAKE_ENDPOINT)).toMatch(/"https:\/\/",\{"Ref":"DumbwaiterWakeUpsApi/);
  for (const name of ['Api', 'Publish', 'Receive']) expect(variablesOf(name)).not.toHaveProperty('DUMBWAITER_WAKE_URL');
});

describe('the wake function', () => {
  test('it has 256 MB, and both streams invoke it', () => {
    expect(waking.at(lambda, 'Functions/Wake/Function').Properties).toMatchObject({ MemorySize: 256, Timeout: 29 });
    expect(waking.all(mapping)).toHaveLength(2);
    for (const [, { Properties }] of waking.all(mapping)) {
      expect(JSON.stringify(Properties.FunctionName)).toContain('DumbwaiterFunctionsWakeFunction');
    }
  });

  test('it may read keys, queues and their heads, write rows of listeners, and send to connections, and nothing more', () => {
    const granted = statementsOf('Wake').flatMap(({ Action }) => Action);
    expect([...new Set(granted)].sort()).toEqual([
      'dynamodb:BatchGetItem',
      'dynamodb:DeleteItem',
      'dynamodb:DescribeStream',
      'dynamodb:GetItem',
      'dynamodb:GetRecords',
      'dynamodb:GetShardIterator',
      'dynamodb:ListStreams',
      'dynamodb:PutItem',
      'dynamodb:Query',
      'execute-api:ManageConnections',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'secretsmanager:GetSecretValue',
    ]);
    const limited = statementsOf('Wake').filter(({ Condition }) => Condition !== undefined);
    expect(limited.map(({ Condition }) => Condition)).toEqual([
      { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['queue', keyKind, `${wakeKind}*`] } },
    ]);
    const sends = statementsOf('Wake').find(({ Action }) => Action === 'execute-api:ManageConnections');
    expect(JSON.stringify(sends!.Resource)).toMatch(/"DumbwaiterWakeUpsApi[^}]*\},"\/wake\/POST\/@connections\/\*"/);
  });

  test('alarms rise when it fails or is throttled, metrics count its defects, and the dashboard shows it', () => {
    for (const what of ['WakeErrors', 'WakeThrottles']) waking.at('AWS::CloudWatch::Alarm', `Alarms/${what}`);
    for (const what of ['WakeDefects', 'WakeUnavailable']) waking.at('AWS::Logs::MetricFilter', `Metrics/${what}`);
    const body = JSON.stringify(waking.at('AWS::CloudWatch::Dashboard', 'Dashboard').Properties.DashboardBody);
    for (const [id] of waking.all(lambda)) expect(body).toContain(id);
  });
});

test('a deployment may have both wake-ups and push, with one stream of each table', () => {
  const both = synthesize({ wakeUps: true, push: true });
  expect(both.all(mapping)).toHaveLength(4);
});

test('cdk-nag finds nothing in a stack with wake-ups', () => {
  const app = new App({ context: { wakeUps: 'true' } });
  addStack(app);
  const { violations } = new AwsSolutionsChecks(app).validateScope(app);
  expect(violations.map(({ ruleName, violatingResources }) => `${ruleName}: ${JSON.stringify(violatingResources)}`)).toEqual([]);
});
