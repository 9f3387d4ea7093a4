/** What each role may do, word for word, so that each change of a right is visible here. */
import { App, Stack } from 'aws-cdk-lib';
import { AccountPrincipal, type IGrantable, OrganizationPrincipal, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key as KmsKey } from 'aws-cdk-lib/aws-kms';
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { beforeAll, describe, expect, test } from 'vitest';
import { createEngine } from '../../engine/create.ts';
import { createMemoryStore } from '../../engine/memory/store.ts';
import { signingKind } from '../../engine/model/rows-by-name.ts';
import type { Store } from '../../engine/port/port.ts';
import { seededRandom } from '../../engine/port/random.ts';
import { keyKind } from '../../functions/auth/key-rows.ts';
import { statsKind } from '../../functions/metrics/stats-rows.ts';
import { Dumbwaiter, type DumbwaiterProps } from '../../infra/index.ts';
import { auditKinds, engineKinds, sweepKinds } from '../../infra/table-access.ts';
import { createDrivenClock } from '../support/driven-clock.ts';
import { hourMs } from '../support/durations.ts';
import { spyOnStore } from '../support/store-spy.ts';
import { ensureBundles, type Synthesized, synthesize } from './synthesized.ts';

interface Statement {
  Effect: string;
  Action: string | string[];
  Resource: unknown;
  Condition?: object;
}

let synthesized: Synthesized;

beforeAll(async () => {
  await ensureBundles();
  synthesized = synthesize();
});

function statementsOf(role: string, from = synthesized): Statement[] {
  return from
    .all('AWS::IAM::Policy')
    .filter(([, { Properties }]) => JSON.stringify(Properties.Roles).includes(`"${role}`))
    .flatMap(([, { Properties }]) => (Properties.PolicyDocument as { Statement: Statement[] }).Statement);
}

/** Sorted lines `action → resource`. A resource is the construct's path without its hash. */
function grantsOf(role: string, from = synthesized): string[] {
  return statementsOf(role, from)
    .flatMap(({ Effect, Action, Resource }) =>
      [Resource].flat().flatMap((resource) => [Action].flat().map((action) => `${Effect} ${action} → ${plain(resource)}`)),
    )
    .sort();
}

function plain(resource: unknown): string {
  if (typeof resource === 'string') return resource;
  const text = JSON.stringify(resource);
  const [, path, attribute] = /"Fn::GetAtt":\["Dumbwaiter([A-Za-z]+?)[0-9A-F]{8}","(Arn|Id|StreamArn)"\]/.exec(text) ?? [];
  return `${path ?? text}${text.includes('/index/due') ? ' due' : attribute === 'StreamArn' ? ' stream' : ''}`;
}

const rows = (actions: string, resource: string) => actions.split(' ').map((action) => `Allow dynamodb:${action} → ${resource}`);
const logs = (name: string) =>
  ['logs:CreateLogStream', 'logs:PutLogEvents'].map((action) => `Allow ${action} → Functions${name}Logs`);
const messages = rows('GetItem BatchGetItem Query PutItem UpdateItem DeleteItem BatchWriteItem', 'TablesMessages');
const leases = rows('GetItem BatchGetItem PutItem UpdateItem', 'TablesLeases');
const due = rows('Query', 'TablesLeases due');
const undeletedQueues = rows('GetItem BatchGetItem Query PutItem', 'TablesQueues');
const queues = [...undeletedQueues, ...rows('DeleteItem', 'TablesQueues')];
const targets = rows('UpdateItem', 'TablesQueues');
const startRedrive = 'Allow lambda:InvokeFunction → FunctionsRedriveFunction';

describe('the policies of the functions', () => {
  const expected: Record<string, string[]> = {
    Api: [
      ...messages,
      ...leases,
      ...due,
      ...queues,
      ...targets,
      'Allow secretsmanager:GetSecretValue → AdminKeySecret',
      startRedrive,
    ],
    Publish: [...messages, ...leases, ...due, ...queues],
    Receive: [...messages, ...leases, ...due, ...queues],
    HttpReceive: [...messages, ...leases, ...due, ...undeletedQueues, 'Allow secretsmanager:GetSecretValue → AdminKeySecret'],
    Sweep: [...messages, ...leases, ...rows('DeleteItem BatchWriteItem', 'TablesLeases'), ...due, ...queues, startRedrive],
    Redrive: [...messages, ...leases, ...due, ...queues, startRedrive],
    DeclareQueues: [...queues, ...rows('DeleteItem', 'TablesQueues')],
  };

  test.each(Object.keys(expected))('the function %s may do exactly what it needs', (name) => {
    expect(grantsOf(`DumbwaiterFunctions${name}Role`)).toEqual([...expected[name]!, ...logs(name)].sort());
  });

  test.each([
    ['Publish', [...engineKinds, statsKind, ...auditKinds]],
    ['Receive', [...engineKinds, statsKind, ...auditKinds]],
    ['Redrive', [...engineKinds, statsKind]],
    ['Sweep', [...sweepKinds, statsKind]],
  ])('the policy of %s excludes API keys by naming partitions of the table of queues', (name, kinds) => {
    const ofQueues = statementsOf(`DumbwaiterFunctions${name}Role`).filter(({ Resource }) => plain(Resource) === 'TablesQueues');
    expect(ofQueues.map(({ Condition }) => Condition)).toEqual([
      { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': [...kinds] } },
    ]);
    expect(kinds).not.toContain(keyKind);
  });

  test('the function that receives over HTTP may access queues and API keys, and no other row of the table of queues', () => {
    const ofQueues = statementsOf('DumbwaiterFunctionsHttpReceiveRole').filter(
      ({ Resource }) => plain(Resource) === 'TablesQueues',
    );
    expect(ofQueues.map(({ Condition }) => Condition)).toEqual([
      { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['queue', keyKind, statsKind] } },
    ]);
  });

  test('the function that declares queues may remove keys and targets, also when the stack no longer has any', () => {
    const ofQueues = statementsOf('DumbwaiterFunctionsDeclareQueuesRole').filter(
      ({ Resource }) => plain(Resource) === 'TablesQueues',
    );
    const kinds = (...names: string[]) => ({ 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': names } });
    expect(ofQueues).toMatchObject([
      { Condition: kinds(...engineKinds) },
      { Action: 'dynamodb:DeleteItem', Condition: kinds(keyKind, 'target') },
    ]);
  });

  test('the function that declares schedules may publish their first messages', () => {
    const schedules = { hourly: { queue: 'q', cron: '@hourly', message: { body: 1 } } };
    const declaring = grantsOf('DumbwaiterFunctionsDeclareQueuesRole', synthesize({ schedules }));
    const removing = rows('DeleteItem', 'TablesQueues');
    expect(declaring).toEqual([...messages, ...leases, ...due, ...queues, ...removing, ...logs('DeclareQueues')].sort());
  });

  test('the functions of a deployment that pushes may do no more than that needs', () => {
    const pushing = synthesize({}, (dumbwaiter, stack) => {
      const consumer = LambdaFunction.fromFunctionArn(stack, 'Charge', 'arn:aws:lambda:eu-west-1:111122223333:function:charge');
      dumbwaiter.queue('orders').addConsumer(consumer);
    });
    const invokes = (what: string) => `Allow lambda:InvokeFunction → ${what}`;
    const streamOf = (table: string) => rows('DescribeStream GetRecords GetShardIterator ListStreams', `${table} stream`);
    expect(grantsOf('DumbwaiterFunctionsDispatchRole', pushing)).toEqual(
      [
        ...messages,
        ...leases,
        ...due,
        ...undeletedQueues,
        ...targets,
        ...streamOf('TablesMessages'),
        ...streamOf('TablesLeases'),
        invokes('arn:aws:lambda:eu-west-1:111122223333:function:charge'),
        invokes('FunctionsDispatchFunction'),
        ...logs('Dispatch'),
      ].sort(),
    );
    expect(grantsOf('DumbwaiterFunctionsSweepRole', pushing)).toEqual(
      [...expected.Sweep!, invokes('FunctionsDispatchFunction'), ...logs('Sweep')].sort(),
    );
    const kindsOf = (name: string) =>
      statementsOf(`DumbwaiterFunctions${name}Role`, pushing)
        .filter(({ Resource }) => plain(Resource) === 'TablesQueues')
        .map(({ Condition }) => Object.values(Condition!)[0]['dynamodb:LeadingKeys']);
    expect(kindsOf('Dispatch')).toEqual([['queue', 'target', signingKind, statsKind]]);
    expect(kindsOf('DeclareQueues')).toEqual([[...engineKinds], [keyKind, 'target'], ['target']]);
  });

  test('the stack has no role except those of its functions', () => {
    expect(synthesized.all('AWS::IAM::Role')).toHaveLength(Object.keys(expected).length);
    for (const [id, { Properties }] of synthesized.all('AWS::IAM::Role')) {
      expect(Object.keys(Properties), id).toEqual(['AssumeRolePolicyDocument']);
    }
  });
});

test('no policy has a wildcard in its actions or resources', () => {
  for (const [id, policy] of synthesized.all('AWS::IAM::Policy')) expect(JSON.stringify(policy), id).not.toContain('*');
});

test.each([
  ['grantPublish', 'FunctionsPublishFunction'],
  ['grantReceive', 'FunctionsReceiveFunction'],
  ['grantAdmin', 'FunctionsApiFunction'],
] as const)('%s lets its grantee invoke exactly one function', (grant, target) => {
  const given = synthesize({}, (dumbwaiter, stack) => {
    const role = new Role(stack, 'Worker', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') });
    expect(dumbwaiter[grant](role).success).toBe(true);
  });
  expect(grantsOf('Worker', given)).toEqual([`Allow lambda:InvokeFunction → ${target}`]);
});

describe('grants on the tables themselves', () => {
  const given = (grant: 'grantDirect' | 'grantServe' | 'grantTransactions', props: DumbwaiterProps = {}) =>
    synthesize(props, (dumbwaiter, stack) => {
      const role = new Role(stack, 'Worker', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') });
      expect(dumbwaiter[grant](role).success).toBe(true);
    });

  test('grantDirect allows what every operation needs except those on keys', () => {
    expect(grantsOf('Worker', given('grantDirect'))).toEqual([...messages, ...leases, ...due, ...queues].sort());
  });

  test('grantDirect excludes API keys by naming partitions of the table of queues', () => {
    const ofQueues = statementsOf('Worker', given('grantDirect')).filter(({ Resource }) => plain(Resource) === 'TablesQueues');
    expect(ofQueues.map(({ Condition }) => Condition)).toEqual([
      { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': [...engineKinds] } },
    ]);
  });

  test('the policies name every partition of the table of queues that operations and the sweep read', async () => {
    const asked = new Set<string>();
    const memory = createMemoryStore();
    const spy = spyOnStore(memory);
    spy.before = ({ keys }) => {
      for (const key of keys) if (key.table === 'queues') asked.add(key.kind);
    };
    const store: Store = {
      ...spy.store,
      range(range) {
        if (range.table === 'queues') asked.add(range.partition);
        return memory.range(range);
      },
    };
    const clock = createDrivenClock();
    const engine = createEngine({ store, clock, random: seededRandom(1) });
    const [queue, schedule] = [{ queue: 'q' }, { name: 's' }];
    await engine.call('createQueue', queue, {});
    await engine.call('publish', queue, { messages: [{ body: 1 }, { body: 2, id: 'own' }] });
    await engine.call('receive', queue, { max: 2 });
    const { id } = await engine.call('redrive', queue, {});
    await engine.runRedrive('q', id, { until: Number.POSITIVE_INFINITY });
    await engine.call('putSchedule', schedule, { queue: 'q', message: { body: 1 }, everySeconds: 60 });
    await engine.call('listSchedules', {}, {});
    await engine.call('listQueues', {}, {});
    await engine.call('createTopic', { topic: 't' }, {});
    await engine.call('subscribe', { topic: 't', subscription: 's' }, {});
    await engine.call('subscribe', { topic: 't', subscription: 'u' }, {});
    // More writes than one transaction takes.
    const messages = Array.from({ length: 60 }, (_, index) => ({ body: index, id: `m${index}` }));
    await engine.call('publishToTopic', { topic: 't' }, { messages });
    await engine.call('deleteTopic', { topic: 't' }, { force: true });
    await engine.call('deleteQueue', queue, {});
    expect([...asked].sort()).toEqual([...engineKinds].sort());
    expect(asked).not.toContain(signingKind);
    // The rows of a deleted queue, its targets too, are removed when no process can use them any more.
    clock.advance(hourMs);
    await engine.sweep({ until: Number.POSITIVE_INFINITY });
    expect([...asked].sort()).toEqual([...sweepKinds].sort());
  });

  test('grantCheckBack lets the sweep invoke the given function', () => {
    const sweepOf = (stack: Synthesized) =>
      grantsOf('DumbwaiterFunctionsSweep', stack).filter((line) => line.includes('lambda:'));
    const given = synthesize({}, (dumbwaiter, stack) => {
      const functionArn = 'arn:aws:lambda:eu-central-1:123456789012:function:orders-check';
      dumbwaiter.grantCheckBack(LambdaFunction.fromFunctionAttributes(stack, 'Check', { functionArn, sameEnvironment: true }));
    });
    const more = sweepOf(given).filter((line) => !sweepOf(synthesized).includes(line));
    expect(more.length).toBeGreaterThan(0);
    for (const line of more) expect(line).toMatch(/^Allow lambda:InvokeFunction → .*:function:orders-check/);
  });

  test('grantServe allows what the functions do together, API keys and the admin key included', () => {
    const stack = given('grantServe');
    expect(grantsOf('Worker', stack)).toEqual(
      [
        ...messages,
        ...leases,
        ...rows('DeleteItem BatchWriteItem', 'TablesLeases'),
        ...due,
        ...queues,
        ...targets,
        'Allow secretsmanager:GetSecretValue → AdminKeySecret',
      ].sort(),
    );
    expect(statementsOf('Worker', stack).filter(({ Condition }) => Condition !== undefined)).toEqual([]);
  });

  test('grantTransactions allows puts and updates and nothing else', () => {
    expect(grantsOf('Worker', given('grantTransactions'))).toEqual(
      [...rows('PutItem', 'TablesMessages'), ...rows('PutItem UpdateItem', 'TablesLeases')].sort(),
    );
  });

  test('grantDirect includes the use of a customer managed key', () => {
    const stack = synthesize({}, (_, into) => {
      const encryptionKey = new KmsKey(into, 'Own');
      const dumbwaiter = new Dumbwaiter(into, 'Sealed', { encryptionKey });
      dumbwaiter.grantDirect(new Role(into, 'Worker', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') }));
    });
    expect(grantsOf('Worker', stack).some((line) => line.startsWith('Allow kms:Decrypt'))).toBe(true);
  });
});

describe('a grant without effect', () => {
  const grants = ['grantPublish', 'grantReceive', 'grantAdmin', 'grantDirect', 'grantServe', 'grantTransactions'] as const;
  const [own, other] = ['111122223333', '444455556666'];

  function grantTo(grant: (typeof grants)[number], granteeIn: (stack: Stack) => IGrantable): void {
    const stack = new Stack(new App(), 'Test', { env: { account: own, region: 'eu-west-1' } });
    new Dumbwaiter(stack, 'Dumbwaiter')[grant](granteeIn(stack));
  }

  test.each(grants)('%s throws at synth for a role of another account', (grant) => {
    const foreign = (stack: Stack) => Role.fromRoleArn(stack, 'Foreign', `arn:aws:iam::${other}:role/worker`);
    expect(() => grantTo(grant, foreign)).toThrow(new RegExp(`Test/Dumbwaiter: .*account ${other}, the queue of account ${own}`));
    grantTo(grant, (stack) => Role.fromRoleArn(stack, 'Known', `arn:aws:iam::${own}:role/worker`));
  });

  test.each(grants)('%s throws at synth for a principal without a policy: an account, an organization, a service', (grant) => {
    for (const grantee of [
      new AccountPrincipal(own),
      new OrganizationPrincipal('o-0123456789'),
      new ServicePrincipal('s3.amazonaws.com'),
    ]) {
      expect(() => grantTo(grant, () => grantee), String(grantee)).toThrow(/no policy that this stack can add to/);
    }
  });
});

test('only API Gateway and the schedule may invoke functions from outside the stack', () => {
  const permissions = synthesized.all('AWS::Lambda::Permission').map(([, { Properties }]) => Properties);
  expect(new Set(permissions.map(({ Principal }) => Principal))).toEqual(
    new Set(['apigateway.amazonaws.com', 'events.amazonaws.com']),
  );
  for (const { SourceArn } of permissions) expect(SourceArn).toBeDefined();
});
