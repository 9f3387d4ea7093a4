/** Lambda entry: sees, each minute, to what is due though nobody receives. */
import { createEnvironment } from './environment.ts';
import type { LambdaContext } from './lambda-context.ts';
import { logSweep } from './sweep-log.ts';

/** Kept back to end the write at hand. */
const reserveMs = 5_000;

const { engine, clock, log } = createEnvironment('dumbwaiter-sweep');

export async function handler(_event: unknown, context: LambdaContext): Promise<void> {
  log.begin(context);
  logSweep(log, await engine.sweep({ until: clock.now() + context.getRemainingTimeInMillis() - reserveMs }));
}
