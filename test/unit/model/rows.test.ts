import { describe, expect, it } from 'vitest';
import { tombstoneMs } from '../../../contract/limits.ts';
import { encodeLease, encodeTombstone } from '../../../engine/model/row-codec.ts';
import { absentAt, type Lease, newTombstone } from '../../../engine/model/rows.ts';
import { holds } from '../../../engine/port/condition-evaluator.ts';

const now = 1_000_000;

describe('a row of leases counts as absent', () => {
  const tombstone = newTombstone('row', 'v', [{}], now);
  const lease: Lease = {
    id: 'row',
    shard: 'abcdefgh:0',
    version: 'v',
    slots: [{ visibleAt: 0, receives: 1, failures: 0 }],
    since: 0,
    contents: { text: '[[1]]' },
  };

  it('where there is none', () => {
    expect(holds(absentAt(now), undefined)).toBe(true);
  });

  it('after the time of its tombstone, and not before it is over', () => {
    const at = (ms: number) => holds(absentAt(now + tombstoneMs + ms), encodeTombstone(tombstone));
    expect([at(-1), at(0), at(1)]).toEqual([false, false, true]);
  });

  it('never while something is left to remove', () => {
    const left = { ...tombstone, left: { shard: 'abcdefgh:0', due: now } };
    expect(holds(absentAt(now + 2 * tombstoneMs), encodeTombstone(left))).toBe(false);
  });

  it('never while it holds a message', () => {
    expect(holds(absentAt(now + 2 * tombstoneMs), encodeLease(lease))).toBe(false);
  });
});
