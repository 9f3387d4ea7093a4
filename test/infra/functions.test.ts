import { Key } from 'aws-cdk-lib/aws-kms';
import { beforeAll, describe, expect, test } from 'vitest';
import { waitSecondsMax } from '../../contract/limits.ts';
import { ensureBundles, type Synthesized, synthesize } from './synthesized.ts';

const lambda = 'AWS::Lambda::Function';
const names = ['Api', 'Publish', 'Receive', 'HttpReceive', 'Sweep', 'Redrive', 'DeclareQueues'] as const;

let synthesized: Synthesized;

beforeAll(async () => {
  await ensureBundles();
  synthesized = synthesize();
});

const handlers: Readonly<Record<(typeof names)[number], string>> = {
  Api: 'api.handler',
  Publish: 'api.handler',
  Receive: 'api.handler',
  HttpReceive: 'api.handler',
  Sweep: 'sweep.handler',
  Redrive: 'redrive.handler',
  DeclareQueues: 'declare-queues.handler',
};

function propertiesOf(name: (typeof names)[number], from = synthesized): Record<string, unknown> {
  return from.at(lambda, `Functions/${name}/Function`).Properties;
}

function variablesOf(name: (typeof names)[number]): Record<string, unknown> {
  return (propertiesOf(name).Environment as { Variables: Record<string, unknown> }).Variables;
}

test('the stack has exactly the seven functions of this list', () => {
  expect(synthesized.all(lambda)).toHaveLength(names.length);
});

describe.each(names)('the function %s', (name) => {
  test('the function runs on Node 24 and arm64, and its own log group deletes old lines', () => {
    expect(propertiesOf(name)).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'], Handler: handlers[name] });
    const [logs] = synthesized.all('AWS::Logs::LogGroup').find(([id]) => id.startsWith(`DumbwaiterFunctions${name}Logs`))!;
    expect(propertiesOf(name).LoggingConfig).toEqual({ LogGroup: { Ref: logs } });
    expect(synthesized.at('AWS::Logs::LogGroup', `Functions/${name}/Logs`).Properties).toEqual({ RetentionInDays: 30 });
  });

  test('the function gets the names of the three tables', () => {
    const tableAt = (table: string) => ({ Ref: expect.stringMatching(`^DumbwaiterTables${table}`) });
    expect(variablesOf(name)).toMatchObject({
      DUMBWAITER_MESSAGES_TABLE: tableAt('Messages'),
      DUMBWAITER_LEASES_TABLE: tableAt('Leases'),
      DUMBWAITER_QUEUES_TABLE: tableAt('Queues'),
    });
  });
});

test('the timeout of each function suffices and is no longer than its caller waits', () => {
  const seconds = Object.fromEntries(names.map((name) => [name, propertiesOf(name).Timeout]));
  expect(seconds).toEqual({ Api: 29, Publish: 29, Receive: 29, HttpReceive: 29, Sweep: 60, Redrive: 900, DeclareQueues: 60 });
  expect(seconds.Api).toBeGreaterThan(waitSecondsMax);
});

test('only the functions behind the HTTP API know the secret of the admin key, and only functions that start redrives know the redrive function', () => {
  const knowing = (variable: string) => names.filter((name) => variable in variablesOf(name));
  expect(knowing('DUMBWAITER_ADMIN_KEY_SECRET')).toEqual(['Api', 'HttpReceive']);
  expect(knowing('DUMBWAITER_REDRIVE_FUNCTION')).toEqual(['Api', 'Sweep']);
});

test('each function that accepts direct invocations gets the scopes of its callers', () => {
  expect(names.map((name) => variablesOf(name).DUMBWAITER_INVOKE_SCOPES)).toEqual([
    'publish,receive,admin',
    'publish',
    'receive',
    'receive',
    undefined,
    undefined,
    undefined,
  ]);
});

test('the sweep runs each minute, and neither EventBridge nor Lambda retries it', () => {
  const [sweep] = synthesized.all(lambda).find(([id]) => id.startsWith('DumbwaiterFunctionsSweepFunction'))!;
  expect(synthesized.all('AWS::Lambda::EventInvokeConfig').map(([, { Properties }]) => Properties)).toMatchObject([
    { FunctionName: { Ref: sweep }, MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },
  ]);
  const [[, rule] = []] = synthesized.all('AWS::Events::Rule');
  expect(rule?.Properties).toMatchObject({
    ScheduleExpression: 'rate(1 minute)',
    State: 'ENABLED',
    Targets: [
      {
        Arn: { 'Fn::GetAtt': [expect.stringMatching('^DumbwaiterFunctionsSweepFunction'), 'Arn'] },
        RetryPolicy: { MaximumRetryAttempts: 0 },
      },
    ],
  });
});

test('the sweep reserves concurrency only on request, because a new account has none to reserve', () => {
  expect(propertiesOf('Sweep')).not.toHaveProperty('ReservedConcurrentExecutions');
  const given = synthesize({ reserveSweepConcurrency: true });
  expect(propertiesOf('Sweep', given).ReservedConcurrentExecutions).toBe(1);
});

test('calls that wait have a function of 256 MB, and reserve concurrency only on request', () => {
  expect(propertiesOf('HttpReceive').MemorySize).toBe(256);
  expect(propertiesOf('HttpReceive')).not.toHaveProperty('ReservedConcurrentExecutions');
  const given = synthesize({ receiveConcurrency: 50 });
  expect(propertiesOf('HttpReceive', given).ReservedConcurrentExecutions).toBe(50);
  for (const name of names.filter((one) => one !== 'HttpReceive')) {
    expect(propertiesOf(name, given), name).not.toHaveProperty('ReservedConcurrentExecutions');
  }
});

test('Lambda does not stop a redrive that invokes itself as a recursive loop', () => {
  expect(propertiesOf('Redrive').RecursiveLoop).toBe('Allow');
});

test('the memory of the functions that do not wait and the retention of their logs are configurable', () => {
  const given = synthesize({ memorySize: 512, logRetention: 7 });
  for (const name of names) expect(propertiesOf(name, given).MemorySize, name).toBe(name === 'HttpReceive' ? 256 : 512);
  for (const [id, { Properties }] of given.all('AWS::Logs::LogGroup')) expect(Properties.RetentionInDays, id).toBe(7);
});

test('a customer managed key encrypts tables and secret, and every function may use it', () => {
  const given = synthesizeWithKey();
  for (const [id, { Properties }] of given.all('AWS::DynamoDB::Table')) {
    expect(Properties.SSESpecification, id).toMatchObject({ SSEEnabled: true, SSEType: 'KMS' });
  }
  for (const name of names) {
    const policy = given.all('AWS::IAM::Policy').find(([id]) => id.startsWith(`DumbwaiterFunctions${name}Role`))![1];
    expect(JSON.stringify(policy), name).toContain('kms:Decrypt');
  }
});

function synthesizeWithKey(): Synthesized {
  const { stack } = synthesize();
  return synthesize({
    encryptionKey: Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-west-1:111122223333:key/7b1c0f3e-6d52-4c5e-9a55-0c1d2e3f4a5b'),
  });
}
