/** Calls of a store on many rows, and transactions. */
import { expect, it } from 'vitest';
import type { Key, Write } from '../../engine/port/port.ts';
import { describeStores, read } from './stores.ts';

describeStores((store, newKey) => {
  it.each([0, 1, 2, 25, 26, 100, 101, 250])('writeAll and get carry %i rows in the order of their keys', async (count) => {
    const keys = Array.from({ length: count }, () => newKey());
    const missing = newKey();
    const errors = await store().writeAll(keys.map((key) => ({ key, then: { put: { id: key.id } } })));
    expect(errors).toEqual(keys.map(() => undefined));
    expect(await store().get([missing, ...keys])).toEqual([undefined, ...keys.map(({ id }) => ({ id }))]);
    await store().writeAll(keys.map((key) => ({ key, then: { remove: true } })));
    expect(await store().get(keys)).toEqual(keys.map(() => undefined));
  });

  it('get reads rows of all tables in one call, and a repeated key twice', async () => {
    const { id } = newKey();
    const keys: Key[] = [
      { table: 'leases', id },
      { table: 'messages', shard: id, id },
      { table: 'queues', kind: id, name: id },
    ];
    await store().writeAll(
      keys.map((key) => {
        const { table: _, ...row } = key;
        return { key, then: { put: { ...row, of: key.table } } };
      }),
    );
    const rows = await store().get([...keys.toReversed(), keys[0]!]);
    expect(rows.map((row) => row?.of)).toEqual(['queues', 'messages', 'leases', 'leases']);
  });

  it('writeAll and get carry more rows than one DynamoDB answer holds', async () => {
    const bulk = 'x'.repeat(390 * 1024);
    const keys = Array.from({ length: 45 }, () => newKey());
    expect(await store().writeAll(keys.map((key) => ({ key, then: { put: { id: key.id, bulk } } })))).toEqual(
      keys.map(() => undefined),
    );
    expect((await store().get(keys)).map((row) => row?.id)).toEqual(keys.map(({ id }) => id));
  });

  it('two writes of one key in one call are an error of the caller', async () => {
    const key = newKey();
    const twice: Write[] = [
      { key, then: { put: { id: key.id } } },
      { key, then: { remove: true } },
    ];
    await expect(store().transact(twice)).rejects.toThrow('same key');
    await expect(store().writeAll(twice as Parameters<ReturnType<typeof store>['writeAll']>[0])).rejects.toThrow('same key');
    expect(await read(store(), key)).toBeUndefined();
  });

  it('transact applies all writes of a transaction', async () => {
    const [put, set, remove] = [newKey(), newKey(), newKey()];
    for (const key of [set, remove]) await store().write({ key, then: { put: { id: key.id, a: 1 } } });
    const answer = await store().transact([
      { key: put, when: { absent: ['id'] }, then: { put: { id: put.id } } },
      { key: set, when: { equals: [['a'], 1] }, then: { set: [[['a'], 2]] } },
      { key: remove, when: { equals: [['a'], 1] }, then: { remove: true } },
      { key: { table: 'messages', shard: put.id, id: 'm' }, then: { put: { shard: put.id, id: 'm' } } },
    ]);
    expect(answer).toEqual({ ok: true });
    expect(await store().get([put, set, remove])).toEqual([{ id: put.id }, { id: set.id, a: 2 }, undefined]);
    expect(await read(store(), { table: 'messages', shard: put.id, id: 'm' })).toBeDefined();
  });

  it('transact applies nothing when one write is refused, and returns the rows in the way', async () => {
    const [fine, taken, missing] = [newKey(), newKey(), newKey()];
    const row = { id: taken.id, slots: [{ token: 'a' }] };
    await store().write({ key: taken, then: { put: row } });
    const answer = await store().transact([
      { key: fine, then: { put: { id: fine.id } } },
      { key: taken, when: { absent: ['id'] }, then: { put: { id: taken.id } } },
      { key: missing, then: { set: [[['a'], 1]] } },
    ]);
    expect(answer).toEqual({ ok: false, refused: [undefined, { row }, { row: undefined }] });
    expect(await store().get([fine, taken, missing])).toEqual([undefined, row, undefined]);
  });

  it('transact accepts a hundred writes and no more', async () => {
    const writes = Array.from({ length: 101 }, (): Write => {
      const key = newKey();
      return { key, then: { put: { id: key.id } } };
    });
    await expect(store().transact(writes)).rejects.toThrow();
    expect(await store().transact(writes.slice(0, 100))).toEqual({ ok: true });
    expect(await store().transact([])).toEqual({ ok: true });
  });

  it('one of many parallel writes succeeds where the condition allows one', async () => {
    const key = newKey();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => store().write({ key, when: { absent: ['id'] }, then: { put: { id: key.id, n } } })),
    );
    const winners = answers.filter(({ ok }) => ok);
    expect(winners).toHaveLength(1);
    for (const { row } of answers) expect(row).toEqual(winners[0]!.row);
  });
});
