import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { beforeAll, describe, expect, test } from 'vitest';
import { bundleFunctions } from '../../infra/bundle.ts';
import { Dumbwaiter } from '../../infra/index.ts';
import { addStack } from '../../infra/stack.ts';

const queues = { orders: { deadLetter: { queue: 'orders-dead', maxReceives: 5 } }, 'orders-dead': {} };

beforeAll(async () => {
  await bundleFunctions();
});

function templateWith(context: Record<string, unknown>): Template {
  return Template.fromStack(addStack(new App({ context })));
}

describe("cdk-nag's AwsSolutions pack", () => {
  function findingsOf(app: App): string[] {
    const { violations } = new AwsSolutionsChecks(app).validateScope(app);
    return violations.map(({ ruleName, violatingResources }) => `${ruleName}: ${JSON.stringify(violatingResources)}`);
  }

  test('finds nothing in the stack', () => {
    const app = new App({ context: { queues } });
    addStack(app);
    expect(findingsOf(app)).toEqual([]);
  });

  test('would find something', () => {
    const app = new App();
    new Bucket(new Stack(app, 'Careless'), 'Bucket');
    expect(findingsOf(app).join()).toContain('AwsSolutions-S1');
  });
});

test('the outputs bear the names by which clients look for them', () => {
  expect(Object.keys(templateWith({}).findOutputs('*')).sort()).toEqual([
    'AdminKeySecretArn',
    'ApiFunctionName',
    'ApiUrl',
    'LeasesTableName',
    'MessagesTableName',
    'PublishFunctionName',
    'QueuesTableName',
    'ReceiveFunctionName',
  ]);
});

test('a second Dumbwaiter in one stack has its id before the names of its outputs', () => {
  const stack = new Stack(new App(), 'Test');
  new Dumbwaiter(stack, 'Dumbwaiter');
  new Dumbwaiter(stack, 'Other');
  new Dumbwaiter(stack, 'Silent', { outputs: false });
  const names = Object.keys(Template.fromStack(stack).findOutputs('*'));
  expect(names).toEqual(expect.arrayContaining(['ApiUrl', 'OtherApiUrl', 'QueuesTableName', 'OtherQueuesTableName']));
  expect(names).toHaveLength(16);
});

test('a domain and its certificate are taken from the context, and the output says where its DNS record points', () => {
  const certificate = 'arn:aws:acm:eu-west-1:111122223333:certificate/1';
  const template = templateWith({ domain: 'queue.example.com', certificate, disableExecuteApiEndpoint: 'true' });
  template.hasResourceProperties('AWS::ApiGatewayV2::DomainName', { DomainName: 'queue.example.com' });
  template.hasResourceProperties('AWS::ApiGatewayV2::Api', { DisableExecuteApiEndpoint: true });
  expect(template.findOutputs('DomainTarget')).not.toEqual({});
  expect(() => templateWith({ domain: 'queue.example.com' })).toThrow('given together');
});

test.each([
  ['text, as the command line gives it', JSON.stringify(queues)],
  ['an object, as cdk.json gives it', queues],
])('queues are declared by %s', (_, given) => {
  const template = templateWith({ queues: given });
  template.hasResourceProperties('Custom::DumbwaiterQueues', {
    queuesJson: JSON.stringify(queues),
    schedulesJson: '{}',
    ServiceTimeout: '120',
  });
});

test('schedules are declared beside them', () => {
  const schedules = { hourly: { queue: 'orders', cron: '@hourly', message: { body: 1 } } };
  const template = templateWith({ schedules: JSON.stringify(schedules) });
  template.hasResourceProperties('Custom::DumbwaiterQueues', { queuesJson: '{}', schedulesJson: JSON.stringify(schedules) });
});

test('the queues are declared only once their function may reach the table', () => {
  const [resource] = Object.values(templateWith({ queues }).findResources('Custom::DumbwaiterQueues'));
  expect(resource!.DependsOn).toContainEqual(expect.stringMatching('^DumbwaiterFunctionsDeclareQueuesRoleDefaultPolicy'));
});

test('without queues nothing is declared', () => {
  expect(templateWith({}).findResources('Custom::DumbwaiterQueues')).toEqual({});
});

describe('what is stored', () => {
  const kept = ['AWS::DynamoDB::Table', 'AWS::SecretsManager::Secret', 'AWS::Logs::LogGroup'];

  test.each(kept)('outlives the stack, if it is %s', (type) => {
    templateWith({}).allResources(type, { DeletionPolicy: Match.stringLikeRegexp('^Retain') });
  });

  test('goes when the first deployment fails, but for the tables: CloudFormation cannot delete what is protected', () => {
    templateWith({}).allResources('AWS::DynamoDB::Table', { DeletionPolicy: 'Retain' });
    for (const type of kept.slice(1)) templateWith({}).allResources(type, { DeletionPolicy: 'RetainExceptOnCreate' });
  });

  test.each(kept)('goes with a removable stack, if it is %s', (type) => {
    templateWith({ removable: 'true' }).allResources(type, { DeletionPolicy: 'Delete' });
  });
});

test('concurrency is reserved for the sweep when the context says so', () => {
  const reserving = (context: Record<string, unknown>) =>
    Object.keys(
      templateWith(context).findResources('AWS::Lambda::Function', { Properties: { ReservedConcurrentExecutions: 1 } }),
    );
  expect(reserving({})).toEqual([]);
  expect(reserving({ reserveSweepConcurrency: 'true' })).toHaveLength(1);
});

test('the stack can be given another name', () => {
  expect(addStack(new App({ context: { stack: 'Other' } })).stackName).toBe('Other');
});
