import { describe, expect, it } from 'vitest';
import { withValues } from '../../../contract/json-values.ts';
import { bodyChunkBytesMax, retentionGraceMs, rowBytesMax } from '../../../contract/limits.ts';
import { createMemoryStore } from '../../../engine/memory/store.ts';
import {
  bodyTtl,
  type Content,
  chunkKeys,
  decodeStoredContent,
  encodeContent,
  encodeStoredContent,
  joinEntries,
  ownChunkKeys,
  readContents,
  type StoredContent,
  sizeOf,
  storeContent,
  wireBytes,
  writeChunks,
} from '../../../engine/model/content-codec.ts';
import { type Store, StoreError } from '../../../engine/port/port.ts';
import { noise } from '../../support/noise.ts';

const store = () => createMemoryStore({ now: () => 0 });
const newId = () => 'new';

function placed(text: string, room = rowBytesMax) {
  return storeContent(text, room, newId);
}

describe('contents', () => {
  const all: Content[] = [
    { body: 1 },
    { body: null },
    { body: { a: ['"', '\\', 'é'] }, attributes: { kind: 'order', tries: 3 } },
    { bodyBase64: 'AAEC' },
    { bodyBase64: '', attributes: { kind: 'bytes' } },
  ];

  it('contents are read as they were written, in the row, deflated or offloaded', async () => {
    const large = { body: noise(20_000) };
    for (const entries of [all, [...all, { body: 'x'.repeat(5_000) }], [...all, large]]) {
      const memory = store();
      const { content: where, chunks } = placed(joinEntries(entries.map(encodeContent)));
      await writeChunks(memory, where, chunks, undefined);
      expect(withValues(await readContents(memory, [where]))).toEqual([entries]);
    }
  });

  it('contents take no more space than they need', () => {
    expect(all.map(encodeContent)).toEqual([
      '[1]',
      '[null]',
      '[{"a":["\\"","\\\\","é"]},{"kind":"order","tries":3}]',
      '["AAEC",0,1]',
      '["",{"kind":"bytes"},1]',
    ]);
    expect(encodeContent({ body: 1, attributes: {} })).toBe('[1]');
  });

  it('contents of several parcels are read together, each with its own parcel', async () => {
    const memory = store();
    const texts = [noise(900_000), noise(50_000).slice(7), 'in the row'];
    const places: StoredContent[] = [];
    for (const [index, text] of texts.entries()) {
      const { content: where, chunks } = storeContent(joinEntries([encodeContent({ body: text })]), 100, () => `id${index}`);
      await writeChunks(memory, where, chunks, undefined);
      places.push(where);
    }
    expect(withValues(await readContents(memory, places))).toEqual(texts.map((body) => [{ body }]));
  });

  it('contents with a missing chunk are undefined, and their neighbours are not', async () => {
    const memory = store();
    const { content: gone } = storeContent(joinEntries([encodeContent({ body: noise(900_000) })]), 100, () => 'gone');
    const there = storeContent(joinEntries([encodeContent({ body: noise(5_000) })]), 100, () => 'there');
    await writeChunks(memory, there.content, there.chunks, undefined);
    expect(withValues(await readContents(memory, [gone, there.content]))).toEqual([undefined, [{ body: noise(5_000) }]]);
  });

  it('contents in rows of parcels cost no read', async () => {
    const closed = { get: () => Promise.reject(new Error('read')) } as unknown as Store;
    expect(withValues(await readContents(closed, [{ text: '[[1]]' }]))).toEqual([[{ body: 1 }]]);
  });
});

describe('the size of a message in an answer', () => {
  it.each([
    ['', 0],
    ['abc', 3],
    ['é€', 5],
    ['"', 2],
    ['\\"', 4],
    ['a"b\\c!#[]', 11],
  ])('the size of %s is %i bytes, because quotes and backslashes count twice', (text, bytes) => {
    expect(wireBytes(text)).toBe(bytes);
  });

  it('the size is that of the text, wherever it is stored', () => {
    const text = joinEntries([encodeContent({ body: `"${noise(5_000)}"` })]);
    for (const room of [10_000, 4_000, 100]) expect(sizeOf(placed(text, room).content)).toBe(wireBytes(text));
  });
});

describe('the place of contents', () => {
  const kibibyte = 1024;

  it('contents are in the row while they fit as text', () => {
    expect(placed('é'.repeat(50), 100)).toEqual({ content: { text: 'é'.repeat(50) }, chunks: [] });
    expect(placed('é'.repeat(50), 99).content).not.toHaveProperty('text');
  });

  it('contents are in the row if they fit deflated, up to 8 KiB of text', () => {
    expect(placed('x'.repeat(8 * kibibyte)).content).toMatchObject({ size: 8 * kibibyte, deflated: expect.any(Uint8Array) });
    expect(placed('x'.repeat(8 * kibibyte + 1)).content).toMatchObject({ offloaded: 'new', chunks: 1 });
  });

  it('contents are in the row up to its last free byte', () => {
    const text = noise(2_000);
    const { deflated } = placed(text, 1_999).content as { deflated: Uint8Array };
    expect(placed(text, deflated.length).content).toHaveProperty('deflated');
    expect(placed(text, deflated.length - 1).content).toHaveProperty('offloaded');
  });

  it('contents that do not fit are offloaded to rows as large as an item may be', () => {
    const { content: where, chunks } = placed(noise(1_000_000));
    expect(chunks.length).toBeGreaterThan(1);
    expect(where).toEqual({ offloaded: 'new', chunks: chunks.length, size: 1_000_000 });
    expect(chunks.slice(0, -1).map(({ length }) => length)).toEqual(chunks.slice(0, -1).map(() => bodyChunkBytesMax));
    expect(chunks.at(-1)!.length).toBeGreaterThan(0);
    expect(new Set(chunkKeys(where).map((key) => JSON.stringify(key))).size).toBe(chunks.length);
  });

  it('contents have keys of their own only if they are offloaded', () => {
    expect(chunkKeys({ text: '' })).toEqual([]);
    expect(chunkKeys({ offloaded: 'a', chunks: 1, size: 1 })).not.toEqual(chunkKeys({ offloaded: 'b', chunks: 1, size: 1 }));
  });

  it('shared contents are stored with the end of their chunks, which are not the own ones of the row', () => {
    const own = { offloaded: 'a', chunks: 2, size: 9 };
    const shared = { ...own, sharedUntil: 1_900_000_000 };
    for (const content of [own, shared]) expect(decodeStoredContent(encodeStoredContent(content))).toEqual(content);
    expect(encodeStoredContent(shared)).toEqual({ beside: 'a', chunks: 2, size: 9, shared: 1_900_000_000 });
    expect(chunkKeys(shared)).toEqual(chunkKeys(own));
    expect(ownChunkKeys(own)).toEqual(chunkKeys(own));
    expect(ownChunkKeys(shared)).toEqual([]);
  });
});

describe('offloaded chunks', () => {
  const { content: where, chunks } = placed(noise(600_000));

  it('offloaded chunks have a TTL only if an end is given', async () => {
    for (const ttl of [undefined, 1_800_000_000]) {
      const memory = store();
      await writeChunks(memory, where, chunks, ttl);
      expect(memory.rows('messages').map((row) => row.ttl)).toEqual(chunks.map(() => ttl));
    }
  });

  it('offloaded chunks are written only if there are some', async () => {
    const memory = store();
    await writeChunks(memory, { text: 'in the row' }, chunks, undefined);
    expect(memory.rows('messages')).toEqual([]);
  });

  it('the write of offloaded chunks fails as the store failed if any chunk may be missing', async () => {
    const cause = new StoreError('too busy', 'no', undefined, 'throttled');
    const busy: Store = {
      ...store(),
      write: async ({ key }) => {
        if ('id' in key && key.id === '1') throw cause;
        return { ok: true, row: undefined };
      },
    };
    const failure = await writeChunks(busy, where, chunks, undefined).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StoreError);
    expect(failure).toMatchObject({ message: 'too busy', applied: 'no', reason: 'throttled', cause });
  });

  it('the write of offloaded chunks may be repeated if one of them had no answer before its deadline', async () => {
    const failures = [
      new StoreError('no answer', 'unknown'),
      new StoreError('no answer in time', 'unknown', undefined, 'late'),
      new StoreError('down', 'no'),
    ];
    expect(chunks.length).toBeGreaterThan(1);
    for (const order of [failures, failures.toReversed()]) {
      const left = [...order];
      const lost: Store = { ...store(), write: async () => Promise.reject(left.shift()) };
      const write = writeChunks(lost, where, [...chunks, chunks[0]!], undefined);
      await expect(write).rejects.toMatchObject({ message: 'no answer in time', applied: 'no', reason: 'late' });
    }
  });

  it('offloaded chunks outlive the retention and, where that is later, the lease', () => {
    const seconds = (ms: number) => ms / 1000 + retentionGraceMs / 1000;
    expect([bodyTtl(5_000), bodyTtl(5_000, 4_000), bodyTtl(5_000, 9_000), bodyTtl(5_001)]).toEqual([
      seconds(5_000),
      seconds(5_000),
      seconds(9_000),
      seconds(6_000),
    ]);
  });
});
