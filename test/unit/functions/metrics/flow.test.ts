import { expect, test } from 'vitest';
import { addTime, emptyFlow, percentile, sumOf, timeBounds } from '../../../../functions/metrics/flow.ts';

test('a percentile is the upper bound of the times that it covers', () => {
  const flow = emptyFlow();
  for (let index = 0; index < 90; index++) addTime(flow, 'waiting', 0.02);
  for (let index = 0; index < 9; index++) addTime(flow, 'waiting', 2);
  addTime(flow, 'waiting', 1_000_000);
  expect([0.5, 0.9, 0.95, 0.99, 1].map((share) => percentile(flow.waiting, share))).toEqual([0.03, 0.03, 3, 3, 86_400]);
  expect(percentile(flow.handling, 0.5)).toBeNull();
});

test('a time that equals a bound counts below it', () => {
  for (const bound of timeBounds) {
    const flow = emptyFlow();
    addTime(flow, 'handling', bound);
    expect(percentile(flow.handling, 0.5)).toBe(bound);
  }
  expect(timeBounds).toHaveLength(14);
});

test('flows add up, counts and times alike', () => {
  const [one, other] = [emptyFlow(), emptyFlow()];
  one.published = 2;
  other.published = 3;
  addTime(one, 'waiting', 1);
  addTime(other, 'waiting', 1);
  const sum = sumOf(one, other);
  expect(sum.published).toBe(5);
  expect(sum.waiting.reduce((all, count) => all + count, 0)).toBe(2);
});
