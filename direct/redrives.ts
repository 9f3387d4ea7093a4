/** Runs redrives in the background of this process. If the process ends, the deployment's sweep restarts them. */

import { DumbwaiterError } from '../contract/errors.ts';
import type { Engine } from '../engine/engine.ts';
import type { Clock } from '../engine/port/port.ts';

export interface DirectTasks {
  startRedrive(engine: Engine, queue: string, task: string): void;
  /** Resolves when no redrive is running any more. */
  stop(): Promise<void>;
}

/** How long one step runs before it checks whether to stop. */
const stepMs = 2_000;
/** The pause after a step that the store throttled. */
const retryMs = 1_000;

export function runTasks(clock: Clock): DirectTasks {
  const stopping = new AbortController();
  const underWay = new Set<Promise<void>>();

  async function redrive(engine: Engine, queue: string, task: string): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        if ((await engine.runRedrive(queue, task, { until: clock.now() + stepMs })) === 'done') return;
      } catch (error) {
        // Any other error would repeat. The sweep restarts the task later.
        if (!(error instanceof DumbwaiterError && error.retryable)) return;
        await clock.sleep(retryMs, stopping.signal).catch(() => undefined);
      }
    }
  }

  return {
    startRedrive(engine, queue, task) {
      const running = redrive(engine, queue, task).finally(() => underWay.delete(running));
      underWay.add(running);
    },
    async stop() {
      stopping.abort();
      await Promise.all(underWay);
    },
  };
}
