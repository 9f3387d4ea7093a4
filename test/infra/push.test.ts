/** A deployment that pushes messages: what its template has more than another. */
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { AwsSolutionsChecks } from 'cdk-nag';
import { beforeAll, describe, expect, test } from 'vitest';
import { type ConsumerOptions, Dumbwaiter, type DumbwaiterProps } from '../../infra/index.ts';
import { addStack } from '../../infra/stack.ts';
import { createPushBed } from '../support/push-bed.ts';
import { ensureBundles, type Resource, type Synthesized, synthesize } from './synthesized.ts';

const dispatch = 'Functions/Dispatch';
const lambda = 'AWS::Lambda::Function';
const mapping = 'AWS::Lambda::EventSourceMapping';

let plain: Synthesized;
let pushing: Synthesized;

beforeAll(async () => {
  await ensureBundles();
  plain = synthesize();
  pushing = withConsumers([['Charge', { batchSize: 5 }]]);
});

function addFunction(stack: Stack, id: string, timeout = Duration.seconds(30)): LambdaFunction {
  const code = Code.fromInline('exports.handler = async () => {};');
  return new LambdaFunction(stack, id, { runtime: Runtime.NODEJS_24_X, handler: 'index.handler', code, timeout });
}

/** Each consumer is a function of this id, of the queue `orders`. */
function withConsumers(consumers: [id: string, options?: ConsumerOptions][], props: DumbwaiterProps = {}): Synthesized {
  return synthesize({ queues: { orders: {} }, ...props }, (dumbwaiter, stack) => {
    for (const [id, options] of consumers) dumbwaiter.queue('orders').addConsumer(addFunction(stack, id), options);
  });
}

function declaration(from: Synthesized): Resource {
  return from.all('Custom::DumbwaiterQueues')[0]![1];
}

function declaredTargets(from: Synthesized): { text: string; arns: string[] } {
  const { Properties } = declaration(from);
  const { targetsJson } = Properties as { targetsJson: { 'Fn::Join': [string, unknown[]] } };
  const [, parts] = targetsJson['Fn::Join'];
  const arns = parts.flatMap((part) =>
    typeof part === 'string' ? [] : [(part as { 'Fn::GetAtt': string[] })['Fn::GetAtt'][0]!],
  );
  return { text: parts.map((part) => (typeof part === 'string' ? part : 'ARN')).join(''), arns };
}

describe('a deployment without consumers', () => {
  test('it has no dispatch function, no streams and no triggers', () => {
    expect(plain.all(lambda).filter(([id]) => id.includes('Dispatch'))).toEqual([]);
    for (const [, { Properties }] of plain.all('AWS::DynamoDB::Table'))
      expect(Properties).not.toHaveProperty('StreamSpecification');
    expect(plain.template.findResources(mapping)).toEqual({});
    expect(plain.at(lambda, 'Functions/Sweep/Function').Properties.Environment).not.toHaveProperty(
      'Variables.DUMBWAITER_DISPATCH_FUNCTION',
    );
  });

  test('the prop push makes the dispatch function, for targets that are put over the API', () => {
    expect(synthesize({ push: true }).all(mapping)).toHaveLength(2);
    expect(synthesize({ push: true }).template.findResources('Custom::DumbwaiterQueues')).toEqual({});
    const app = addStack(new App({ context: { push: 'true', pushAllowedHosts: 'a.internal,b.internal' } }));
    expect(app.node.findChild('Dumbwaiter').node.tryFindChild('Functions')?.node.tryFindChild('Dispatch')).toBeDefined();
  });
});

describe('the dispatch function', () => {
  test('it has 256 MB and 15 minutes, and Lambda does not stop its invocations of itself as a loop', () => {
    const { Properties } = pushing.at(lambda, `${dispatch}/Function`);
    expect(Properties).toMatchObject({ MemorySize: 256, Timeout: 900, RecursiveLoop: 'Allow' });
    expect(Properties).not.toHaveProperty('ReservedConcurrentExecutions');
  });

  test('Lambda does not retry its asynchronous invocations: the next sweep makes up for one that failed', () => {
    const configs = pushing.all('AWS::Lambda::EventInvokeConfig').map(([, { Properties }]) => Properties);
    expect(configs).toHaveLength(2);
    for (const config of configs) expect(config).toMatchObject({ MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 });
  });

  test('the streams of messages and leases trigger it, with few retries and nothing kept of a failure', () => {
    const mappings = pushing.all(mapping).map(([, { Properties }]) => Properties);
    expect(mappings).toHaveLength(2);
    for (const one of mappings) {
      expect(one).toMatchObject({
        StartingPosition: 'LATEST',
        MaximumRetryAttempts: 2,
        MaximumRecordAgeInSeconds: 60,
        BisectBatchOnFunctionError: false,
        FunctionName: { Ref: expect.stringMatching('^DumbwaiterFunctionsDispatchFunction') },
      });
      expect(one).not.toHaveProperty('DestinationConfig');
      expect(one).not.toHaveProperty('MaximumBatchingWindowInSeconds');
    }
  });

  test('the streams show new images, and the table of queues has no stream', () => {
    const viewOf = (table: string) => pushing.at('AWS::DynamoDB::Table', `Tables/${table}`).Properties.StreamSpecification;
    expect(viewOf('Messages')).toEqual({ StreamViewType: 'NEW_IMAGE' });
    expect(viewOf('Leases')).toEqual({ StreamViewType: 'NEW_IMAGE' });
    expect(viewOf('Queues')).toBeUndefined();
  });

  test('the sweep knows it and may invoke it, and no other function does', () => {
    const knowing = pushing.all(lambda).filter(([, fn]) => JSON.stringify(fn).includes('DUMBWAITER_DISPATCH_FUNCTION'));
    expect(knowing.map(([id]) => id)).toEqual([expect.stringMatching('^DumbwaiterFunctionsSweepFunction')]);
    const allowed = pushing
      .all('AWS::IAM::Policy')
      .filter(([, policy]) =>
        /DumbwaiterFunctionsDispatchFunction[0-9A-F]{8}/.test(JSON.stringify(policy.Properties.PolicyDocument)),
      );
    const [own, sweep] = ['ContinueDispatch', 'SweepRoleDefaultPolicy'].map((name) =>
      expect.stringMatching(`^DumbwaiterFunctions${name}`),
    );
    expect(allowed.map(([id]) => id).sort()).toEqual([own, sweep]);
  });

  test('allowed hosts reach the functions that call URLs', () => {
    const given = synthesize({ push: true, pushAllowedHosts: ['10.0.0.7', '*.corp.example'] });
    const knowing = given.all(lambda).filter(([, fn]) => JSON.stringify(fn).includes('10.0.0.7,*.corp.example'));
    expect(knowing.map(([id]) => /Functions(\w+?)Function/.exec(id)![1]).sort()).toEqual(['Api', 'Dispatch', 'Sweep']);
  });
});

describe('addConsumer', () => {
  test('it declares the function as a target of the queue, under the id of its construct', () => {
    const { text, arns } = declaredTargets(pushing);
    expect(JSON.parse(text)).toEqual({ orders: { Charge: { functionName: 'ARN', batchSize: 5 } } });
    expect(arns).toEqual([expect.stringMatching('^Charge')]);
  });

  test('it passes on its options', () => {
    const options = {
      name: 'charge-cards',
      batchSize: 20,
      maxBatchingWindow: Duration.seconds(3),
      maxConcurrency: 2,
      reportBatchItemFailures: true,
    };
    const given = withConsumers([['Charge', options], ['Mail']]);
    expect(JSON.parse(declaredTargets(given).text)).toEqual({
      orders: {
        'charge-cards': {
          functionName: 'ARN',
          batchSize: 20,
          maxBatchingWindowSeconds: 3,
          maxConcurrency: 2,
          reportBatchItemFailures: true,
        },
        Mail: { functionName: 'ARN' },
      },
    });
    expect(given.all(mapping)).toHaveLength(2);
  });

  test('it lets the dispatch function invoke this function and no other', () => {
    const [, { Properties }] = pushing.all('AWS::IAM::Policy').find(([id]) => id.startsWith('DumbwaiterFunctionsDispatchRole'))!;
    const { Statement } = Properties.PolicyDocument as { Statement: { Action: string; Resource: unknown }[] };
    expect(Statement.filter(({ Action }) => Action === 'lambda:InvokeFunction').map(({ Resource }) => Resource)).toEqual([
      { 'Fn::GetAtt': [expect.stringMatching('^Charge'), 'Arn'] },
    ]);
  });

  test('the target is declared when the dispatch function is ready to deliver, streams included', () => {
    const { DependsOn } = declaration(pushing);
    for (const part of ['Function', 'Published', 'Due', 'RoleDefaultPolicy']) {
      expect(DependsOn).toContainEqual(expect.stringMatching(`^DumbwaiterFunctionsDispatch${part}`));
    }
  });

  test('a stack that declares no queue can have a consumer of a queue that exists', () => {
    const given = withConsumers([['Charge']], { queues: {} });
    expect(given.all('Custom::DumbwaiterQueues')).toHaveLength(1);
  });

  test.each<[string, ConsumerOptions, string]>([
    ['a batch that is too large', { batchSize: 101 }, 'the consumer "Charge" of "orders".batchSize: must be'],
    ['a name that no target can have', { name: 'a b' }, 'target: must be'],
    ['a window that is too long', { maxBatchingWindow: Duration.minutes(6) }, 'maxBatchingWindowSeconds: must be'],
  ])('it refuses %s at synth', (_, options, expected) => {
    expect(() => withConsumers([['Charge', options]])).toThrow(expected);
  });

  test('a consumer may have the name of what every object has', () => {
    const named = withConsumers([['Charge', { name: 'constructor' }]]);
    expect(declaredTargets(named).text).toContain('"constructor":{');
  });

  test('it refuses a second consumer of the same name, and a function that may run longer than it is waited for', () => {
    const same = { name: 'same' };
    expect(() =>
      withConsumers([
        ['Charge', same],
        ['Mail', same],
      ]),
    ).toThrow('two consumers named same');
    expect(() =>
      synthesize({}, (dumbwaiter, stack) => dumbwaiter.queue('q').addConsumer(addFunction(stack, 'Slow', Duration.minutes(10)))),
    ).toThrow('the timeout of the consumer Test/Slow must be at most 540 s; it may run for 600 s');
  });
});

describe('the monitoring of a deployment that pushes', () => {
  test('alarms rise when a target fails, and when the dispatch function fails or is throttled', () => {
    const alarm = (name: string) => pushing.at('AWS::CloudWatch::Alarm', `Alarms/${name}`).Properties;
    expect(alarm('TargetsFailed')).toMatchObject({ MetricName: 'TargetsFailed', Statistic: 'Sum', Threshold: 1 });
    for (const what of ['Errors', 'Throttles']) expect(alarm(`Dispatch${what}`)).toMatchObject({ MetricName: what });
    for (const [id, { Properties }] of pushing.all('AWS::CloudWatch::Alarm')) {
      expect(Properties.AlarmDescription, id).toMatch(/^.{30,}\.$/);
    }
  });

  test('metrics count the failed targets and the engine events that the dispatch function logs', () => {
    const filters = pushing
      .all('AWS::Logs::MetricFilter')
      .filter(([, { Properties }]) => JSON.stringify(Properties.LogGroupName).includes('FunctionsDispatchLogs'));
    const kinds = filters.map(([, { Properties }]) => /"(\w+)"/.exec(String(Properties.FilterPattern))![1]);
    expect(kinds.sort()).toEqual(['anomaly', 'dead_lettered', 'defect', 'expired', 'target_failed']);
  });

  test('a dispatcher whose function is missing logs the line that these metrics count', async () => {
    const bed = createPushBed();
    bed.invoke = async () => {
      throw Object.assign(new Error('there is no such function'), { name: 'ResourceNotFoundException' });
    };
    const one = bed.process();
    await one.engine.call('createQueue', { queue: 'q' }, {});
    await one.targets.put('q', 'f', { functionName: 'gone' });
    await one.engine.call('publish', { queue: 'q' }, { messages: [{ body: 1 }] });
    await one.drain();
    expect(bed.lines).toMatchObject([{ kind: 'target_failed', queue: 'q', target: 'f', state: 'broken' }]);
  });

  test('the dashboard shows every alarm and every function', () => {
    const body = JSON.stringify(pushing.at('AWS::CloudWatch::Dashboard', 'Dashboard').Properties.DashboardBody);
    for (const [id] of pushing.all('AWS::CloudWatch::Alarm')) expect(body).toContain(id);
    for (const [id] of pushing.all(lambda).filter(([name]) => name.startsWith('Dumbwaiter'))) expect(body).toContain(id);
  });
});

test('cdk-nag finds nothing in a stack with a consumer', () => {
  const app = new App();
  const stack = new Stack(app, 'Test');
  const dumbwaiter = new Dumbwaiter(stack, 'Dumbwaiter', { queues: { orders: {} } });
  const before = new AwsSolutionsChecks(app).validateScope(app).violations;
  expect(before).toEqual([]);
  dumbwaiter
    .queue('orders')
    .addConsumer(LambdaFunction.fromFunctionArn(stack, 'Charge', 'arn:aws:lambda:eu-west-1:1:function:c'));
  expect(new AwsSolutionsChecks(app).validateScope(app).violations).toEqual([]);
});
