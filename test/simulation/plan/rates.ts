/** How long the rate limits of a plan may hold back ready messages. */
import { secondMs } from './drawing.ts';
import type { Plan } from './plan.ts';

/** After this time (ms) each queue delivers at least one more message. 0 without rate limits. */
export function restMsOf({ queues, processes }: Plan): number {
  const updates = processes.flatMap(({ steps }) => steps.flatMap((step) => (step.do === 'update' ? [step.settings] : [])));
  const rates = [...queues.map(({ settings }) => settings), ...updates].flatMap(({ limits }) => limits?.ratePerSecond ?? []);
  return rates.length === 0 ? 0 : Math.ceil(secondMs / Math.min(...rates)) + secondMs;
}
