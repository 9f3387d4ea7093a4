/**
 * CloudWatch metrics of the queues. Metric filters derive them from the functions' structured logs, by the field `kind`, so that handling a
 * message makes no call to CloudWatch.
 */
import { Duration, Stack } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { FilterPattern, type ILogGroup, type JsonPattern, MetricFilter } from 'aws-cdk-lib/aws-logs';
import { Construct, type IConstruct } from 'constructs';
import type { NodeFunction } from './node-function.ts';

const period = Duration.minutes(5);

export interface QueueMetricsProps {
  /** All functions that run the engine, by name: a receive, a release or the sweep can dead-letter a message. */
  engines: ReadonlyMap<string, NodeFunction>;
  /** The functions that answer callers, over HTTP or by invocation. */
  callable: ReadonlyMap<string, NodeFunction>;
  /** The functions that publish to topics for callers. */
  publishing: ReadonlyMap<string, NodeFunction>;
  /** Whether each topic has metrics of its own, instead of one set for all topics together. */
  isPerTopic: boolean;
  sweep: NodeFunction;
  declareQueues: NodeFunction;
}

/** Metrics of topics, and the fields of the log that they sum up. */
const topicFields = { TopicMessages: '$.messages', TopicMatched: '$.matched', TopicFiltered: '$.filtered' } as const;

/** The metrics are in a namespace of this construct. */
export class QueueMetrics extends Construct {
  readonly namespace: string;
  /** Messages that were dead-lettered, by a receive, a release or the sweep. */
  readonly deadLettered: Metric;
  /** Messages that expired and were removed. */
  readonly expired: Metric;
  /** Events that the engine's rules make impossible, or nearly. */
  readonly anomalies: Metric;
  /** Schedules whose ticks could not be published. */
  readonly schedulesFailed: Metric;
  /** Calls answered with `internal`, over HTTP or by invocation. */
  readonly defects: Metric;
  /** Calls answered with another 5xx, over HTTP or by invocation. */
  readonly unavailable: Metric;
  /** Deployments whose queues or schedules were refused. */
  readonly declarationsFailed: Metric;
  /** Runs of the sweep that left work to the next run. */
  readonly sweepsIncomplete: Metric;
  /** Targets that failed so often that they get no messages for a while, and URLs that ended their target. */
  readonly targetsFailed: Metric;
  /** Messages published to topics, and how many times a subscription got one, or did not match it. */
  readonly topics: readonly IMetric[];
  /** Age in seconds of the oldest waiting message of all queues except dead-letter queues. */
  readonly oldestAge: Metric;

  constructor(scope: Construct, id: string, props: QueueMetricsProps) {
    super(scope, id);
    this.namespace = namespaceOf(this);
    this.deadLettered = this.#metric('DeadLettered', 'Sum');
    this.expired = this.#metric('Expired', 'Sum');
    this.anomalies = this.#metric('Anomalies', 'Sum');
    this.schedulesFailed = this.#metric('SchedulesFailed', 'Sum');
    this.defects = this.#metric('Defects', 'Sum');
    this.unavailable = this.#metric('Unavailable', 'Sum');
    this.declarationsFailed = this.#metric('DeclarationsFailed', 'Sum');
    this.sweepsIncomplete = this.#metric('SweepsIncomplete', 'Sum');
    this.targetsFailed = this.#metric('TargetsFailed', 'Sum');
    this.oldestAge = this.#metric('OldestAgeSeconds', 'Maximum');
    this.topics = Object.entries(topicFields).map(([metricName, field]) => this.#topicMetric(metricName, field, props));
    for (const [name, { logGroup }] of props.engines) this.#countEngine(name, logGroup);
    for (const [name, { logGroup }] of props.callable) this.#countCalls(name, logGroup);
    const [sweepLogs, declarationLogs] = [props.sweep.logGroup, props.declareQueues.logGroup];
    this.#count('SchedulesFailed', sweepLogs, this.schedulesFailed, 'schedule_failed', '1');
    this.#count('DeclarationsFailed', declarationLogs, this.declarationsFailed, 'declaration_failed', '1');
    this.#count('OldestAge', sweepLogs, this.oldestAge, 'swept', '$.oldestAgeSeconds');
    const isIncomplete = FilterPattern.booleanValue('$.complete', false);
    this.#count('SweepsIncomplete', sweepLogs, this.sweepsIncomplete, 'swept', '1', isIncomplete);
  }

  /** Counts what the function that delivers to targets logs. It runs the engine, too. */
  addDispatch(name: string, { logGroup }: NodeFunction): void {
    this.#countEngine(name, logGroup);
    this.#count('TargetsFailed', logGroup, this.targetsFailed, 'target_failed', '1');
  }

  /** Counts what the function logs that wakes idle consumers. */
  addWake(name: string, { logGroup }: NodeFunction): void {
    this.#countCalls(name, logGroup);
  }

  #countCalls(name: string, logs: ILogGroup): void {
    this.#count(`${name}Defects`, logs, this.defects, 'defect', '1');
    this.#count(`${name}Unavailable`, logs, this.unavailable, 'unavailable', '1');
  }

  #countEngine(name: string, logs: ILogGroup): void {
    this.#count(`${name}DeadLettered`, logs, this.deadLettered, 'dead_lettered', '$.messages');
    this.#count(`${name}Expired`, logs, this.expired, 'expired', '$.messages');
    this.#count(`${name}Anomalies`, logs, this.anomalies, 'anomaly', '1');
  }

  /** Counts a field of the lines about publishes to topics. Returns the metric; with metrics per topic, an expression that finds them all. */
  #topicMetric(metricName: string, field: string, { publishing, isPerTopic }: QueueMetricsProps): IMetric {
    for (const [name, { logGroup }] of publishing) {
      new MetricFilter(this, `${name}${metricName}`, {
        logGroup,
        filterPattern: FilterPattern.stringValue('$.kind', '=', 'topic_published'),
        metricNamespace: this.namespace,
        metricName,
        metricValue: field,
        ...(isPerTopic ? { dimensions: { topic: '$.topic' } } : {}),
      });
    }
    if (!isPerTopic) return this.#metric(metricName, 'Sum');
    const search = `SEARCH('{"${this.namespace}",topic} MetricName="${metricName}"', 'Sum', ${period.toSeconds()})`;
    return new MathExpression({ expression: search, usingMetrics: {}, label: metricName, period });
  }

  #metric(metricName: string, statistic: string): Metric {
    return new Metric({ namespace: this.namespace, metricName, statistic, period });
  }

  #count(
    id: string,
    logGroup: ILogGroup,
    { metricName }: Metric,
    kind: string,
    metricValue: string,
    ...more: JsonPattern[]
  ): void {
    const isOfKind = FilterPattern.stringValue('$.kind', '=', kind);
    new MetricFilter(this, id, {
      logGroup,
      filterPattern: more.length === 0 ? isOfKind : FilterPattern.all(isOfKind, ...more),
      metricNamespace: this.namespace,
      metricName,
      metricValue,
    });
  }
}

/** `Dumbwaiter/<stack>/<part of the construct's address>`: unique if a stack has several constructs. */
function namespaceOf(scope: IConstruct): string {
  return `Dumbwaiter/${Stack.of(scope).stackName}/${scope.node.addr.slice(-8)}`;
}
