import { describe, expect, it } from 'vitest';
import { createRetryBudget } from '../../../engine/context/retry.ts';
import { readRow } from '../../../engine/leases/lease-store.ts';
import { moveToGroup } from '../../../engine/lifecycle/group-moves.ts';
import { encodeContent, joinEntries } from '../../../engine/model/content-codec.ts';
import { decodeLease, decodeParcel } from '../../../engine/model/row-codec.ts';
import type { ParcelLeaseRow } from '../../../engine/model/rows.ts';
import { type Row, type Store, StoreError, type Write } from '../../../engine/port/port.ts';
import { publishGroup } from '../../../engine/publish/groups.ts';
import { contextInMemory, leaseWith, queueOf, start } from '../../support/context-in-memory.ts';
import { minuteMs } from '../../support/durations.ts';
import { noise } from '../../support/noise.ts';

const slot = { visibleAt: start, receives: 2, failures: 1 };
const lease: ParcelLeaseRow & { groupName: string } = {
  ...leaseWith({ id: 'deadbeef=a', shard: 'deaddead:0', slots: [slot], content: { text: '[[1]]' } }),
  groupName: 'g',
  death: { queue: 'q', reason: 'rejected', at: start, group: 'g' },
};
const target = queueOf();

async function begin(over?: (store: Store) => Partial<Store>, given = { lease, target }) {
  const world = contextInMemory(over);
  await world.putQueue(given.target);
  await world.putLease(given.lease);
  const seen = await readRow(world.ctx, lease.id);
  world.spy.takeCounts();
  const move = () => moveToGroup(world.ctx, { seen, slots: [0], groupName: 'g', ...given });
  const row = () => decodeLease(world.rows('leases').find(({ id }) => id === lease.id)!);
  const parcels = () => world.rows('messages').map(decodeParcel);
  return { ...world, seen, move, row, parcels };
}

describe('a move to the end of a group', () => {
  it('a move is one transaction of the parcel, the row of the group, and a marker over the row of the message', async () => {
    const { move, row, parcels, spy } = await begin();
    expect(await move()).toMatchObject({ applied: true });
    expect(spy.takeCounts()).toMatchObject({ gets: 1, transactions: 1, puts: 3, refused: 0 });
    const [parcel] = parcels();
    expect(parcel).toMatchObject({
      count: 1,
      since: start,
      publishedAt: lease.since,
      ownRows: [lease.id],
      content: { text: '[[1]]' },
    });
    expect(row()).toMatchObject({ marker: { marks: { group: parcel!.shard, parcel: parcel!.id, slot: 0 } } });
  });

  it('a move changes nothing if the row of the message has changed since it was read', async () => {
    const { move, seen, row, parcels } = await begin();
    seen.row = { ...seen.row, id: lease.id, version: 'earlier' };
    expect(await move()).toMatchObject({ applied: false });
    expect(parcels()).toEqual([]);
    expect(row()).toEqual({ lease });
  });

  it('a move that a publish overtakes gets a place behind it', async () => {
    const { move, ctx, spy, parcels } = await begin();
    spy.before = async ({ method }) => {
      if (method !== 'transact') return;
      spy.before = () => {};
      const pending = { index: 0, encoded: '[2]', timing: { delayMs: 0 }, level: 0, group: 'g' };
      await publishGroup(ctx, 'q', 'g', [pending], [], createRetryBudget(ctx));
    };
    expect(await move()).toMatchObject({ applied: true });
    expect(parcels().map(({ content }) => content)).toEqual([{ text: '[[2]]' }, { text: '[[1]]' }]);
  });

  it('a move whose answer is lost is found applied', async () => {
    const { move, parcels } = await begin((store) => ({
      async transact(writes, options) {
        await store.transact(writes, options);
        throw new StoreError('no answer', 'unknown');
      },
    }));
    expect(await move()).toMatchObject({ applied: true });
    expect(parcels()).toHaveLength(1);
  });

  describe('with a body that does not fit into its row, in queues without retention', () => {
    const large = noise(5000);
    const bodies = (rows: readonly Row[]) => rows.filter(({ shard }) => (shard as string).startsWith('body:'));
    const beginLarge = (over: (store: Store) => Partial<Store>) =>
      begin(over, {
        lease: { ...lease, content: { text: joinEntries([encodeContent({ body: large })]) } },
        target: { ...target, retentionSeconds: null },
      });

    it('a move that came too late to be sent leaves no body', async () => {
      const { move, rows, clock } = await beginLarge(() => ({
        async transact() {
          clock.advance(minuteMs);
          throw new StoreError('too late', 'no');
        },
      }));
      expect(await move()).toMatchObject({ applied: false });
      expect(rows('messages')).toEqual([]);
    });

    it('a move keeps its body while a late copy of its refused request may still be applied', async () => {
      const { move, rows } = await beginLarge(() => ({
        async transact() {
          if (sent++ > 0) throw new StoreError('too busy', 'no');
          return { ok: false, refused: [{ row: undefined }, undefined, undefined] };
        },
      }));
      let sent = 0;
      await expect(move()).rejects.toThrow('too busy');
      expect(bodies(rows('messages'))).toHaveLength(1);
    });

    it('a move whose answer is lost keeps its body when the message has ended before it is found', async () => {
      const { move, rows } = await beginLarge((store) => ({
        async transact(writes, options) {
          await store.transact(writes, options);
          const [{ key, then }] = writes as [Write];
          const ended = { ...('put' in then ? then.put : {}), version: 'ended', until: start + minuteMs };
          await store.write({ key, then: { put: ended } });
          throw new StoreError('no answer', 'unknown');
        },
      }));
      expect(await move()).toMatchObject({ applied: true });
      expect(bodies(rows('messages'))).toHaveLength(1);
    });
  });
});
