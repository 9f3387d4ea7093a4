import { expect, it } from 'vitest';
import { readToWriteMsMax } from '../../../contract/limits.ts';
import { createClaimsInProgress } from '../../../engine/context/claims-in-progress.ts';
import { createDrivenClock } from '../../support/driven-clock.ts';

const start = 1_000_000;

function begin() {
  const clock = createDrivenClock(start);
  return { clock, claimsInProgress: createClaimsInProgress(clock) };
}

it('a new record of claims has no row in progress', () => {
  const { claimsInProgress } = begin();
  expect([claimsInProgress.ahead('shard'), claimsInProgress.touchedSince('a', start)]).toEqual([0, false]);
});

it('a row that is being claimed is in progress for every snapshot of it', () => {
  const { claimsInProgress } = begin();
  claimsInProgress.take('a');
  expect([
    claimsInProgress.ahead('shard'),
    claimsInProgress.touchedSince('a', start + 1),
    claimsInProgress.touchedSince('b', start),
  ]).toEqual([1, true, false]);
});

it('a row whose claim has ended is in progress for snapshots read before that or in the same millisecond', () => {
  const { clock, claimsInProgress } = begin();
  claimsInProgress.take('a');
  clock.advance(10);
  claimsInProgress.release('a');
  expect(claimsInProgress.ahead('shard')).toBe(0);
  expect([-1, 0, 1].map((ms) => claimsInProgress.touchedSince('a', start + 10 + ms))).toEqual([true, true, false]);
});

it('a row that two receives claim stays in progress until both have ended', () => {
  const { claimsInProgress } = begin();
  claimsInProgress.take('a');
  claimsInProgress.take('a');
  claimsInProgress.take('a');
  claimsInProgress.take('b');
  expect(claimsInProgress.ahead('shard')).toBe(2);
  claimsInProgress.release('a');
  claimsInProgress.release('a');
  expect([claimsInProgress.ahead('shard'), claimsInProgress.touchedSince('a', start + 1)]).toEqual([2, true]);
  claimsInProgress.release('a');
  expect([claimsInProgress.ahead('shard'), claimsInProgress.touchedSince('a', start + 1)]).toEqual([1, false]);
});

it('a row stays on record for as long as a write may rest on a read of it, and no longer', () => {
  const { clock, claimsInProgress } = begin();
  const letGo = (row: string) => {
    claimsInProgress.take(row);
    claimsInProgress.release(row);
  };
  letGo('a');
  clock.advance(readToWriteMsMax);
  letGo('b');
  expect(claimsInProgress.touchedSince('a', start)).toBe(true);
  clock.advance(1);
  letGo('c');
  expect(['a', 'b', 'c'].map((row) => claimsInProgress.touchedSince(row, start))).toEqual([false, true, true]);
});

it('a row stays on record from the end of its latest claim', () => {
  const { clock, claimsInProgress } = begin();
  for (const row of ['a', 'b', 'a']) {
    claimsInProgress.take(row);
    claimsInProgress.release(row);
    clock.advance(readToWriteMsMax / 2);
  }
  clock.advance(1);
  claimsInProgress.take('c');
  claimsInProgress.release('c');
  expect(['a', 'b'].map((row) => claimsInProgress.touchedSince(row, start))).toEqual([true, false]);
});

it('a read in progress counts as the rows that its receive needs, in its shard, until it ends', () => {
  const { claimsInProgress } = begin();
  const aheadOf = () => ['one', 'other'].map((shard) => claimsInProgress.ahead(shard));
  const endFirst = claimsInProgress.beginRead('one', 10);
  const endSecond = claimsInProgress.beginRead('one', 1);
  claimsInProgress.take('a');
  expect(aheadOf()).toEqual([12, 1]);
  endFirst();
  expect(aheadOf()).toEqual([2, 1]);
  endSecond();
  expect(aheadOf()).toEqual([1, 1]);
});
