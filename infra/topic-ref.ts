/** One topic of a deployment, for alarms and dashboards of other parts of a stack. */
import type { Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { TopicMetric } from '../contract/metrics.ts';

/**
 * A topic of a deployment: what `dumbwaiter.topic('news')` returns. To let a program publish to it, connect the program:
 * `dumbwaiter.connect(fn, { queues: [], topics: ['news'], scopes: ['publish'] })`.
 *
 * The functions print metrics of a topic with each publish, and what is on its way once a minute. They print those of topics whose metric
 * methods the deployment's app calls, and of declared topics up to `monitoring.topicMetricsMax`. The metrics of a subscription are those of its
 * queue: `dumbwaiter.queue('news~billing')`.
 */
export class TopicRef {
  readonly name: string;
  readonly #metricOf: (topic: string, what: TopicMetric, options: MetricOptions) => Metric;

  constructor(name: string, metricOf: (topic: string, what: TopicMetric, options: MetricOptions) => Metric) {
    this.name = name;
    this.#metricOf = metricOf;
  }

  /** Messages that were published (sum). Those of transactions of your own are not counted. */
  metricPublished(options?: MetricOptions): Metric {
    return this.#metric('published', options);
  }

  /** Copies of messages that subscriptions get (sum). */
  metricDelivered(options?: MetricOptions): Metric {
    return this.#metric('delivered', options);
  }

  /** Copies of messages that subscriptions do not get, because they do not match (sum). */
  metricFiltered(options?: MetricOptions): Metric {
    return this.#metric('filtered', options);
  }

  /** Messages that no subscription gets (sum). */
  metricUnmatched(options?: MetricOptions): Metric {
    return this.#metric('unmatched', options);
  }

  /** Publishes on their way to subscriptions (maximum), counted by the sweep. No data while there are none. */
  metricUndelivered(options?: MetricOptions): Metric {
    return this.#metric('undelivered', options);
  }

  /** How long sweeps have found the oldest of them unfinished, in seconds (maximum). No data while there are none. */
  metricAge(options?: MetricOptions): Metric {
    return this.#metric('oldestAge', options);
  }

  #metric(what: TopicMetric, options: MetricOptions = {}): Metric {
    return this.#metricOf(this.name, what, options);
  }
}
