/** What a sweep did, as log lines. `kind` is what the metric filters of `infra/queue-metrics.ts` look for. */
import type { SweepReport } from '../../engine/engine.ts';
import type { Log } from './log.ts';

/** One line for each queue in which something happened, and one that sums up the run. Most queues of most runs have nothing to tell. */
export function logSweep(log: Log, { queues, complete, totals }: SweepReport, ms: number): void {
  for (const { name, removed, deadLettered } of queues) {
    if (removed + deadLettered > 0) log.info('Queue swept', { kind: 'queue_swept', queue: name, removed, deadLettered });
  }
  // Dead letters wait until somebody looks at them: their age says nothing about the consumers.
  const [oldest] = queues
    .filter(({ isDeadLetter, oldestAgeSeconds }) => !isDeadLetter && oldestAgeSeconds > 0)
    .sort((one, other) => other.oldestAgeSeconds - one.oldestAgeSeconds);
  const age = { oldestAgeSeconds: oldest?.oldestAgeSeconds ?? 0, oldestQueue: oldest?.name };
  const summary = { kind: 'swept', complete, ...totals, ...age, ms };
  if (complete) log.info('Swept', summary);
  else log.warn('Swept in part: the rest is left to the next run', summary);
}
