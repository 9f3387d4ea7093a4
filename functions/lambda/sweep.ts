/** Lambda entry: runs the sweep each minute. It handles messages that are due even if no consumer receives. */

import { DumbwaiterError } from '../../contract/errors.ts';
import type { SweepReport } from '../../engine/engine.ts';
import { StoreError } from '../../engine/port/port.ts';
import { queuesToDispatch } from '../push/wake.ts';
import { logSweep, logSweepFailure } from '../service/log.ts';
import type { LambdaContext } from './context.ts';
import { createEnvironment } from './environment.ts';

/** Time reserved to finish the current write. */
const reserveMs = 5_000;

const { engine, records, stats, status, clock, log, emf, flushCounts, dispatchFunction, invokeDispatch } =
  createEnvironment('dumbwaiter-sweep');

export async function handler(_event: unknown, context: LambdaContext): Promise<void> {
  log.begin(context);
  const startedAt = clock.now();
  const endsAt = startedAt + context.getRemainingTimeInMillis();
  const report = await engine.sweep({ until: endsAt - reserveMs, onFailure: logSweepFailure(log) });
  logSweep(log, report, clock.now() - startedAt);
  await Promise.all([stats.swept(report), status.swept(report), countDepths(report, endsAt)]);
  emf?.undelivered(report.topics);
  await flushCounts();
  if (dispatchFunction === undefined) return;
  // A message that woke no dispatcher waits no longer than until here.
  const waiting = report.queues.filter((queue) => queue.waiting > 0).map(({ name }) => name);
  await invokeDispatch(dispatchFunction, await queuesToDispatch({ records, clock }, { queues: waiting }));
}

/** For the metrics of queues that have their own. A queue that sleeps holds no message, and is not counted. */
async function countDepths({ queues }: SweepReport, endsAt: number): Promise<void> {
  const count = async ({ name }: { name: string }) => {
    const { counts } = await engine.callChecked('getQueue', { queue: name }, {}, { endsAt });
    emf?.depth(name, counts);
  };
  const counted = await Promise.allSettled(queues.filter(({ name }) => emf?.queues.has(name)).map(count));
  for (const one of counted) {
    // The next run counts a queue that the store was too busy for, or that is gone.
    const isExpected = one.status === 'fulfilled' || one.reason instanceof StoreError || one.reason instanceof DumbwaiterError;
    if (!isExpected) log.error('A queue could not be counted', { kind: 'defect' }, one.reason);
  }
}
