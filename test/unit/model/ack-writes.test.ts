import { describe, expect, it } from 'vitest';
import { endGraceMs, tombstoneMs } from '../../../contract/limits.ts';
import { formatReceipt } from '../../../engine/model/receipts.ts';
import { decodeLease } from '../../../engine/model/row-codec.ts';
import type { ParcelLeaseRow, Slot } from '../../../engine/model/rows.ts';
import { ack } from '../../../engine/operations/ack.ts';
import { type Store, StoreError } from '../../../engine/port/port.ts';
import { contextInMemory, leaseWith, queueOf, shard, start } from '../../support/context-in-memory.ts';
import { lost, ok } from '../../support/expected.ts';

const tokens = ['aaaaaaaaaaaa', 'bbbbbbbbbbbb', 'cccccccccccc'];
const leased = (count: number): Slot[] =>
  tokens.slice(0, count).map((token) => ({ visibleAt: start + 30_000, token, receives: 1, failures: 0 }));
const receipt = (slot: number, count: number, token = tokens[slot]!) =>
  formatReceipt({ incarnation: 'abcdefgh', rowId: 'row', slot, count, token });

async function begin(lease: Partial<ParcelLeaseRow> = {}, over?: (store: Store) => Partial<Store>) {
  const world = contextInMemory(over);
  await world.putQueue(queueOf());
  await world.ctx.settings.find('q');
  await world.putLease(leaseWith({ slots: leased(2), ...lease }));
  world.spy.takeCounts();
  const acked = async (...receipts: string[]) => (await ack(world.ctx, 'q', receipts)).results;
  const row = () => decodeLease(world.rows('leases')[0]!);
  return { world, acked, row };
}

describe('an ack of a whole row', () => {
  it('an ack of a whole row is one write without a read', async () => {
    const { world, acked, row } = await begin();
    expect(await acked(receipt(1, 2), receipt(0, 2))).toEqual([ok, ok]);
    expect(world.spy.takeCounts()).toMatchObject({ gets: 0, puts: 1, updates: 0, refused: 0 });
    const slots = [{ token: tokens[0] }, { token: tokens[1] }];
    expect(row()).toMatchObject({ tombstone: { slots, until: start + tombstoneMs } });
  });

  it('an ack of a whole row that is repeated does not change the tombstone', async () => {
    const { world, acked, row } = await begin();
    await acked(receipt(0, 2), receipt(1, 2));
    const before = row();
    world.clock.advance(1_000);
    expect(await acked(receipt(0, 2), receipt(1, 2))).toEqual([ok, ok]);
    expect(await acked(receipt(1, 2))).toEqual([ok]);
    expect(row()).toEqual(before);
  });

  it('an ack of a whole row lets the row come due again if it has cleanup to do', async () => {
    const { acked, row } = await begin({ needsCleanup: true });
    expect(await acked(receipt(0, 2), receipt(1, 2))).toEqual([ok, ok]);
    expect(row()).toMatchObject({ tombstone: { pendingCleanup: { shard, dueAt: start + endGraceMs } } });
  });

  it('an ack with receipts for too few messages ends only those messages', async () => {
    const { acked, row } = await begin({ slots: leased(3) });
    expect(await acked(receipt(0, 2), receipt(1, 2))).toEqual([ok, ok]);
    expect(row()).toMatchObject({ lease: { slots: [{ end: 'done' }, { end: 'done' }, leased(3)[2]] } });
  });
});

describe('an ack of a part of a row', () => {
  it('an ack of a part of a row is one update with a new version', async () => {
    const { world, acked, row } = await begin({ slots: leased(3) });
    expect(await acked(receipt(0, 3), receipt(2, 3))).toEqual([ok, ok]);
    expect(world.spy.takeCounts()).toMatchObject({ gets: 0, puts: 0, updates: 1, refused: 0 });
    const [first, second, third] = leased(3);
    const slots = [{ ...first, end: 'done' }, second, { ...third, end: 'done' }];
    expect(row()).toMatchObject({ lease: { slots, version: expect.not.stringMatching(/^v$/) } });
  });

  it("an ack of the last part ends the row and keeps each message's token", async () => {
    const { acked, row } = await begin();
    expect([await acked(receipt(0, 2)), await acked(receipt(1, 2))]).toEqual([[ok], [ok]]);
    expect(row()).toMatchObject({ tombstone: { slots: [{ token: tokens[0] }, { token: tokens[1] }] } });
  });

  it('an ack marks messages with a valid receipt even if another receipt is stale', async () => {
    const { acked, row } = await begin({ slots: leased(3) });
    const results = await acked(receipt(0, 3), receipt(1, 3, tokens[2]), receipt(2, 3));
    expect(results).toMatchObject([ok, lost, ok]);
    const [first, second, third] = leased(3);
    expect(row()).toMatchObject({ lease: { slots: [{ ...first, end: 'done' }, second, { ...third, end: 'done' }] } });
  });

  it('an ack with two receipts of one message reads the row and answers each receipt by itself', async () => {
    const { world, acked, row } = await begin();
    expect(await acked(receipt(0, 2, tokens[2]), receipt(0, 2))).toMatchObject([lost, ok]);
    expect(world.spy.takeCounts()).toMatchObject({ gets: 1, updates: 1, refused: 0 });
    expect(row()).toMatchObject({ lease: { slots: [{ end: 'done' }, leased(2)[1]] } });
  });

  it('an ack of the last live message ends the row with one write, whatever its other receipts are', async () => {
    const [first, second] = leased(2);
    const { world, acked, row } = await begin({ slots: [{ ...first!, end: 'done' }, second!] });
    expect(await acked(receipt(1, 2), receipt(1, 2, tokens[2]))).toMatchObject([ok, lost]);
    expect(world.spy.takeCounts()).toMatchObject({ puts: 1, updates: 0 });
    expect(row()).toHaveProperty('tombstone');
  });

  it('an ack of a whole row ends it with one write even if one receipt is stale', async () => {
    const { world, acked, row } = await begin();
    expect(await acked(receipt(0, 2), receipt(1, 2), receipt(1, 2, tokens[2]))).toMatchObject([ok, ok, lost]);
    expect(world.spy.takeCounts()).toMatchObject({ gets: 1, puts: 1, updates: 0 });
    expect(row()).toHaveProperty('tombstone');
  });
});

describe('an ack without a matching message', () => {
  it.each([
    ['no row', receipt(0, 1).replace('.row.', '.none.')],
    ['a slot that the row does not have', receipt(2, 3)],
    ['the token of another', receipt(0, 2, tokens[2])],
  ])('an ack is answered lease_lost for %s', async (_, text) => {
    const { acked, row } = await begin();
    expect(await acked(text)).toMatchObject([lost]);
    expect(row()).toEqual({ lease: leaseWith({ slots: leased(2) }) });
  });

  it('an ack is answered lease_lost if the row ended without its token', async () => {
    const { acked } = await begin();
    await acked(receipt(0, 2), receipt(1, 2));
    expect(await acked(receipt(0, 2, tokens[2]), receipt(2, 3))).toMatchObject([lost, lost]);
  });

  it('an ack succeeds even if the tombstone could not be put, because the next process that reads the row puts it', async () => {
    const { acked, row } = await begin({}, (store) => ({
      write: (write, options) =>
        'put' in write.then ? Promise.reject(new StoreError('lost', 'unknown')) : store.write(write, options),
    }));
    expect(await acked(receipt(0, 2))).toEqual([ok]);
    expect(await acked(receipt(1, 2))).toEqual([ok]);
    expect(row()).toMatchObject({ lease: { slots: [{ end: 'done' }, { end: 'done' }] } });
  });
});
