/**
 * CloudWatch metrics of a deployment. The functions print those of queues and of calls themselves (`functions/metrics/emf.ts`). Metric filters
 * make the others of the functions' structured logs, by the field `kind`. Neither makes a call to CloudWatch.
 */
import { Duration, Lazy, Stack } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { FilterPattern, MetricFilter } from 'aws-cdk-lib/aws-logs';
import { Construct, type IConstruct } from 'constructs';
import {
  availabilityMetric,
  type LogMetric,
  type LogMetricTerms,
  logMetrics,
  type QueueMetric,
  queueDimension,
  queueMetrics,
  type Role,
} from '../contract/metrics.ts';
import type { NodeFunction } from './node-function.ts';

const period = Duration.minutes(5);
/** Lambda takes 4 KB for all variables of a function. */
const namesCharsMax = 2_500;

/** Metrics of topics, and the fields of the log that they sum up. */
const topicFields = { TopicMessages: '$.messages', TopicMatched: '$.matched', TopicFiltered: '$.filtered' } as const;

export interface QueueMetricsProps {
  /** All functions that run the engine, by name: a receive, a release or the sweep can dead-letter a message. */
  engines: ReadonlyMap<string, NodeFunction>;
  /** The functions that answer callers, over HTTP or by invocation. */
  callable: ReadonlyMap<string, NodeFunction>;
  /** The functions that publish to topics for callers. */
  publishing: ReadonlyMap<string, NodeFunction>;
  /** Whether each topic has metrics of its own, instead of one set for all topics together. */
  isPerTopic: boolean;
  /** The queues that have metrics of their own, besides those whose metrics the stack uses. */
  queues: () => readonly string[];
  sweep: NodeFunction;
  declareQueues: NodeFunction;
}

/** The metrics are in a namespace of this construct. */
export class QueueMetrics extends Construct {
  readonly namespace: string;
  /** Messages published to topics, and how many times a subscription got one, or did not match it. */
  readonly topics: readonly IMetric[];
  readonly #declared: QueueMetricsProps['queues'];
  /** Queues whose metrics the stack uses. */
  readonly #used = new Set<string>();

  constructor(scope: Construct, id: string, props: QueueMetricsProps) {
    super(scope, id);
    this.namespace = namespaceOf(this);
    this.#declared = props.queues;
    this.topics = Object.entries(topicFields).map(([metricName, field]) => this.#topicMetric(metricName, field, props));
    for (const [name, fn] of props.engines) {
      const isCallable = props.callable.has(name);
      this.#add(name, fn, [
        'engine',
        ...(isCallable ? ['callable' as const] : []),
        ...(fn === props.sweep ? ['sweep' as const] : []),
      ]);
    }
    this.#add('DeclareQueues', props.declareQueues, ['declareQueues']);
  }

  /** Adds the function that delivers to targets. It runs the engine, too. */
  addDispatch(name: string, fn: NodeFunction): void {
    this.#add(name, fn, ['engine', 'dispatch']);
  }

  /** Adds the function that wakes idle consumers. */
  addWake(name: string, fn: NodeFunction): void {
    this.#add(name, fn, ['wake']);
  }

  /** A metric of all queues together, made of log lines. */
  ofLog(what: LogMetric): Metric {
    const { name, statistic = 'Sum' }: LogMetricTerms = logMetrics[what];
    return new Metric({ namespace: this.namespace, metricName: name, statistic, period });
  }

  /** A metric of all queues together. */
  total(what: QueueMetric, options: MetricOptions = {}): Metric {
    const { name, statistic } = queueMetrics[what];
    return new Metric({ namespace: this.namespace, metricName: name, statistic, period, ...options });
  }

  /** A metric of one queue. From now on, the functions print it. */
  ofQueue(queue: string, what: QueueMetric, options: MetricOptions = {}): Metric {
    this.#used.add(queue);
    return queueMetric(this.namespace, queue, what, options);
  }

  /** The share of the calls that were not answered with an error of the server, in percent. */
  availability(): Metric {
    const { name, statistic } = availabilityMetric;
    return new Metric({ namespace: this.namespace, metricName: name, statistic, period, label: 'all operations' });
  }

  /** A metric for each value of a dimension that has data. Only for dashboards: alarms cannot use it. */
  each(dimension: string, metricName: string, statistic: string): MathExpression {
    const search = `SEARCH('{"${this.namespace}",${dimension}} MetricName="${metricName}"', '${statistic}', ${period.toSeconds()})`;
    return new MathExpression({ expression: search, usingMetrics: {}, label: '', period });
  }

  #add(name: string, { function: fn, logGroup }: NodeFunction, roles: readonly Role[]): void {
    for (const terms of Object.values<LogMetricTerms>(logMetrics)) {
      if (!terms.roles.some((role) => roles.includes(role))) continue;
      const isOfKind = FilterPattern.stringValue('$.kind', '=', terms.kind);
      new MetricFilter(this, `${name}${terms.name}`, {
        logGroup,
        filterPattern:
          terms.unless === undefined
            ? isOfKind
            : FilterPattern.all(isOfKind, FilterPattern.booleanValue(`$.${terms.unless}`, false)),
        metricNamespace: this.namespace,
        metricName: terms.name,
        metricValue: terms.field === undefined ? '1' : `$.${terms.field}`,
      });
    }
    if (!roles.includes('engine')) return;
    fn.addEnvironment('DUMBWAITER_METRICS_NAMESPACE', this.namespace);
    fn.addEnvironment('DUMBWAITER_METRICS_QUEUES', Lazy.string({ produce: () => this.#namesOfQueues() }));
  }

  #namesOfQueues(): string {
    const names = [...new Set([...this.#declared(), ...this.#used])].join(',');
    if (names.length <= namesCharsMax) return names;
    const limit = `their names may have ${namesCharsMax} characters together, and have ${names.length}`;
    throw new Error(`${this.node.path}: too many queues have metrics of their own: ${limit}. Use metrics of fewer queues.`);
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
    if (isPerTopic) return this.each('topic', metricName, 'Sum');
    return new Metric({ namespace: this.namespace, metricName, statistic: 'Sum', period });
  }
}

/** A metric of one queue, as the functions print it. */
export function queueMetric(namespace: string, queue: string, what: QueueMetric, options: MetricOptions = {}): Metric {
  const { name, statistic } = queueMetrics[what];
  const dimensionsMap = { [queueDimension]: queue };
  return new Metric({ namespace, metricName: name, statistic, period: Duration.minutes(1), ...options, dimensionsMap });
}

/** `Dumbwaiter/<stack>/<part of the construct's address>`: unique if a stack has several constructs. */
function namespaceOf(scope: IConstruct): string {
  return `Dumbwaiter/${Stack.of(scope).stackName}/${scope.node.addr.slice(-8)}`;
}
