/** Lambda entry: runs a redrive task. When its time runs short, it invokes itself to continue the task. */

import type { LambdaContext } from './context.ts';
import { createEnvironment, type RedriveEvent } from './environment.ts';

/** Time reserved to finish the current write and to invoke the function again. */
const handOverMs = 20_000;

const { engine, clock, log, invokeRedrive, flushCounts } = createEnvironment('dumbwaiter-redrive');

export async function handler(event: RedriveEvent, context: LambdaContext): Promise<void> {
  log.begin(context);
  const until = clock.now() + context.getRemainingTimeInMillis() - handOverMs;
  const outcome = await engine.runRedrive(event.queue, event.task, { until });
  await flushCounts();
  log.info('Redrove', { queue: event.queue, task: event.task, outcome });
  if (outcome === 'more') await invokeRedrive(context.functionName, { queue: event.queue, task: event.task });
}
