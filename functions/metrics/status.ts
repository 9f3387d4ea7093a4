/**
 * The status of a deployment: when the last sweep ended, whether the tables can be read, and how many writes and reads were
 * throttled. Two kinds of rows hold what one process tells the others: one row of the last sweep, and one of throttles for each ten minutes.
 */
import type { ServerStatus, StoreKind } from '../../contract/contract.ts';
import { statsStepSeconds } from '../../contract/limits.ts';
import { version } from '../../contract/version.ts';
import type { SweepReport } from '../../engine/engine.ts';
import { pagesOf } from '../../engine/port/pages.ts';
import { type Clock, ignoreStoreError, type Key, type Random, type Row, type Store, StoreError } from '../../engine/port/port.ts';
import { changeRow } from './change-row.ts';
import { hourMs, statsKind } from './stats-rows.ts';

export interface Status {
  read(): Promise<ServerStatus>;
  /** Notes that a sweep ended. Rejects with nothing but a defect. */
  swept(report: Pick<SweepReport, 'complete' | 'totals'>): Promise<void>;
  /** Stores the throttles of this process if the last time was a minute ago, or `now`. Rejects with nothing but a defect. */
  flush(now?: boolean): Promise<void>;
}

interface Throttles {
  writes: number;
  reads: number;
}

const flushMs = 60_000;
const stepMs = statsStepSeconds * 1000;
const keptSeconds = 86_400;
const rowsAPage = 20;

// The name of a queue is not empty, so these lie beside the statistics of no queue.
const sweepKey = { table: 'queues', kind: statsKind, name: '/sweep' } as const;
const throttledName = (at: number) => `/throttled/${new Date(at).toISOString()}`;

/** Rows that do not exist. Reading them shows that a table can be read. */
const probes: readonly Key[] = [
  { table: 'messages', shard: 'probe', id: 'probe' },
  { table: 'leases', id: 'probe' },
];

export function createStatus({
  store,
  clock,
  random,
  kind,
}: {
  store: Store;
  clock: Clock;
  random: Random;
  kind: StoreKind;
}): Status {
  let throttled: Throttles = { writes: 0, reads: 0 };
  let flushedAt = clock.now();
  store.onThrottled?.(() => {
    throttled.writes++;
  });
  store.onThrottledRead?.(() => {
    throttled.reads++;
  });

  async function throttledLately(): Promise<Throttles> {
    const now = clock.now();
    const range = { from: throttledName(now - hourMs), to: throttledName(now), limit: rowsAPage };
    let sum = throttled;
    for await (const rows of pagesOf(store, { table: 'queues', partition: statsKind, ...range })) {
      for (const row of rows) sum = added(sum, row);
    }
    return sum;
  }

  return {
    async read() {
      const status = { version, now: new Date(clock.now()).toISOString() };
      try {
        const [sweep] = await store.get([sweepKey, ...probes]);
        const lastSweep = sweep ? (JSON.parse(sweep.report as string) as ServerStatus['lastSweep']) : null;
        return { ...status, store: { kind, error: null }, lastSweep, ...shown(await throttledLately()) };
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        return { ...status, store: { kind, error: error.message }, lastSweep: null, ...shown(throttled) };
      }
    },
    async swept({ complete, totals }) {
      const at = new Date(clock.now()).toISOString();
      const report = { at, complete, failedQueues: totals.failed, notReachedQueues: totals.notReached };
      const put = { kind: sweepKey.kind, name: sweepKey.name, report: JSON.stringify(report) };
      await store.write({ key: sweepKey, then: { put } }).catch(ignoreStoreError);
    },
    async flush(isNow = false) {
      if (throttled.writes + throttled.reads === 0 || (!isNow && clock.now() - flushedAt < flushMs)) return;
      const latest = throttled;
      throttled = { writes: 0, reads: 0 };
      flushedAt = clock.now();
      const at = Math.floor(flushedAt / stepMs) * stepMs;
      const ttl = Math.ceil(at / 1000) + keptSeconds;
      await changeRow({ store, random }, { table: 'queues', kind: statsKind, name: throttledName(at) }, (before) => ({
        ...added(latest, before),
        ttl,
      })).catch(ignoreStoreError);
    },
  };
}

const added = ({ writes, reads }: Throttles, row: Row | undefined): Throttles => ({
  writes: writes + ((row?.writes as number | undefined) ?? 0),
  // Rows of earlier versions have none.
  reads: reads + ((row?.reads as number | undefined) ?? 0),
});

const shown = ({ writes, reads }: Throttles) => ({ throttledWrites: writes, throttledReads: reads });
