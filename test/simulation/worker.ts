/** A thread that runs its share of many histories. */
import { parentPort, workerData } from 'node:worker_threads';
import { drawPlan } from './draw.ts';
import type { Share, Tally } from './many.ts';
import { runPlan } from './run.ts';

const { from, step, histories, until, stopAtFailure, stop } = workerData as Share;
const stopped = new Int32Array(stop);
const tally: Tally = { histories: 0, counts: {}, failures: [] };

for (let seed = from; tally.histories < histories && Date.now() < until && Atomics.load(stopped, 0) === 0; seed += step) {
  const { violations, counts } = await runPlan(drawPlan(seed)).catch((error: unknown) => {
    // A process that waits for what never comes.
    return { violations: [{ promise: 'no-defect', text: String(error), calls: [] }], counts: {} };
  });
  tally.histories++;
  for (const [what, times] of Object.entries(counts)) tally.counts[what] = (tally.counts[what] ?? 0) + times;
  if (violations.length === 0) continue;
  tally.failures.push({ seed, promises: [...new Set(violations.map(({ promise }) => promise))] });
  if (stopAtFailure) Atomics.store(stopped, 0, 1);
}
parentPort!.postMessage(tally);
