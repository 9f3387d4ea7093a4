import { availableParallelism } from 'node:os';
import { expect, it } from 'vitest';
import { noFaults } from '../../engine/simulation/faulty-store.ts';
import { drawPlan } from './plan/draw.ts';
import type { Plan } from './plan/plan.ts';
import { missing } from './report/coverage.ts';
import { printOutcome } from './report/print.ts';
import { shrink } from './report/shrink.ts';
import { runMany } from './run/many.ts';
import { runPlan } from './run/run.ts';

const historiesInTest = 2000;

it(`the engine keeps every promise in ${historiesInTest} histories in which every fault strikes`, async () => {
  const { failures, counts, histories } = await runMany({
    seed: 1,
    histories: historiesInTest,
    threads: Math.min(2, availableParallelism()),
  });
  const messages = failures.map((failure) => `npm run simulate -- --seed ${failure.seed} breaks ${failure.promises.join(', ')}`);
  expect(messages).toEqual([]);
  expect(missing(counts, histories)).toEqual([]);
}, 600_000);

it('the same seed gives the same history, to the byte', async () => {
  const text = async (seed: number) => {
    const outcome = await runPlan(drawPlan(seed));
    return JSON.stringify([outcome.history, outcome.faults, outcome.counts]);
  };
  // The cron parser is loaded in real time.
  const withCron = Array.from({ length: 1000 }, (_, seed) => seed).find((seed) => hasCron(drawPlan(seed)))!;
  for (const seed of [1, 2, 3, withCron]) expect(await text(seed)).toBe(await text(seed));
  expect(await text(4)).not.toBe(await text(5));
});

const hasCron = ({ processes }: Plan) =>
  processes.some(({ steps }) => steps.some((step) => step.do === 'schedule' && 'cron' in step.rule));

it('shrink reduces a failing plan to the parts that its failure needs', async () => {
  const plan = drawPlan(7);
  const needed: Plan['processes'][number] = { name: 'p9', skewMs: 0, steps: [{ do: 'sweep' }, { do: 'purge', queue: 'work' }] };
  const large = { ...plan, processes: [...plan.processes, needed], rates: { ...noFaults.rates, late: 0.1, pause: 0.1 } };
  const fails = async ({ processes, rates }: Plan) =>
    rates.late > 0 && processes.some(({ steps }) => steps.some((step) => step.do === 'purge'));
  const small = await shrink(large, fails);
  expect(small.processes.map(({ steps }) => steps.map((step) => step.do))).toEqual([['purge']]);
  expect(Object.entries(small.rates).filter(([, rate]) => rate > 0)).toEqual([['late', 0.1]]);
});

it('a printed history lists calls and faults in order of time', async () => {
  const printed = printOutcome(await runPlan(drawPlan(3)));
  const times = [...printed.matchAll(/^\+(\d+\.\d+) /gm)].map(([, at]) => Number(at));
  expect(times.length).toBeGreaterThan(5);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
});
