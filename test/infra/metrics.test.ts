/** The metrics of single queues and topics, as stacks use them, are those that the functions print. */
import { Stack } from 'aws-cdk-lib';
import type { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { beforeAll, describe, expect, it } from 'vitest';
import { depthStates, type QueueMetric, queueMetrics, type TopicMetric, topicMetrics } from '../../contract/metrics.ts';
import { createEmf } from '../../functions/metrics/emf.ts';
import { flowCounts, flowTimes, topicCounts } from '../../functions/metrics/flow.ts';
import { Dumbwaiter, type QueueRef, type TopicRef } from '../../infra/index.ts';
import { createDrivenClock } from '../support/driven-clock.ts';
import { type EmfLine, metricsIn } from '../support/emf-lines.ts';
import { ensureBundles, type Synthesized, synthesize } from './synthesized.ts';

const queue = 'orders';
const topic = 'prices';
/** Each metric, by the method that makes it. */
const methods: Record<QueueMetric, (ref: QueueRef) => Metric> = {
  published: (ref) => ref.metricPublished(),
  received: (ref) => ref.metricReceived(),
  acked: (ref) => ref.metricAcked(),
  failed: (ref) => ref.metricFailed(),
  expired: (ref) => ref.metricExpired(),
  deadLettered: (ref) => ref.metricDeadLettered(),
  emptyReceives: (ref) => ref.metricEmptyReceives(),
  waiting: (ref) => ref.metricWaiting(),
  handling: (ref) => ref.metricHandling(),
  ready: (ref) => ref.metricDepth(),
  delayed: (ref) => ref.metricDepth({ state: 'delayed' }),
  leased: (ref) => ref.metricDepth({ state: 'leased' }),
  dead: (ref) => ref.metricDepth({ state: 'dead' }),
  prepared: (ref) => ref.metricDepth({ state: 'prepared' }),
  oldestAge: (ref) => ref.metricAge(),
};

const topicMethods: Record<TopicMetric, (ref: TopicRef) => Metric> = {
  published: (ref) => ref.metricPublished(),
  delivered: (ref) => ref.metricDelivered(),
  filtered: (ref) => ref.metricFiltered(),
  unmatched: (ref) => ref.metricUnmatched(),
  undelivered: (ref) => ref.metricUndelivered(),
  oldestAge: (ref) => ref.metricAge(),
};

let synthesized: Synthesized;
const made = new Map<QueueMetric, Metric>();
const madeOfTopic = new Map<TopicMetric, Metric>();

beforeAll(async () => {
  await ensureBundles();
  const subscriptions = { billing: {}, search: { queue: 'first' } };
  const props = {
    queues: { first: {}, second: {} },
    topics: { news: { subscriptions }, rare: {} },
    monitoring: { queueMetricsMax: 3, topicMetricsMax: 1 },
  };
  synthesized = synthesize(props, (dumbwaiter) => {
    for (const [what, method] of Object.entries(methods)) made.set(what as QueueMetric, method(dumbwaiter.queue(queue)));
    for (const [what, method] of Object.entries(topicMethods)) {
      madeOfTopic.set(what as TopicMetric, method(dumbwaiter.topic(topic)));
    }
    made.get('oldestAge')!.createAlarm(dumbwaiter, 'Late', { threshold: 60, evaluationPeriods: 1 });
  });
});

function environmentOf(name: string): Record<string, string> {
  const { Properties } = synthesized.at('AWS::Lambda::Function', `Functions/${name}/Function`);
  return (Properties.Environment as { Variables: Record<string, string> }).Variables;
}

/** Everything that a function prints of the queue and the topic. */
function printed() {
  const variables = environmentOf('Api');
  const namespace = variables.DUMBWAITER_METRICS_NAMESPACE!;
  const namesIn = (list = '') => new Set(list.split(','));
  const [queues, topics] = [namesIn(variables.DUMBWAITER_METRICS_QUEUES), namesIn(variables.DUMBWAITER_METRICS_TOPICS)];
  const lines: EmfLine[] = [];
  const print = (line: string) => void lines.push(JSON.parse(line));
  const emf = createEmf({ namespace, queues, topics, clock: createDrivenClock(0), print });
  for (const what of flowCounts) emf.meter.counted(queue, what, 1);
  for (const what of flowTimes) emf.meter.timed(queue, what, 1);
  emf.depth(queue, { ready: 1, delayed: 1, leased: 1, dead: 1, prepared: 1, oldestAgeSeconds: 1, atLeast: false });
  for (const what of topicCounts) emf.meter.topicCounted(topic, what, 1);
  emf.undelivered([{ name: topic, undelivered: 1, oldestAgeSeconds: 1 }]);
  emf.flush();
  return lines;
}

describe("a queue's metrics in a stack", () => {
  it('the functions print every metric of a queue that the stack can use, in the same namespace, with the same dimension', () => {
    const lines = printed();
    const namespaces = new Set(lines.flatMap(({ _aws }) => _aws.CloudWatchMetrics.map(({ Namespace }) => Namespace)));
    const identities = metricsIn(lines).flatMap(({ name, dimensions }) => ('queue' in dimensions ? [{ name, dimensions }] : []));
    expect(made.size).toBe(flowCounts.length + flowTimes.length + depthStates.length + 1);
    expect(identities).toHaveLength(made.size);
    for (const [what, metric] of made) {
      const { namespace, metricName, dimensions, statistic } = metric;
      expect(namespaces, what).toEqual(new Set([namespace]));
      expect(identities, what).toContainEqual({ name: metricName, dimensions });
      expect(statistic).toBe(queueMetrics[what].statistic);
    }
  });

  it('the functions print every metric of a topic that the stack can use, in the same namespace, with the same dimension', () => {
    const identities = metricsIn(printed()).flatMap(({ name, dimensions }) =>
      'topic' in dimensions ? [{ name, dimensions }] : [],
    );
    expect(madeOfTopic.size).toBe(Object.keys(topicMetrics).length);
    expect(identities).toHaveLength(madeOfTopic.size);
    for (const [what, { namespace, metricName, dimensions, statistic }] of madeOfTopic) {
      expect(namespace).toBe(made.get('published')!.namespace);
      expect(identities, what).toContainEqual({ name: metricName, dimensions });
      expect(statistic).toBe(topicMetrics[what].statistic);
    }
  });

  it('queues and topics that the stack declares have metrics of their own up to the limit, and so do those whose metrics it uses', () => {
    for (const name of ['Api', 'Publish', 'Receive', 'HttpReceive', 'Sweep', 'Redrive']) {
      expect(environmentOf(name).DUMBWAITER_METRICS_QUEUES).toBe('first,second,news~billing,orders');
      expect(environmentOf(name).DUMBWAITER_METRICS_TOPICS).toBe('news,prices');
    }
  });

  it('an imported deployment has the same metrics, in the namespace that its output names', () => {
    const imported = (attributes: object) => Dumbwaiter.fromAttributes(new Stack(), 'Imported', attributes).queue(queue);
    const { namespace, metricName, dimensions } = imported({ metricsNamespace: 'Dumbwaiter/Other/1' }).metricDepth();
    const { metricName: expected, dimensions: expectedDimensions } = made.get('ready')!;
    expect({ namespace, metricName, dimensions }).toEqual({
      namespace: 'Dumbwaiter/Other/1',
      metricName: expected,
      dimensions: expectedDimensions,
    });
    const attributes = { metricsNamespace: 'Dumbwaiter/Other/1' };
    const published = Dumbwaiter.fromAttributes(new Stack(), 'Imported', attributes).topic(topic).metricPublished();
    expect(published).toMatchObject({ namespace: 'Dumbwaiter/Other/1', metricName: 'TopicPublished', dimensions: { topic } });
    expect(() => imported({}).metricDepth()).toThrow('metricsNamespace, the output MetricsNamespace');
  });

  it('an alarm can be made of a metric', () => {
    const { Properties } = synthesized.at('AWS::CloudWatch::Alarm', 'Late');
    expect(Properties).toMatchObject({
      Namespace: environmentOf('Api').DUMBWAITER_METRICS_NAMESPACE,
      MetricName: 'OldestAgeSeconds',
      Dimensions: [{ Name: 'queue', Value: 'orders' }],
      Statistic: 'Maximum',
      Threshold: 60,
      Period: 60,
    });
  });
});
