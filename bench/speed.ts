/**
 * Measures how fast the queue is on each store and where the time goes: messages per second, CPU time, idle cost, bundles and cold starts.
 * `node bench/speed.ts [--json] [--short]`; see docs/numbers.md. `--short`: few messages, to see that it runs; its figures mean nothing.
 */
import { coldStarts } from './cold-start.ts';
import { idleCost } from './idle.ts';
import { listeningCost } from './listening.ts';
import { measureSides } from './sides.ts';
import { printSpeed, type SpeedReport } from './speed-report.ts';
import { createTestBed } from './test-bed.ts';

const isShort = process.argv.includes('--short');

const testBed = await createTestBed();
try {
  const idle = await idleCost(testBed);
  const listening = await listeningCost(testBed);
  const measured = await measureSides(testBed.endpoint, isShort ? { rounds: 1, share: 0.05 } : { rounds: 3, share: 1 });
  const report: SpeedReport = { ...measured, idle, listening, functions: await coldStarts(isShort ? 1 : 7) };
  if (process.argv.includes('--json')) console.log(JSON.stringify(report));
  else printSpeed(report);
} finally {
  await testBed.close();
}
