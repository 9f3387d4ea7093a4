import { Duration } from 'aws-cdk-lib';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { beforeAll, describe, expect, test } from 'vitest';
import type { EngineEvent, SweepReport } from '../../engine/engine.ts';
import { logEngineEvents } from '../../functions/engine-log.ts';
import type { Log, LogFields } from '../../functions/log.ts';
import { logSweep } from '../../functions/sweep-log.ts';
import { bundleFunctions } from '../../infra/bundle.ts';
import { type Resource, type Synthesized, synthesize } from './synthesized.ts';

const functions = ['Api', 'Publish', 'Receive', 'Sweep', 'Redrive', 'DeclareQueues'];
const engines = ['Api', 'Publish', 'Receive', 'Sweep', 'Redrive'];

let synthesized: Synthesized;

beforeAll(async () => {
  await bundleFunctions();
  synthesized = synthesize();
});

function alarm(name: string, from = synthesized): Record<string, unknown> {
  return from.at('AWS::CloudWatch::Alarm', `Alarms/${name}`).Properties;
}

describe('alarms', () => {
  test.each(functions)('are raised when the function %s fails or is throttled', (name) => {
    for (const what of ['Errors', 'Throttles']) {
      expect(alarm(`${name}${what}`)).toMatchObject({
        Namespace: 'AWS/Lambda',
        MetricName: what,
        Statistic: 'Sum',
        Threshold: 1,
        Dimensions: [{ Name: 'FunctionName', Value: { Ref: expect.stringMatching(`^DumbwaiterFunctions${name}Function`) } }],
      });
    }
  });

  test('are raised when the API answers 5xx', () => {
    expect(alarm('ServerErrors')).toMatchObject({
      Namespace: 'AWS/ApiGateway',
      MetricName: '5xx',
      Statistic: 'Sum',
      Threshold: 1,
    });
  });

  test('are raised when messages are dead-lettered, and when the engine meets an anomaly', () => {
    expect(alarm('DeadLettersGrowing')).toMatchObject({ MetricName: 'DeadLettered', Statistic: 'Sum', Threshold: 1 });
    expect(alarm('Anomalies')).toMatchObject({ MetricName: 'Anomalies', Statistic: 'Sum', Threshold: 1 });
  });

  test('are raised when a message waits for longer than an hour, or than is asked', () => {
    const oldest = { MetricName: 'OldestAgeSeconds', Statistic: 'Maximum', ComparisonOperator: 'GreaterThanThreshold' };
    expect(alarm('OldestAge')).toMatchObject({ ...oldest, Threshold: 3600 });
    expect(alarm('OldestAge', synthesize({ oldestAgeAlarm: Duration.minutes(5) }))).toMatchObject({ ...oldest, Threshold: 300 });
  });

  test('are raised when the sweep does not run, even if it leaves no word', () => {
    expect(alarm('SweepNotRunning')).toMatchObject({
      MetricName: 'Invocations',
      ComparisonOperator: 'LessThanThreshold',
      Threshold: 1,
      TreatMissingData: 'breaching',
      Dimensions: [{ Name: 'FunctionName', Value: { Ref: expect.stringMatching('^DumbwaiterFunctionsSweepFunction') } }],
    });
  });

  test('say where to look', () => {
    const all = synthesized.all('AWS::CloudWatch::Alarm');
    expect(all).toHaveLength(2 * functions.length + 5);
    for (const [id, { Properties }] of all) expect(Properties.AlarmDescription, id).toMatch(/^.{30,}\.$/);
  });

  test('are told to the topic, and so is their end', () => {
    const arn = 'arn:aws:sns:eu-west-1:111122223333:pager';
    const given = synthesize({ alarmTopic: Topic.fromTopicArn(synthesized.stack, 'Pager', arn) });
    for (const [id, { Properties }] of given.all('AWS::CloudWatch::Alarm')) {
      expect(Properties, id).toMatchObject({ AlarmActions: [arn], OKActions: [arn] });
    }
  });
});

describe('metrics from the logs', () => {
  /** What a filter would make of the lines that the functions write: the fields it looks at, by metric. */
  function valuesOf(filters: Resource[], lines: LogFields[]): Record<string, unknown[]> {
    const values: Record<string, unknown[]> = {};
    for (const { Properties } of filters) {
      const [, kind] = /^\{ \$\.kind = "(\w+)" \}$/.exec(String(Properties.FilterPattern))!;
      const [{ MetricName, MetricValue }] = Properties.MetricTransformations as [{ MetricName: string; MetricValue: string }];
      const [, field] = /^\$\.(\w+)$/.exec(MetricValue) ?? [];
      const matching = lines.filter((line) => line.kind === kind);
      values[MetricName] = matching.map((line) => (field === undefined ? Number(MetricValue) : line[field]));
    }
    return values;
  }

  function filtersOf(name: string): Resource[] {
    const isItsOwn = ({ Properties }: Resource) => JSON.stringify(Properties.LogGroupName).includes(`Functions${name}Logs`);
    return synthesized.all('AWS::Logs::MetricFilter').flatMap(([, filter]) => (isItsOwn(filter) ? [filter] : []));
  }

  function linesOf(write: (log: Log) => void): LogFields[] {
    const lines: LogFields[] = [];
    const keep = (_: string, fields: LogFields) => void lines.push(fields);
    write({ info: keep, warn: keep, error: keep });
    return lines;
  }

  test.each(engines)('count what the engine says of itself in the function %s', (name) => {
    const events: EngineEvent[] = [
      { kind: 'dead_lettered', queue: 'orders', to: 'orders-dead', reason: 'max_receives', messages: 3 },
      { kind: 'expired', queue: 'orders', messages: 2 },
      { kind: 'anomaly', what: 'impossible' },
    ];
    const lines = linesOf((log) => events.forEach(logEngineEvents(log)));
    expect(valuesOf(filtersOf(name), lines)).toMatchObject({ DeadLettered: [3], Expired: [2], Anomalies: [1] });
  });

  test('show the age of the oldest message of all queues but those for dead letters', () => {
    const queue = { removed: 0, deadLettered: 0, waiting: 1, isDeadLetter: false };
    const report: SweepReport = {
      complete: true,
      totals: { queues: 3, visited: 3, notReached: 0, failed: 0, removed: 0, deadLettered: 0 },
      queues: [
        { ...queue, name: 'orders', oldestAgeSeconds: 60 },
        { ...queue, name: 'invoices', oldestAgeSeconds: 90 },
        { ...queue, name: 'orders-dead', oldestAgeSeconds: 900, isDeadLetter: true },
      ],
    };
    expect(
      valuesOf(
        filtersOf('Sweep'),
        linesOf((log) => logSweep(log, report)),
      ).OldestAgeSeconds,
    ).toEqual([90]);
  });

  test('are the ones at which the alarms look, in a namespace of the deployment', () => {
    const namespaces = new Set<unknown>();
    for (const [, { Properties }] of synthesized.all('AWS::Logs::MetricFilter')) {
      for (const { MetricNamespace } of Properties.MetricTransformations as { MetricNamespace: unknown }[])
        namespaces.add(MetricNamespace);
    }
    expect([...namespaces]).toEqual([expect.stringMatching(/^Dumbwaiter\/Test\/[0-9a-f]{8}$/)]);
    for (const name of ['DeadLettersGrowing', 'Anomalies', 'OldestAge']) expect(namespaces).toContain(alarm(name).Namespace);
  });
});

test('there is a dashboard, which shows every alarm and every function', () => {
  const body = JSON.stringify(synthesized.at('AWS::CloudWatch::Dashboard', 'Dashboard').Properties.DashboardBody);
  for (const [id] of synthesized.all('AWS::CloudWatch::Alarm')) expect(body).toContain(id);
  for (const [id] of synthesized.all('AWS::Lambda::Function')) expect(body).toContain(id);
});
