/** The metrics of single queues, as stacks use them, are those that the functions print. */
import { Stack } from 'aws-cdk-lib';
import type { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { beforeAll, describe, expect, it } from 'vitest';
import { depthStates, type QueueMetric, queueMetrics } from '../../contract/metrics.ts';
import { createEmf } from '../../functions/metrics/emf.ts';
import { flowCounts, flowTimes } from '../../functions/metrics/flow.ts';
import { Dumbwaiter, type QueueRef } from '../../infra/index.ts';
import { createDrivenClock } from '../support/driven-clock.ts';
import { type EmfLine, metricsIn } from '../support/emf-lines.ts';
import { ensureBundles, type Synthesized, synthesize } from './synthesized.ts';

const queue = 'orders';
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

let synthesized: Synthesized;
const made = new Map<QueueMetric, Metric>();

beforeAll(async () => {
  await ensureBundles();
  const subscriptions = { billing: {}, search: { queue: 'first' } };
  const props = {
    queues: { first: {}, second: {} },
    topics: { news: { subscriptions } },
    monitoring: { queueMetricsMax: 3 },
  };
  synthesized = synthesize(props, (dumbwaiter) => {
    for (const [what, method] of Object.entries(methods)) made.set(what as QueueMetric, method(dumbwaiter.queue(queue)));
    made.get('oldestAge')!.createAlarm(dumbwaiter, 'Late', { threshold: 60, evaluationPeriods: 1 });
  });
});

function environmentOf(name: string): Record<string, string> {
  const { Properties } = synthesized.at('AWS::Lambda::Function', `Functions/${name}/Function`);
  return (Properties.Environment as { Variables: Record<string, string> }).Variables;
}

/** Everything that a function prints of the queue. */
function printed() {
  const { DUMBWAITER_METRICS_NAMESPACE: namespace, DUMBWAITER_METRICS_QUEUES: names } = environmentOf('Api');
  const lines: EmfLine[] = [];
  const print = (line: string) => void lines.push(JSON.parse(line));
  const emf = createEmf({ namespace: namespace!, queues: new Set(names!.split(',')), clock: createDrivenClock(0), print });
  for (const what of flowCounts) emf.meter.counted(queue, what, 1);
  for (const what of flowTimes) emf.meter.timed(queue, what, 1);
  emf.depth(queue, { ready: 1, delayed: 1, leased: 1, dead: 1, prepared: 1, oldestAgeSeconds: 1, atLeast: false });
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

  it('queues that the stack declares have metrics of their own up to the limit, and so do those whose metrics it uses', () => {
    for (const name of ['Api', 'Publish', 'Receive', 'HttpReceive', 'Sweep', 'Redrive']) {
      expect(environmentOf(name).DUMBWAITER_METRICS_QUEUES).toBe('first,second,news~billing,orders');
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
