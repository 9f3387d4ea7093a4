/** Lambda entry: runs the sweep each minute. It handles messages that are due even if no consumer receives. */

import { logSweep } from '../service/log.ts';
import type { LambdaContext } from './context.ts';
import { createEnvironment } from './environment.ts';

/** Time reserved to finish the current write. */
const reserveMs = 5_000;

const { engine, clock, log } = createEnvironment('dumbwaiter-sweep');

export async function handler(_event: unknown, context: LambdaContext): Promise<void> {
  log.begin(context);
  const startedAt = clock.now();
  const report = await engine.sweep({ until: startedAt + context.getRemainingTimeInMillis() - reserveMs });
  logSweep(log, report, clock.now() - startedAt);
}
