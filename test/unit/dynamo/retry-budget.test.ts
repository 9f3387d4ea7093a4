import { expect, it } from 'vitest';
import { createRetryBudget } from '../../../engine/dynamo/retry-budget.ts';

it('the wait doubles with each retry, up to a limit, and is longer after a throttle', () => {
  const budget = createRetryBudget(() => 1);
  expect([0, 1, 2].map((retries) => budget.take('transient', retries))).toEqual([25, 50, 100]);
  expect([0, 1, 2].map((retries) => budget.take('throttled', retries))).toEqual([1_000, 2_000, 4_000]);
  expect(budget.take('throttled', 10)).toBe(20_000);
});

it('a client whose calls keep failing stops retrying, until calls succeed again', () => {
  const budget = createRetryBudget();
  let retries = 0;
  while (budget.take('transient', 0) !== undefined) retries++;
  expect(retries).toBe(35);
  // What is left is enough for retries that cost less.
  expect(budget.take('throttled', 0)).toBeDefined();
  expect(budget.take('throttled', 0)).toBeDefined();
  expect(budget.take('throttled', 0)).toBeUndefined();
  budget.succeed('throttled');
  expect(budget.take('throttled', 0)).toBeDefined();
  for (let call = 0; call < 14; call++) budget.succeed(undefined);
  expect(budget.take('transient', 0)).toBeDefined();
});

it('the budget never grows beyond what it starts with', () => {
  const budget = createRetryBudget();
  for (let call = 0; call < 1_000; call++) budget.succeed('transient');
  let retries = 0;
  while (budget.take('transient', 0) !== undefined) retries++;
  expect(retries).toBe(35);
});
