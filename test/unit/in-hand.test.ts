import { expect, it } from 'vitest';
import { readToWriteMsMax } from '../../contract/limits.ts';
import { createInHand } from '../../engine/context/claims-in-progress.ts';
import { createDrivenClock } from '../engine/driven-clock.ts';

const start = 1_000_000;

function begin() {
  const clock = createDrivenClock(start);
  return { clock, inHand: createInHand(clock) };
}

it('has nothing in hand at first', () => {
  const { inHand } = begin();
  expect([inHand.count(), inHand.touchedSince('a', start)]).toEqual([0, false]);
});

it('tells of a row that is being taken, whenever it was read', () => {
  const { inHand } = begin();
  inHand.take('a');
  expect([inHand.count(), inHand.touchedSince('a', start + 1), inHand.touchedSince('b', start)]).toEqual([1, true, false]);
});

it('tells of a row that was let go to those who read it before, or in the same millisecond', () => {
  const { clock, inHand } = begin();
  inHand.take('a');
  clock.advance(10);
  inHand.release('a');
  expect(inHand.count()).toBe(0);
  expect([-1, 0, 1].map((ms) => inHand.touchedSince('a', start + 10 + ms))).toEqual([true, true, false]);
});

it('counts a row once, and has it in hand until the last of its takers lets go', () => {
  const { inHand } = begin();
  inHand.take('a');
  inHand.take('a');
  inHand.take('a');
  inHand.take('b');
  expect(inHand.count()).toBe(2);
  inHand.release('a');
  inHand.release('a');
  expect([inHand.count(), inHand.touchedSince('a', start + 1)]).toEqual([2, true]);
  inHand.release('a');
  expect([inHand.count(), inHand.touchedSince('a', start + 1)]).toEqual([1, false]);
});

it('remembers a row for as long as a write may rest on a read of it, and no longer', () => {
  const { clock, inHand } = begin();
  const letGo = (row: string) => {
    inHand.take(row);
    inHand.release(row);
  };
  letGo('a');
  clock.advance(readToWriteMsMax);
  letGo('b');
  expect(inHand.touchedSince('a', start)).toBe(true);
  clock.advance(1);
  letGo('c');
  expect(['a', 'b', 'c'].map((row) => inHand.touchedSince(row, start))).toEqual([false, true, true]);
});

it('remembers a row from when it was let go last', () => {
  const { clock, inHand } = begin();
  for (const row of ['a', 'b', 'a']) {
    inHand.take(row);
    inHand.release(row);
    clock.advance(readToWriteMsMax / 2);
  }
  clock.advance(1);
  inHand.take('c');
  inHand.release('c');
  expect(['a', 'b'].map((row) => inHand.touchedSince(row, start))).toEqual([true, false]);
});
