import { describe, expect, it } from 'vitest';
import { readRow } from '../../../engine/leases/lease-store.ts';
import { moveSlots } from '../../../engine/lifecycle/moves.ts';
import { decodeLease } from '../../../engine/model/row-codec.ts';
import type { LeaseRow, Slot } from '../../../engine/model/rows.ts';
import { contextInMemory, groupLeaseWith, leaseWith, queueOf, start } from '../../support/context-in-memory.ts';

const target = queueOf({ name: 'dead', incarnation: 'deaddead' });
const used: Slot = { visibleAt: start, receives: 3, failures: 2, lastFailure: 'no paper' };
const death = { queue: 'q', reason: 'max_receives', at: start } as const;

/** Stores a lease and moves these slots of it, as a caller that has read the row when it had the version `seen`. */
async function moved(lease: LeaseRow, slots: number[], more: { death?: typeof death; seen?: string } = {}) {
  const { seen: version, ...rest } = more;
  const world = contextInMemory();
  await world.putLease(lease);
  const seen = await readRow(world.ctx, lease.id);
  if (version !== undefined) seen.row = { ...seen.row, id: lease.id, version };
  world.spy.takeCounts();
  const { applied } = await moveSlots(world.ctx, { seen, lease, slots, target, ...rest });
  const rows = Object.fromEntries(world.rows('leases').map((row) => [row.id as string, decodeLease(row)]));
  return { applied, calls: world.spy.takeCounts(), rows, events: world.events };
}

describe('a move to another queue', () => {
  it('a move of all live messages is one write of the row, which keeps its id', async () => {
    const ended: Slot = { ...used, end: 'done' };
    const { applied, calls, rows } = await moved(leaseWith({ slots: [used, ended, used] }), [0, 2]);
    expect(applied).toBe(true);
    expect(calls).toMatchObject({ gets: 0, puts: 1, updates: 0, removals: 0, transactions: 0 });
    const arrived = { visibleAt: start, receives: 0, failures: 0 };
    expect(rows).toMatchObject({ row: { lease: { shard: 'deaddead:0', slots: [arrived, ended, arrived] } } });
  });

  it('a move of some messages is one transaction that puts each into a row of its own', async () => {
    const { applied, calls, rows } = await moved(leaseWith({ slots: [used, used] }), [1]);
    expect(applied).toBe(true);
    expect(calls).toMatchObject({ gets: 0, puts: 2, updates: 0, removals: 0, transactions: 1 });
    expect(rows).toMatchObject({
      row: { lease: { shard: 'abcdefgh:0', slots: [used, { end: 'moved' }] } },
      'row.1': { lease: { shard: 'deaddead:0', slots: [{ receives: 0 }], content: { text: '[[2]]' } } },
    });
  });

  it('a move changes nothing if its row has changed since it was read', async () => {
    const lease = leaseWith({ slots: [used, used] });
    for (const [slots, writes] of [
      [[0, 1], 1],
      [[0], 2],
    ] as [number[], number][]) {
      const { applied, calls, rows } = await moved(lease, slots, { seen: 'earlier' });
      expect(applied).toBe(false);
      expect(calls).toMatchObject({ puts: 0, updates: 0, removals: 0, refused: writes });
      expect(rows).toEqual({ row: { lease } });
    }
  });

  it('a dead letter records its receives, its failures and the reason, and begins without any', async () => {
    const { rows, events } = await moved(leaseWith({ slots: [used, used] }), [0, 1], { death });
    const died = { receives: 3, failures: 2, text: 'no paper' };
    const slot = { visibleAt: start, receives: 0, failures: 0, lastFailure: 'no paper', died };
    expect(rows).toMatchObject({ row: { lease: { death, slots: [slot, slot] } } });
    expect(events).toEqual([{ kind: 'dead_lettered', queue: 'q', to: 'dead', reason: 'max_receives', messages: 2 }]);
  });

  it('a move leaves the row of a group, and a row with kept messages, in their queue', async () => {
    const kept = { at: start, until: start + 1_000 };
    for (const lease of [
      groupLeaseWith({ id: 'abcdefgh~key', slots: [used], group: { name: 'g', head: 'parcel', tail: 'parcel' } }),
      leaseWith({ slots: [used, { ...used, end: 'done', kept }] }),
    ]) {
      const { applied, calls, rows } = await moved(lease, [0]);
      expect(applied).toBe(true);
      expect(calls).toMatchObject({ transactions: 1 });
      const shards = Object.values(rows).map(
        (row) => ('lease' in row ? row.lease : 'tombstone' in row ? row.tombstone.kept : undefined)?.shard,
      );
      expect(shards).toContain('deaddead:0');
      expect(rows[lease.id]).not.toMatchObject({ lease: { shard: 'deaddead:0' } });
    }
  });
});
