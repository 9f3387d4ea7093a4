/** CloudWatch alarms of a deployment. Each alarm's description says where to look first; docs/operating.md says what to do. */
import { Duration } from 'aws-cdk-lib';
import type { HttpStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { Alarm, type AlarmProps, ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { LogMetric } from '../contract/metrics.ts';
import type { Metrics } from './metrics.ts';
import type { AlarmThresholds } from './monitoring-options.ts';
import type { NodeFunction } from './node-function.ts';
import type { Tables } from './tables.ts';

export interface AlarmsProps {
  /** By the name that prefixes their alarms' ids. */
  functions: ReadonlyMap<string, NodeFunction>;
  sweep: NodeFunction;
  stage: HttpStage;
  metrics: Metrics;
  tables: Tables;
  oldestAgeMax: Duration;
  thresholds: Required<AlarmThresholds>;
  topic: ITopic | undefined;
}

const period = Duration.minutes(5);
const { GREATER_THAN_OR_EQUAL_TO_THRESHOLD, GREATER_THAN_THRESHOLD, LESS_THAN_THRESHOLD } = ComparisonOperator;

interface LogAlarm {
  metric: LogMetric;
  threshold: keyof AlarmThresholds;
  description: string;
}

/** The alarms on metrics that are made of log lines. */
const logAlarms: { [id: string]: LogAlarm } = {
  Anomalies: {
    metric: 'anomalies',
    threshold: 'anomalies',
    description: 'The engine found a state that its rules make impossible, or nearly so: its log has the state and the queue.',
  },
  Defects: {
    metric: 'defects',
    threshold: 'defects',
    description:
      "A call, over HTTP or by invocation, was answered with `internal`, or work without a caller failed: that function's log has the error.",
  },
  Unavailable: {
    metric: 'unavailable',
    threshold: 'unavailable',
    description: 'A call, over HTTP or by invocation, was answered with `unavailable`: DynamoDB was too busy, or too slow.',
  },
  SchedulesFailed: {
    metric: 'schedulesFailed',
    threshold: 'schedulesFailed',
    description: 'The ticks of a schedule cannot be published: its `lastError` and the log of the sweep have the reason.',
  },
  TasksStalled: {
    metric: 'tasksStalled',
    threshold: 'tasksStalled',
    description:
      'A redrive task stays stalled although the sweep restarts it: the logs of Redrive and of the sweep have the reason.',
  },
  DeclarationsFailed: {
    metric: 'declarationsFailed',
    threshold: 'declarationsFailed',
    description: 'Queues or schedules that the stack declares were refused: the DeclareQueues log has the reason.',
  },
  DeadLettersGrowing: {
    metric: 'deadLettered',
    threshold: 'deadLetters',
    description: 'Messages were dead-lettered: read their reasons, fix the consumer, then redrive.',
  },
  SweepIncomplete: {
    metric: 'sweepsIncomplete',
    // Of the five runs in a period. One or two may leave work, for example after a purge of a long backlog or with a throttled shard.
    threshold: 'sweepsIncomplete',
    description: 'Most runs of the sweep are incomplete: dead-lettering, time-outs and schedules fall behind.',
  },
};

export class Alarms extends Construct {
  readonly all: Alarm[] = [];
  readonly #topic: ITopic | undefined;
  readonly #thresholds: Required<AlarmThresholds>;

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    this.#topic = props.topic;
    this.#thresholds = props.thresholds;
    for (const [name, { function: fn }] of props.functions) this.#raiseFor(name, fn);
    this.#raise('ServerErrors', {
      metric: props.stage.metricServerError({ period, statistic: 'Sum' }),
      threshold: props.thresholds.serverErrors,
      alarmDescription: "The HTTP API answered 5xx: the access log has the request id, the api function's log the cause.",
    });
    for (const [name, { metric, threshold, description }] of Object.entries(logAlarms)) {
      this.#raise(name, {
        metric: props.metrics.ofLog(metric),
        threshold: props.thresholds[threshold],
        alarmDescription: description,
      });
    }
    this.#raise('OldestAge', {
      metric: props.metrics.ofLog('oldestAge'),
      threshold: props.oldestAgeMax.toSeconds(),
      comparisonOperator: GREATER_THAN_THRESHOLD,
      evaluationPeriods: 3,
      alarmDescription: 'A message has waited too long: its consumers are down, too slow or too few.',
    });
    this.#raise('SweepNotRunning', {
      metric: props.sweep.function.metricInvocations({ period }),
      threshold: 1,
      comparisonOperator: LESS_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.BREACHING,
      alarmDescription: 'The sweep did not run for five minutes: messages are dead-lettered only when a consumer receives.',
    });
    // Emulators of AWS take no alarm on a sum of metrics, nor on a metric with a label.
    for (const kind of ['Read', 'Write']) {
      this.#raise(`Index${kind}sThrottled`, {
        metric: props.tables.dueMetric(`${kind}ThrottleEvents`).with({ period }),
        threshold: props.thresholds.indexThrottles,
        evaluationPeriods: 3,
        alarmDescription: `DynamoDB keeps throttling ${kind.toLowerCase()}s of the index of due leases: receives slow down.`,
      });
    }
  }

  /** The alarms of a deployment that pushes messages. */
  addDispatch(name: string, { function: fn }: NodeFunction, metrics: Metrics): void {
    this.#raiseFor(name, fn);
    this.#raise('TargetsFailed', {
      metric: metrics.ofLog('targetsFailed'),
      threshold: this.#thresholds.targetsFailed,
      alarmDescription: `A target fails, and gets only a trial message now and then: its \`lastError\` and the log of ${name} have the reason.`,
    });
  }

  /** The alarms of a deployment with wake-ups. */
  addWake(name: string, { function: fn }: NodeFunction): void {
    this.#raiseFor(name, fn);
  }

  #raiseFor(name: string, fn: IFunction): void {
    this.#raise(`${name}Errors`, {
      metric: fn.metricErrors({ period }),
      threshold: this.#thresholds.functionErrors,
      alarmDescription: `The ${name} function failed, or ran out of memory or time: its log has the error by request id.`,
    });
    this.#raise(`${name}Throttles`, {
      metric: fn.metricThrottles({ period }),
      threshold: this.#thresholds.functionThrottles,
      alarmDescription: `Lambda refused to run the ${name} function: the account's or the function's concurrency is used up.`,
    });
  }

  #raise(id: string, props: Pick<AlarmProps, 'metric' | 'threshold' | 'alarmDescription'> & Partial<AlarmProps>): void {
    const alarm = new Alarm(this, id, {
      evaluationPeriods: 1,
      comparisonOperator: GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      ...props,
    });
    if (this.#topic !== undefined) {
      alarm.addAlarmAction(new SnsAction(this.#topic));
      alarm.addOkAction(new SnsAction(this.#topic));
    }
    this.all.push(alarm);
  }
}
