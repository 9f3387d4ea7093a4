/** When a write is answered: after its transaction, and after the disk has it. The tests hold the disk back, or make it fail. */
import fs, { closeSync, copyFileSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StoreError, type Write } from '../../engine/port/port.ts';
import { openDatabase } from '../../engine/sqlite/database.ts';
import type { Sync } from '../../engine/sqlite/durability.ts';
import { createSqliteStore, openSqliteStore } from '../../engine/sqlite/store.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dumbwaiter-sqlite-'));
  file = join(folder, 'queue.sqlite');
});
afterEach(() => rm(folder, { recursive: true }));

function put(id: string, more: object = {}): Write {
  return { key: { table: 'leases', id }, then: { put: { id, ...more } } };
}

/** A store whose syncs wait until the test ends them. */
function openHeld() {
  const opened = openDatabase(file);
  const syncs: ((error: Error | null) => void)[] = [];
  const sync: Sync = (done) => syncs.push(done);
  return { store: createSqliteStore({ ...opened, sync }), syncs };
}

/** Notes which of the calls are answered, in the order of the answers. */
function noted(calls: { [name: string]: Promise<unknown> }): string[] {
  const answered: string[] = [];
  for (const [name, call] of Object.entries(calls)) {
    call.then(
      () => answered.push(name),
      (error: unknown) => answered.push(`${name}: ${error instanceof StoreError ? error.applied : error}`),
    );
  }
  return answered;
}

const turns = async () => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe('a write', () => {
  it('a write to a SQLite store is answered only when the disk has it, and so is a read of what the disk does not have yet', async () => {
    const { store, syncs } = openHeld();
    const answered = noted({ one: store.write(put('a')) });
    await turns();
    const reads = noted({ get: store.get([{ table: 'leases', id: 'a' }]) });
    const refused = noted({ refused: store.write({ ...put('a'), when: { absent: ['id'] } }) });
    await turns();
    expect([...answered, ...reads, ...refused]).toEqual([]);
    expect(syncs).toHaveLength(1);
    syncs.shift()!(null);
    await turns();
    expect([...answered, ...reads, ...refused]).toEqual(['one', 'get', 'refused']);
    await store.close();
  });

  it('a write to a SQLite store that arrives during a sync waits for the next one, which serves all of them', async () => {
    const { store, syncs } = openHeld();
    const first = noted({ first: store.write(put('a')) });
    await turns();
    const later = noted({ b: store.write(put('b')), c: store.write(put('c')) });
    await turns();
    const last = noted({ d: store.write(put('d')) });
    await turns();
    syncs.shift()!(null);
    await turns();
    expect([first, later, last]).toEqual([['first'], [], []]);
    expect(syncs).toHaveLength(1);
    syncs.shift()!(null);
    await turns();
    expect([later, last]).toEqual([['b', 'c'], ['d']]);
    expect(syncs).toEqual([]);
    await store.close();
  });

  it('a write that another one follows is answered before the disk has it, if it was applied, and the next sync is for both', async () => {
    const { store, syncs } = openHeld();
    const first = noted({ first: store.write({ ...put('a'), when: { absent: ['id'] } }, { isFollowed: true }) });
    await turns();
    expect(first).toEqual(['first']);
    expect(syncs).toHaveLength(0);
    const refused = noted({ refused: store.write({ ...put('a'), when: { absent: ['id'] } }, { isFollowed: true }) });
    const later = noted({ later: store.write(put('b')) });
    await turns();
    expect([...refused, ...later]).toEqual([]);
    expect(syncs).toHaveLength(1);
    syncs.shift()!(null);
    await turns();
    expect([...refused, ...later]).toEqual(['refused', 'later']);
    expect(syncs).toEqual([]);
    await store.close();
  });

  it('a read of a write that another one follows has the disk sync it, and waits for that', async () => {
    const { store, syncs } = openHeld();
    await store.write(put('a'), { isFollowed: true });
    const read = noted({ read: store.get([{ table: 'leases', id: 'a' }]) });
    await turns();
    expect([read, syncs.length]).toEqual([[], 1]);
    syncs.shift()!(null);
    await turns();
    expect(read).toEqual(['read']);
    await store.close();
  });

  it('a write to a SQLite store shares one transaction with all writes of its turn, in their order', async () => {
    const { store, syncs } = openHeld();
    const sets = Array.from({ length: 20 }, (_, n) =>
      store.write({ key: { table: 'leases', id: 'a' }, when: { equals: [['n'], n] }, then: { set: [[['n'], n + 1]] } }),
    );
    // Before the others, in a transaction of its own: the sets above run at the end of this turn.
    expect(await store.get([{ table: 'leases', id: 'a' }])).toEqual([undefined]);
    const refused = await Promise.all(sets);
    expect(refused.every(({ ok }) => !ok)).toBe(true);
    expect(syncs).toHaveLength(0);
    const writes = [
      store.write(put('a', { n: 0 })),
      ...Array.from({ length: 20 }, (_, n) =>
        store.write({ key: { table: 'leases', id: 'a' }, when: { equals: [['n'], n] }, then: { set: [[['n'], n + 1]] } }),
      ),
    ];
    await turns();
    expect(syncs).toHaveLength(1);
    syncs.shift()!(null);
    expect((await Promise.all(writes)).map(({ ok, row }) => ok && row?.n)).toEqual([
      0,
      ...Array.from({ length: 20 }, (_, n) => n + 1),
    ]);
    expect(syncs).toHaveLength(0);
    await store.close();
  });

  it('a write to a SQLite store has an unknown outcome if the disk fails to sync it, and no later call succeeds', async () => {
    const { store, syncs } = openHeld();
    const answered = noted({ write: store.write(put('a')), batch: store.writeAll([put('b') as never]) });
    await turns();
    const waiting = noted({ read: store.get([{ table: 'leases', id: 'a' }]) });
    syncs.shift()!(new Error('EIO: i/o error, fdatasync'));
    await turns();
    // A batch answers an error for each of its writes.
    expect(answered).toEqual(['write: unknown', 'batch']);
    expect(waiting).toEqual(['read: no']);
    expect(await store.failed).toBe(`The data file ${file} cannot be read or written: EIO: i/o error, fdatasync.`);
    await expect(store.write(put('c'))).rejects.toMatchObject({ name: 'StoreError', applied: 'no' });
    await expect(store.get([])).rejects.toMatchObject({ name: 'StoreError', applied: 'no' });
    await store.close();
  });

  it('a write to a SQLite store is not starved by a caller that only reads', async () => {
    const store = openSqliteStore();
    let isAnswered = false;
    const writing = store.write(put('a')).then(() => {
      isAnswered = true;
    });
    let reads = 0;
    // Each read is answered without a turn of the event loop, unless it waits for the write.
    for (; !isAnswered && reads < 10_000; reads++) await store.get([{ table: 'leases', id: 'a' }]);
    await writing;
    expect(reads).toBeLessThan(10);
    await store.close();
  });

  it('a write to a SQLite store that is a defect fails alone', async () => {
    const store = openSqliteStore({ file });
    const [good, bad, late, other] = await Promise.allSettled([
      store.write(put('a')),
      store.write({ key: { table: 'leases', id: 'a' }, then: { set: [[['nothing', 'x'], 1]] } }),
      store.write(put('b'), { by: 1 }),
      store.write(put('c')),
    ]);
    expect([good.status, bad.status, late.status, other.status]).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(store.rows('leases').map(({ id }) => id)).toEqual(['a', 'c']);
    await store.close();
  });
});

/** Puts another file in place of the descriptor by which SQLite writes its log. The first of the two is SQLite's. */
function replaceLog(path: string, flags: string): void {
  const descriptors = readdirSync('/proc/self/fd').map(Number);
  const log = descriptors.filter((one) => linkOf(one) === `${file}-wal`).sort((a, b) => a - b)[0]!;
  closeSync(log);
  // A new descriptor has the lowest free number.
  const opened: number[] = [];
  do opened.push(openSync(path, flags));
  while (opened.at(-1) !== log);
  for (const other of opened.slice(0, -1)) closeSync(other);
}

function linkOf(descriptor: number): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return '';
  }
}

describe.runIf(process.platform === 'linux')('a disk that fails', () => {
  it('a write to a SQLite store surely was not applied if the disk is full, and nothing else is lost', async () => {
    const store = openSqliteStore({ file });
    await store.write(put('before'));
    replaceLog('/dev/full', 'r+');
    const error = await store.write(put('a')).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ name: 'StoreError', applied: 'no', reason: undefined });
    expect(String(error)).toMatch(/cannot grow .*make room on its disk/);
    expect(await idsAfter(store)).toEqual(['before']);
  });

  it('a write to a SQLite store has an unknown outcome if the disk reports an error, and nothing else is lost', async () => {
    const store = openSqliteStore({ file });
    await store.write(put('before'));
    replaceLog('/dev/null', 'r');
    await expect(store.write(put('a'))).rejects.toMatchObject({ name: 'StoreError', applied: 'unknown' });
    expect(await store.failed).toMatch(/cannot be read or written: disk I\/O error/);
    expect(await idsAfter(store)).toEqual(['before']);
  });
});

async function idsAfter(store: { close(): Promise<void> }): Promise<unknown[]> {
  await store.close();
  const again = openSqliteStore({ file });
  const ids = again.rows('leases').map(({ id }) => id);
  await again.close();
  return ids;
}

describe.runIf(process.platform === 'linux')('the start', () => {
  const { fdatasyncSync } = fs;
  function replaceSync(sync: typeof fdatasyncSync): void {
    fs.fdatasyncSync = sync;
    syncBuiltinESMExports();
  }
  afterEach(() => replaceSync(fdatasyncSync));

  /** The files of a process that was killed after a commit, before its sync. */
  async function leaveUnsynced(): Promise<string> {
    const { store, syncs } = openHeld();
    const write = store.write(put('a'));
    await turns();
    const copy = join(folder, 'copy.sqlite');
    for (const end of ['', '-wal']) copyFileSync(`${file}${end}`, `${copy}${end}`);
    syncs.shift()!(null);
    await write;
    await store.close();
    return copy;
  }

  it('a SQLite store syncs the log of a killed process before it shows what is in it', async () => {
    const copy = await leaveUnsynced();
    const synced: string[] = [];
    replaceSync((descriptor) => {
      synced.push(linkOf(descriptor));
      fdatasyncSync(descriptor);
    });
    const store = openSqliteStore({ file: copy });
    expect(synced).toEqual([`${copy}-wal`]);
    expect(await store.get([{ table: 'leases', id: 'a' }])).toEqual([{ id: 'a' }]);
    await store.close();
  });

  it('a SQLite store does not open if the disk fails to sync the log of a killed process, and leaves no file open', async () => {
    const copy = await leaveUnsynced();
    replaceSync(() => {
      throw new Error('EIO: i/o error, fdatasync');
    });
    expect(() => openSqliteStore({ file: copy })).toThrow(`The data file ${copy} cannot be read or written: EIO`);
    expect(readdirSync('/proc/self/fd').map(Number).map(linkOf)).not.toContain(`${copy}-wal`);
  });
});
