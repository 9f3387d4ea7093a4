import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Dumbwaiter } from '../../infra/index.ts';
import { addStack } from '../../infra/stack.ts';
import { ensureBundles } from './synthesized.ts';

const queues = { orders: { deadLetter: { queue: 'orders-dead', maxReceives: 5 } }, 'orders-dead': {} };

beforeAll(async () => {
  await ensureBundles();
});

function templateWith(context: Record<string, unknown>): Template {
  return Template.fromStack(addStack(new App({ context })));
}

describe("cdk-nag's AwsSolutions pack", () => {
  function findingsOf(app: App): string[] {
    const { violations } = new AwsSolutionsChecks(app).validateScope(app);
    return violations.map(({ ruleName, violatingResources }) => `${ruleName}: ${JSON.stringify(violatingResources)}`);
  }

  test('cdk-nag finds nothing in the stack', () => {
    const app = new App({ context: { queues } });
    addStack(app);
    expect(findingsOf(app)).toEqual([]);
  });

  test('cdk-nag finds a fault that is put into the stack', () => {
    const app = new App();
    new Bucket(new Stack(app, 'Careless'), 'Bucket');
    expect(findingsOf(app).join()).toContain('AwsSolutions-S1');
  });
});

test("CloudFormation's rules find no error in the stack with every option", () => {
  vi.stubEnv('CDK_VALIDATION', undefined);
  onTestFinished(() => void vi.unstubAllEnvs());
  const options = { queues, push: 'true', sqs: 'true', wakeUps: 'true' };
  templateWith({ ...options, '@aws-cdk/core:validateAgainstDefaultRules': true });
});

test("the stack's outputs have the names by which clients look for them", () => {
  expect(Object.keys(templateWith({}).findOutputs('*')).sort()).toEqual([
    'AdminKeySecretArn',
    'ApiFunctionName',
    'ApiUrl',
    'DeclareQueuesFunctionName',
    'DeclareQueuesRoleArn',
    'LeasesTableName',
    'MessagesTableName',
    'MetricsNamespace',
    'PublishFunctionName',
    'QueuesTableName',
    'ReceiveFunctionName',
    'Region',
  ]);
});

test('a second construct in one stack puts its id before the names of its outputs', () => {
  const stack = new Stack(new App(), 'Test');
  new Dumbwaiter(stack, 'Dumbwaiter');
  new Dumbwaiter(stack, 'Other');
  new Dumbwaiter(stack, 'Silent', { outputs: false });
  const names = Object.keys(Template.fromStack(stack).findOutputs('*'));
  expect(names).toEqual(expect.arrayContaining(['ApiUrl', 'OtherApiUrl', 'QueuesTableName', 'OtherQueuesTableName']));
  expect(names).toHaveLength(24);
});

test('the stack takes a domain and its certificate from the context, and an output says where its DNS record points', () => {
  const certificate = 'arn:aws:acm:eu-west-1:111122223333:certificate/1';
  const template = templateWith({ domain: 'queue.example.com', certificate, disableExecuteApiEndpoint: 'true' });
  template.hasResourceProperties('AWS::ApiGatewayV2::DomainName', { DomainName: 'queue.example.com' });
  template.hasResourceProperties('AWS::ApiGatewayV2::Api', { DisableExecuteApiEndpoint: true });
  expect(template.findOutputs('DomainTarget')).not.toEqual({});
  expect(() => templateWith({ domain: 'queue.example.com' })).toThrow('given together');
});

test.each([
  ['text (command line)', JSON.stringify(queues)],
  ['an object (cdk.json)', queues],
])('the stack declares queues that the context gives as %s', (_, given) => {
  const template = templateWith({ queues: given });
  template.hasResourceProperties('Custom::DumbwaiterQueues', {
    queuesJson: JSON.stringify(queues),
    topicsJson: '{}',
    schedulesJson: '{}',
    ServiceTimeout: '120',
  });
});

test('the stack declares schedules beside queues', () => {
  const schedules = { hourly: { queue: 'orders', cron: '@hourly', message: { body: 1 } } };
  const template = templateWith({ schedules: JSON.stringify(schedules) });
  template.hasResourceProperties('Custom::DumbwaiterQueues', { queuesJson: '{}', schedulesJson: JSON.stringify(schedules) });
});

test('the stack declares topics that the context gives', () => {
  const topics = { news: { subscriptions: { billing: { subject: 'orders.>' } } } };
  const template = templateWith({ topics: JSON.stringify(topics) });
  template.hasResourceProperties('Custom::DumbwaiterQueues', { queuesJson: '{}', topicsJson: JSON.stringify(topics) });
});

test('the stack declares queues only after their function may write to the table', () => {
  const [resource] = Object.values(templateWith({ queues }).findResources('Custom::DumbwaiterQueues'));
  expect(resource!.DependsOn).toContainEqual(expect.stringMatching('^DumbwaiterFunctionsDeclareQueuesRoleDefaultPolicy'));
});

test('the stack declares nothing when the context names no queues', () => {
  expect(templateWith({}).findResources('Custom::DumbwaiterQueues')).toEqual({});
});

describe('the removal of stored data', () => {
  const kept = ['AWS::DynamoDB::Table', 'AWS::SecretsManager::Secret', 'AWS::Logs::LogGroup'];

  test.each(kept)('a resource of the type %s outlives the stack', (type) => {
    templateWith({}).allResources(type, { DeletionPolicy: Match.stringLikeRegexp('^Retain') });
  });

  test('a failed first deployment removes its secret and logs but not its tables, which are protected', () => {
    templateWith({}).allResources('AWS::DynamoDB::Table', { DeletionPolicy: 'Retain' });
    for (const type of kept.slice(1)) templateWith({}).allResources(type, { DeletionPolicy: 'RetainExceptOnCreate' });
  });

  test.each(kept)('a resource of the type %s is deleted with a removable stack', (type) => {
    templateWith({ removable: 'true' }).allResources(type, { DeletionPolicy: 'Delete' });
  });
});

test('the stack reserves concurrency for the sweep when the context says so', () => {
  const reserving = (context: Record<string, unknown>) =>
    Object.keys(
      templateWith(context).findResources('AWS::Lambda::Function', { Properties: { ReservedConcurrentExecutions: 1 } }),
    );
  expect(reserving({})).toEqual([]);
  expect(reserving({ reserveSweepConcurrency: 'true' })).toHaveLength(1);
});

test('the context caps the receives that run at once over HTTP, and refuses a cap that is not a number', () => {
  templateWith({ receiveConcurrency: '50' }).hasResourceProperties('AWS::Lambda::Function', { ReservedConcurrentExecutions: 50 });
  expect(() => templateWith({ receiveConcurrency: 'many' })).toThrow('receiveConcurrency is "many", and must be a whole number');
});

test('the context can rename the stack', () => {
  expect(addStack(new App({ context: { stack: 'Other' } })).stackName).toBe('Other');
});
