/**
 * Rows of `queues` that keep what happened in each queue, or to each topic: one for ten minutes, for 30 days. Each process adds to them once a
 * minute, if something happened. The counts are for people: a process that dies takes the counts of its last minute with it, and one
 * whose answer was lost may have been added twice.
 */
import { statsKeptSeconds, statsStepSeconds } from '../../contract/limits.ts';
import { pagesOf } from '../../engine/port/pages.ts';
import { type Clock, type Key, type Random, type Row, type Store, StoreError } from '../../engine/port/port.ts';
import { changeRow } from './change-row.ts';
import { type Sums, sumOf } from './flow.ts';

export const hourMs = 3_600_000;

export interface StatsParts {
  store: Store;
  clock: Clock;
  random: Random;
  onError(error: unknown): void;
}

export interface StatsRow<Flow> {
  flow: Flow;
  /** What waited at the latest sweep of these ten minutes: messages of a queue, or publishes to a topic. */
  depth?: number;
  /** How long the oldest of them had waited. */
  oldestAgeSeconds?: number;
}

/** `at`: when its ten minutes begin. */
export type TimedRow<Flow> = StatsRow<Flow> & { at: number };

export interface StatsRows<Flow> {
  /** What happened and is in no row yet. Add to it. */
  pending(name: string): Flow;
  hasPending(): boolean;
  /** Adds it to the rows of these ten minutes. Never rejects. */
  flush(): Promise<void>;
  /** Notes what a sweep saw, if the row does not have it. Never rejects. */
  note(name: string, depth: number, oldestAgeSeconds: number): Promise<void>;
  /** The names in which this process noted last that something waits. */
  waiting(): string[];
  rowsOf(name: string, begin: number, end: number): Promise<TimedRow<Flow>[]>;
}

export const statsKind = 'stats';
const stepMs = statsStepSeconds * 1000;
const rowsAPage = 300;
const stepOf = (ms: number) => Math.floor(ms / stepMs) * stepMs;
const timeIn = (name: string) => Date.parse(name.slice(name.lastIndexOf('/') + 1));

/** The names of the rows begin with `prefix`. Rows of one queue or topic lie side by side, in order of time. */
export function createStatsRows<Flow extends Sums>(
  { store, clock, random, onError }: StatsParts,
  prefix: string,
  emptyFlow: () => Flow,
): StatsRows<Flow> {
  let pending = new Map<string, Flow>();
  /** What the row of each name has, so that a sweep writes only what changed. */
  const noted = new Map<string, string>();
  const nameOf = (name: string, at: number) => `${prefix}${name}/${new Date(at).toISOString()}`;

  /** Changes the row of these ten minutes. */
  async function change(name: string, decide: (before: StatsRow<Flow>) => StatsRow<Flow>): Promise<void> {
    const at = stepOf(clock.now());
    const key: Key & { table: 'queues' } = { table: 'queues', kind: statsKind, name: nameOf(name, at) };
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

  function encode({ flow, ...seen }: StatsRow<Flow>, at: number): object {
    return { ttl: Math.ceil(at / 1000) + statsKeptSeconds, ...seen, ...flow };
  }

  function decode(row: Row): StatsRow<Flow> {
    const flow = Object.fromEntries(Object.entries(emptyFlow()).map(([name, none]) => [name, row[name] ?? none])) as Flow;
    const { depth, oldestAgeSeconds } = row as { depth?: number; oldestAgeSeconds?: number };
    return { flow, ...(depth !== undefined && { depth }), ...(oldestAgeSeconds !== undefined && { oldestAgeSeconds }) };
  }

  return {
    pending(name) {
      const flow = pending.get(name) ?? emptyFlow();
      pending.set(name, flow);
      return flow;
    },
    hasPending: () => pending.size > 0,
    async flush() {
      const flows = pending;
      pending = new Map();
      await Promise.all(
        [...flows].map(([name, flow]) =>
          quietly(() => change(name, (before) => ({ ...before, flow: sumOf(before.flow, flow) }))),
        ),
      );
    },
    note: (name, depth, oldestAgeSeconds) =>
      quietly(async () => {
        const seen = `${stepOf(clock.now())} ${depth}`;
        if (noted.get(name) === seen || (depth === 0 && !noted.has(name))) return;
        await change(name, (before) => ({ ...before, depth, oldestAgeSeconds: Math.round(oldestAgeSeconds) }));
        if (depth === 0) noted.delete(name);
        else noted.set(name, seen);
      }),
    waiting: () => [...noted.keys()],
    async rowsOf(name, begin, end) {
      const range = { from: nameOf(name, stepOf(begin)), to: nameOf(name, end) };
      const rows: TimedRow<Flow>[] = [];
      for await (const page of pagesOf(store, { table: 'queues', partition: statsKind, ...range, limit: rowsAPage })) {
        rows.push(...page.map((one) => ({ ...decode(one), at: timeIn(one.name as string) })));
      }
      return rows;
    },
  };
}
