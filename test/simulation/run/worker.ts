/** A thread that runs a share of many histories. */
import { parentPort, workerData } from 'node:worker_threads';
import { drawPlan } from '../plan/draw.ts';
import { type Share, stopped, type Tally, taken } from './many.ts';
import { runPlan } from './run.ts';

const { seed: first, histories, until, stopAtFailure, counters: shared } = workerData as Share;
const counters = new Int32Array(shared);
// Histories make thousands of errors, and stacks are slow. A rerun of one history shows them.
Error.stackTraceLimit = 0;
const tally: Tally = { histories: 0, counts: {}, failures: [] };

while (Date.now() < until && Atomics.load(counters, stopped) === 0) {
  const index = Atomics.add(counters, taken, 1);
  if (index >= histories) break;
  const seed = first + index;
  const { violations, counts } = await runPlan(drawPlan(seed)).catch((error: unknown) => {
    // For example, a process waits forever.
    return { violations: [{ promise: 'no-defect', text: String(error), calls: [] }], counts: {} };
  });
  tally.histories++;
  for (const [what, times] of Object.entries(counts)) tally.counts[what] = (tally.counts[what] ?? 0) + times;
  if (violations.length === 0) continue;
  tally.failures.push({ seed, promises: [...new Set(violations.map(({ promise }) => promise))] });
  if (stopAtFailure) Atomics.store(counters, stopped, 1);
}
parentPort!.postMessage(tally);
