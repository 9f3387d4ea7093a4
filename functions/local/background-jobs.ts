/** Runs in this process what EventBridge and the redrive function run on AWS: the sweep and redrive tasks. */

import { sweepPeriodMs } from '../../contract/limits.ts';
import type { Engine, SweepReport } from '../../engine/engine.ts';
import type { Clock } from '../../engine/port/port.ts';
import { createRedriveRunner } from '../../engine/redrive/in-process.ts';
import type { Prometheus } from '../metrics/prometheus.ts';
import type { Stats } from '../metrics/stats.ts';
import type { Status } from '../metrics/status.ts';
import { type Log, logSweep, logSweepFailure } from '../service/log.ts';

export interface BackgroundJobs {
  startSweep(): void;
  startRedrive(queue: string, task: string): void;
  /** Stops the jobs, and resolves when none is running. */
  stop(): Promise<void>;
}

export interface BackgroundJobsParts {
  engine: Engine;
  stats: Pick<Stats, 'flush' | 'swept'>;
  status: Pick<Status, 'flush' | 'swept'>;
  prometheus: Pick<Prometheus, 'swept'>;
  clock: Clock;
  log: Log;
}

const didAnything = ({ totals }: SweepReport) => totals.removed + totals.deadLettered > 0;

export function createBackgroundJobs({ engine, stats, status, prometheus, clock, log }: BackgroundJobsParts): BackgroundJobs {
  const stopping = new AbortController();
  const redrives = createRedriveRunner(engine, clock, (error, queue, task) =>
    log.error('A redrive failed', { kind: 'defect', queue, task }, error),
  );
  const logFailure = logSweepFailure(log);
  let sweeping: Promise<void> | undefined;

  async function sweepEachPeriod(): Promise<void> {
    while (!stopping.signal.aborted) {
      let isUnfinished = false;
      try {
        const startedAt = clock.now();
        let hasFailed = false;
        const onFailure = (thrown: unknown, queue: string | undefined) => {
          hasFailed = true;
          logFailure(thrown, queue);
        };
        const report = await engine.sweep({ until: startedAt + sweepPeriodMs, signal: stopping.signal, onFailure });
        // A sweep that was cut short because the server is stopping is not worth a warning.
        const isWorthALine = report.complete ? didAnything(report) : !stopping.signal.aborted;
        if (isWorthALine) logSweep(log, report, clock.now() - startedAt);
        prometheus.swept(report);
        await Promise.all([stats.swept(report), status.swept(report), stats.flush(), status.flush()]);
        // After a failure, wait for the next period: an immediate retry would fail again.
        isUnfinished = !report.complete && report.totals.failed === 0 && !hasFailed;
      } catch (error) {
        if (!stopping.signal.aborted) log.error('The sweep failed', { kind: 'defect' }, error);
      }
      if (!isUnfinished) await clock.sleep(sweepPeriodMs, stopping.signal).catch(() => undefined);
    }
  }

  return {
    startSweep() {
      sweeping = sweepEachPeriod();
    },
    startRedrive: redrives.start,
    async stop() {
      stopping.abort();
      await Promise.all([sweeping, redrives.stop()]);
      await Promise.all([stats.flush(true), status.flush(true)]);
    },
  };
}
