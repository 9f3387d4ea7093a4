import { describe, expect, it } from 'vitest';
import { retentionGraceMs, tombstoneMs } from '../../../contract/limits.ts';
import { endingOf, isForgotten, keptAs, placeResult, replaceEnded } from '../../../engine/leases/kept-messages.ts';
import { readRow } from '../../../engine/leases/lease-store.ts';
import { decodeLease } from '../../../engine/model/row-codec.ts';
import { newTombstone, type Slot, type Tombstone } from '../../../engine/model/rows.ts';
import { contextInMemory, groupLeaseWith, leaseWith, queueOf, start } from '../../support/context-in-memory.ts';
import { noise } from '../../support/noise.ts';

const keep = { doneSeconds: 60, deadSeconds: 3_600 };
const queue = queueOf({ keep });
const waiting: Slot = { visibleAt: start, receives: 1, failures: 0 };
const acked: Slot = { ...waiting, token: 't', end: 'done', kept: { at: start, until: start + 60_000 } };

describe('the end of a message', () => {
  it('a queue keeps a message for the time of its kind of end, and none without the setting', () => {
    expect(keptAs(queue, 'done', start)).toEqual({ kept: { at: start, until: start + 60_000 } });
    expect(keptAs(queue, 'cancelled', start)).toEqual({ kept: { at: start, until: start + 3_600_000 } });
    expect(keptAs(queueOf({ keep: { ...keep, doneSeconds: 0 } }), 'done', start)).toEqual({});
    expect(keptAs(queueOf(), 'done', start)).toEqual({});
  });

  it('a kept message is shown until its time is over, unless it has moved or was purged', () => {
    const lease = leaseWith({ slots: [acked] });
    expect(endingOf(queue, lease, acked, start)).toMatchObject({ state: 'done', until: start + 60_000 });
    expect(endingOf(queue, lease, acked, start + 60_000)).toBeUndefined();
    expect(endingOf(queue, lease, { ...acked, end: 'moved' }, start)).toBeUndefined();
    expect(endingOf(queueOf({ keep, purgedBefore: start }), lease, acked, start)).toBeUndefined();
  });

  it('an expired message has ended before any process marks its row, unless it is leased or becomes a dead letter', () => {
    const lease = leaseWith({ retentionEnd: start });
    expect(endingOf(queue, lease, waiting, start - 1)).toBeUndefined();
    expect(endingOf(queue, lease, waiting, start)).toMatchObject({ state: 'expired', at: start, until: start + 3_600_000 });
    expect(endingOf(queue, lease, { ...waiting, visibleAt: start + 1 }, start)).toBeUndefined();
    const deadLetter = { queue: 'dead', maxReceives: 1 };
    expect(endingOf(queueOf({ keep, deadLetter }), lease, waiting, start)).toBeUndefined();
  });

  it('a tombstone blocks its id while it shows a message, and afterwards only for an acked or cancelled one', () => {
    const tombstone = (slots: Tombstone['slots']) => newTombstone('row', 'v', slots, start);
    const kept = leaseWith({ slots: [{ ...acked, end: 'expired' }] });
    expect(isForgotten(queue, { ...tombstone([{}]), kept }, start)).toBe(false);
    expect(isForgotten(queue, { ...tombstone([{}]), kept }, start + 60_000)).toBe(true);
    for (const ended of [{ token: 't' }, { cancelled: true } as const]) {
      expect(isForgotten(queue, tombstone([ended]), start + tombstoneMs)).toBe(false);
      expect(isForgotten(queue, tombstone([ended]), start + tombstoneMs + 1)).toBe(true);
    }
  });
});

describe('writing what is kept', () => {
  it('a small result needs no write, and a large one is offloaded by one write with a TTL', async () => {
    const { ctx, spy, rows } = contextInMemory();
    expect(await placeResult(ctx, 'ok', 1, start + 60_000, start)).toEqual({ text: '[["ok"]]' });
    expect(spy.takeCounts().puts).toBe(0);
    await placeResult(ctx, noise(5_000), 1, start + 60_000, start);
    expect(spy.takeCounts().puts).toBe(1);
    expect(rows('messages')).toMatchObject([{ ttl: (start + 60_000) / 1_000 }]);
  });

  it('a row whose last message is kept becomes a tombstone that shows it, by one write', async () => {
    const { ctx, spy, rows, putLease } = contextInMemory();
    await putLease(leaseWith());
    const seen = await readRow(ctx, 'row');
    spy.takeCounts();
    await replaceEnded(ctx, seen, { ...leaseWith({ slots: [acked] }), version: 'next' }, start);
    expect(spy.takeCounts()).toMatchObject({ gets: 0, puts: 1, transactions: 0 });
    expect(rows('leases').map(decodeLease)).toMatchObject([
      { tombstone: { version: 'next', slots: [{ token: 't' }], until: start + tombstoneMs, kept: { slots: [acked] } } },
    ]);
  });

  it('a group that ends a parcel puts its kept messages into a row of their own, in one transaction', async () => {
    const { ctx, spy, rows, putLease } = contextInMemory();
    const lease = groupLeaseWith({ id: 'abcdefgh~key', slots: [acked], group: { name: 'g', head: 'parcel', tail: 'parcel' } });
    await putLease(lease);
    const seen = await readRow(ctx, lease.id);
    spy.takeCounts();
    await replaceEnded(ctx, seen, { ...lease, version: 'next' }, start);
    expect(spy.takeCounts()).toMatchObject({ gets: 0, puts: 2, transactions: 1 });
    expect(Object.fromEntries(rows('leases').map((row) => [row.id, decodeLease(row)]))).toMatchObject({
      'abcdefgh~key': { lease: { slots: [], group: { acked: ['t0'] } } },
      'parcel-key': { tombstone: { kept: { groupName: 'g', slots: [acked] } } },
    });
  });

  it('offloaded bodies get a longer TTL only if their kept message would outlast them', async () => {
    for (const [retentionEnd, writes] of [
      [start, 1],
      [start + retentionGraceMs, 0],
    ] as [number, number][]) {
      const { ctx, spy, put, putLease } = contextInMemory();
      const slot: Slot = { ...acked, kept: { at: start, until: start + retentionGraceMs } };
      const lease = leaseWith({ slots: [slot], retentionEnd, content: { offloaded: 'body', chunks: 1, size: 9 } });
      await put('messages', { shard: 'body:body', id: '0', ttl: 1 });
      await putLease(leaseWith());
      const seen = await readRow(ctx, 'row');
      spy.takeCounts();
      await replaceEnded(ctx, seen, { ...lease, version: 'next' }, start);
      expect(spy.takeCounts()).toMatchObject({ puts: 1, updates: writes });
    }
  });
});
