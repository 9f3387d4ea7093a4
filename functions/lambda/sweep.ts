/** Lambda entry: runs the sweep each minute. It handles messages that are due even if no consumer receives. */

import { queuesToDispatch } from '../push/wake.ts';
import { logSweep } from '../service/log.ts';
import type { LambdaContext } from './context.ts';
import { createEnvironment } from './environment.ts';

/** Time reserved to finish the current write. */
const reserveMs = 5_000;

const { engine, records, stats, clock, log, dispatchFunction, invokeDispatch } = createEnvironment('dumbwaiter-sweep');

export async function handler(_event: unknown, context: LambdaContext): Promise<void> {
  log.begin(context);
  const startedAt = clock.now();
  const report = await engine.sweep({ until: startedAt + context.getRemainingTimeInMillis() - reserveMs });
  logSweep(log, report, clock.now() - startedAt);
  await Promise.all([stats.swept(report), stats.flush()]);
  if (dispatchFunction === undefined) return;
  // A message that woke no dispatcher waits no longer than until here.
  const waiting = report.queues.filter((queue) => queue.waiting > 0).map(({ name }) => name);
  await invokeDispatch(dispatchFunction, await queuesToDispatch({ records, clock }, { queues: waiting }));
}
