/** Files that cannot be used or that are of another format: each is refused with one clear line, and loses nothing. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Write } from '../../engine/port/port.ts';
import { openDatabase } from '../../engine/sqlite/database.ts';
import { bringToFormat, formatSteps, numberOf } from '../../engine/sqlite/format.ts';
import { createSqliteStore, openSqliteStore, type SqliteStore } from '../../engine/sqlite/store.ts';

let folder: string;
let file: string;
let stores: SqliteStore[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dumbwaiter-sqlite-'));
  file = join(folder, 'queue.sqlite');
  stores = [];
});
afterEach(async () => {
  await Promise.all(stores.map((store) => store.close()));
  await rm(folder, { recursive: true });
});

function opened(store: SqliteStore = openSqliteStore({ file })): SqliteStore {
  stores.push(store);
  return store;
}

function put(id: string, text = ''): Write {
  return { key: { table: 'leases', id }, then: { put: { id, text } } };
}

/** Why the file cannot be opened: one line that names it. */
function refusal(path = file): string {
  try {
    openSqliteStore({ file: path }).close();
  } catch (error) {
    const { name, message } = error as Error;
    expect(name).toBe('DataFileError');
    expect(message).toContain(path);
    expect(message).not.toContain('\n');
    return message;
  }
  throw new Error('it opened');
}

async function filled(): Promise<void> {
  const store = openSqliteStore({ file });
  await store.writeAll(Array.from({ length: 50 }, (_, n) => put(`row-${n}`, 'x'.repeat(3_000)) as never));
  await store.close();
}

describe('the file', () => {
  it('a SQLite file keeps its rows over a close and an open, and nobody else may read it', async () => {
    const store = openSqliteStore({ file });
    await store.write(put('a'));
    if (process.platform !== 'win32') {
      for (const path of [file, `${file}-wal`]) expect((await stat(path)).mode & 0o777, path).toBe(0o600);
    }
    await store.close();
    expect(opened().rows('leases')).toEqual([{ id: 'a', text: '' }]);
  });

  it('a SQLite store finishes the writes in progress when it is closed', async () => {
    const store = openSqliteStore({ file });
    const written = store.write(put('a'));
    await store.close();
    expect(await written).toMatchObject({ ok: true });
    await expect(store.write(put('b'))).rejects.toMatchObject({ name: 'StoreError', applied: 'no' });
    expect(opened().rows('leases')).toHaveLength(1);
  });

  it('a SQLite file is refused while another process has it', async () => {
    const writer = spawn(process.execPath, [fileURLToPath(new URL('../support/sqlite-writer.ts', import.meta.url)), file, '1'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(writer.stdout, 'data');
      expect(refusal()).toMatch(/used by another process: stop that process/);
    } finally {
      writer.kill('SIGKILL');
      await once(writer, 'close');
    }
    expect(opened().rows('leases').length).toBeGreaterThan(0);
  });

  it('a SQLite file is refused if it is damaged', async () => {
    await writeFile(file, 'something else altogether, of some length '.repeat(50));
    expect(refusal()).toMatch(/is damaged .*restore a copy of it, or move it away/);
  });

  it('a SQLite file with damage in its middle fails the calls that meet it, and its other rows stay readable', async () => {
    await filled();
    const { size } = await stat(file);
    const handle = await open(file, 'r+');
    // A page of rows in the middle: not the header, not the roots of the tables.
    await handle.write(Buffer.alloc(4_096, 0xab), 0, 4_096, Math.floor(size / 4_096 / 2) * 4_096);
    await handle.close();
    const store = opened();
    const keys = Array.from({ length: 50 }, (_, n) => ({ table: 'leases', id: `row-${n}` }) as const);
    const reads = await Promise.allSettled(keys.map((key) => store.get([key])));
    const failed = reads.filter((read) => read.status === 'rejected');
    expect(failed.length).toBeGreaterThan(0);
    expect(reads.length - failed.length).toBeGreaterThan(0);
    for (const { reason } of failed) {
      expect(reason).toMatchObject({ name: 'StoreError', applied: 'no' });
      expect(reason.message).toMatch(/is damaged/);
    }
  });

  it('a SQLite file is refused if another program made it', () => {
    const other = new DatabaseSync(file);
    other.exec('CREATE TABLE things (id TEXT)');
    other.close();
    expect(refusal()).toMatch(/belongs to another program/);
  });

  it('a SQLite file is refused if a newer version made it, and is left as it is', async () => {
    await filled();
    const newer = new DatabaseSync(file);
    newer.exec('PRAGMA user_version = 999');
    newer.close();
    const before = await readFile(file);
    expect(refusal()).toMatch(/has format 999, and this version reads up to \d+: use a newer version/);
    expect(await readFile(file)).toEqual(before);
  });

  it('a SQLite file passes through the steps of the format that it lacks, once each, and keeps its rows', async () => {
    await filled();
    const steps = [...formatSteps, 'CREATE TABLE more (id TEXT)', 'ALTER TABLE more ADD COLUMN name TEXT'];
    for (let time = 0; time < 2; time++) {
      const database = new DatabaseSync(file);
      bringToFormat(database, steps);
      expect(numberOf(database, 'user_version')).toBe(steps.length);
      expect(database.prepare('SELECT count(*) AS count FROM leases').get()).toEqual({ count: 50 });
      expect(database.prepare('SELECT name FROM more').all()).toEqual([]);
      database.close();
    }
  });

  it('a SQLite file stays at its format if a step fails', async () => {
    await filled();
    const database = new DatabaseSync(file);
    const steps = [...formatSteps, 'CREATE TABLE more (id TEXT)', 'CREATE TABLE leases (id TEXT)'];
    expect(() => bringToFormat(database, steps)).toThrow('already exists');
    database.close();
    expect(opened().rows('leases')).toHaveLength(50);
  });

  it('a SQLite file is refused in a folder that does not exist', () => {
    expect(refusal(join(folder, 'none', 'queue.sqlite'))).toMatch(/check that its folder exists/);
  });

  it('a SQLite file is refused if it may not be written', async () => {
    await filled();
    await chmod(file, 0o400);
    await chmod(folder, 0o755);
    expect(await refusalOfOrdinaryUser()).toMatch(/cannot be written .*change its permissions/);
    await chmod(file, 0o600);
    expect(opened().rows('leases')).toHaveLength(50);
  });

  /** As root every file may be written, so another user opens it. */
  async function refusalOfOrdinaryUser(): Promise<string> {
    if (process.getuid?.() !== 0) return refusal();
    await chmod(file, 0o444);
    const program = `import('${new URL('../../engine/sqlite/store.ts', import.meta.url).href}').then(({ openSqliteStore }) => {
      try { openSqliteStore({ file: ${JSON.stringify(file)} }); } catch (error) { console.log(error.message); } process.exit(); })`;
    const child = spawn(process.execPath, ['-e', program], { uid: 65_534, gid: 65_534, stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (data) => {
      said += data;
    });
    await once(child, 'close');
    expect(said.trimEnd()).not.toContain('\n');
    return said;
  }

  it('a SQLite file that is full refuses what needs room, takes what needs none, and goes on when there is room', async () => {
    const database = openDatabase(file);
    const store = opened(createSqliteStore(database));
    const pages = numberOf(database.database, 'page_count');
    database.database.exec(`PRAGMA max_page_count = ${pages + 30}`);
    let stored = 0;
    let failure: unknown;
    while (failure === undefined) {
      await store.write(put(`row-${stored}`, 'x'.repeat(10_000))).then(
        () => stored++,
        (error: unknown) => {
          failure = error;
        },
      );
    }
    expect(stored).toBeGreaterThan(2);
    expect(failure).toMatchObject({ name: 'StoreError', applied: 'no', reason: undefined });
    expect(String(failure)).toMatch(/cannot grow .*make room on its disk/);
    expect(store.rows('leases')).toHaveLength(stored);
    // Of one turn: what fits is stored, what does not is refused.
    const [large, change, transaction] = await Promise.allSettled([
      store.write(put('large', 'x'.repeat(300_000))),
      store.write({ key: { table: 'leases', id: 'row-0' }, then: { set: [[['text'], 'short']] } }),
      store.transact([put('large', 'x'.repeat(300_000)), { key: { table: 'leases', id: 'row-1' }, then: { remove: true } }]),
    ]);
    expect([large.status, change.status, transaction.status]).toEqual(['rejected', 'fulfilled', 'rejected']);
    expect(await store.writeAll([put('large', 'x'.repeat(300_000)) as never])).toMatchObject([{ applied: 'no' }]);
    expect(store.rows('leases')).toHaveLength(stored);
    database.database.exec('PRAGMA max_page_count = 100000');
    expect(await store.write(put('large', 'x'.repeat(300_000)))).toMatchObject({ ok: true });
  });

  it('a SQLite file can be copied with its log while the store is open', async () => {
    const store = opened();
    await store.write(put('a'));
    const copy = join(folder, 'copy.sqlite');
    await copyFile(`${file}-wal`, `${copy}-wal`);
    await copyFile(file, copy);
    expect(opened(openSqliteStore({ file: copy })).rows('leases')).toHaveLength(1);
  });
});
