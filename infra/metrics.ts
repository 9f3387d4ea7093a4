/**
 * CloudWatch metrics of a deployment. The functions print those of queues, topics and calls themselves (`functions/metrics/emf.ts`). Metric filters
 * make the others of the functions' structured logs, by the field `kind`. Neither makes a call to CloudWatch.
 */
import { Duration, Lazy, Stack } from 'aws-cdk-lib';
import { MathExpression, Metric, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { FilterPattern, MetricFilter } from 'aws-cdk-lib/aws-logs';
import { Construct, type IConstruct } from 'constructs';
import {
  availabilityMetric,
  type LogMetric,
  type LogMetricTerms,
  logMetrics,
  type MetricTerms,
  type QueueMetric,
  queueDimension,
  queueMetrics,
  type Role,
  type TopicMetric,
  topicDimension,
  topicMetrics,
} from '../contract/metrics.ts';
import type { NodeFunction } from './node-function.ts';

const period = Duration.minutes(5);
/** Lambda takes 4 KB for all variables of a function. */
const namesCharsMax = 2_500;

export interface MetricsProps {
  /** All functions that run the engine, by name: a receive, a release or the sweep can dead-letter a message. */
  engines: ReadonlyMap<string, NodeFunction>;
  /** The functions that answer callers, over HTTP or by invocation. */
  callable: ReadonlyMap<string, NodeFunction>;
  /** The queues and topics that have metrics of their own, besides those whose metrics the stack uses. */
  queues: () => readonly string[];
  topics: () => readonly string[];
  sweep: NodeFunction;
  declareQueues: NodeFunction;
}

/** The metrics are in a namespace of this construct. */
export class Metrics extends Construct {
  readonly namespace: string;
  readonly #declared: Pick<MetricsProps, 'queues' | 'topics'>;
  /** Queues and topics whose metrics the stack uses. */
  readonly #used = { queues: new Set<string>(), topics: new Set<string>() };

  constructor(scope: Construct, id: string, props: MetricsProps) {
    super(scope, id);
    this.namespace = namespaceOf(this);
    this.#declared = props;
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
    return this.#total(queueMetrics[what], options);
  }

  /** A metric of all topics together. */
  totalOfTopics(what: TopicMetric): Metric {
    return this.#total(topicMetrics[what]);
  }

  #total({ name, statistic }: MetricTerms, options: MetricOptions = {}): Metric {
    return new Metric({ namespace: this.namespace, metricName: name, statistic, period, ...options });
  }

  /** A metric of one queue. From now on, the functions print it. */
  ofQueue(queue: string, what: QueueMetric, options: MetricOptions = {}): Metric {
    this.#used.queues.add(queue);
    return queueMetric(this.namespace, queue, what, options);
  }

  /** The same for a topic. */
  ofTopic(topic: string, what: TopicMetric, options: MetricOptions = {}): Metric {
    this.#used.topics.add(topic);
    return topicMetric(this.namespace, topic, what, options);
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
    fn.addEnvironment('DUMBWAITER_METRICS_QUEUES', Lazy.string({ produce: () => this.#names().queues.join(',') }));
    fn.addEnvironment('DUMBWAITER_METRICS_TOPICS', Lazy.string({ produce: () => this.#names().topics.join(',') }));
  }

  #names(): { queues: string[]; topics: string[] } {
    const queues = [...new Set([...this.#declared.queues(), ...this.#used.queues])];
    const topics = [...new Set([...this.#declared.topics(), ...this.#used.topics])];
    const { length } = [...queues, ...topics].join(',');
    if (length <= namesCharsMax) return { queues, topics };
    const limit = `their names may have ${namesCharsMax} characters together, and have ${length}`;
    const which = 'queues and topics';
    throw new Error(`${this.node.path}: too many ${which} have metrics of their own: ${limit}. Use metrics of fewer ${which}.`);
  }
}

/** A metric of one queue, as the functions print it. */
export function queueMetric(namespace: string, queue: string, what: QueueMetric, options: MetricOptions = {}): Metric {
  return ownMetric(namespace, queueMetrics[what], { [queueDimension]: queue }, options);
}

/** A metric of one topic, as the functions print it. */
export function topicMetric(namespace: string, topic: string, what: TopicMetric, options: MetricOptions = {}): Metric {
  return ownMetric(namespace, topicMetrics[what], { [topicDimension]: topic }, options);
}

function ownMetric(
  namespace: string,
  { name, statistic }: MetricTerms,
  dimensionsMap: Record<string, string>,
  options: MetricOptions,
): Metric {
  return new Metric({ namespace, metricName: name, statistic, period: Duration.minutes(1), ...options, dimensionsMap });
}

/** `Dumbwaiter/<stack>/<part of the construct's address>`: unique if a stack has several constructs. */
function namespaceOf(scope: IConstruct): string {
  return `Dumbwaiter/${Stack.of(scope).stackName}/${scope.node.addr.slice(-8)}`;
}
