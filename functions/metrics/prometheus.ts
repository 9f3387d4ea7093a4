/** The counts of one server in the text format of Prometheus: https://prometheus.io/docs/instrumenting/exposition_formats/ */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ListedQueue } from '../../contract/contract.ts';
import { pageEntriesMax } from '../../contract/limits.ts';
import { depthStates } from '../../contract/metrics.ts';
import type { Engine, SweepReport } from '../../engine/engine.ts';
import { timeBounds } from './flow.ts';
import type { Meter } from './measured-engine.ts';

/** Queues, and topics, that have series of their own. Of further ones, the counts are summed up as `other`, and the depth is left out. */
const namesMax = 1_000;
const stepNames = {
  published: 'published',
  received: 'received',
  acked: 'acked',
  failed: 'failed',
  expired: 'expired',
  deadLettered: 'dead_lettered',
} as const;

export interface Prometheus {
  meter: Meter;
  /** Counts an answered call. */
  answered(operation: string, isAvailable: boolean, seconds: number): void;
  contentType: string;
  /** Notes what a sweep of this process saw. */
  swept(report: Pick<SweepReport, 'topics'>): void;
  /** Reads the depth of the queues, and answers all metrics. */
  text(engine: Pick<Engine, 'callChecked'>): Promise<string>;
}

export function createPrometheus(): Prometheus {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const terms = <Label extends string>(name: string, labelNames: Label[], help: string) => ({
    name: `dumbwaiter_${name}`,
    help,
    labelNames,
    registers: [registry],
  });
  const buckets = [...timeBounds];
  const messages = new Counter(terms('messages_total', ['queue', 'step'], 'Messages that passed a step in this process.'));
  const emptyReceives = new Counter(terms('empty_receives_total', ['queue'], 'Receives that found nothing.'));
  const times = {
    waiting: new Histogram({ ...terms('waiting_seconds', ['queue'], 'Time from publish to first receive.'), buckets }),
    handling: new Histogram({ ...terms('handling_seconds', ['queue'], 'Time from receive to ack.'), buckets }),
  };
  const calls = new Histogram(
    terms('call_seconds', ['operation', 'available'], 'Answered calls; `available` is false for errors of the server (5xx).'),
  );
  const depth = new Gauge(terms('queue_messages', ['queue', 'state'], 'Messages by state, as one call can count them.'));
  const oldest = new Gauge(
    terms('queue_oldest_age_seconds', ['queue'], 'How long the oldest ready or dead message has waited; 0 if none waits.'),
  );

  const topicMessages = new Counter(
    terms(
      'topic_messages_total',
      ['topic', 'step'],
      'Messages published to topics in this process, and copies of them, by step.',
    ),
  );
  const undelivered = new Gauge(
    terms('topic_undelivered', ['topic'], 'Publishes on their way to subscriptions, at the last sweep of this process.'),
  );
  const oldestUndelivered = new Gauge(
    terms('topic_oldest_age_seconds', ['topic'], 'How long sweeps had found the oldest of them unfinished.'),
  );

  const label = createLabel();
  const topicLabel = createLabel();

  async function readDepths(engine: Pick<Engine, 'callChecked'>): Promise<void> {
    const queues: ListedQueue[] = [];
    let cursor: string | undefined;
    do {
      const page = { limit: pageEntriesMax, counts: true, ...(cursor !== undefined && { cursor }) };
      const listed = await engine.callChecked('listQueues', {}, page);
      queues.push(...listed.queues);
      cursor = listed.cursor;
    } while (cursor !== undefined && queues.length < namesMax);
    // Queues that were deleted must not keep their last depth.
    depth.reset();
    oldest.reset();
    for (const { name, counts } of queues.slice(0, namesMax)) {
      if (!counts) continue;
      for (const state of depthStates) depth.set({ queue: name, state }, counts[state]);
      oldest.set({ queue: name }, counts.oldestAgeSeconds ?? 0);
    }
  }

  return {
    meter: {
      counted(queue, what, count) {
        if (what === 'emptyReceives') emptyReceives.inc({ queue: label(queue) }, count);
        else messages.inc({ queue: label(queue), step: stepNames[what] }, count);
      },
      timed: (queue, what, seconds) => times[what].observe({ queue: label(queue) }, seconds),
      topicCounted: (topic, step, count) => topicMessages.inc({ topic: topicLabel(topic), step }, count),
    },
    answered: (operation, isAvailable, seconds) => calls.observe({ operation, available: String(isAvailable) }, seconds),
    swept({ topics }) {
      // Topics whose publishes have reached their subscriptions must not keep what they had.
      undelivered.reset();
      oldestUndelivered.reset();
      for (const topic of topics.slice(0, namesMax)) {
        undelivered.set({ topic: topic.name }, topic.undelivered);
        oldestUndelivered.set({ topic: topic.name }, topic.oldestAgeSeconds);
      }
    },
    contentType: registry.contentType,
    async text(engine) {
      await readDepths(engine);
      return registry.metrics();
    },
  };
}

/** The names that come first have series of their own. */
function createLabel(): (name: string) => string {
  const named = new Set<string>();
  return (name) => {
    if (named.size < namesMax) named.add(name);
    return named.has(name) ? name : 'other';
  };
}
