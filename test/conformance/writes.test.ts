import { expect, it } from 'vitest';
import { type Row, StoreError } from '../../engine/port/port.ts';
import { describeStores, read } from './stores.ts';

const past = { by: 1 };

describeStores((store, fresh) => {
  it('puts a row, and answers and reads it as it was put', async () => {
    const { id, ...key } = fresh();
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

  it('stores minus zero as zero', async () => {
    const key = fresh();
    await store().write({ key, then: { put: { id: key.id, number: -0 } } });
    expect(Object.is((await read(store(), key))?.number, 0)).toBe(true);
  });

  it('replaces the whole row by a put', async () => {
    const key = fresh();
    await store().write({ key, then: { put: { id: key.id, a: 1 } } });
    await store().write({ key, then: { put: { id: key.id, b: 2 } } });
    expect(await read(store(), key)).toEqual({ id: key.id, b: 2 });
  });

  it('removes a row, and answers no row, though there was none', async () => {
    const key = fresh();
    await store().write({ key, then: { put: { id: key.id } } });
    expect(await store().write({ key, then: { remove: true } })).toEqual({ ok: true, row: undefined });
    expect(await read(store(), key)).toBeUndefined();
    expect(await store().write({ key, then: { remove: true } })).toEqual({ ok: true, row: undefined });
  });

  it('sets and unsets places, and answers the new row whole', async () => {
    const key = fresh();
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

  it('refuses to set places of a row that does not exist, and makes none', async () => {
    const key = fresh();
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
  ])('answers the row in the way of a refused %s, and changes nothing', async (_, then) => {
    const key = fresh();
    const row = { id: key.id, a: 1, slots: [{ token: 't' }] };
    await store().write({ key, then: { put: row } });
    const change = 'put' in then ? { put: { ...then.put, id: key.id } } : then;
    expect(await store().write({ key, when: { equals: [['a'], 9] }, then: change })).toEqual({ ok: false, row });
    expect(await read(store(), key)).toEqual(row);
  });

  it('answers no row when a write is refused for want of one', async () => {
    const key = fresh();
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
  ])('takes a change of %s for a defect, and changes nothing', async (_, then) => {
    const key = fresh();
    const row = { id: key.id, a: 1, map: { x: 1 }, list: [1] };
    await store().write({ key, then: { put: row } });
    const failure = await store()
      .write({ key, then })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Error);
    expect(failure).not.toBeInstanceOf(StoreError);
    expect(await read(store(), key)).toEqual(row);
  });

  it('takes a put whose row states another key for a defect', async () => {
    const key = fresh();
    await expect(store().write({ key, then: { put: { id: 'another' } } })).rejects.toThrow('states another id');
  });

  it('writes nothing after the instant given, and says that surely nothing was written', async () => {
    const key = fresh();
    const write = { key, then: { put: { id: key.id } } };
    await expect(store().write(write, past)).rejects.toMatchObject({ name: 'StoreError', applied: 'no' });
    await expect(store().transact([write], past)).rejects.toMatchObject({ name: 'StoreError', applied: 'no' });
    expect(await store().writeAll([write], past)).toMatchObject([{ name: 'StoreError', applied: 'no' }]);
    expect(await read(store(), key)).toBeUndefined();
  });

  it('writes until the instant given', async () => {
    const key = fresh();
    const answer = await store().write({ key, then: { put: { id: key.id } } }, { by: Date.now() + 60_000 });
    expect(answer.ok).toBe(true);
  });

  it('gives rows away and takes them as copies', async () => {
    const key = fresh();
    const put = { id: key.id, list: [1], bytes: new Uint8Array([1]) };
    const written = await store().write({ key, then: { put } });
    put.list.push(2);
    put.bytes[0] = 2;
    (written.row!.list as number[]).push(3);
    expect(await read(store(), key)).toEqual({ id: key.id, list: [1], bytes: new Uint8Array([1]) });
  });
});
