/** The depth of each queue that was on the page lately. It is kept in this tab, for the lines in tables and charts. */
import type { Counts } from '../../contract/contract.ts';

const pointsMax = 300;

export interface Point {
  /** Epoch seconds. */
  at: number;
  counts: Counts;
}

const points = new Map<string, Point[]>();

export function remember(queue: string, counts: Counts): readonly Point[] {
  const before = points.get(queue) ?? [];
  const after = [...before.slice(-(pointsMax - 1)), { at: Date.now() / 1000, counts }];
  points.set(queue, after);
  return after;
}

export function historyOf(queue: string): readonly Point[] {
  return points.get(queue) ?? [];
}
