import { expect, it } from 'vitest';
import { durationText } from '../../contract/duration-text.ts';

it.each([
  [0, '0 s'],
  [0.42, '0.4 s'],
  [9.96, '10 s'],
  [59.9, '59 s'],
  [60, '1 min'],
  [312.7, '5 min 12 s'],
  [3_599.9, '59 min 59 s'],
  [3_600, '1 h'],
  [86_399, '23 h 59 min'],
  [86_459, '1 d'],
  [3 * 86_400 + 4 * 3_600 + 59 * 60, '3 d 4 h'],
  [400 * 86_400, '400 d'],
])('%s seconds read as their two largest units: %s', (seconds, expected) => {
  expect(durationText(seconds)).toBe(expected);
});
