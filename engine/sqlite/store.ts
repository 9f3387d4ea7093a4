/**
 * The store in a SQLite file, for a queue on one machine: Node's own `node:sqlite`, in this process. One process has a file at a
 * time. This folder implements the port (port/port.ts): start here. It keeps DynamoDB's limits, so that a program that works
 * here works on DynamoDB.
 */
import { type Key, type Row, type Store, StoreError } from '../port/port.ts';
import { refuseTwice } from '../port/row-limits.ts';
import { checkedTransaction, checkedWrite, lateWrite, transacted, written } from '../port/row-writes.ts';
import { openDatabase, type SqliteFile } from './database.ts';
import { createDurability } from './durability.ts';
import { createGroupCommit } from './group-commit.ts';
import { createRows } from './rows.ts';
import { createUpkeep } from './upkeep.ts';

/** For `EngineParts.moreRowBytes`: a row then takes about a page of the file, and few bodies are deflated or offloaded. */
export const sqliteMoreRowBytes = 3 * 1024;

export interface SqliteStoreOptions {
  /** The path of the file, which is created if it does not exist. Default: rows are in memory and end with the store. */
  file?: string;
  /** The clock that `WriteOptions.by` and the time to live of rows are compared with. */
  now?: () => number;
  /** Whether a timer removes expired rows and frees pages. Default: true. */
  keepsUp?: boolean;
}

export interface SqliteStore extends Store {
  /** Every row of a table, in no particular order, for tests that check the whole state. */
  rows(table: Key['table']): Row[];
  /** Removes all rows but those of `queues` that are of this kind. */
  clear(keptKind: string): Promise<void>;
  /** One step of what a timer does by itself: removes expired rows and frees pages. Resolves to whether there is more to do. */
  upkeep(): Promise<boolean>;
  /** Resolves with a line for the user if the disk failed. The store then rejects all calls; only a new start shows what the file holds. */
  failed: Promise<string>;
  /** Finishes the writes in progress and closes the file. */
  close(): Promise<void>;
}

/** Opens the file. Throws DataFileError, whose message is one line for the user. */
export function openSqliteStore({ file, ...options }: SqliteStoreOptions = {}): SqliteStore {
  return createSqliteStore(openDatabase(file), options);
}

/** A store on an open database, which it closes in the end. */
export function createSqliteStore(
  { database, file, sync, close }: SqliteFile,
  { now = Date.now, keepsUp = true }: Omit<SqliteStoreOptions, 'file'> = {},
): SqliteStore {
  const rows = createRows(database);
  let onFailed: (reason: string) => void = () => {};
  const failed = new Promise<string>((resolve) => {
    onFailed = resolve;
  });
  const group = createGroupCommit({ database, file, durability: createDurability(sync), changes: rows.changes, onFailed });
  const upkeep = createUpkeep({ database, rows, group, now });
  if (keepsUp) upkeep.start();

  function refuseLate(by: number | undefined): void {
    if (by !== undefined && now() > by) throw lateWrite();
  }

  return {
    get: (keys) => group.read(() => keys.map(rows.get)),

    range: (range) => group.read(() => rows.range(range)),

    async write(write, { by, isFollowed } = {}) {
      const checked = checkedWrite(write);
      return group.write(
        () => {
          refuseLate(by);
          const needsRow = checked.when !== undefined || 'set' in checked.then;
          const answer = written(checked, needsRow ? rows.get(checked.key) : undefined);
          if (answer.ok) rows.set(checked.key, answer.row);
          return answer;
        },
        ({ ok }) => !ok || !isFollowed,
      );
    },

    async writeAll(writes, { by } = {}) {
      refuseTwice(writes);
      const checked = writes.map(checkedWrite);
      try {
        await group.write(() => {
          refuseLate(by);
          for (const { key, then } of checked) rows.set(key, 'put' in then ? then.put : undefined);
        });
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        return writes.map(() => error);
      }
      return writes.map(() => undefined);
    },

    async transact(writes, { by } = {}) {
      const checked = checkedTransaction(writes);
      return group.write(() => {
        refuseLate(by);
        const answer = transacted(
          checked,
          checked.map(({ key }) => rows.get(key)),
        );
        if (!answer.ok) return answer;
        for (const [position, { key }] of checked.entries()) rows.set(key, answer.rows[position]);
        return { ok: true };
      });
    },

    rows: rows.all,
    clear: (keptKind) => group.write(() => rows.clear(keptKind)),
    upkeep: upkeep.step,
    failed,

    async close() {
      upkeep.stop();
      await group.end();
      close();
    },
  };
}
