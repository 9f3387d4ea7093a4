/** The counts of one server in the text format of Prometheus: https://prometheus.io/docs/instrumenting/exposition_formats/ */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ListedQueue } from '../../contract/contract.ts';
import { pageEntriesMax } from '../../contract/limits.ts';
import type { Engine } from '../../engine/engine.ts';
import { timeBounds } from './flow.ts';
import type { Meter } from './measured-engine.ts';

/** Queues that have series of their own. Of further ones, the counts are summed up as the queue `other`, and the depth is left out. */
const queuesMax = 1_000;
const states = ['ready', 'delayed', 'leased', 'dead', 'prepared'] as const;
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
  contentType: string;
  /** Reads the depth of the queues, and answers all metrics. */
  text(engine: Pick<Engine, 'callChecked'>): Promise<string>;
}

export function createPrometheus(): Prometheus {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const messages = new Counter({
    name: 'dumbwaiter_messages_total',
    help: 'Messages that passed a step in this process.',
    labelNames: ['queue', 'step'],
    registers,
  });
  const emptyReceives = new Counter({
    name: 'dumbwaiter_empty_receives_total',
    help: 'Receives that found nothing.',
    labelNames: ['queue'],
    registers,
  });
  const times = {
    waiting: new Histogram({
      name: 'dumbwaiter_waiting_seconds',
      help: 'Time from publish to first receive.',
      labelNames: ['queue'],
      buckets: [...timeBounds],
      registers,
    }),
    handling: new Histogram({
      name: 'dumbwaiter_handling_seconds',
      help: 'Time from receive to ack, where this process did both.',
      labelNames: ['queue'],
      buckets: [...timeBounds],
      registers,
    }),
  };
  const calls = new Histogram({
    name: 'dumbwaiter_call_seconds',
    help: 'Calls of the engine; `available` is false for those that failed through no fault of the caller.',
    labelNames: ['operation', 'available'],
    registers,
  });
  const depth = new Gauge({
    name: 'dumbwaiter_queue_messages',
    help: 'Messages by state, as one call can count them.',
    labelNames: ['queue', 'state'],
    registers,
  });
  const oldest = new Gauge({
    name: 'dumbwaiter_queue_oldest_age_seconds',
    help: 'How long the oldest ready or dead message has waited; 0 if none waits.',
    labelNames: ['queue'],
    registers,
  });

  const named = new Set<string>();
  const label = (queue: string) => {
    if (named.size < queuesMax) named.add(queue);
    return named.has(queue) ? queue : 'other';
  };

  async function readDepths(engine: Pick<Engine, 'callChecked'>): Promise<void> {
    const queues: ListedQueue[] = [];
    let cursor: string | undefined;
    do {
      const page = { limit: pageEntriesMax, counts: true, ...(cursor !== undefined && { cursor }) };
      const listed = await engine.callChecked('listQueues', {}, page);
      queues.push(...listed.queues);
      cursor = listed.cursor;
    } while (cursor !== undefined && queues.length < queuesMax);
    // Queues that were deleted must not keep their last depth.
    depth.reset();
    oldest.reset();
    for (const { name, counts } of queues.slice(0, queuesMax)) {
      if (!counts) continue;
      for (const state of states) depth.set({ queue: name, state }, counts[state]);
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
      called: (operation, isAvailable, seconds) => calls.observe({ operation, available: String(isAvailable) }, seconds),
    },
    contentType: registry.contentType,
    async text(engine) {
      await readDepths(engine);
      return registry.metrics();
    },
  };
}
