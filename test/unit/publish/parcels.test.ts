import { describe, expect, it } from 'vitest';
import type { PublishResult } from '../../../contract/contract.ts';
import { parcelBytesMax, parcelSlotsMax } from '../../../contract/limits.ts';
import { createRetryBudget } from '../../../engine/context/retry.ts';
import { StoreError } from '../../../engine/port/port.ts';
import { inParcels, type Pending, publishShared } from '../../../engine/publish/parcels.ts';
import { targetOf } from '../../../engine/queues/publish-target.ts';
import { contextInMemory, queueOf } from '../../support/context-in-memory.ts';
import { noise } from '../../support/noise.ts';
import { range } from '../../support/range.ts';

const pending = (index: number, delayMs = 0, encoded = `[${index}]`): Pending => ({
  index,
  encoded,
  timing: { delayMs },
  level: 0,
});
const messages = (count: number, delayMs = 0) => range(count).map((index) => pending(index, delayMs));

async function published(lists: Pending[][], over?: Parameters<typeof contextInMemory>[0], more: { moreRowBytes?: number } = {}) {
  const world = contextInMemory(over);
  const ctx = { ...world.ctx, ...more };
  await world.putQueue(queueOf({ retentionSeconds: null }));
  const target = await targetOf(ctx, 'q');
  const results: PublishResult[] = [];
  world.spy.takeCounts();
  await publishShared(ctx, target, lists, results, createRetryBudget(ctx));
  return { ...world, results, calls: world.spy.takeCounts() };
}

describe('messages that share rows', () => {
  it('messages share parcels of at most ten messages and a bounded size, and a larger one is alone', () => {
    const sizes = (list: Pending[]) => inParcels(list).map((parcel) => parcel.length);
    expect(sizes(messages(2 * parcelSlotsMax + 3))).toEqual([parcelSlotsMax, parcelSlotsMax, 3]);
    const large = pending(0, 0, 'x'.repeat(parcelBytesMax + 1));
    expect(sizes([pending(1), large, pending(2)])).toEqual([1, 1, 1]);
    const half = pending(0, 0, 'x'.repeat(parcelBytesMax / 2));
    expect(sizes([half, half, half])).toEqual([2, 1]);
    expect(sizes([])).toEqual([]);
  });

  it('ten ready messages are one put into `messages`, without a read or a condition', async () => {
    const { calls, results, rows } = await published([messages(10)]);
    expect(calls).toMatchObject({ gets: 0, puts: 1, updates: 0, refused: 0, transactions: 0 });
    const [row] = rows('messages');
    expect(rows('leases')).toEqual([]);
    expect(results).toEqual(range(10).map((slot) => ({ ok: true, id: `${row!.id}~${slot}` })));
  });

  it('where rows may have more bytes than a kibibyte, contents that fit are neither deflated nor offloaded', async () => {
    const text = (chars: number) => [[pending(0, 0, JSON.stringify([noise(chars)]))]];
    const formOf = async (chars: number, moreRowBytes: number) => {
      const { rows } = await published(text(chars), undefined, { moreRowBytes });
      const row = rows('messages').find(({ since }) => since !== undefined)!;
      return row.beside === undefined ? typeof row.bodies : 'offloaded';
    };
    expect(await Promise.all([formOf(1_000, 0), formOf(3_000, 0)])).toEqual(['object', 'offloaded']);
    expect(await Promise.all([formOf(1_000, 3_000), formOf(3_000, 3_000)])).toEqual(['string', 'string']);
    expect(await Promise.all([formOf(5_000, 3_000), formOf(8_000, 3_000)])).toEqual(['object', 'offloaded']);
  });

  it('ten delayed messages are one put into `leases`', async () => {
    const { calls, results, rows } = await published([messages(10, 5_000)]);
    expect(calls).toMatchObject({ gets: 0, puts: 1, updates: 0, refused: 0, transactions: 0 });
    expect([rows('messages'), rows('leases').length, results.length]).toEqual([[], 1, 10]);
  });

  it('messages whose shard is throttled are published again under new ids, and the others are not', async () => {
    const tried: string[][] = [];
    const { results, rows } = await published([messages(2), messages(4).slice(2)], (store) => ({
      async writeAll(writes, options) {
        tried.push(writes.map(({ key }) => ('shard' in key ? key.id : '')));
        if (tried.length > 1) return store.writeAll(writes, options);
        await store.writeAll(writes.slice(1), options);
        return [new StoreError('busy', 'no', undefined, 'throttled'), undefined];
      },
    }));
    expect(tried.map((ids) => ids.length)).toEqual([2, 1]);
    expect(tried[0]).not.toContain(tried[1]![0]);
    const stored = rows('messages').map((row) => row.id);
    expect(stored.sort()).toEqual([tried[0]![1], tried[1]![0]].sort());
    expect(results.map((result) => result.ok && stored.indexOf(result.id.split('~')[0]!))).toEqual([1, 1, 0, 0]);
  });

  it('the offloaded bodies of a parcel are removed if its row certainly was not stored', async () => {
    for (const [applied, removals] of [
      ['no', 1],
      ['unknown', 0],
    ] as ['no' | 'unknown', number][]) {
      const body = pending(0, 0, JSON.stringify([noise(5_000)]));
      let refused = 0;
      const { results, rows } = await published([[body]], (store) => ({
        async writeAll(writes, options) {
          if (writes.some(({ then }) => 'remove' in then)) return store.writeAll(writes, options);
          refused++;
          return [new StoreError('refused', applied)];
        },
      }));
      expect(refused).toBe(1);
      expect(results).toMatchObject([{ ok: false, code: 'unavailable' }]);
      expect(rows('messages')).toHaveLength(1 - removals);
    }
  });
});
