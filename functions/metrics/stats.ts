/** The statistics of queues and topics: counts what happens, and answers it in points. `stats-rows.ts` stores them. */
import type { OutputOf, Queue, QueueStatsPoint, StatsInput, Topic, TopicStatsPoint } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { statsStepSeconds } from '../../contract/limits.ts';
import type { SweepReport } from '../../engine/engine.ts';
import { queueKey, readQueue } from '../../engine/model/queue-record.ts';
import { readTopic, topicKey } from '../../engine/model/topic-record.ts';
import { addTime, emptyFlow, emptyTopicFlow, type Flow, percentile, type Sums, sumOf, type TopicFlow } from './flow.ts';
import type { Meter } from './measured-engine.ts';
import { createStatsRows, hourMs, type StatsParts, type TimedRow } from './stats-rows.ts';

/** How often a process adds its counts to the rows, ms. */
const flushMs = 60_000;
const dayMs = 24 * hourMs;

export interface Stats {
  meter: Meter;
  /** Adds the counts of this process to the rows if the last time was a minute ago, or `now`. Never rejects. */
  flush(now?: boolean): Promise<void>;
  /** Notes what a sweep saw. Never rejects. */
  swept(report: Pick<SweepReport, 'queues' | 'topics'>): Promise<void>;
  /** Throws `queue_not_found`. */
  ofQueue(queue: string, input: StatsInput): Promise<OutputOf<'queueStats'>>;
  /** Throws `topic_not_found`. */
  ofTopic(topic: string, input: StatsInput): Promise<OutputOf<'topicStats'>>;
  lastHourOfQueue(queue: Pick<Queue, 'name' | 'createdAt'>): Promise<QueueStatsPoint[]>;
  lastHourOfTopic(topic: Pick<Topic, 'name' | 'createdAt'>): Promise<TopicStatsPoint[]>;
}

export function createStats(parts: StatsParts): Stats {
  const { store, clock } = parts;
  const queues = createStatsRows(parts, '', emptyFlow);
  // No name of a queue begins with a slash.
  const topics = createStatsRows(parts, '/topics/', emptyTopicFlow);
  let flushedAt = clock.now();

  /** Begins at `createdAt` at the earliest: another queue or topic of the same name may have existed before. */
  function timeOf({ from, until }: StatsInput, createdAt: number): [begin: number, end: number] {
    const end = until === undefined ? clock.now() : Date.parse(until);
    const begin = from === undefined ? end - dayMs : Date.parse(from);
    return [Math.max(begin, createdAt), end];
  }

  function lastHour({ createdAt }: { createdAt: string }): [begin: number, end: number] {
    const now = clock.now();
    return [Math.max(now - hourMs, Date.parse(createdAt)), now];
  }

  return {
    meter: {
      counted(queue, what, messages) {
        queues.pending(queue)[what] += messages;
      },
      timed: (queue, what, seconds) => addTime(queues.pending(queue), what, seconds),
      topicCounted(topic, what, messages) {
        topics.pending(topic)[what] += messages;
      },
    },
    async flush(isNow = false) {
      if (!queues.hasPending() && !topics.hasPending()) return;
      if (!isNow && clock.now() - flushedAt < flushMs) return;
      flushedAt = clock.now();
      await Promise.all([queues.flush(), topics.flush()]);
    },
    async swept(report) {
      const seen = new Set(report.topics.map(({ name }) => name));
      const ended = topics.waiting().filter((name) => !seen.has(name));
      await Promise.all([
        ...report.queues.map(({ name, waiting, oldestAgeSeconds }) => queues.note(name, waiting, oldestAgeSeconds)),
        ...report.topics.map(({ name, undelivered, oldestAgeSeconds }) => topics.note(name, undelivered, oldestAgeSeconds)),
        ...ended.map((name) => topics.note(name, 0, 0)),
      ]);
    },
    async ofQueue(queue, input) {
      const [row] = await store.get([queueKey(queue)]);
      if (!row) throw new DumbwaiterError('queue_not_found', `queue: there is no queue "${queue}"`);
      const rows = await queues.rowsOf(queue, ...timeOf(input, readQueue(row).createdAt));
      return { points: pointsOf(rows, input, queuePoint) };
    },
    async ofTopic(topic, input) {
      const [row] = await store.get([topicKey(topic)]);
      if (!row) throw new DumbwaiterError('topic_not_found', `topic: there is no topic "${topic}"`);
      const rows = await topics.rowsOf(topic, ...timeOf(input, readTopic(row).createdAt));
      return { points: pointsOf(rows, input, topicPoint) };
    },
    lastHourOfQueue: async (queue) => pointsOf(await queues.rowsOf(queue.name, ...lastHour(queue)), {}, queuePoint),
    lastHourOfTopic: async (topic) => pointsOf(await topics.rowsOf(topic.name, ...lastHour(topic)), {}, topicPoint),
  };
}

/** Joins rows into points of a step, each a multiple of ten minutes. Steps in which nothing happened have no point. */
function pointsOf<Kept extends Sums, Point>(
  rows: readonly TimedRow<Kept>[],
  { stepSeconds = statsStepSeconds }: StatsInput,
  pointOf: (joined: TimedRow<Kept>) => Point,
): Point[] {
  const step = stepSeconds * 1000;
  const groups = Map.groupBy(rows, ({ at }) => Math.floor(at / step) * step);
  return [...groups].map(([at, members]) => {
    const flow = members.map((member) => member.flow).reduce(sumOf);
    const { depth, oldestAgeSeconds } = members.findLast((member) => member.depth !== undefined) ?? {};
    return pointOf({
      at,
      flow,
      ...(depth !== undefined && { depth }),
      ...(oldestAgeSeconds !== undefined && { oldestAgeSeconds }),
    });
  });
}

function queuePoint({ at, flow, depth, oldestAgeSeconds }: TimedRow<Flow>): QueueStatsPoint {
  const { waiting, handling, ...counts } = flow;
  return {
    at: new Date(at).toISOString(),
    ...counts,
    waiting: depth ?? null,
    oldestAgeSeconds: oldestAgeSeconds ?? null,
    waitingSeconds: percentilesOf(waiting),
    handlingSeconds: percentilesOf(handling),
  };
}

function topicPoint({ at, flow, depth, oldestAgeSeconds }: TimedRow<TopicFlow>): TopicStatsPoint {
  return { at: new Date(at).toISOString(), ...flow, undelivered: depth ?? null, oldestAgeSeconds: oldestAgeSeconds ?? null };
}

function percentilesOf(buckets: readonly number[]) {
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => percentile(buckets, share));
  return p50 === null ? null : { p50: p50!, p95: p95!, p99: p99! };
}
