/** A thread that runs its share of many histories. */
import { parentPort, workerData } from 'node:worker_threads';
import { drawPlan } from './draw.ts';
import type { Share, Tally } from './many.ts';
import { runPlan } from './run.ts';

const { from, step, histories, until, stopAtFailure } = workerData as Share;
const tally: Tally = { histories: 0, counts: {}, failures: [] };

for (let seed = from; tally.histories < histories && Date.now() < until; seed += step) {
  const { violations, counts } = await runPlan(drawPlan(seed));
  tally.histories++;
  for (const [what, times] of Object.entries(counts)) tally.counts[what] = (tally.counts[what] ?? 0) + times;
  if (violations.length === 0) continue;
  tally.failures.push({ seed, promises: [...new Set(violations.map(({ promise }) => promise))] });
  if (stopAtFailure) break;
}
parentPort!.postMessage(tally);
