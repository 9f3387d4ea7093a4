/** A thread that runs its share of many histories. */
import { parentPort, workerData } from 'node:worker_threads';
import { drawPlan } from '../plan/draw.ts';
import { type Share, stopped, type Tally, taken } from './many.ts';
import { runPlan } from './run.ts';

const { seed: first, histories, until, stopAtFailure, common: shared } = workerData as Share;
const common = new Int32Array(shared);
// Refusals are made by the thousand; a defect is shown with its stack when its history is run again.
Error.stackTraceLimit = 0;
const tally: Tally = { histories: 0, counts: {}, failures: [] };

while (Date.now() < until && Atomics.load(common, stopped) === 0) {
  const index = Atomics.add(common, taken, 1);
  if (index >= histories) break;
  const seed = first + index;
  const { violations, counts } = await runPlan(drawPlan(seed)).catch((error: unknown) => {
    // A process that waits for what never comes.
    return { violations: [{ promise: 'no-defect', text: String(error), calls: [] }], counts: {} };
  });
  tally.histories++;
  for (const [what, times] of Object.entries(counts)) tally.counts[what] = (tally.counts[what] ?? 0) + times;
  if (violations.length === 0) continue;
  tally.failures.push({ seed, promises: [...new Set(violations.map(({ promise }) => promise))] });
  if (stopAtFailure) Atomics.store(common, stopped, 1);
}
parentPort!.postMessage(tally);
