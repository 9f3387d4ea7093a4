/** How long the queues of a plan may hold back what is ready, for the rate that they are limited to. */
import { secondMs } from './drawing.ts';
import type { Plan } from './plan.ts';

/** After this, ms, a queue gives at least one message more; 0: at once. */
export function restMsOf({ queues, processes }: Plan): number {
  const updates = processes.flatMap(({ steps }) => steps.flatMap((step) => (step.do === 'update' ? [step.settings] : [])));
  const rates = [...queues.map(({ settings }) => settings), ...updates].flatMap(({ limits }) => limits?.ratePerSecond ?? []);
  return rates.length === 0 ? 0 : Math.ceil(secondMs / Math.min(...rates)) + secondMs;
}
