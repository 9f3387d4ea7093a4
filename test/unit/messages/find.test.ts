import { describe, expect, it } from 'vitest';
import { slotName } from '../../../engine/lifecycle/group-parcels.ts';
import { findCancelled, findMessage, isShown } from '../../../engine/messages/find.ts';
import { groupPlace } from '../../../engine/model/group-row.ts';
import { createIds, messageId, ownRowId } from '../../../engine/model/ids.ts';
import { encodeTombstone } from '../../../engine/model/row-codec.ts';
import { newTombstone, type Slot } from '../../../engine/model/rows.ts';
import { seededRandom } from '../../../engine/port/random.ts';
import { contextInMemory, groupLeaseWith, leaseWith, queueOf, shard, start } from '../../support/context-in-memory.ts';

const queue = queueOf();
const parcelId = createIds({ now: () => start } as never, seededRandom(1)).parcel(0);
const parcel = { shard, id: parcelId, count: 2, since: start, content: { text: '[[1],[2]]' } };
const id = messageId(parcelId, 1);
const waiting: Slot = { visibleAt: start, receives: 0, failures: 0 };

describe('a message with an id of the queue', () => {
  it('a message is found in its parcel by two reads, and a slot that the parcel lacks is not found', async () => {
    const { ctx, putParcel, spy } = contextInMemory();
    await putParcel(parcel);
    expect(await findMessage(ctx, queue, id)).toEqual({ parcel, slot: 1, readAt: start });
    expect(spy.takeCounts()).toMatchObject({ gets: 2, ranges: 0 });
    expect(await findMessage(ctx, queue, messageId(parcelId, 2))).toBeUndefined();
  });

  it('a message that was acked in `leases` is not found, although its parcel is still in `messages`', async () => {
    const { ctx, put, putParcel } = contextInMemory();
    await putParcel(parcel);
    await put('leases', encodeTombstone(newTombstone(parcelId, 'v', [{}, { token: 't' }], start)));
    expect(await findMessage(ctx, queue, id)).toBeUndefined();
  });

  it('a message that has left its parcel is found in its own row', async () => {
    const { ctx, putLease } = contextInMemory();
    await putLease(leaseWith({ id: parcelId, slots: [waiting, { ...waiting, end: 'moved' }] }));
    await putLease(leaseWith({ id: `${parcelId}.1`, slots: [waiting] }));
    expect(await findMessage(ctx, queue, id)).toMatchObject({ lease: { id: `${parcelId}.1` }, slot: 0 });
    expect(await findMessage(ctx, queue, messageId(parcelId, 0))).toMatchObject({ lease: { id: parcelId }, slot: 0 });
  });

  it('a message that moves between two reads is found by another look', async () => {
    const { ctx, putLease, spy } = contextInMemory((store) => ({
      // The first read of both rows shows the old row, and the new one not yet.
      async get(keys) {
        const rows = await store.get(keys);
        if (keys.length !== 2 || moved) return rows;
        moved = true;
        return [rows[0], undefined];
      },
    }));
    let moved = false;
    await putLease(leaseWith({ id: parcelId, slots: [waiting, { ...waiting, end: 'moved' }] }));
    await putLease(leaseWith({ id: `${parcelId}.1`, slots: [waiting] }));
    expect(await findMessage(ctx, queue, id)).toMatchObject({ lease: { id: `${parcelId}.1` } });
    expect(spy.takeCounts().gets).toBe(4);
  });

  it('an ended message is found only if kept messages are wanted', async () => {
    const { ctx, putLease } = contextInMemory();
    const kept = { at: start, until: start + 1_000 };
    await putLease(leaseWith({ id: parcelId, slots: [waiting, { ...waiting, end: 'done', kept }] }));
    expect(await findMessage(ctx, queue, id)).toBeUndefined();
    expect(await findMessage(ctx, queue, id, isShown)).toMatchObject({ slot: 1 });
  });

  it('a message of a group is found in its parcel unless it was cancelled there', async () => {
    const { ctx, putLease, putParcel } = contextInMemory();
    const key = '0123456789abc';
    const place = groupPlace(queue, key);
    await putParcel({ ...parcel, shard: place });
    await putLease(
      groupLeaseWith({
        id: place,
        slots: [],
        group: { name: 'g', head: '', tail: parcelId, cancelled: [slotName(parcelId, 1)] },
      }),
    );
    const inGroup = (slot: number) => findMessage(ctx, queue, messageId(`${parcelId}-${key}`, slot));
    expect(await inGroup(0)).toMatchObject({ parcel: { id: parcelId }, slot: 0, group: { name: 'g' } });
    expect(await inGroup(1)).toBeUndefined();
  });
});

describe('a message with an own id', () => {
  const dead = queueOf({ name: 'dead', incarnation: 'deaddead' });
  const origin = queueOf({ deadLetter: { queue: 'dead', maxReceives: 1 } });

  it('a message with an own id is found in its queue, and in the queue to which it was dead-lettered', async () => {
    const { ctx, putLease, putQueue } = contextInMemory();
    await putQueue(origin);
    await putQueue(dead);
    await putLease(leaseWith({ id: ownRowId('abcdefgh', 'here'), slots: [waiting] }));
    await putLease(leaseWith({ id: ownRowId('abcdefgh', 'gone'), shard: 'deaddead:0', slots: [waiting] }));
    const foundIn = async (name: typeof dead) =>
      Promise.all(['here', 'gone'].map(async (own) => (await findMessage(ctx, name, own)) !== undefined));
    expect(await foundIn(origin)).toEqual([true, true]);
    expect(await foundIn(dead)).toEqual([false, true]);
  });

  it('a cancelled message is found with the lease that it was under', async () => {
    const { ctx, put, putLease } = contextInMemory();
    const rowId = ownRowId('abcdefgh', 'a');
    await putLease(leaseWith({ id: rowId, slots: [{ ...waiting, end: 'cancelled', heldBy: 't' }, waiting] }));
    expect(await findCancelled(ctx, queue, 'a')).toEqual({ heldBy: { rowId, slot: 0, token: 't' } });
    await put('leases', encodeTombstone(newTombstone(rowId, 'v', [{ cancelled: true }], start)));
    expect(await findCancelled(ctx, queue, 'a')).toEqual({});
    await put('leases', encodeTombstone(newTombstone(rowId, 'v', [{ token: 't' }], start)));
    expect(await findCancelled(ctx, queue, 'a')).toBeUndefined();
  });
});
