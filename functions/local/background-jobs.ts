/** Runs in this process what EventBridge and the redrive function run on AWS: the sweep and redrive tasks. */

import { DumbwaiterError } from '../../contract/errors.ts';
import { sweepPeriodMs } from '../../contract/limits.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Clock } from '../../engine/port/port.ts';
import type { Log } from '../service/log.ts';
import { logSweep } from '../service/sweep-log.ts';

export interface Chores {
  startSweep(engine: Engine): void;
  startRedrive(engine: Engine, queue: string, task: string): void;
  /** Stops the jobs, and resolves when none is running. */
  stop(): Promise<void>;
}

/** Delay before a redrive continues after a retryable failure, such as a store that did not answer. */
const redriveRetryMs = 1_000;
/** How long a redrive runs before it checks whether the server is stopping. */
const stepMs = 2_000;

export function createChores({ clock, log }: { clock: Clock; log: Log }): Chores {
  const stopping = new AbortController();
  const underWay = new Set<Promise<void>>();

  function run(chore: () => Promise<void>): void {
    const running = chore().finally(() => underWay.delete(running));
    underWay.add(running);
  }

  async function sweepEachPeriod(engine: Engine): Promise<void> {
    while (!stopping.signal.aborted) {
      let goesOn = false;
      try {
        const startedAt = clock.now();
        const report = await engine.sweep({ until: startedAt + sweepPeriodMs, signal: stopping.signal });
        // A sweep that was cut short because the server is stopping is not worth a warning.
        if (report.complete || !stopping.signal.aborted) logSweep(log, report, clock.now() - startedAt);
        // After a failure, wait for the next period: an immediate retry would fail again.
        goesOn = !report.complete && report.totals.failed === 0;
      } catch (error) {
        if (!stopping.signal.aborted) log.error('The sweep failed', {}, error);
      }
      if (!goesOn) await pause(sweepPeriodMs);
    }
  }

  async function redrive(engine: Engine, queue: string, task: string): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        if ((await engine.runRedrive(queue, task, { until: clock.now() + stepMs })) === 'done') return;
      } catch (error) {
        if (!stopping.signal.aborted) log.error('A redrive failed', { queue, task }, error);
        // Any other failure would repeat. The sweep restarts the task later.
        if (!(error instanceof DumbwaiterError && error.retryable)) return;
        await pause(redriveRetryMs);
      }
    }
  }

  async function pause(ms: number): Promise<void> {
    await clock.sleep(ms, stopping.signal).catch(() => undefined);
  }

  return {
    startSweep: (engine) => run(() => sweepEachPeriod(engine)),
    startRedrive: (engine, queue, task) => run(() => redrive(engine, queue, task)),
    async stop() {
      stopping.abort();
      await Promise.all(underWay);
    },
  };
}
