import { describe, expect, it } from 'vitest';
import { endGraceMs, readToWriteMsMax, retentionGraceMs, tombstoneMs } from '../../../contract/limits.ts';
import type { Context } from '../../../engine/context/context.ts';
import {
  decodeSnapshot,
  endedRow,
  expireBodies,
  isCurrent,
  keepBodies,
  lacksTtl,
  putIfAbsent,
  putIfUnchanged,
  readRow,
  readRows,
  retryOnConflict,
} from '../../../engine/leases/lease-store.ts';
import { decodeLease, encodeLease, encodeTombstone } from '../../../engine/model/row-codec.ts';
import { newTombstone, type ParcelLeaseRow, type Tombstone } from '../../../engine/model/rows.ts';
import { type Row, StoreError } from '../../../engine/port/port.ts';
import { contextInMemory, start } from '../../support/context-in-memory.ts';

const offloaded = { offloaded: 'body', chunks: 2, size: 9 };

function lease(version: string): ParcelLeaseRow {
  const slots = [{ visibleAt: start, receives: 0, failures: 0 }];
  return { kind: 'parcel', id: 'row', shard: 'abcdefgh:0', version, slots, since: start, content: { text: '[[1]]' } };
}

const row = (version: string): Row => encodeLease(lease(version));

describe('a snapshot', () => {
  const tombstone = newTombstone('row', 'v', [{}], start);
  const judged = (seen: Row | undefined, now: number) => decodeSnapshot({ id: 'row', row: seen, readAt: start }, now);

  it('a snapshot is a lease, a tombstone until its time is over, or nothing', () => {
    expect(judged(undefined, start)).toEqual({});
    expect(judged(row('v'), start)).toEqual({ lease: lease('v') });
    expect(judged(encodeTombstone(tombstone), start + tombstoneMs)).toEqual({ tombstone });
    expect(judged(encodeTombstone(tombstone), start + tombstoneMs + 1)).toEqual({});
  });

  it('a snapshot is a tombstone for as long as something remains to be removed', () => {
    const unfinished: Tombstone = { ...tombstone, pendingCleanup: { shard: 'abcdefgh:0', dueAt: start } };
    expect(judged(encodeTombstone(unfinished), start + 2 * tombstoneMs)).toEqual({ tombstone: unfinished });
  });

  it('a snapshot supports writes only for a limited time after its read', () => {
    const { ctx, clock } = contextInMemory();
    const seen = { id: 'row', row: undefined, readAt: start };
    clock.advance(readToWriteMsMax);
    expect(isCurrent(ctx, seen)).toBe(true);
    clock.advance(1);
    expect(isCurrent(ctx, seen)).toBe(false);
  });

  it('snapshots are read in one call of the store, and in none for an empty request', async () => {
    const calls: number[] = [];
    const { ctx } = contextInMemory((store) => ({
      get: (keys) => {
        calls.push(keys.length);
        return store.get(keys);
      },
    }));
    await putIfAbsent(ctx, row('v'), start);
    const ids = (await readRows(ctx, ['none', 'row'])).map(({ id, row: found }) => [id, found?.version]);
    expect(ids).toEqual([
      ['none', undefined],
      ['row', 'v'],
    ]);
    expect([await readRows(ctx, []), calls]).toEqual([[], [2]]);
  });
});

describe('a write of a row', () => {
  it('a write is applied if the row is unchanged, and otherwise returns the row in the way', async () => {
    const { ctx, clock } = contextInMemory();
    const absent = await readRow(ctx, 'row');
    expect((await putIfUnchanged(ctx, absent, row('v1'))).row?.version).toBe('v1');
    expect((await putIfUnchanged(ctx, absent, row('v2'))).row?.version).toBe('v1');
    clock.advance(7);
    const seen = await putIfUnchanged(ctx, await readRow(ctx, 'row'), row('v3'));
    expect(seen).toMatchObject({ id: 'row', readAt: start + 7, row: { version: 'v3' } });
    expect((await putIfUnchanged(ctx, { ...seen, row: row('v1') }, row('v4'))).row?.version).toBe('v3');
  });

  it('a write puts a row where none is and where a tombstone has expired', async () => {
    const { ctx, clock } = contextInMemory();
    await putIfAbsent(ctx, encodeTombstone(newTombstone('row', 'dead', [{}], start)), start);
    const put = async () => (await putIfAbsent(ctx, row('v'), clock.now())).row?.version;
    expect(await put()).toBe('dead');
    clock.advance(tombstoneMs);
    expect(await put()).toBe('dead');
    clock.advance(1);
    expect(await put()).toBe('v');
  });

  it('a write whose answer was lost reads the row to learn the outcome', async () => {
    for (const isApplied of [true, false]) {
      const { ctx } = contextInMemory((store) => ({
        async write(write, options) {
          if (isApplied) await store.write(write, options);
          throw new StoreError('lost', 'unknown');
        },
      }));
      expect((await putIfAbsent(ctx, row('v'), start)).row?.version).toBe(isApplied ? 'v' : undefined);
    }
  });

  it('a write that was too late to go out returns the row as it is', async () => {
    const { ctx, clock, putLease } = contextInMemory();
    await putLease(lease('theirs'));
    clock.advance(readToWriteMsMax + 1);
    expect(await putIfAbsent(ctx, row('v'), start)).toMatchObject({ row: { version: 'theirs' }, readAt: clock.now() });
  });

  const refused = (error: Error, lateMs: number) => {
    const { ctx, clock } = contextInMemory(() => ({
      async write() {
        clock.advance(lateMs);
        throw error;
      },
    }));
    return putIfAbsent(ctx, row('v'), start);
  };

  it('a write that was refused or throttled and surely not applied rejects if there was time', async () => {
    const error = new StoreError('refused', 'no');
    await expect(refused(error, readToWriteMsMax)).rejects.toBe(error);
    await expect(refused(error, readToWriteMsMax + 1)).resolves.toMatchObject({ row: undefined });
    const throttled = new StoreError('busy', 'no', undefined, 'throttled');
    await expect(refused(throttled, readToWriteMsMax + 1)).rejects.toBe(throttled);
  });

  it('a write that met a defect rejects with it, whatever a read shows', async () => {
    const defect = new TypeError('a defect');
    await expect(refused(defect, 0)).rejects.toBe(defect);
  });

  it('a write with an unknown outcome rejects as the write did, or with the defect of the read', async () => {
    const lost = new StoreError('lost', 'unknown');
    const write = () => Promise.reject(lost);
    const unread = (error: Error) => contextInMemory(() => ({ write, get: () => Promise.reject(error) })).ctx;
    await expect(putIfAbsent(unread(new StoreError('busy', 'no')), row('v'), start)).rejects.toBe(lost);
    const defect = new TypeError('a defect');
    await expect(putIfAbsent(unread(defect), row('v'), start)).rejects.toBe(defect);
  });
});

describe('the retry after a conflict', () => {
  it('a retry after a conflict works on the row that was in the way', async () => {
    const { ctx } = contextInMemory();
    const versions: unknown[] = [];
    const first = await readRow(ctx, 'row');
    const answer = await retryOnConflict(ctx, first, async (seen) => {
      versions.push(seen.row?.version);
      return versions.length < 3 ? { seen: await putIfAbsent(ctx, row(`v${versions.length}`), seen.readAt) } : { done: 'yes' };
    });
    expect([answer, versions]).toEqual(['yes', [undefined, 'v1', 'v1']]);
  });

  it('a retry reads a snapshot again that has become too old', async () => {
    const { ctx, clock, putLease } = contextInMemory();
    const first = await readRow(ctx, 'row');
    await putLease(lease('theirs'));
    const seenAfter = async (ms: number) => {
      clock.advance(ms);
      return retryOnConflict(ctx, first, async ({ row: seen }) => ({ done: seen?.version }));
    };
    expect([await seenAfter(readToWriteMsMax), await seenAfter(1)]).toEqual([undefined, 'theirs']);
  });

  it('a retry ends with a refusal when the row keeps changing', async () => {
    const { ctx } = contextInMemory();
    let rounds = 0;
    const endless = retryOnConflict(ctx, await readRow(ctx, 'row'), async (seen) => {
      rounds++;
      return { seen };
    });
    await expect(endless).rejects.toMatchObject({ name: 'StoreError', applied: 'no', message: expect.stringContaining('row') });
    expect(rounds).toBe(32);
  });
});

describe('the row of a lease that ended', () => {
  const slots: ParcelLeaseRow['slots'] = [
    { visibleAt: start, receives: 1, failures: 0, token: 'mine', end: 'done' },
    { visibleAt: start, receives: 1, failures: 0, token: 'left', end: 'moved' },
    { visibleAt: start, receives: 1, failures: 0, end: 'done' },
  ];
  const ended = (more: Partial<ParcelLeaseRow>) => {
    const found = decodeLease(endedRow({ ...lease('end'), slots, ...more }, start));
    return 'tombstone' in found ? found.tombstone : undefined;
  };

  it('a tombstone records the token with which each message was acked', () => {
    expect(ended({})).toEqual({ id: 'row', version: 'end', slots: [{ token: 'mine' }, {}, {}], until: start + tombstoneMs });
  });

  it('a tombstone with something left to remove comes due once more, after a grace period', () => {
    const pendingCleanup = { shard: 'abcdefgh:0', dueAt: start + endGraceMs };
    expect(ended({ content: offloaded, outOfOrder: 'abcdefgh:1' })?.pendingCleanup).toBeUndefined();
    expect(ended({ needsCleanup: true })?.pendingCleanup).toEqual(pendingCleanup);
    expect(ended({ needsCleanup: true, content: offloaded })?.pendingCleanup).toEqual({ ...pendingCleanup, content: offloaded });
    expect(ended({ needsCleanup: true, outOfOrder: 'abcdefgh:1' })?.pendingCleanup).toEqual({
      ...pendingCleanup,
      outOfOrder: 'abcdefgh:1',
    });
  });

  it('a lease has bodies to remove only if they are offloaded and nothing else removes them', () => {
    expect([
      lacksTtl(offloaded, undefined),
      lacksTtl(offloaded, start),
      lacksTtl({ text: '' }, undefined),
      lacksTtl({ text: '' }, start),
    ]).toEqual([true, false, false, false]);
  });
});

describe('offloaded bodies of a row', () => {
  const body = { shard: 'body:body', id: '0' };
  const seconds = (ms: number) => (ms + retentionGraceMs) / 1000;
  const changed = async (ttl: number | undefined, change: (ctx: Context) => Promise<void>) => {
    const { ctx, put, rows } = contextInMemory();
    await put('messages', { ...body, ...(ttl === undefined ? {} : { ttl }) });
    await change(ctx);
    return rows('messages');
  };
  const kept = (ttl: number | undefined, retentionEnd: number | undefined) =>
    changed(ttl, (ctx) => keepBodies(ctx, offloaded, retentionEnd));

  it('offloaded bodies are kept as long as a message may live, and never for less time than before', async () => {
    expect(await kept(seconds(start), start + 5_000)).toEqual([{ ...body, ttl: seconds(start + 5_000) }]);
    expect(await kept(seconds(start + 9_000), start + 5_000)).toEqual([{ ...body, ttl: seconds(start + 9_000) }]);
    expect(await kept(undefined, start)).toEqual([body]);
  });

  it('offloaded bodies are kept forever where nothing expires', async () => {
    expect(await kept(seconds(start), undefined)).toEqual([body]);
    expect(await kept(undefined, undefined)).toEqual([body]);
  });

  it('offloaded bodies get a TTL when their row has ended, except for those that are gone', async () => {
    const ended = (ttl: number | undefined) => changed(ttl, (ctx) => expireBodies(ctx, offloaded, start));
    expect(await ended(undefined)).toEqual([{ ...body, ttl: seconds(start) }]);
    expect(await ended(seconds(start - 9_000))).toEqual([{ ...body, ttl: seconds(start) }]);
    expect(await ended(seconds(start + 9_000))).toEqual([{ ...body, ttl: seconds(start + 9_000) }]);
    const { ctx, rows } = contextInMemory();
    await expireBodies(ctx, offloaded, start);
    expect(await rows('messages')).toEqual([]);
  });
});
