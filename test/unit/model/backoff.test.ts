import { expect, it } from 'vitest';
import * as limits from '../../../contract/limits.ts';
import { backoff as schema } from '../../../contract/schemas/setting-fields.ts';
import { backoffMs } from '../../../engine/model/backoff.ts';

const plain = { minSeconds: 2, maxSeconds: 60, factor: 3, jitter: 0 };

it('a backoff grows by its factor with each failure, up to its longest wait', () => {
  const waits = [1, 2, 3, 4, 5, 100].map((failures) => backoffMs(plain, failures, 0.9));
  expect(waits).toEqual([2_000, 6_000, 18_000, 54_000, 60_000, 60_000]);
});

it('a backoff is that of the first failure where none was counted', () => {
  expect(backoffMs(plain, 0, 0)).toBe(2_000);
});

it('a backoff loses a random share, at most its jitter', () => {
  const waits = [0, 0.5, 1].map((drawn) => backoffMs({ ...plain, jitter: 0.5 }, 2, drawn));
  expect(waits).toEqual([6_000, 4_500, 3_000]);
});

it('a backoff is in whole milliseconds', () => {
  expect(backoffMs({ ...plain, jitter: 1 }, 1, 1 / 3)).toBe(1_333);
});

const seconds = [limits.backoffSecondsMin, 1, 60, limits.backoffSecondsMax];
const settings = seconds.flatMap((minSeconds) =>
  seconds.flatMap((maxSeconds) =>
    [limits.backoffFactorMin, 1.0000001, 2, limits.backoffFactorMax].flatMap((factor) =>
      [limits.backoffJitterMin, 0.5, limits.backoffJitterMax].map((jitter) => ({ minSeconds, maxSeconds, factor, jitter })),
    ),
  ),
);
const allowed = settings.filter((one) => schema.safeParse(one).success);

it('a backoff of any allowed settings is a wait within its bounds after any number of failures', () => {
  expect(allowed.length).toBeGreaterThan(100);
  for (const backoff of allowed) {
    for (const failures of [0, 1, 2, 155, 1_000, 1_000_000, Number.MAX_SAFE_INTEGER]) {
      for (const drawn of [0, 0.5, 1]) {
        const wait = backoffMs(backoff, failures, drawn);
        const told = `${JSON.stringify(backoff)} after ${failures} failures, drawn ${drawn}`;
        expect(wait, told).toBeGreaterThanOrEqual(Math.floor(backoff.minSeconds * 1000 * (1 - backoff.jitter)));
        expect(wait, told).toBeLessThanOrEqual(backoff.maxSeconds * 1000);
      }
    }
  }
});

it('a backoff that begins with no wait has none after any number of failures', () => {
  for (const failures of [1, 154, 155, 1_000_000])
    expect(backoffMs({ ...plain, minSeconds: 0, factor: 100 }, failures, 0)).toBe(0);
});

it('a backoff that grows has its longest wait after a million failures', () => {
  expect(backoffMs({ ...plain, factor: 100 }, 1_000_000, 0)).toBe(60_000);
});
