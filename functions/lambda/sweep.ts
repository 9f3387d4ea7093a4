/** Lambda entry: each minute, handles what is due although nobody receives. */

import { logSweep } from '../service/sweep-log.ts';
import type { LambdaContext } from './context.ts';
import { createEnvironment } from './environment.ts';

/** Kept back to end the write at hand. */
const reserveMs = 5_000;

const { engine, clock, log } = createEnvironment('dumbwaiter-sweep');

export async function handler(_event: unknown, context: LambdaContext): Promise<void> {
  log.begin(context);
  const startedAt = clock.now();
  const report = await engine.sweep({ until: startedAt + context.getRemainingTimeInMillis() - reserveMs });
  logSweep(log, report, clock.now() - startedAt);
}
