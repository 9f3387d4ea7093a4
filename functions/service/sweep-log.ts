/** Logs what a sweep did. The metric filters in `infra/queue-metrics.ts` match on `kind`: change both together. */
import type { SweepReport } from '../../engine/engine.ts';
import type { Log } from './log.ts';

/** Logs one line for each queue in which something happened, and one line that sums up the run. */
export function logSweep(log: Log, { queues, complete, totals }: SweepReport, ms: number): void {
  for (const { name, removed, deadLettered } of queues) {
    if (removed + deadLettered > 0) log.info('Queue swept', { kind: 'queue_swept', queue: name, removed, deadLettered });
  }
  // Dead-letter queues are left out: dead letters wait for an operator, so their age says nothing about the consumers.
  const [oldest] = queues
    .filter(({ isDeadLetter, oldestAgeSeconds }) => !isDeadLetter && oldestAgeSeconds > 0)
    .sort((one, other) => other.oldestAgeSeconds - one.oldestAgeSeconds);
  const age = { oldestAgeSeconds: oldest?.oldestAgeSeconds ?? 0, oldestQueue: oldest?.name };
  const summary = { kind: 'swept', complete, ...totals, ...age, ms };
  if (complete) log.info('Swept', summary);
  else log.warn('Sweep incomplete: the next run continues', summary);
}
