/** `npm run torture`. */
import { randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { minuteMs } from '../support/durations.ts';
import { failuresOf, torture } from './torture.ts';

const roundMs = 60_000;

const { minutes, seed } = new Command('npm run torture --')
  .description('Kills servers, their DynamoDB engine and clients under load, moves clocks, and judges what callers saw.')
  .option('--minutes <number>', 'how long', Number, 1)
  .option('--seed <number>', 'of the load and the faults', Number, randomInt(2 ** 31))
  .parse()
  .opts<{ minutes: number; seed: number }>();

const folder = await mkdtemp(join(tmpdir(), 'dumbwaiter-torture-'));
const report = await torture({
  folder,
  seed,
  durationMs: minutes * minuteMs,
  roundMs: Math.min(roundMs, minutes * minuteMs),
  tell: console.log,
});
const failures = failuresOf(report);
for (const failure of failures) console.error(failure);
if (failures.length > 0) {
  console.error(`The calls are in ${folder}. Again: npm run torture -- --minutes ${minutes} --seed ${seed}`);
  process.exitCode = 1;
} else {
  await rm(folder, { recursive: true });
}
