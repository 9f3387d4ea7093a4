/**
 * Keeps what happened in each queue: a row of `queues` for each queue and ten minutes, for 30 days. Each process adds to it once a minute, if
 * something happened. The counts are for people: a process that dies takes the counts of its last minute with it, and one whose answer
 * was lost may have been added twice.
 */
import type { CheckedInputOf, OutputOf, Queue, QueueStatsPoint } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { statsKeptSeconds, statsStepSeconds } from '../../contract/limits.ts';
import type { SweepReport } from '../../engine/engine.ts';
import { queueKey, readQueue } from '../../engine/model/queue-record.ts';
import { pagesOf } from '../../engine/port/pages.ts';
import type { Clock, Key, Random, Row, Store } from '../../engine/port/port.ts';
import { StoreError } from '../../engine/port/port.ts';
import { changeRow } from './change-row.ts';
import { addTime, emptyFlow, type Flow, flowCounts, flowTimes, percentile, sumOf } from './flow.ts';
import type { Meter } from './measured-engine.ts';

/** How often a process adds its counts to the rows, ms. */
const flushMs = 60_000;
const stepMs = statsStepSeconds * 1000;
const rowsAPage = 300;

export interface Stats {
  meter: Meter;
  /** Adds the counts of this process to the rows if the last time was a minute ago, or `now`. Never rejects. */
  flush(now?: boolean): Promise<void>;
  /** Notes what a sweep saw. Never rejects. */
  swept(report: SweepReport): Promise<void>;
  /** Throws `queue_not_found`. */
  read(queue: string, input: CheckedInputOf<'queueStats'>): Promise<OutputOf<'queueStats'>>;
  lastHour(queue: Pick<Queue, 'name' | 'createdAt'>): Promise<QueueStatsPoint[]>;
}

export interface StatsParts {
  store: Store;
  clock: Clock;
  random: Random;
  onError(error: unknown): void;
}

interface StatsRow {
  flow: Flow;
  /** Messages that waited at the latest sweep of these ten minutes, and the age of the oldest. */
  depth?: number;
  oldestAgeSeconds?: number;
}

/** `at`: when its ten minutes begin. */
type TimedRow = StatsRow & { at: number };

export const statsKind = 'stats';
const stepOf = (ms: number) => Math.floor(ms / stepMs) * stepMs;
/** The rows of a queue lie side by side, in order of time. */
const nameOf = (queue: string, at: number) => `${queue}/${new Date(at).toISOString()}`;
const timeIn = (name: string) => Date.parse(name.slice(name.indexOf('/') + 1));

export function createStats({ store, clock, random, onError }: StatsParts): Stats {
  let pending = new Map<string, Flow>();
  let flushedAt = clock.now();
  /** By queue: the depth and the age that its row has, so that a sweep writes only what changed. */
  const depths = new Map<string, string>();

  const flowOf = (queue: string) => {
    const flow = pending.get(queue) ?? emptyFlow();
    pending.set(queue, flow);
    return flow;
  };

  /** Changes the row of these ten minutes. */
  async function change(queue: string, decide: (before: StatsRow) => StatsRow): Promise<void> {
    const at = stepOf(clock.now());
    const key: Key & { table: 'queues' } = { table: 'queues', kind: statsKind, name: nameOf(queue, at) };
    await changeRow({ store, random }, key, (before) => encode(decide(before ? decode(before) : { flow: emptyFlow() }), at));
  }

  async function quietly(run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      // Statistics must not fail a call. What a lost answer may have stored is not stored again.
      if (!(error instanceof StoreError)) onError(error);
    }
  }

  async function read(
    queue: string,
    { from, until, stepSeconds = statsStepSeconds }: CheckedInputOf<'queueStats'>,
  ): Promise<OutputOf<'queueStats'>> {
    const [row] = await store.get([queueKey(queue)]);
    if (!row) throw new DumbwaiterError('queue_not_found', `queue: there is no queue "${queue}"`);
    const end = until === undefined ? clock.now() : Date.parse(until);
    const begin = from === undefined ? end - dayMs : Date.parse(from);
    const rows = await rowsOf(queue, Math.max(begin, readQueue(row).createdAt), end);
    return { points: pointsOf(rows, stepSeconds * 1000) };
  }

  /** `begin` must not be before the queue was created: another of the same name may have existed. */
  async function rowsOf(queue: string, begin: number, end: number): Promise<TimedRow[]> {
    const range = { from: nameOf(queue, stepOf(begin)), to: nameOf(queue, end) };
    const rows: TimedRow[] = [];
    for await (const page of pagesOf(store, { table: 'queues', partition: statsKind, ...range, limit: rowsAPage })) {
      rows.push(...page.map((one) => ({ ...decode(one), at: timeIn(one.name as string) })));
    }
    return rows;
  }

  return {
    meter: {
      counted(queue, what, messages) {
        flowOf(queue)[what] += messages;
      },
      timed: (queue, what, seconds) => addTime(flowOf(queue), what, seconds),
    },
    async flush(isNow = false) {
      if (pending.size === 0 || (!isNow && clock.now() - flushedAt < flushMs)) return;
      const flows = pending;
      pending = new Map();
      flushedAt = clock.now();
      await Promise.all(
        [...flows].map(([queue, flow]) =>
          quietly(() => change(queue, (before) => ({ ...before, flow: sumOf(before.flow, flow) }))),
        ),
      );
    },
    async swept({ queues }) {
      await Promise.all(
        queues.map(({ name, waiting, oldestAgeSeconds }) =>
          quietly(async () => {
            const age = Math.round(oldestAgeSeconds);
            const seen = `${stepOf(clock.now())} ${waiting}`;
            if (depths.get(name) === seen || (waiting === 0 && !depths.has(name))) return;
            await change(name, (before) => ({ ...before, depth: waiting, oldestAgeSeconds: age }));
            if (waiting === 0) depths.delete(name);
            else depths.set(name, seen);
          }),
        ),
      );
    },
    read,
    async lastHour({ name, createdAt }) {
      const now = clock.now();
      return pointsOf(await rowsOf(name, Math.max(now - hourMs, Date.parse(createdAt)), now), stepMs);
    },
  };
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Joins rows into points of a step, each a multiple of ten minutes. Steps in which nothing happened have no point. */
function pointsOf(rows: readonly TimedRow[], step: number): QueueStatsPoint[] {
  const groups = Map.groupBy(rows, ({ at }) => Math.floor(at / step) * step);
  return [...groups].map(([at, members]) => {
    const flow = members.map((member) => member.flow).reduce(sumOf);
    const latest = members.findLast(({ depth }) => depth !== undefined);
    const counts = Object.fromEntries(flowCounts.map((name) => [name, flow[name]])) as Pick<Flow, (typeof flowCounts)[number]>;
    const percentilesOf = (buckets: readonly number[]) => {
      const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => percentile(buckets, share));
      return p50 === null ? null : { p50: p50!, p95: p95!, p99: p99! };
    };
    return {
      at: new Date(at).toISOString(),
      ...counts,
      waiting: latest?.depth ?? null,
      oldestAgeSeconds: latest?.oldestAgeSeconds ?? null,
      waitingSeconds: percentilesOf(flow.waiting),
      handlingSeconds: percentilesOf(flow.handling),
    };
  });
}

function encode({ flow, ...seen }: StatsRow, at: number): object {
  return { ttl: Math.ceil(at / 1000) + statsKeptSeconds, ...seen, ...flow };
}

function decode(row: Row): StatsRow {
  const flow = emptyFlow();
  for (const name of flowCounts) flow[name] = (row[name] as number | undefined) ?? 0;
  for (const name of flowTimes) flow[name] = (row[name] as number[] | undefined) ?? flow[name];
  const { depth, oldestAgeSeconds } = row as { depth?: number; oldestAgeSeconds?: number };
  return { flow, ...(depth !== undefined && { depth }), ...(oldestAgeSeconds !== undefined && { oldestAgeSeconds }) };
}
