/** A few histories of the simulation in the thread of the test, for mutants that break only under faults. */
import { expect, it } from 'vitest';
import { drawPlan } from '../simulation/plan/draw.ts';
import { runPlan } from '../simulation/run/run.ts';

const histories = 60;

it.each(
  Array.from({ length: histories }, (_, index) => index + 1),
)('the engine keeps every promise in history %i', async (seed) => {
  const { violations } = await runPlan(drawPlan(seed));
  expect(violations.map(({ promise }) => promise)).toEqual([]);
});
