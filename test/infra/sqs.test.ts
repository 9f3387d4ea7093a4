/** A deployment that serves SQS: what its template has more than another. */
import { App } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { AwsSolutionsChecks } from 'cdk-nag';
import { beforeAll, expect, test } from 'vitest';
import { anyHost } from '../../contract/host-rule.ts';
import { createMemoryStore } from '../../engine/memory/store.ts';
import type { Store } from '../../engine/port/port.ts';
import { seededRandom } from '../../engine/port/random.ts';
import { assembleQueue } from '../../functions/assembly.ts';
import { administrator } from '../../functions/auth/authorize.ts';
import { invokeFunction } from '../../functions/local/invoke-function.ts';
import { createService } from '../../functions/service/service.ts';
import { createSqsFace } from '../../functions/sqs/face.ts';
import { addStack } from '../../infra/stack.ts';
import { auditKinds, forgetSecretsAccess, sqsAccess } from '../../infra/table-access.ts';
import { createDrivenClock } from '../support/driven-clock.ts';
import { loggedDefects } from '../support/local-queue.ts';
import { spyOnStore } from '../support/store-spy.ts';
import { ensureBundles, type Synthesized, synthesize } from './synthesized.ts';

const lambda = 'AWS::Lambda::Function';
const functionNames = ['Api', 'Publish', 'Receive', 'HttpReceive', 'Sqs', 'Sweep', 'Redrive', 'DeclareQueues'];

let plain: Synthesized;
let serving: Synthesized;

beforeAll(async () => {
  await ensureBundles();
  plain = synthesize();
  serving = synthesize({ sqs: true });
}, 180_000);

function propertiesOf(name: string, from = serving): Record<string, unknown> {
  return from.at(lambda, `Functions/${name}/Function`).Properties;
}

function variablesOf(name: string, from = serving): Record<string, unknown> {
  return (propertiesOf(name, from).Environment as { Variables: Record<string, unknown> }).Variables;
}

function statementsOf(name: string): { Action: string | string[]; Resource: unknown; Condition?: object }[] {
  return serving
    .all('AWS::IAM::Policy')
    .filter(([, { Properties }]) => JSON.stringify(Properties.Roles).includes(`"DumbwaiterFunctions${name}Role`))
    .flatMap(([, { Properties }]) => (Properties.PolicyDocument as { Statement: [] }).Statement);
}

test('a deployment serves SQS only on request', () => {
  expect(plain.all(lambda)).toHaveLength(functionNames.length - 1);
  expect(plain.all('AWS::SecretsManager::Secret')).toHaveLength(1);
  expect(plain.template.findOutputs('SqsEndpointUrl')).toEqual({});
  expect(serving.all(lambda)).toHaveLength(functionNames.length);
  const app = addStack(new App({ context: { sqs: 'true', sqsConcurrency: '50' } }));
  expect(app.node.findChild('Dumbwaiter').node.tryFindChild('AccessKeySecret')).toBeDefined();
});

test('API Gateway sends the paths of the HTTP API where it did, and every other path to the SQS function', () => {
  const integrations = new Map(serving.all('AWS::ApiGatewayV2::Integration'));
  const found = serving.all('AWS::ApiGatewayV2::Route').map(([, { Properties }]) => {
    const [, id] = /"Ref":"(\w+)"/.exec(JSON.stringify(Properties.Target))!;
    const uri = JSON.stringify(integrations.get(id!)!.Properties.IntegrationUri);
    return [Properties.RouteKey, /DumbwaiterFunctions([A-Za-z]+?)Function[0-9A-F]{8}/.exec(uri)![1]];
  });
  expect(Object.fromEntries(found)).toEqual({
    $default: 'Sqs',
    'ANY /v1/{proxy+}': 'Api',
    'POST /v1/queues/{queue}/receive': 'HttpReceive',
    'GET /v1/queues/{queue}/messages/{id}': 'HttpReceive',
  });
});

test('the SQS function has the memory and the time of a function that waits, and its concurrency can be capped', () => {
  expect(propertiesOf('Sqs')).toMatchObject({ MemorySize: 256, Timeout: 29 });
  expect(propertiesOf('Sqs')).not.toHaveProperty('ReservedConcurrentExecutions');
  const capped = synthesize({ sqs: true, sqsConcurrency: 50 });
  expect(propertiesOf('Sqs', capped).ReservedConcurrentExecutions).toBe(50);
  expect(() => synthesize({ sqsConcurrency: 50 })).toThrow('sqsConcurrency needs sqs');
});

test('only the functions that issue and verify access keys know their secret and may read it, and calls of SQS need no other secret', () => {
  const knowing = functionNames.filter((name) => 'DUMBWAITER_ACCESS_KEY_SECRET' in variablesOf(name));
  expect(knowing).toEqual(['Api', 'Sqs']);
  const readable = functionNames.map((name) => [
    name,
    statementsOf(name)
      .filter(({ Action }) => Action === 'secretsmanager:GetSecretValue')
      .map(({ Resource }) => /Dumbwaiter(AdminKey|AccessKeySecret)/.exec(JSON.stringify(Resource))![1]),
  ]);
  expect(Object.fromEntries(readable)).toEqual({
    Api: ['AdminKey', 'AccessKeySecret'],
    HttpReceive: ['AdminKey'],
    Sqs: ['AccessKeySecret'],
    Publish: [],
    Receive: [],
    Sweep: [],
    Redrive: [],
    DeclareQueues: [],
  });
  expect(variablesOf('Sqs')).not.toHaveProperty('DUMBWAITER_ADMIN_KEY_SECRET');
});

test('Secrets Manager generates the secret of access keys, and the key that encrypts the tables encrypts it', () => {
  const encryptionKey = Key.fromKeyArn(
    plain.stack,
    'Key',
    'arn:aws:kms:eu-west-1:111122223333:key/7b1c0f3e-6d52-4c5e-9a55-0c1d2e3f4a5b',
  );
  const sealed = synthesize({ sqs: true, encryptionKey });
  const { Properties } = sealed.at('AWS::SecretsManager::Secret', 'AccessKeySecret');
  expect(Properties).toMatchObject({
    GenerateSecretString: { PasswordLength: 43 },
    KmsKeyId: expect.stringContaining(':key/7b1c0f3e'),
  });
});

test('the SQS function may access queues, what SQS knows of them, and API keys, and may only remove signing secrets', () => {
  const ofQueues = statementsOf('Sqs').filter(
    ({ Resource, Action }) => JSON.stringify(Resource).includes('TablesQueues') && JSON.stringify(Action).includes('dynamodb:'),
  );
  const actions = (names: string) => names.split(' ').map((name) => `dynamodb:${name}`);
  expect(ofQueues.map(({ Action, Condition }) => [[Action].flat(), Condition])).toEqual([
    [
      actions('GetItem BatchGetItem Query PutItem DeleteItem'),
      { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': [...sqsAccess.queueKinds!] } },
    ],
    [actions('DeleteItem'), { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['signing'] } }],
  ]);
});

test('the outputs name the endpoint for clients of SQS and the secret for servers', () => {
  const [url, secret] = ['SqsEndpointUrl', 'AccessKeySecretArn'].map((name) => serving.template.findOutputs(name)[name]!.Value);
  expect(url).toEqual(serving.template.findOutputs('ApiUrl').ApiUrl!.Value);
  expect(JSON.stringify(secret)).toContain('AccessKeySecret');
});

test('grantServe lets a server read the secret of access keys, too', () => {
  const given = synthesize({ sqs: true }, (dumbwaiter, stack) => {
    dumbwaiter.grantServe(new Role(stack, 'Worker', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') }));
  });
  const policies = given.all('AWS::IAM::Policy').filter(([id]) => id.startsWith('Worker'));
  const read = JSON.stringify(policies).match(/"secretsmanager:GetSecretValue","Effect":"Allow","Resource":[^}]*/g)!;
  expect(read.map((statement) => /Dumbwaiter(AdminKey|AccessKeySecret)/.exec(statement)![1])).toEqual([
    'AdminKey',
    'AccessKeySecret',
  ]);
});

test('the SQS function has alarms, and its failures count in the metrics', () => {
  for (const name of ['SqsErrors', 'SqsThrottles']) {
    expect(serving.at('AWS::CloudWatch::Alarm', `Alarms/${name}`).Properties).toMatchObject({ Threshold: 1 });
  }
  const counted = serving.all('AWS::Logs::MetricFilter').filter(([id]) => id.startsWith('DumbwaiterMetricsSqs'));
  expect(counted.map(([id]) => id.replace(/[0-9A-F]{8}$/, '')).sort()).toEqual(
    ['Anomalies', 'DeadLettered', 'Defects', 'Expired', 'Unavailable'].map((name) => `DumbwaiterMetricsSqs${name}`),
  );
});

test('cdk-nag finds nothing in a stack that serves SQS', () => {
  const app = new App({ context: { sqs: 'true' } });
  addStack(app);
  const { violations } = new AwsSolutionsChecks(app).validateScope(app);
  expect(violations.map(({ ruleName, violatingResources }) => `${ruleName}: ${JSON.stringify(violatingResources)}`)).toEqual([]);
});

test('the policy of the SQS function names every partition of the table of queues that its actions read and write', async () => {
  const asked = new Set<string>();
  const spy = spyOnStore(createMemoryStore());
  spy.before = ({ keys }) => {
    for (const key of keys) if (key.table === 'queues') asked.add(key.kind);
  };
  const store: Store = {
    ...spy.store,
    range(range) {
      if (range.table === 'queues') asked.add(range.partition);
      return spy.store.range(range);
    },
  };
  const { log, defects } = loggedDefects();
  const parts = { store, clock: createDrivenClock(), random: seededRandom(1) };
  const { engine, keys, secrets, targets, stats, status, audit, queueRows, clock } = assembleQueue({
    parts,
    log,
    hosts: anyHost,
    invoke: invokeFunction,
  });
  const face = createSqsFace({
    service: createService({ engine, keys, secrets, targets, stats, status, audit, queueRows }),
    engine,
    queues: queueRows,
    clock,
    log,
    newRequestId: () => 'id',
    authenticate: async () => (await keys.find('0123456789ab')) ?? administrator('admin'),
  });
  const send = async (action: string, input: object): Promise<Record<string, never>> => {
    const headers = { 'x-amz-target': `AmazonSQS.${action}` };
    const request = new Request('http://localhost/', { method: 'POST', headers, body: JSON.stringify(input) });
    return (await face.fetch(request, {})).json();
  };
  const call = async (action: string, input: object) => {
    const output = await send(action, input);
    expect(output, action).not.toHaveProperty('__type');
    return output;
  };
  await engine.call('createQueue', { queue: 'fed' }, {});
  await engine.call('createTopic', { topic: 't' }, {});
  await engine.call('subscribe', { topic: 't', subscription: 's' }, { queue: 'fed' });
  asked.clear();
  const of = { QueueUrl: 'q' };
  const SourceArn = 'arn:aws:sqs:us-east-1:000000000000:dead';
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: SourceArn, maxReceiveCount: 1 });
  await call('CreateQueue', { QueueName: 'dead' });
  await call('CreateQueue', { QueueName: 'q', Attributes: { RedrivePolicy }, tags: { a: 'b' } });
  await call('SendMessage', { ...of, MessageBody: 'm' });
  await call('SendMessageBatch', { ...of, Entries: [{ Id: 'a', MessageBody: 'm', DelaySeconds: 1 }] });
  const { Messages } = await call('ReceiveMessage', { ...of });
  const [{ ReceiptHandle }] = Messages as unknown as [{ ReceiptHandle: string }];
  await call('ChangeMessageVisibility', { ...of, ReceiptHandle, VisibilityTimeout: 9 });
  await call('DeleteMessage', { ...of, ReceiptHandle });
  await call('SetQueueAttributes', { ...of, Attributes: { DelaySeconds: '1' } });
  await call('GetQueueAttributes', { ...of, AttributeNames: ['All'] });
  await call('ListQueues', {});
  await call('ListDeadLetterSourceQueues', { QueueUrl: 'dead' });
  const { TaskHandle } = await call('StartMessageMoveTask', { SourceArn });
  await call('ListMessageMoveTasks', { SourceArn });
  await call('CancelMessageMoveTask', { TaskHandle });
  const fifo = { QueueUrl: 'q.fifo' };
  await call('CreateQueue', { QueueName: 'q.fifo', Attributes: { FifoQueue: 'true' } });
  await call('SendMessage', { ...fifo, MessageBody: 'm', MessageGroupId: 'g', MessageDeduplicationId: 'd' });
  await call('ReceiveMessage', fifo);
  await call('PurgeQueue', of);
  await call('DeleteQueue', of);
  await stats.flush(true);
  expect(await send('DeleteQueue', { QueueUrl: 'fed' })).toMatchObject({ __type: 'com.amazonaws.sqs#UnsupportedOperation' });
  // Which partitions of the audit a few calls use is chance.
  const isAudit = (kind: string) => auditKinds.some((name) => name === kind);
  const permitted = [...sqsAccess.queueKinds!, ...forgetSecretsAccess.queueKinds!];
  expect([...asked].filter((kind) => !isAudit(kind)).sort()).toEqual(permitted.filter((kind) => !isAudit(kind)).sort());
  expect([...asked].filter(isAudit).length).toBeGreaterThan(0);
  expect(defects).toEqual([]);
});
