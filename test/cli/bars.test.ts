/** Progress bars, and the figures of `bench`. */
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { latenciesOf } from '../../cli/load.ts';
import { startProgress } from '../../cli/progress.ts';

/** What a bar shows of work whose parts take so many seconds each. */
function shown(isTerminal: boolean, total: number | undefined, seconds: readonly number[]): string {
  const stream = Object.assign(new PassThrough(), { isTTY: isTerminal, columns: 80, rows: 9 }) as unknown as NodeJS.WriteStream;
  let now = 0;
  const progress = startProgress('messages moved', total, stream, () => now);
  for (const part of seconds) {
    now += 1000 * part;
    progress.add(10);
  }
  progress.end();
  return String((stream as unknown as PassThrough).read() ?? '');
}

describe('a progress bar', () => {
  it('shows the rate and the time left once the work has taken a second', () => {
    expect(shown(true, 40, [0.5, 0.4])).toBe('');
    expect(shown(true, 40, [2, 0, 0])).toMatch(/10\/40 messages moved, 5 a second, \S+ left/);
  });

  it('shows the count and the rate if the total is not known', () => {
    expect(shown(true, undefined, [2])).toContain('10 messages moved, 5 a second');
  });

  it('is not shown where there is no terminal', () => {
    expect(shown(false, 40, [2, 2, 2])).toBe('');
  });
});

it('the percentiles of latencies are those of the nearest rank', () => {
  const times = Array.from({ length: 200 }, (_, at) => 200 - at);
  expect(latenciesOf(times)).toEqual({ p50: 100, p95: 190, p99: 198, max: 200 });
  expect(latenciesOf([])).toBeNull();
});
