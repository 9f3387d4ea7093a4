import { describe, expect, it } from 'vitest';
import { tombstoneMs } from '../../../contract/limits.ts';
import { readRow } from '../../../engine/leases/lease-store.ts';
import { processDueRow } from '../../../engine/lifecycle/due-row.ts';
import type { QueueRecord } from '../../../engine/model/queue-record.ts';
import { decodeLease, encodeLease, encodeTombstone } from '../../../engine/model/row-codec.ts';
import { type LeaseRow, newTombstone, type Slot } from '../../../engine/model/rows.ts';
import { type Row, type Store, StoreError } from '../../../engine/port/port.ts';
import { contextInMemory, leaseWith, queueOf, shard, start } from '../../support/context-in-memory.ts';

const dying: Partial<QueueRecord> = { deadLetter: { queue: 'dead', maxReceives: 3 } };
const dead = queueOf({ name: 'dead', incarnation: 'deaddead' });
const due: Slot = { visibleAt: start, receives: 1, failures: 0 };
const held: Slot = { ...due, visibleAt: start + 5, token: 'theirs' };

type World = ReturnType<typeof contextInMemory>;

async function settled(world: World, row: Row, settings: Partial<QueueRecord> = {}) {
  await world.put('leases', row);
  return processDueRow(world.ctx, queueOf(settings), await readRow(world.ctx, 'row'));
}

const settledLease = (world: World, lease: LeaseRow, settings?: Partial<QueueRecord>) =>
  settled(world, encodeLease(lease), settings);

function rowIn(world: World, id = 'row') {
  const row = world.rows('leases').find((one) => one.id === id);
  return row && decodeLease(row);
}

describe('a due row', () => {
  it('a due row offers its ready messages and is not written', async () => {
    const world = contextInMemory();
    const lease = leaseWith({ slots: [held, due, { ...due, end: 'done' }] });
    expect(await settledLease(world, lease)).toMatchObject({ deadLettered: 0, removed: 0, ready: { lease, slots: [1] } });
    expect(rowIn(world)).toEqual({ lease });
  });

  it('a due row of another queue stays as it is', async () => {
    const world = contextInMemory();
    const lease = leaseWith({ shard: 'abcdefgi:0' });
    expect(await settledLease(world, lease, { purgedBefore: start })).toEqual({ deadLettered: 0, removed: 0 });
    expect(rowIn(world)).toEqual({ lease });
  });

  it('a due row loses purged messages and their tokens', async () => {
    const world = contextInMemory();
    const lease = leaseWith({ slots: [{ ...due, token: 'late' }, held] });
    expect(await settledLease(world, lease, { purgedBefore: start })).toEqual({ deadLettered: 0, removed: 1 });
    expect(rowIn(world)).toMatchObject({ lease: { slots: [{ ...due, end: 'done' }, held] } });
  });

  it('a due row becomes a tombstone when its last message is gone or has ended', async () => {
    for (const [slots, purgedBefore, removed] of [
      [[due, due], start, 2],
      [[{ ...due, end: 'done' }], 0, 0],
    ] as [Slot[], number, number][]) {
      const world = contextInMemory();
      // Messages that have all ended have no due time.
      const row = { ...encodeLease(leaseWith({ slots })), expiry: start };
      expect(await settled(world, row, { purgedBefore })).toEqual({ deadLettered: 0, removed });
      expect(rowIn(world)).toMatchObject({ tombstone: { until: start + tombstoneMs } });
    }
  });

  it('a removal from a due row counts only after its write is confirmed', async () => {
    let others = 1;
    const world = contextInMemory((store) => ({
      async write(write, options) {
        const theirs = { set: [[['version'], 'theirs']] } as const;
        if (others-- > 0) await store.write({ key: write.key, then: theirs });
        return store.write(write, options);
      },
    }));
    expect(await settledLease(world, leaseWith(), { purgedBefore: start })).toEqual({ deadLettered: 0, removed: 2 });
  });

  it('a row whose due time is too early is corrected', async () => {
    const world = contextInMemory();
    const lease = leaseWith({ slots: [held] });
    expect(await settled(world, { ...encodeLease(lease), expiry: start })).toEqual({ deadLettered: 0, removed: 0 });
    expect(world.rows('leases')[0]).toMatchObject({ expiry: held.visibleAt, slots: encodeLease(lease).slots });
    expect(world.rows('leases')[0]!.version).not.toBe(lease.version);
  });

  it('a row that is not due is not written', async () => {
    const world = contextInMemory();
    const lease = leaseWith({ slots: [held] });
    await settledLease(world, lease);
    expect(rowIn(world)).toEqual({ lease });
  });
});

describe('a message whose receives are used up', () => {
  const used: Slot = { ...due, receives: 3 };

  it('a message without receives left moves to the dead-letter queue by itself, and ready ones remain', async () => {
    const world = contextInMemory();
    await world.putQueue(dead);
    const result = await settledLease(world, leaseWith({ slots: [due, used, held] }), dying);
    expect(result).toMatchObject({ deadLettered: 1, removed: 0, ready: { slots: [0] } });
    expect(rowIn(world, 'row.1')).toMatchObject({
      lease: { shard: 'deaddead:0', death: { queue: 'q', reason: 'max_receives' } },
    });
    expect(rowIn(world)).toMatchObject({ lease: { slots: [due, { end: 'moved' }, held] } });
  });

  it('a message without receives left moves with its row when nothing else remains in it', async () => {
    const world = contextInMemory();
    await world.putQueue(dead);
    expect(await settledLease(world, leaseWith({ slots: [used, used] }), dying)).toEqual({ deadLettered: 2, removed: 0 });
    expect(rowIn(world)).toMatchObject({ lease: { shard: 'deaddead:0' } });
  });

  it('a message without receives left is still delivered if the dead-letter queue does not exist, and an event reports it', async () => {
    const world = contextInMemory();
    const lease = leaseWith({ slots: [used, held, due] });
    expect(await settledLease(world, lease, dying)).toMatchObject({ deadLettered: 0, ready: { slots: [0, 2] } });
    const what = 'the dead-letter queue does not exist';
    expect(world.events).toEqual([{ kind: 'anomaly', what, queue: 'q', row: 'row' }]);
    const unobserved = contextInMemory();
    delete unobserved.ctx.observe;
    expect(await settledLease(unobserved, lease, dying)).toMatchObject({ ready: { slots: [0, 2] } });
  });

  it('a message without receives left counts as moved only if it was moved', async () => {
    let others = 1;
    const world = contextInMemory((store) => ({
      async write(write, options) {
        if (others-- > 0)
          await store.write({ key: write.key, then: { put: encodeLease(leaseWith({ version: 'theirs', slots: [held] })) } });
        return store.write(write, options);
      },
    }));
    await world.putQueue(dead);
    expect(await settledLease(world, leaseWith({ slots: [used] }), dying)).toEqual({ deadLettered: 0, removed: 0 });
  });
});

describe('a tombstone with something left to remove', () => {
  const body = { shard: 'body:body', id: '0' };
  const parcel = { shard: 'abcdefgh:1', id: 'row' };
  const tombstone = {
    ...newTombstone('row', 'v', [{ token: 'mine' }], start),
    pendingCleanup: { shard, dueAt: start, outOfOrder: parcel.shard, content: { offloaded: 'body', chunks: 1, size: 9 } },
  };
  const begin = async (over?: (store: Store) => Partial<Store>) => {
    const world = contextInMemory(over);
    for (const row of [body, parcel]) await world.put('messages', row);
    return world;
  };

  it('a due tombstone removes what is left and then equals any other', async () => {
    const world = await begin();
    await settled(world, encodeTombstone(tombstone));
    expect(world.rows('messages')).toEqual([]);
    const { pendingCleanup: _, ...plain } = tombstone;
    expect(rowIn(world)).toEqual({ tombstone: { ...plain, version: expect.not.stringMatching(/^v$/) } });
  });

  it('a due tombstone removes no more than it names', async () => {
    const world = await begin();
    await settled(world, encodeTombstone({ ...tombstone, pendingCleanup: { shard, dueAt: start, outOfOrder: parcel.shard } }));
    expect(world.rows('messages')).toEqual([body]);
    const other = await begin();
    await settled(
      other,
      encodeTombstone({ ...tombstone, pendingCleanup: { shard, dueAt: start, content: tombstone.pendingCleanup.content } }),
    );
    expect(other.rows('messages')).toEqual([parcel]);
  });

  it('a tombstone with something left to remove waits until it is due', async () => {
    const world = await begin();
    const row = encodeTombstone({ ...tombstone, pendingCleanup: { ...tombstone.pendingCleanup, dueAt: start + 1 } });
    expect(await settled(world, row)).toEqual({ deadLettered: 0, removed: 0 });
    expect(world.rows('messages')).toHaveLength(2);
    expect(world.rows('leases')).toEqual([row]);
  });

  it('a due tombstone stays unchanged while a removal has no answer', async () => {
    const lost = new StoreError('lost', 'unknown');
    const world = await begin(() => ({ writeAll: async () => [undefined, lost] }));
    await expect(settled(world, encodeTombstone(tombstone))).rejects.toBe(lost);
    expect(rowIn(world)).toEqual({ tombstone });
  });
});
