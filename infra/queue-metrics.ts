import { Duration, Stack } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { FilterPattern, type ILogGroup, type JsonPattern, MetricFilter } from 'aws-cdk-lib/aws-logs';
import { Construct, type IConstruct } from 'constructs';
import type { NodeFunction } from './node-function.ts';

const period = Duration.minutes(5);

export interface QueueMetricsProps {
  /** All that run the engine, by name: a message can be dead-lettered by a receive or a release, and by the sweep. */
  engines: ReadonlyMap<string, NodeFunction>;
  /** Those that answer callers, over HTTP or by invocation. */
  callable: ReadonlyMap<string, NodeFunction>;
  sweep: NodeFunction;
  declareQueues: NodeFunction;
}

/**
 * What the queues tell through the functions' structured logs, as CloudWatch metrics in a namespace of this deployment's own:
 * no call to CloudWatch is made while a message is handled.
 */
export class QueueMetrics extends Construct {
  readonly namespace: string;
  /** Messages that were dead-lettered, by a receive, a release or the sweep. */
  readonly deadLettered: Metric;
  /** Messages that expired and were removed. */
  readonly expired: Metric;
  /** What the rules make impossible, or nearly. */
  readonly anomalies: Metric;
  /** Schedules whose ticks could not be published. */
  readonly schedulesFailed: Metric;
  /** Calls answered with `internal`, over HTTP or by invocation. */
  readonly defects: Metric;
  /** Calls answered with another 5xx, over HTTP or by invocation. */
  readonly unavailable: Metric;
  /** Deployments whose queues or schedules were refused. */
  readonly declarationsFailed: Metric;
  /** Runs of the sweep that left work to the next. */
  readonly sweepsIncomplete: Metric;
  /** Age in seconds of the oldest message that waits in any queue; dead-letter queues are left out. */
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
    this.oldestAge = this.#metric('OldestAgeSeconds', 'Maximum');
    for (const [name, { logGroup: logs }] of props.engines) {
      this.#count(`${name}DeadLettered`, logs, this.deadLettered, 'dead_lettered', '$.messages');
      this.#count(`${name}Expired`, logs, this.expired, 'expired', '$.messages');
      this.#count(`${name}Anomalies`, logs, this.anomalies, 'anomaly', '1');
    }
    for (const [name, { logGroup: logs }] of props.callable) {
      this.#count(`${name}Defects`, logs, this.defects, 'defect', '1');
      this.#count(`${name}Unavailable`, logs, this.unavailable, 'unavailable', '1');
    }
    const [sweepLogs, declarationLogs] = [props.sweep.logGroup, props.declareQueues.logGroup];
    this.#count('SchedulesFailed', sweepLogs, this.schedulesFailed, 'schedule_failed', '1');
    this.#count('DeclarationsFailed', declarationLogs, this.declarationsFailed, 'declaration_failed', '1');
    this.#count('OldestAge', sweepLogs, this.oldestAge, 'swept', '$.oldestAgeSeconds');
    const isIncomplete = FilterPattern.booleanValue('$.complete', false);
    this.#count('SweepsIncomplete', sweepLogs, this.sweepsIncomplete, 'swept', '1', isIncomplete);
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

/** `Dumbwaiter/<stack>`, and the construct's path in it where a stack holds more than one. */
function namespaceOf(scope: IConstruct): string {
  return `Dumbwaiter/${Stack.of(scope).stackName}/${scope.node.addr.slice(-8)}`;
}
