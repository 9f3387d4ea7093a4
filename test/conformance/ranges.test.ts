/** Ranges of a store: order, bounds, pages and the index. */
import { expect, it } from 'vitest';
import type { Range, Row, Store } from '../../engine/port/port.ts';
import { describeStores } from './stores.ts';

const ids = ['a', 'aa', 'b', 'c', 'd', '\uffee', '\u{1f600}'];

describeStores((store, newKey) => {
  async function fill(): Promise<string> {
    const { id: shard } = newKey('shard');
    const errors = await store().writeAll(
      ids.toReversed().map((id) => ({ key: { table: 'messages', shard, id }, then: { put: { shard, id, n: id.length } } })),
    );
    expect(errors.every((error) => error === undefined)).toBe(true);
    return shard;
  }

  it('range reads a partition in the order of its sort keys, with whole rows', async () => {
    const shard = await fill();
    const { rows } = await store().range({ table: 'messages', partition: shard, limit: 100, consistent: true });
    expect(rows).toEqual(ids.map((id) => ({ shard, id, n: id.length })));
  });

  it.each<[string, Pick<Range, 'from' | 'to'>, string[]]>([
    ['from', { from: 'c' }, ids.slice(3)],
    ['to', { to: 'b' }, ids.slice(0, 3)],
    ['from and to', { from: 'aa', to: 'c' }, ['aa', 'b', 'c']],
    ['one point', { from: 'b', to: 'b' }, ['b']],
    ['bounds that no row has', { from: 'a0', to: 'bb' }, ['aa', 'b']],
    ['bounds the wrong way round', { from: 'c', to: 'b' }, []],
  ])('range keeps to its bounds, both included: %s', async (_, bounds, expected) => {
    const partition = await fill();
    const { rows } = await store().range({ table: 'messages', partition, ...bounds, limit: 100 });
    expect(rows.map(({ id }) => id)).toEqual(expected);
  });

  it.each([1, 2, 3, 7, 8])('range pages through a partition by %i', async (limit) => {
    const partition = await fill();
    const pages = await allPages(store(), { table: 'messages', partition, limit });
    expect(pages.flat().map(({ id }) => id)).toEqual(ids);
    expect(pages.every((rows) => rows.length <= limit)).toBe(true);
  });

  it('range pages within bounds', async () => {
    const partition = await fill();
    const pages = await allPages(store(), { table: 'messages', partition, from: 'aa', to: 'd', limit: 2 });
    expect(pages.flat().map(({ id }) => id)).toEqual(['aa', 'b', 'c', 'd']);
  });

  it('range continues after a row that is gone', async () => {
    const shard = await fill();
    const range: Range = { table: 'messages', partition: shard, limit: 2 };
    const { next } = await store().range(range);
    await store().write({ key: { table: 'messages', shard, id: 'aa' }, then: { remove: true } });
    const { rows } = await store().range({ ...range, after: next! });
    expect(rows.map(({ id }) => id)).toEqual(['b', 'c']);
  });

  it('range ends a page before it exceeds the size of an answer, and continues after it', async () => {
    const { id: partition } = newKey('shard');
    const bulk = 'x'.repeat(300 * 1024);
    const large = ['1', '2', '3', '4', '5', '6', '7'];
    for (const id of large) {
      const key = { table: 'messages', shard: partition, id } as const;
      await store().write({ key, then: { put: { shard: partition, id, bulk } } });
    }
    const pages = await allPages(store(), { table: 'messages', partition, limit: 100 });
    expect(pages.length).toBeGreaterThan(1);
    expect(pages.flat().map(({ id }) => id)).toEqual(large);
  });

  it('range reads an empty partition', async () => {
    expect(await store().range({ table: 'messages', partition: 'nobody', limit: 1 })).toEqual({ rows: [] });
    expect(await store().range({ table: 'leases', index: 'due', partition: 'nobody', limit: 1 })).toEqual({ rows: [] });
  });

  it('range reads the table of queues by kind and name', async () => {
    const { id: kind } = newKey('kind');
    for (const name of ['b', 'a']) {
      await store().write({ key: { table: 'queues', kind, name }, then: { put: { kind, name } } });
    }
    const { rows } = await store().range({ table: 'queues', partition: kind, limit: 10, consistent: true });
    expect(rows).toEqual([
      { kind, name: 'a' },
      { kind, name: 'b' },
    ]);
  });

  it('range of the index shows only rows with both index keys, with the indexed attributes alone, by due time', async () => {
    const { id: shard } = newKey('shard');
    const put = async (id: string, more: Row) => {
      await store().write({ key: { table: 'leases', id: `${shard}-${id}` }, then: { put: { id: `${shard}-${id}`, ...more } } });
    };
    await put('late', { shard, expiry: 1000, slots: [] });
    await put('soon', { shard, expiry: 9, last: 'm', expiresAt: 5, since: 4, slots: [{ token: 't' }], version: 'v' });
    await put('early', { shard, expiry: -1 });
    await put('tombstone', { shard });
    await put('elsewhere', { expiry: 3 });
    const due = (to?: number) =>
      store().range({ table: 'leases', index: 'due', partition: shard, limit: 10, ...(to !== undefined && { to }) });
    expect((await due()).rows).toEqual([
      { id: `${shard}-early`, shard, expiry: -1 },
      { id: `${shard}-soon`, shard, expiry: 9, last: 'm', expiresAt: 5, since: 4 },
      { id: `${shard}-late`, shard, expiry: 1000 },
    ]);
    expect((await due(9)).rows.map(({ expiry }) => expiry)).toEqual([-1, 9]);
  });

  it('a row enters, moves within and leaves the index as its keys change', async () => {
    const { id: shard } = newKey('shard');
    const key = newKey();
    const expiries = async () => {
      const { rows } = await store().range({ table: 'leases', index: 'due', partition: shard, limit: 10 });
      return rows.map(({ expiry }) => expiry);
    };
    await store().write({ key, then: { put: { id: key.id, shard, expiry: 1 } } });
    await store().write({ key, then: { set: [[['expiry'], 2]] } });
    expect(await expiries()).toEqual([2]);
    await store().write({ key, then: { set: [], unset: [['expiry']] } });
    expect(await expiries()).toEqual([]);
    await store().write({ key, then: { set: [[['expiry'], 3]] } });
    expect(await expiries()).toEqual([3]);
    await store().write({ key, then: { remove: true } });
    expect(await expiries()).toEqual([]);
  });

  it('range pages through index rows that are due at the same instant', async () => {
    const { id: partition } = newKey('shard');
    const keys = Array.from({ length: 5 }, () => newKey());
    await store().writeAll(keys.map((key) => ({ key, then: { put: { id: key.id, shard: partition, expiry: 7 } } })));
    const pages = await allPages(store(), { table: 'leases', index: 'due', partition, to: 7, limit: 2 });
    expect(
      pages
        .flat()
        .map(({ id }) => id)
        .sort(),
    ).toEqual(keys.map(({ id }) => id).sort());
  });

  it('a consistent range of the index is an error of the caller', async () => {
    const range: Range = { table: 'leases', index: 'due', partition: 'x', limit: 1, consistent: true };
    await expect(store().range(range)).rejects.toThrow('an index cannot be read consistently');
  });
});

/** Every page of a range. A range that never ends fails. */
async function allPages(store: Store, range: Range): Promise<Row[][]> {
  const pages: Row[][] = [];
  let after: Row | undefined;
  do {
    const { rows, next }: { rows: Row[]; next?: Row } = await store.range({ ...range, ...(after && { after }) });
    pages.push(rows);
    after = next;
    expect(pages.length).toBeLessThan(20);
  } while (after !== undefined);
  return pages;
}
