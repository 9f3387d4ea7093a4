import { describe, expect, it } from 'vitest';
import { tombstoneMs } from '../../../contract/limits.ts';
import { encodeLease, encodeTombstone } from '../../../engine/model/row-codec.ts';
import { absentAt, type LeaseRow, newTombstone } from '../../../engine/model/rows.ts';
import { holds } from '../../../engine/port/condition-evaluator.ts';

const now = 1_000_000;

describe('a row of leases that counts as absent', () => {
  const tombstone = newTombstone('row', 'v', [{}], now);
  const lease: LeaseRow = {
    kind: 'parcel',
    id: 'row',
    shard: 'abcdefgh:0',
    version: 'v',
    slots: [{ visibleAt: 0, receives: 1, failures: 0 }],
    since: 0,
    content: { text: '[[1]]' },
  };

  it('a row of leases that does not exist counts as absent', () => {
    expect(holds(absentAt(now), undefined)).toBe(true);
  });

  it('a tombstone counts as absent after its time is over, and not before', () => {
    const at = (ms: number) => holds(absentAt(now + tombstoneMs + ms), encodeTombstone(tombstone));
    expect([at(-1), at(0), at(1)]).toEqual([false, false, true]);
  });

  it('a tombstone never counts as absent while something remains to be removed', () => {
    const left = { ...tombstone, pendingCleanup: { shard: 'abcdefgh:0', dueAt: now } };
    expect(holds(absentAt(now + 2 * tombstoneMs), encodeTombstone(left))).toBe(false);
  });

  it('a row of leases with a message never counts as absent', () => {
    expect(holds(absentAt(now + 2 * tombstoneMs), encodeLease(lease))).toBe(false);
  });
});
