import { expect, it } from 'vitest';
import { headRowsMax } from '../../../contract/limits.ts';
import { createWindows } from '../../../engine/context/claim-windows.ts';

/** The bytes of extra reads that cost as much as a conflict: eight write units of twenty KiB each. */
const conflictBytes = 8 * 20 * 1024;

function widened(conflicts: number) {
  const windows = createWindows();
  for (let i = 0; i < conflicts; i++) windows.conflicted('s');
  return windows;
}

it('a single receiver takes the first row', () => {
  const windows = createWindows();
  expect(windows.size('s')).toBe(1);
  windows.read('s', 1, 1, conflictBytes);
  expect(windows.size('s')).toBe(1);
});

it('a window more than doubles with each conflict, up to a hundred receives', () => {
  expect([1, 2, 3, 4, 5, 6, 7, 8].map((conflicts) => widened(conflicts).size('s'))).toEqual([
    3,
    7,
    15,
    31,
    63,
    headRowsMax,
    headRowsMax,
    headRowsMax,
  ]);
});

it('a conflict widens the window of its own shard only', () => {
  expect(widened(3).size('other')).toBe(1);
});

it('a window halves each time that its extra reads have cost as much as a conflict', () => {
  const windows = widened(4);
  windows.read('s', 1, 1, conflictBytes);
  expect(windows.size('s')).toBe(15);
  windows.read('s', 1, 1, conflictBytes / 2);
  windows.read('s', 1, 1, conflictBytes / 2);
  expect(windows.size('s')).toBe(7);
});

it('a window stays as it is when a read had nothing beyond the request', () => {
  const windows = widened(2);
  windows.read('s', 1, 1, 0);
  expect(windows.size('s')).toBe(7);
});

it('a window of less than two rows resets', () => {
  const windows = widened(1);
  windows.read('s', 1, 1, conflictBytes);
  expect(windows.size('s')).toBe(1);
  windows.conflicted('s');
  expect(windows.size('s')).toBe(3);
});

it('a window keeps its fraction of a row', () => {
  const windows = widened(2);
  windows.read('s', 1, 1, conflictBytes);
  expect(windows.size('s')).toBe(3);
  windows.conflicted('s');
  expect(windows.size('s')).toBe(8);
});

it('a shard counts as shared until a receive has no conflict, and again after each conflict until the window is narrow', () => {
  const windows = createWindows();
  expect(windows.isAlone('s')).toBe(false);
  windows.undisturbed('s');
  expect(windows.isAlone('s')).toBe(true);
  expect(windows.isAlone('other')).toBe(false);
  windows.conflicted('s');
  expect(windows.isAlone('s')).toBe(false);
  windows.undisturbed('s');
  expect(windows.isAlone('s')).toBe(false);
  windows.read('s', 1, 1, conflictBytes);
  expect(windows.isAlone('s')).toBe(true);
});

it('a receive asks for as many rows as the messages that it wants, judged by the latest rows', () => {
  const windows = createWindows();
  expect(windows.rowsFor('s', 10)).toBe(10);
  windows.read('s', 4, 40, 0);
  expect(windows.rowsFor('s', 10)).toBe(1);
  expect(windows.rowsFor('s', 25)).toBe(3);
  expect(windows.rowsFor('other', 10)).toBe(10);
  windows.read('s', 0, 0, 0);
  expect(windows.rowsFor('s', 10)).toBe(1);
  windows.read('s', 4, 12, 0);
  expect(windows.rowsFor('s', 10)).toBe(4);
  windows.read('s', 4, 4, 0);
  expect(windows.rowsFor('s', 10)).toBe(10);
});
