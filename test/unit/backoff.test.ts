import { expect, it } from 'vitest';
import { backoffMs } from '../../engine/backoff.ts';

const drawing = (number: number) => ({ chars: () => '', number: () => number });
const plain = { minSeconds: 2, maxSeconds: 60, factor: 3, jitter: 0 };

it('grows by the factor with each failure, up to the longest', () => {
  const waits = [1, 2, 3, 4, 5, 100].map((failures) => backoffMs(plain, failures, drawing(0.9)));
  expect(waits).toEqual([2_000, 6_000, 18_000, 54_000, 60_000, 60_000]);
});

it('waits as after the first failure where none was counted', () => {
  expect(backoffMs(plain, 0, drawing(0))).toBe(2_000);
});

it('takes a random share away, of no more than the jitter', () => {
  const waits = [0, 0.5, 1].map((number) => backoffMs({ ...plain, jitter: 0.5 }, 2, drawing(number)));
  expect(waits).toEqual([6_000, 4_500, 3_000]);
});

it('waits whole milliseconds', () => {
  expect(backoffMs({ ...plain, jitter: 1 }, 1, drawing(1 / 3))).toBe(1_333);
});
