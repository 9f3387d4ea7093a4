/**
 * The format of the data file. `PRAGMA user_version` holds its number. To change the format, add a step at the end: files of
 * earlier formats pass through all later steps when they are opened.
 */
import type { DatabaseSync } from 'node:sqlite';
import { DataFileError } from './failures.ts';

/** Marks the file as ours (`PRAGMA application_id`): "DUMB" in ASCII. */
const applicationId = 0x44554d42;

/** Step n makes format n + 1 from format n. A step that was released never changes. */
export const formatSteps: readonly string[] = [
  `
  CREATE TABLE messages (shard TEXT NOT NULL, id TEXT NOT NULL, ttl NUMERIC, row TEXT NOT NULL, PRIMARY KEY (shard, id));
  CREATE TABLE leases (id TEXT NOT NULL PRIMARY KEY, shard TEXT, expiry NUMERIC, ttl NUMERIC, row TEXT NOT NULL);
  CREATE TABLE queues (kind TEXT NOT NULL, name TEXT NOT NULL, ttl NUMERIC, row TEXT NOT NULL, PRIMARY KEY (kind, name));
  CREATE INDEX leases_due ON leases (shard, expiry, id) WHERE shard IS NOT NULL AND expiry IS NOT NULL;
  CREATE INDEX messages_ttl ON messages (ttl) WHERE ttl IS NOT NULL;
  CREATE INDEX leases_ttl ON leases (ttl) WHERE ttl IS NOT NULL;
  CREATE INDEX queues_ttl ON queues (ttl) WHERE ttl IS NOT NULL;
  `,
];

/** Throws DataFileError for a file of another program or of a newer format. Changes nothing. */
export function checkFormat(database: DatabaseSync, file: string, steps: readonly string[] = formatSteps): void {
  if (isEmpty(database)) return;
  if (numberOf(database, 'application_id') !== applicationId) {
    throw new DataFileError(`The data file ${file} belongs to another program: choose another file.`);
  }
  const found = numberOf(database, 'user_version');
  if (found > steps.length) {
    throw new DataFileError(
      `The data file ${file} has format ${found}, and this version reads up to ${steps.length}: use a newer version of Dumbwaiter.`,
    );
  }
}

/** Brings a checked file to the newest format, in one transaction. */
export function bringToFormat(database: DatabaseSync, steps: readonly string[] = formatSteps): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    const found = numberOf(database, 'user_version');
    for (const step of steps.slice(found)) database.exec(step);
    if (found < steps.length) {
      database.exec(`PRAGMA user_version = ${steps.length}; PRAGMA application_id = ${applicationId}`);
    }
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

export function isEmpty(database: DatabaseSync): boolean {
  return database.prepare('SELECT count(*) AS count FROM sqlite_schema').get()?.count === 0;
}

export function numberOf(database: DatabaseSync, pragma: string): number {
  return Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0] as number;
}
