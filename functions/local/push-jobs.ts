/** Delivers to targets in this process: one loop for each active target, which waits for messages as a receive does. */
import type { Clock } from '../../engine/port/port.ts';
import type { Dispatcher } from '../push/dispatcher.ts';
import { isDeliverable, type TargetRecord, type TargetRecords } from '../push/target-records.ts';
import type { Log } from '../service/log.ts';

/** How soon the targets are read again, for changes by other processes, and how soon a target that another process holds is tried. */
const pauseMs = 5_000;

export interface PushJobs {
  start(): void;
  /** Call it when a target changed in this process. */
  targetsChanged(): void;
  /** Begins no more deliveries, and resolves when those in progress have ended. */
  stop(): Promise<void>;
}

export interface PushJobsParts {
  records: TargetRecords;
  dispatcher: Dispatcher;
  clock: Clock;
  log: Log;
  holder?: string;
}

export function createPushJobs({ records, dispatcher, clock, log, holder }: PushJobsParts): PushJobs {
  const stopping = new AbortController();
  const { signal } = stopping;
  const running = new Map<string, Promise<void>>();
  let changed = new AbortController();
  let watching: Promise<void> | undefined;

  /** Ends early when a target changes. */
  async function pause(ms: number): Promise<void> {
    await clock.sleep(Math.max(0, ms), AbortSignal.any([signal, changed.signal])).catch(() => undefined);
  }

  async function watch(): Promise<void> {
    while (!signal.aborted) {
      if (changed.signal.aborted) changed = new AbortController();
      try {
        for (const target of await records.all()) startIfIdle(target);
      } catch (error) {
        log.warn('The targets could not be read', {
          kind: 'push_call_failed',
          call: 'targets',
          reason: (error as Error).message,
        });
      }
      await pause(pauseMs);
    }
  }

  function startIfIdle(target: TargetRecord): void {
    const key = `${target.incarnation}/${target.name}`;
    const now = clock.now();
    if (signal.aborted || running.has(key) || !isDeliverable(target, now)) return;
    const work = serve(target)
      .catch((error: unknown) => log.error('A target could not be served', { queue: target.queue, target: target.name }, error))
      .finally(() => running.delete(key));
    running.set(key, work);
  }

  /** Delivers until the target rests or is gone. */
  async function serve(target: TargetRecord): Promise<void> {
    while (!signal.aborted) {
      const options = { until: Number.MAX_SAFE_INTEGER, signal, keepsWaiting: true, ...(holder === undefined ? {} : { holder }) };
      const drained = await dispatcher.drain(target, options);
      if (drained === 'resting') await restUntilProbe(target);
      else if (drained === 'held' || drained === 'lost' || drained === 'failed') await pause(pauseMs);
      if (drained === 'gone' || drained === 'over') return;
      const current = await records.read(target);
      if (!current || !isDeliverable(current.target, clock.now())) return;
    }
  }

  async function restUntilProbe(target: TargetRecord): Promise<void> {
    const broken = (await records.read(target))?.target.circuit.broken;
    if (broken) await pause(broken.nextTryAt - clock.now());
  }

  return {
    start() {
      watching = watch();
    },
    targetsChanged: () => changed.abort(),
    async stop() {
      stopping.abort();
      await Promise.all([watching, ...running.values()]);
    },
  };
}
