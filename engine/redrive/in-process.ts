/** Runs redrive tasks in this process. If the process stops first, the sweep restarts them elsewhere. */
import { DumbwaiterError } from '../../contract/errors.ts';
import type { Engine } from '../engine.ts';
import type { Clock } from '../port/port.ts';

export interface RedriveRunner {
  start(queue: string, task: string): void;
  /** Resolves when no redrive is running any more. */
  stop(): Promise<void>;
}

/** How long one step runs before it checks whether to stop. */
const stepMs = 2_000;
/** The pause before a redrive continues after a retryable error, such as a store that did not answer. */
const retryMs = 1_000;

export function createRedriveRunner(
  engine: Engine,
  clock: Clock,
  onError: (error: unknown, queue: string, task: string) => void = () => {},
): RedriveRunner {
  const stopping = new AbortController();
  const running = new Set<Promise<void>>();

  async function redrive(queue: string, task: string): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        if ((await engine.runRedrive(queue, task, { until: clock.now() + stepMs })) === 'done') return;
      } catch (error) {
        if (!stopping.signal.aborted) onError(error, queue, task);
        // Any other error would repeat. The sweep restarts the task later.
        if (!(error instanceof DumbwaiterError && error.retryable)) return;
        await clock.sleep(retryMs, stopping.signal).catch(() => undefined);
      }
    }
  }

  return {
    start(queue, task) {
      const run = redrive(queue, task).finally(() => running.delete(run));
      running.add(run);
    },
    async stop() {
      stopping.abort();
      await Promise.all(running);
    },
  };
}
