/** Single writes of a store. */
import { expect, it } from 'vitest';
import { type Row, StoreError } from '../../engine/port/port.ts';
import { describeStores, read } from './stores.ts';

const past = { by: 1 };

describeStores((store, newKey) => {
  it('a put returns and stores the row as given', async () => {
    const { id, ...key } = newKey();
    const row: Row = {
      id,
      shard: 's',
      text: 'ü\u{1f600}\u0000"\\',
      empty: '',
      numbers: [0, -1, 1.5, 1e-130, 1.7e125, Number.MAX_SAFE_INTEGER, 0.1 + 0.2, 1e21],
      bytes: new Uint8Array([0, 255]),
      none: new Uint8Array(),
      nested: { list: [[], {}, { a: [true, false] }], ['__proto__']: 'own' },
    };
    expect(await store().write({ key: { ...key, id }, then: { put: row } })).toEqual({ ok: true, row });
    expect(await read(store(), { ...key, id })).toEqual(row);
  });

  it('minus zero is stored as zero', async () => {
    const key = newKey();
    await store().write({ key, then: { put: { id: key.id, number: -0 } } });
    expect(Object.is((await read(store(), key))?.number, 0)).toBe(true);
  });

  it('a put replaces the whole row', async () => {
    const key = newKey();
    await store().write({ key, then: { put: { id: key.id, a: 1 } } });
    await store().write({ key, then: { put: { id: key.id, b: 2 } } });
    expect(await read(store(), key)).toEqual({ id: key.id, b: 2 });
  });

  it('a remove returns no row, and succeeds when there was none', async () => {
    const key = newKey();
    await store().write({ key, then: { put: { id: key.id } } });
    expect(await store().write({ key, then: { remove: true } })).toEqual({ ok: true, row: undefined });
    expect(await read(store(), key)).toBeUndefined();
    expect(await store().write({ key, then: { remove: true } })).toEqual({ ok: true, row: undefined });
  });

  it('set and unset change single attributes and return the whole new row', async () => {
    const key = newKey();
    await store().write({ key, then: { put: { id: key.id, a: 1, map: { x: 1, y: 2 }, list: [{ t: 'a' }, { t: 'b' }, 3] } } });
    const written = await store().write({
      key,
      then: {
        set: [
          [['b'], 'new'],
          [['map', 'z'], { deep: [] }],
          [['list', 1, 't'], 'c'],
          [['list', 2], 4],
        ],
        unset: [['a'], ['map', 'x'], ['list', 0, 't'], ['map', 'never']],
      },
    });
    const row = { id: key.id, b: 'new', map: { y: 2, z: { deep: [] } }, list: [{}, { t: 'c' }, 4] };
    expect(written).toEqual({ ok: true, row });
    expect(await read(store(), key)).toEqual(row);
  });

  it('a set of a missing row is refused and creates none', async () => {
    const key = newKey();
    expect(await store().write({ key, then: { set: [[['a'], 1]] } })).toEqual({ ok: false, row: undefined });
    expect(await store().write({ key, when: { absent: ['a'] }, then: { set: [], unset: [['a']] } })).toEqual({
      ok: false,
      row: undefined,
    });
    expect(await read(store(), key)).toBeUndefined();
  });

  it.each<[string, Parameters<ReturnType<typeof store>['write']>[0]['then']]>([
    ['put', { put: { id: '', a: 2 } }],
    ['set', { set: [[['a'], 2]] }],
    ['remove', { remove: true }],
  ])('a refused %s returns the row in the way and changes nothing', async (_, then) => {
    const key = newKey();
    const row = { id: key.id, a: 1, slots: [{ token: 't' }] };
    await store().write({ key, then: { put: row } });
    const change = 'put' in then ? { put: { ...then.put, id: key.id } } : then;
    expect(await store().write({ key, when: { equals: [['a'], 9] }, then: change })).toEqual({ ok: false, row });
    expect(await read(store(), key)).toEqual(row);
  });

  it('a write that is refused because its row is missing returns no row', async () => {
    const key = newKey();
    expect(await store().write({ key, when: { exists: ['id'] }, then: { remove: true } })).toEqual({
      ok: false,
      row: undefined,
    });
  });

  it.each<[string, Parameters<ReturnType<typeof store>['write']>[0]['then']]>([
    ['a place whose parent is missing', { set: [[['nothing', 'x'], 1]] }],
    ['a name within a list', { set: [[['list', 'x'], 1]] }],
    [
      'two places that overlap',
      {
        set: [
          [['map'], {}],
          [['map', 'x'], 1],
        ],
      },
    ],
    ['the same place twice', { set: [[['a'], 1]], unset: [['a']] }],
    ['the place of a list to unset', { set: [], unset: [['list', 0]] }],
    ['its own key', { set: [[['id'], 'other']] }],
    ['a number out of range', { set: [[['a'], 1e300]] }],
    ['what is not a number', { set: [[['a'], Number.NaN]] }],
    ['half a character', { set: [[['a'], '\ud800']] }],
    ['a row of more than 400 KB', { set: [[['a'], 'x'.repeat(410 * 1024)]] }],
    ['an index key of another type', { set: [[['expiry'], 'soon']] }],
    ['an empty index key', { set: [[['shard'], '']] }],
  ])('a change of %s is an error of the caller and changes nothing', async (_, then) => {
    const key = newKey();
    const row = { id: key.id, a: 1, map: { x: 1 }, list: [1] };
    await store().write({ key, then: { put: row } });
    const failure = await store()
      .write({ key, then })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Error);
    expect(failure).not.toBeInstanceOf(StoreError);
    expect(await read(store(), key)).toEqual(row);
  });

  it('a put whose row has another key is an error of the caller', async () => {
    const key = newKey();
    await expect(store().write({ key, then: { put: { id: 'another' } } })).rejects.toThrow('states another id');
  });

  it('a write after its deadline is not sent, and the error says that nothing was written', async () => {
    const key = newKey();
    const write = { key, then: { put: { id: key.id } } };
    await expect(store().write(write, past)).rejects.toMatchObject({ name: 'StoreError', applied: 'no' });
    await expect(store().transact([write], past)).rejects.toMatchObject({ name: 'StoreError', applied: 'no' });
    expect(await store().writeAll([write], past)).toMatchObject([{ name: 'StoreError', applied: 'no' }]);
    expect(await read(store(), key)).toBeUndefined();
  });

  it('a write before its deadline is applied', async () => {
    const key = newKey();
    const answer = await store().write({ key, then: { put: { id: key.id } } }, { by: Date.now() + 60_000 });
    expect(answer.ok).toBe(true);
  });

  it('a row that was given to a store, or returned by it, cannot be used to change what is stored', async () => {
    const key = newKey();
    const put = { id: key.id, list: [1], bytes: new Uint8Array([1]) };
    const written = await store().write({ key, then: { put } });
    put.list.push(2);
    put.bytes[0] = 2;
    try {
      (written.row!.list as number[]).push(3);
    } catch {
      // The memory store returns frozen rows.
    }
    expect(await read(store(), key)).toEqual({ id: key.id, list: [1], bytes: new Uint8Array([1]) });
  });
});
