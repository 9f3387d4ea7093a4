import { expect, test } from 'vitest';
import { sweepPeriodMs } from '../../../contract/limits.ts';
import type { Engine, SweepOptions, SweepReport } from '../../../engine/engine.ts';
import { createBackgroundJobs } from '../../../functions/local/background-jobs.ts';
import { createDrivenClock } from '../../support/driven-clock.ts';
import { eventually } from '../../support/eventually.ts';

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
const totals = { queues: 9, visited: 3, asleep: 0, notReached: 0, failed: 0, removed: 0, deadLettered: 0 };
const runs: Record<string, SweepReport> = {
  whole: { queues: [], topics: [], complete: true, totals },
  short: { queues: [], topics: [], complete: false, totals: { ...totals, notReached: 6 } },
  failed: { queues: [], topics: [], complete: false, totals: { ...totals, failed: 1 } },
  busy: { queues: [], topics: [], complete: true, totals: { ...totals, removed: 5 } },
};

/** Nothing is counted here. */
const stats = { flush: async () => undefined, swept: async () => undefined };
const prometheus = { swept: () => undefined };

/** How often the local sweep ran before it paused, and for how long it pauses, if each run returns the given result. */
async function runsUntilPause(...told: string[]): Promise<{ swept: number; slept: number[]; logged: string[] }> {
  const clock = createDrivenClock();
  clock.leaping = false;
  let swept = 0;
  const logged: string[] = [];
  const note = (message: string) => void logged.push(message);
  const engine = { sweep: async () => runs[told[swept++]!]! } as Partial<Engine> as Engine;
  const jobs = createBackgroundJobs({
    engine,
    stats,
    status: stats,
    prometheus,
    clock,
    log: { info: note, warn: note, error: note },
  });
  jobs.startSweep();
  await eventually(() => clock.sleepers() > 0);
  await jobs.stop();
  return { swept, slept: clock.slept, logged };
}

test('a local sweep that did not reach all queues continues at once, and pauses for a minute when it has', async () => {
  expect(await runsUntilPause('short', 'short', 'whole')).toMatchObject({ swept: 3, slept: [sweepPeriodMs] });
});

test('a local sweep with a failed visit does not continue at once, because it would only fail again', async () => {
  expect(await runsUntilPause('failed')).toMatchObject({ swept: 1, slept: [sweepPeriodMs] });
});

test('a local sweep of which a part failed logs the error, and does not continue at once', async () => {
  const clock = createDrivenClock();
  clock.leaping = false;
  const logged: unknown[] = [];
  const engine = {
    sweep: async ({ onFailure }: SweepOptions) => {
      onFailure!(new Error('damaged'), 'orders');
      return runs.short!;
    },
  } as Partial<Engine> as Engine;
  const log = { ...silent, error: (...line: unknown[]) => void logged.push(line) };
  const jobs = createBackgroundJobs({ engine, stats, status: stats, prometheus, clock, log });
  jobs.startSweep();
  await eventually(() => clock.sleepers() > 0);
  await jobs.stop();
  expect(logged).toEqual([['A part of the sweep failed', { kind: 'defect', queue: 'orders' }, new Error('damaged')]]);
});

test.each([
  ['whole', []],
  ['busy', ['Swept']],
  ['failed', ['Sweep incomplete: the next run continues']],
])('a server logs a sweep in one line if it did anything or was incomplete: %s', async (told, lines) => {
  expect((await runsUntilPause(told)).logged).toEqual(lines);
});

test('a local sweep in progress ends when the server stops, without a warning', async () => {
  const warnings: string[] = [];
  const clock = createDrivenClock();
  let told: AbortSignal | undefined;
  const engine = {
    sweep: ({ signal }: { signal: AbortSignal }) => {
      told = signal;
      return new Promise<SweepReport>((resolve) => signal.addEventListener('abort', () => resolve(runs.short!)));
    },
  } as Partial<Engine> as Engine;
  const jobs = createBackgroundJobs({
    engine,
    stats,
    status: stats,
    prometheus,
    clock,
    log: { ...silent, warn: (message) => warnings.push(message) },
  });
  jobs.startSweep();
  await jobs.stop();
  expect(told?.aborted).toBe(true);
  expect(warnings).toEqual([]);
});
