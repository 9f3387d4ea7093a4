import { Duration } from 'aws-cdk-lib';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { beforeAll, describe, expect, test } from 'vitest';
import { DumbwaiterError } from '../../contract/errors.ts';
import { type LogMetric, type LogMetricTerms, logMetrics, topicMetrics } from '../../contract/metrics.ts';
import type { EngineEvent, SweepReport } from '../../engine/engine.ts';
import { refusalOf } from '../../functions/errors/refusal.ts';
import { type Log, type LogFields, logEngineEvents, logSweep } from '../../functions/service/log.ts';
import { checkMonitoring, thresholdDefaults } from '../../infra/monitoring-options.ts';
import { filtersOf, valuesOf } from '../support/metric-filters.ts';
import { ensureBundles, type Synthesized, synthesize } from './synthesized.ts';

/** The line that each run logs. */
const totals = { queues: 3, visited: 2, asleep: 0, notReached: 1, failed: 0, removed: 5, deadLettered: 4 };
const functions = ['Api', 'Publish', 'Receive', 'HttpReceive', 'Sweep', 'Redrive', 'DeclareQueues', 'Dispatch'];
const callable = ['Api', 'Publish', 'Receive', 'HttpReceive'];
const engines = [...callable, 'Sweep', 'Redrive', 'Dispatch'];

const pager = 'arn:aws:sns:eu-west-1:111122223333:pager';
const thresholds = new Map(Object.keys(thresholdDefaults).map((name, index) => [name, 1_000 + index]));

let synthesized: Synthesized;
/** With every option of monitoring. A synth takes a second, so the tests share two. */
let configured: Synthesized;

beforeAll(async () => {
  await ensureBundles();
  synthesized = synthesize({ push: true });
  configured = synthesize((stack) => ({
    push: true,
    alarmTopic: Topic.fromTopicArn(stack, 'Pager', pager),
    oldestAgeAlarm: Duration.minutes(5),
    monitoring: { thresholds: Object.fromEntries(thresholds) },
  }));
});

function alarm(name: string, from = synthesized): Record<string, unknown> {
  return from.at('AWS::CloudWatch::Alarm', `Alarms/${name}`).Properties;
}

describe('alarms', () => {
  test.each(functions)('an alarm rises when the function %s fails or is throttled', (name) => {
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

  test('an alarm rises when the API answers 5xx', () => {
    expect(alarm('ServerErrors')).toMatchObject({
      Namespace: 'AWS/ApiGateway',
      MetricName: '5xx',
      Statistic: 'Sum',
      Threshold: 1,
    });
  });

  test('alarms rise when messages are dead-lettered and when the engine reports an anomaly', () => {
    expect(alarm('DeadLettersGrowing')).toMatchObject({ MetricName: 'DeadLettered', Statistic: 'Sum', Threshold: 1 });
    expect(alarm('Anomalies')).toMatchObject({ MetricName: 'Anomalies', Statistic: 'Sum', Threshold: 1 });
  });

  test('an alarm rises when a message waits longer than an hour or than the given time', () => {
    const oldest = { MetricName: 'OldestAgeSeconds', Statistic: 'Maximum', ComparisonOperator: 'GreaterThanThreshold' };
    expect(alarm('OldestAge')).toMatchObject({ ...oldest, Threshold: 3600 });
    expect(alarm('OldestAge', configured)).toMatchObject({ ...oldest, Threshold: 300 });
  });

  test('an alarm rises when the sweep does not run, even without any log line', () => {
    expect(alarm('SweepNotRunning')).toMatchObject({
      MetricName: 'Invocations',
      ComparisonOperator: 'LessThanThreshold',
      Threshold: 1,
      TreatMissingData: 'breaching',
      Dimensions: [{ Name: 'FunctionName', Value: { Ref: expect.stringMatching('^DumbwaiterFunctionsSweepFunction') } }],
    });
  });

  test.each([
    ['Defects', 'Defects'],
    ['Unavailable', 'Unavailable'],
    ['SchedulesFailed', 'SchedulesFailed'],
    ['DeclarationsFailed', 'DeclarationsFailed'],
  ])('the alarm %s rises at the first log line of its kind, for HTTP and for direct invocation', (name, MetricName) => {
    expect(alarm(name)).toMatchObject({ MetricName, Statistic: 'Sum', Threshold: 1 });
  });

  test.each([
    ['SweepIncomplete', 'SweepsIncomplete', 'most of five sweeps do not complete'],
    ['TasksStalled', 'TasksStalled', 'a task is still stalled although the sweep restarted it twice'],
  ])('the alarm %s, on %s, rises when %s', (name, MetricName) => {
    const comparison = { Statistic: 'Sum', ComparisonOperator: 'GreaterThanOrEqualToThreshold', Threshold: 3 };
    expect(alarm(name)).toMatchObject({ MetricName, ...comparison });
  });

  test.each(['Read', 'Write'])('an alarm rises when DynamoDB keeps throttling the index of due leases: %s', (kind) => {
    expect(alarm(`Index${kind}sThrottled`)).toMatchObject({
      MetricName: `${kind}ThrottleEvents`,
      Dimensions: [
        { Name: 'GlobalSecondaryIndexName', Value: 'due' },
        { Name: 'TableName', Value: { Ref: expect.stringContaining('TablesLeases') } },
      ],
      Period: 300,
      Statistic: 'Sum',
      Threshold: 100,
      EvaluationPeriods: 3,
    });
  });

  test('each threshold may be changed, and changes its alarms only', () => {
    const thresholdsOf = (from: Synthesized) =>
      new Map(from.all('AWS::CloudWatch::Alarm').map(([id, { Properties }]) => [id, Properties.Threshold]));
    const [before, after] = [thresholdsOf(synthesized), thresholdsOf(configured)];
    const changed = [...after].filter(([id, threshold]) => threshold !== before.get(id));
    expect(new Set(changed.map(([, threshold]) => threshold))).toEqual(new Set([...thresholds.values(), 300]));
    const unchanged = [...after].flatMap(([id, threshold]) => (threshold === before.get(id) ? [id.slice(0, -8)] : []));
    expect(unchanged).toEqual(['DumbwaiterAlarmsSweepNotRunning']);
  });

  test.each<[object, string]>([
    [{ thresholds: { defects: 0 } }, 'monitoring.thresholds.defects: must be a whole number of at least 1; it is 0'],
    [{ thresholds: { defect: 1 } }, 'monitoring.thresholds: unknown option defect; the nearest is defects'],
    [{ queueMetricsMax: 21 }, 'monitoring.queueMetricsMax: must be a whole number from 0 to 20; it is 21'],
  ])('the options %j are refused at synth, with the path of the mistake', (monitoring, message) => {
    expect(() => checkMonitoring('Stack/Dumbwaiter', monitoring)).toThrow(`Stack/Dumbwaiter: ${message}`);
  });

  test('the description of each alarm says where to look', () => {
    const all = synthesized.all('AWS::CloudWatch::Alarm');
    expect(all).toHaveLength(2 * functions.length + 14);
    for (const [id, { Properties }] of all) expect(Properties.AlarmDescription, id).toMatch(/^.{30,}\.$/);
  });

  test('each alarm notifies the topic when it rises and when it ends', () => {
    for (const [id, { Properties }] of configured.all('AWS::CloudWatch::Alarm')) {
      expect(Properties, id).toMatchObject({ AlarmActions: [pager], OKActions: [pager] });
    }
  });
});

describe('metrics from the logs', () => {
  function linesOf(write: (log: Log) => void): LogFields[] {
    const lines: LogFields[] = [];
    const keep = (_: string, fields: LogFields) => void lines.push(fields);
    write({ info: keep, warn: keep, error: keep });
    return lines;
  }

  test.each(engines)('a metric counts the engine events that the function %s logs', (name) => {
    const events: EngineEvent[] = [
      { kind: 'dead_lettered', queue: 'orders', to: 'orders-dead', reason: 'max_receives', messages: 3 },
      { kind: 'expired', queue: 'orders', messages: 2 },
      { kind: 'anomaly', what: 'impossible' },
    ];
    const lines = linesOf((log) => events.forEach(logEngineEvents(log)));
    expect(valuesOf(filtersOf(synthesized, name), lines)).toMatchObject({ DeadLettered: [3], Expired: [2], Anomalies: [1] });
  });

  test('a metric shows the age of the oldest message of all queues except dead-letter queues', () => {
    const queue = { removed: 0, deadLettered: 0, waiting: 1, isDeadLetter: false };
    const report: SweepReport = {
      complete: true,
      topics: [],
      totals,
      queues: [
        { ...queue, name: 'orders', oldestAgeSeconds: 60 },
        { ...queue, name: 'invoices', oldestAgeSeconds: 90 },
        { ...queue, name: 'orders-dead', oldestAgeSeconds: 900, isDeadLetter: true },
      ],
    };
    expect(
      valuesOf(
        filtersOf(synthesized, 'Sweep'),
        linesOf((log) => logSweep(log, report, 1)),
      ).OldestAgeSeconds,
    ).toEqual([90]);
  });

  test('a metric counts the sweeps that did not complete', () => {
    const sweeps = [true, false, false].map((complete): SweepReport => ({ queues: [], topics: [], complete, totals }));
    const lines = linesOf((log) => {
      for (const report of sweeps) logSweep(log, report, 1);
    });
    expect(valuesOf(filtersOf(synthesized, 'Sweep'), lines).SweepsIncomplete).toEqual([1, 1]);
  });

  test('a metric counts the schedules whose ticks the sweep could not publish', () => {
    const event: EngineEvent = { kind: 'schedule_failed', schedule: 'hourly', queue: 'orders', reason: 'there is no queue' };
    expect(
      valuesOf(
        filtersOf(synthesized, 'Sweep'),
        linesOf((log) => logEngineEvents(log)(event)),
      ).SchedulesFailed,
    ).toEqual([1]);
  });

  test.each(callable)('a metric counts the 5xx answers of the function %s, direct invocations included', (name) => {
    const thrown = [new Error('a defect'), new DumbwaiterError('unavailable', 'x'), new DumbwaiterError('invalid_input', 'x')];
    const lines = linesOf((log) => {
      for (const error of thrown) refusalOf(error, 'request', log);
    });
    expect(valuesOf(filtersOf(synthesized, name), lines)).toMatchObject({ Defects: [1], Unavailable: [1] });
  });

  test.each<[LogMetric, string[]]>([
    ['schedulesFailed', ['Sweep']],
    ['tasksStalled', ['Sweep']],
    ['sweepsIncomplete', ['Sweep']],
    ['declarationsFailed', ['DeclareQueues']],
    ['targetsFailed', ['Dispatch']],
    ['unavailable', callable],
    ['defects', engines],
  ])('the metric %s counts lines of its kind in the logs of %j', (metric, names) => {
    const { name, kind, unless }: LogMetricTerms = logMetrics[metric];
    const line = { kind, ...(unless !== undefined && { [unless]: false }) };
    for (const one of names) expect(valuesOf(filtersOf(synthesized, one), [line])[name], one).toEqual([1]);
  });

  test('each alarm on logs reads a metric of these filters, in a namespace of the deployment', () => {
    const namespaces = new Set<unknown>();
    for (const [, { Properties }] of synthesized.all('AWS::Logs::MetricFilter')) {
      for (const { MetricNamespace } of Properties.MetricTransformations as { MetricNamespace: unknown }[])
        namespaces.add(MetricNamespace);
    }
    expect([...namespaces]).toEqual([expect.stringMatching(/^Dumbwaiter\/Test\/[0-9a-f]{8}$/)]);
    for (const name of ['DeadLettersGrowing', 'Anomalies', 'OldestAge']) expect(namespaces).toContain(alarm(name).Namespace);
  });
});

test('the dashboard shows what is published to topics, and what is on its way', () => {
  const body = JSON.stringify(synthesized.at('AWS::CloudWatch::Dashboard', 'Dashboard').Properties.DashboardBody);
  for (const what of ['published', 'delivered', 'filtered', 'unmatched', 'undelivered'] as const) {
    expect(body).toContain(topicMetrics[what].name);
  }
});

test('the dashboard shows every alarm and every function', () => {
  const body = JSON.stringify(synthesized.at('AWS::CloudWatch::Dashboard', 'Dashboard').Properties.DashboardBody);
  for (const [id] of synthesized.all('AWS::CloudWatch::Alarm')) expect(body).toContain(id);
  for (const [id] of synthesized.all('AWS::Lambda::Function')) expect(body).toContain(id);
});

test.each([
  'ConsumedWriteCapacityUnits',
  'ConsumedReadCapacityUnits',
  'WriteThrottleEvents',
  'ReadThrottleEvents',
])('the dashboard shows %s of the due index beside that of the tables', (metric) => {
  const body = JSON.stringify(synthesized.at('AWS::CloudWatch::Dashboard', 'Dashboard').Properties.DashboardBody);
  expect(body).toMatch(new RegExp(`${metric}[^\\]]*GlobalSecondaryIndexName[^\\]]*due`));
});

describe('the log line of a sweep', () => {
  const quiet = { removed: 0, deadLettered: 0, oldestAgeSeconds: 0, waiting: 0, isDeadLetter: false };

  function linesOfSweep(report: SweepReport): { level: string; fields: LogFields }[] {
    const lines: { level: string; fields: LogFields }[] = [];
    const keep = (level: string) => (_: string, fields: LogFields) => void lines.push({ level, fields });
    logSweep({ info: keep('info'), warn: keep('warn'), error: keep('error') }, report, 40);
    return lines;
  }

  test('a sweep of a thousand queues without events logs one line', () => {
    const queues = Array.from({ length: 1000 }, (_, index) => ({
      ...quiet,
      name: `q${index}`,
      waiting: 1,
      oldestAgeSeconds: index,
    }));
    const fields = {
      kind: 'swept',
      complete: true,
      ...totals,
      oldestAgeSeconds: 999,
      oldestQueue: 'q999',
      ms: 40,
    };
    expect(linesOfSweep({ complete: true, queues, topics: [], totals })).toMatchObject([{ level: 'info', fields }]);
  });

  test('a sweep logs the names of the queues with events', () => {
    const queues = [
      { ...quiet, name: 'idle' },
      { ...quiet, name: 'orders', deadLettered: 3, removed: 1 },
    ];
    expect(linesOfSweep({ complete: true, queues, topics: [], totals }).map(({ fields }) => fields)).toMatchObject([
      { kind: 'queue_swept', queue: 'orders', deadLettered: 3, removed: 1 },
      { kind: 'swept', ...totals },
    ]);
  });

  test('a sweep that does not complete logs a warning', () => {
    expect(linesOfSweep({ complete: false, queues: [], topics: [], totals })).toMatchObject([
      { level: 'warn', fields: { complete: false } },
    ]);
  });
});
