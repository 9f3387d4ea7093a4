/** Opens the file: its lock, its log, its format. Every failure is a DataFileError of one line. */
import { accessSync, closeSync, constants, existsSync, fdatasync, fdatasyncSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { Sync } from './durability.ts';
import { DataFileError, failureText } from './failures.ts';
import { bringToFormat, checkFormat, isEmpty } from './format.ts';

export interface SqliteFile {
  database: DatabaseSync;
  /** The path, for error messages. */
  file: string;
  /** Syncs the log. Undefined in memory. */
  sync?: Sync;
  close(): void;
}

/** The operating system holds the lock as long as this process lives, so a killed process leaves none. */
const lock = 'PRAGMA locking_mode = EXCLUSIVE';
/** Settings that only an empty file takes. */
const settingsOfNew = ['PRAGMA page_size = 4096', 'PRAGMA auto_vacuum = INCREMENTAL'];
/**
 * NORMAL: durability.ts syncs the log after each commit; SQLite itself only does so around checkpoints. The size limit lets the log
 * shrink after a large transaction.
 */
const settings = [
  'PRAGMA journal_mode = WAL',
  'PRAGMA synchronous = NORMAL',
  'PRAGMA checkpoint_fullfsync = ON',
  'PRAGMA journal_size_limit = 16777216',
  'PRAGMA temp_store = MEMORY',
  'PRAGMA trusted_schema = OFF',
];
const inMemory = ':memory:';
const ownerOnly = 0o600;

/** Opens the file, and creates it if it does not exist. Default: a database in memory. */
export function openDatabase(path: string = inMemory): SqliteFile {
  const file = path === inMemory ? 'in memory' : path;
  let database: DatabaseSync | undefined;
  try {
    if (path !== inMemory) makeWritable(path);
    database = new DatabaseSync(path, { timeout: 0 });
    database.exec(lock);
    checkFormat(database, file);
    for (const setting of isEmpty(database) ? [...settingsOfNew, ...settings] : settings) database.exec(setting);
    bringToFormat(database);
    return path === inMemory ? { database, file, close: () => database?.close() } : withLog(database, path);
  } catch (error) {
    database?.close();
    if (error instanceof DataFileError) throw error;
    throw new DataFileError(failureText(error, file), { cause: error });
  }
}

/**
 * Creates the file, which only its owner may read; SQLite gives the log the same mode. A file that exists is not opened here: closing it
 * would end the locks that this process has on it (https://sqlite.org/howtocorrupt.html, 2.2).
 */
function makeWritable(path: string): void {
  if (existsSync(path)) accessSync(path, constants.R_OK | constants.W_OK);
  else closeSync(openSync(path, 'a', ownerOnly));
}

/**
 * SQLite keeps the file of its log until the database is closed, so one descriptor serves for all syncs. The first sync is for commits
 * of a process that was killed before the disk had them: from now on, reads see them.
 */
function withLog(database: DatabaseSync, path: string): SqliteFile {
  const descriptor = openSync(`${path}-wal`, 'r+');
  try {
    fdatasyncSync(descriptor);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  return {
    database,
    file: path,
    sync: (done) => fdatasync(descriptor, done),
    close() {
      closeSync(descriptor);
      database.close();
    },
  };
}
