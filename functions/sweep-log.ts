/** What a sweep found, as log lines. `kind` is what the metric filters of `infra/queue-metrics.ts` look for. */
import type { SweepReport } from '../engine/engine.ts';
import type { Log } from './log.ts';

export function logSweep(log: Log, { queues, complete }: SweepReport): void {
  for (const { name, ...found } of queues) log.info('Queue swept', { kind: 'queue_swept', queue: name, ...found });
  // Dead letters wait for somebody to look at them: their age says nothing of the consumers.
  const ages = queues.filter(({ isDeadLetter }) => !isDeadLetter).map(({ oldestAgeSeconds }) => oldestAgeSeconds);
  log.info('Swept', { kind: 'swept', queues: queues.length, oldestAgeSeconds: Math.max(0, ...ages), complete });
}
