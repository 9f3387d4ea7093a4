/** What a SQLite store does by itself: it removes expired rows and gives pages back. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEngine } from '../../engine/create.ts';
import type { Key, Row } from '../../engine/port/port.ts';
import { seededRandom } from '../../engine/port/random.ts';
import { openDatabase } from '../../engine/sqlite/database.ts';
import { numberOf } from '../../engine/sqlite/format.ts';
import { createSqliteStore, openSqliteStore, type SqliteStore } from '../../engine/sqlite/store.ts';
import { createDrivenClock } from '../support/driven-clock.ts';
import { eventually } from '../support/eventually.ts';

const hourMs = 3_600_000;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dumbwaiter-sqlite-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function upkeepToEnd(store: SqliteStore): Promise<void> {
  while (await store.upkeep());
}

function keyOf(table: Key['table'], id: string): { key: Key; row: Row } {
  switch (table) {
    case 'messages':
      return { key: { table, shard: 's', id }, row: { shard: 's', id } };
    case 'leases':
      return { key: { table, id }, row: { id } };
    case 'queues':
      return { key: { table, kind: 'k', name: id }, row: { kind: 'k', name: id } };
  }
}

describe('the upkeep', () => {
  it.each([
    'messages',
    'leases',
    'queues',
  ] as const)('a SQLite store removes the rows of %s whose time to live is over, and no others', async (table) => {
    let now = 1_000_000_000;
    const store = openSqliteStore({ now: () => now, keepsUp: false });
    const put = async (id: string, more: Row) => {
      const { key, row } = keyOf(table, id);
      await store.write({ key, then: { put: { ...row, ...more } } });
    };
    await put('over', { ttl: 1_000_000 });
    await put('later', { ttl: 1_000_010 });
    await put('never', {});
    await put('text', { ttl: '5' });
    const ids = () => store.rows(table).map(({ id, name }) => id ?? name);
    await upkeepToEnd(store);
    expect(ids()).toEqual(['over', 'later', 'never', 'text']);
    now += 1_000;
    await upkeepToEnd(store);
    expect(ids()).toEqual(['later', 'never', 'text']);
    const { key } = keyOf(table, 'later');
    await store.write({ key, then: { set: [], unset: [['ttl']] } });
    now += hourMs;
    await upkeepToEnd(store);
    expect(ids()).toEqual(['later', 'never', 'text']);
    await store.close();
  });

  it('a SQLite store by itself removes many rows in small steps', async () => {
    const store = openSqliteStore({ now: () => 10_000_000 });
    const writes = Array.from({ length: 1_800 }, (_, n) => {
      const { key, row } = keyOf('leases', `row-${n}`);
      return { key, then: { put: { ...row, ttl: n } } };
    });
    await store.writeAll(writes);
    await eventually(() => store.rows('leases').length === 0);
    await store.close();
  });

  it('a SQLite file keeps its size while many messages pass through', async () => {
    const clock = createDrivenClock();
    const opened = openDatabase(join(folder, 'queue.sqlite'));
    const store = createSqliteStore(opened, { now: clock.now, keepsUp: false });
    const engine = createEngine({ store, clock, random: seededRandom(1), startRedrive: async () => {} });
    await engine.call('createQueue', { queue: 'q' }, {});
    const messages = Array.from({ length: 10 }, (_, n) => ({ body: `${n}`.repeat(300) }));
    const pages: number[] = [];
    for (let round = 0; round < 12; round++) {
      for (let call = 0; call < 25; call++) await engine.call('publish', { queue: 'q' }, { messages });
      for (;;) {
        const { messages: received } = await engine.call('receive', { queue: 'q' }, { max: 100 });
        if (received.length === 0) break;
        await engine.call('ack', { queue: 'q' }, { receipts: received.map(({ receipt }) => receipt) });
      }
      clock.advance(hourMs);
      await upkeepToEnd(store);
      pages.push(numberOf(opened.database, 'page_count'));
    }
    // Tombstones stay for a while; from then on each round uses the pages of the one before.
    const settled = pages.slice(4);
    expect(Math.max(...settled), pages.join(', ')).toBeLessThanOrEqual(Math.max(...pages.slice(0, 4)));
    await store.close();
  });

  it('a SQLite store gives pages back to the disk after a backlog, but for some that it keeps for rows to come', async () => {
    const opened = openDatabase(join(folder, 'queue.sqlite'));
    const store = createSqliteStore(opened, { keepsUp: false });
    const text = 'x'.repeat(200_000);
    const keys = Array.from({ length: 60 }, (_, n) => keyOf('leases', `row-${n}`));
    for (const { key, row } of keys) await store.write({ key, then: { put: { ...row, text } } });
    const full = numberOf(opened.database, 'page_count');
    await store.writeAll(keys.map(({ key }) => ({ key, then: { remove: true } })));
    expect(numberOf(opened.database, 'page_count')).toBe(full);
    await upkeepToEnd(store);
    expect(numberOf(opened.database, 'freelist_count')).toBe(1_024);
    expect(numberOf(opened.database, 'page_count')).toBeLessThan(full / 2);
    await store.close();
  });
});
