/** CloudWatch alarms of a deployment. Each alarm's description says where to look first; docs/operating.md says what to do. */
import { Duration } from 'aws-cdk-lib';
import type { HttpStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { Alarm, type AlarmProps, ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { NodeFunction } from './node-function.ts';
import type { QueueMetrics } from './queue-metrics.ts';

export interface AlarmsProps {
  /** By the name that prefixes their alarms' ids. */
  functions: ReadonlyMap<string, NodeFunction>;
  sweep: NodeFunction;
  stage: HttpStage;
  metrics: QueueMetrics;
  oldestAgeMax: Duration;
  topic: ITopic | undefined;
}

const period = Duration.minutes(5);
/** Of the five runs in a period. One or two may leave work, for example after a purge of a long backlog or with a throttled shard. */
const incompleteSweepsMax = 2;
const { GREATER_THAN_OR_EQUAL_TO_THRESHOLD, GREATER_THAN_THRESHOLD, LESS_THAN_THRESHOLD } = ComparisonOperator;

export class Alarms extends Construct {
  readonly all: Alarm[] = [];
  readonly #topic: ITopic | undefined;

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    this.#topic = props.topic;
    for (const [name, { function: fn }] of props.functions) this.#raiseFor(name, fn);
    this.#raise('ServerErrors', {
      metric: props.stage.metricServerError({ period, statistic: 'Sum' }),
      alarmDescription: "The HTTP API answered 5xx: the access log has the request id, the api function's log the cause.",
    });
    this.#raise('Anomalies', {
      metric: props.metrics.anomalies,
      alarmDescription:
        'The engine found a state that its rules make impossible, or nearly so: its log has the state and the queue.',
    });
    this.#raise('Defects', {
      metric: props.metrics.defects,
      alarmDescription: "A call, over HTTP or by invocation, was answered with `internal`: that function's log has the error.",
    });
    this.#raise('Unavailable', {
      metric: props.metrics.unavailable,
      alarmDescription:
        'A call, over HTTP or by invocation, was answered with `unavailable`: DynamoDB was too busy, or too slow.',
    });
    this.#raise('SchedulesFailed', {
      metric: props.metrics.schedulesFailed,
      alarmDescription: 'The ticks of a schedule cannot be published: its `lastError` and the log of the sweep have the reason.',
    });
    this.#raise('DeclarationsFailed', {
      metric: props.metrics.declarationsFailed,
      alarmDescription: 'Queues or schedules that the stack declares were refused: the DeclareQueues log has the reason.',
    });
    this.#raise('DeadLettersGrowing', {
      metric: props.metrics.deadLettered,
      alarmDescription: 'Messages were dead-lettered: read their reasons, fix the consumer, then redrive.',
    });
    this.#raise('OldestAge', {
      metric: props.metrics.oldestAge,
      threshold: props.oldestAgeMax.toSeconds(),
      comparisonOperator: GREATER_THAN_THRESHOLD,
      evaluationPeriods: 3,
      alarmDescription: 'A message has waited too long: its consumers are down, too slow or too few.',
    });
    this.#raise('SweepNotRunning', {
      metric: props.sweep.function.metricInvocations({ period }),
      comparisonOperator: LESS_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.BREACHING,
      alarmDescription: 'The sweep did not run for five minutes: messages are dead-lettered only when a consumer receives.',
    });
    this.#raise('SweepIncomplete', {
      metric: props.metrics.sweepsIncomplete,
      threshold: incompleteSweepsMax,
      comparisonOperator: GREATER_THAN_THRESHOLD,
      alarmDescription: 'Most runs of the sweep are incomplete: dead-lettering, time-outs and schedules fall behind.',
    });
  }

  /** The alarms of a deployment that pushes messages. */
  addDispatch(name: string, { function: fn }: NodeFunction, { targetsFailed }: QueueMetrics): void {
    this.#raiseFor(name, fn);
    this.#raise('TargetsFailed', {
      metric: targetsFailed,
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
      alarmDescription: `The ${name} function failed, or ran out of memory or time: its log has the error by request id.`,
    });
    this.#raise(`${name}Throttles`, {
      metric: fn.metricThrottles({ period }),
      alarmDescription: `Lambda refused to run the ${name} function: the account's or the function's concurrency is used up.`,
    });
  }

  /** By default, one event in five minutes raises the alarm. */
  #raise(id: string, props: Pick<AlarmProps, 'metric' | 'alarmDescription'> & Partial<AlarmProps>): void {
    const alarm = new Alarm(this, id, {
      threshold: 1,
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
