import { expect, it } from 'vitest';
import { headRowsMax } from '../../../contract/limits.ts';
import { createWindows } from '../../../engine/context/claim-windows.ts';

/** What has to be read beyond the rows asked for to cost as much as a conflict: eight write units of twenty KiB. */
const conflictBytes = 8 * 20 * 1024;

function widened(conflicts: number) {
  const windows = createWindows();
  for (let i = 0; i < conflicts; i++) windows.conflicted('s');
  return windows;
}

it('lets one receiver alone take the first row', () => {
  const windows = createWindows();
  expect(windows.size('s')).toBe(1);
  windows.read('s', 1, 1, conflictBytes);
  expect(windows.size('s')).toBe(1);
});

it('widens a window by more than double with each conflict, up to a hundred receives', () => {
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

it('widens the window of the shard that had the conflict, and no other', () => {
  expect(widened(3).size('other')).toBe(1);
});

it('halves a window each time that reading beyond what was asked for has cost as much as a conflict', () => {
  const windows = widened(4);
  windows.read('s', 1, 1, conflictBytes);
  expect(windows.size('s')).toBe(15);
  windows.read('s', 1, 1, conflictBytes / 2);
  windows.read('s', 1, 1, conflictBytes / 2);
  expect(windows.size('s')).toBe(7);
});

it('leaves a window alone that was read for nothing beyond', () => {
  const windows = widened(2);
  windows.read('s', 1, 1, 0);
  expect(windows.size('s')).toBe(7);
});

it('begins anew once a window is of less than two rows', () => {
  const windows = widened(1);
  windows.read('s', 1, 1, conflictBytes);
  expect(windows.size('s')).toBe(1);
  windows.conflicted('s');
  expect(windows.size('s')).toBe(3);
});

it('keeps what a window has over whole rows', () => {
  const windows = widened(2);
  windows.read('s', 1, 1, conflictBytes);
  expect(windows.size('s')).toBe(3);
  windows.conflicted('s');
  expect(windows.size('s')).toBe(8);
});

it('takes a shard for shared until a receive met no conflict, and again after each conflict until the window is narrow', () => {
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

it('asks for as many rows as give the messages wanted, by what the last rows held', () => {
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
