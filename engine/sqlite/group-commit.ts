/**
 * One transaction for all writes of one turn of the event loop. Each write is answered when its transaction is on disk. Reads see
 * what is committed, and are answered when that is on disk: nothing that a caller was told is lost with the power.
 */
import type { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../port/port.ts';
import type { Durability } from './durability.ts';
import { failureText, isSqliteError, mayBeCommitted } from './failures.ts';

export interface GroupCommit {
  /**
   * Runs `apply` in the transaction of this turn. If that transaction fails, `apply` may run again in another one. What it
   * throws rejects only this write, so it must throw before it changes a row. An answer that does not need the disk comes after
   * the commit; it is lost with the power if no later write is answered.
   */
  write<T>(apply: () => T, needsDisk?: (answer: T) => boolean): Promise<T>;
  /** Runs `look` at once, or after the writes of this turn if there are any: callers that only read must not starve those that write. */
  read<T>(look: () => T): Promise<T>;
  /** Resolves when all writes are answered. Later calls are rejected. */
  end(): Promise<void>;
}

interface Answer {
  needsDisk: boolean;
  give(): void;
}

interface Pending {
  apply(): unknown;
  needsDisk(answer: unknown): boolean;
  resolve(value: never): void;
  reject(error: unknown): void;
}

export interface GroupCommitParts {
  database: DatabaseSync;
  /** The path of the file, for error messages. */
  file: string;
  durability: Durability;
  /** How many rows were changed so far. */
  changes(): number;
  /** Called once, with a line for the user, if the disk failed in a way that leaves open what it holds. No call succeeds after that. */
  onFailed(reason: string): void;
}

export function createGroupCommit({ database, file, durability, changes, onFailed }: GroupCommitParts): GroupCommit {
  const begin = database.prepare('BEGIN');
  const commit = database.prepare('COMMIT');
  let pending: Pending[] = [];
  /** Why no call can succeed any more. */
  let closed: string | undefined;

  function commitPending(): void {
    const group = pending;
    pending = [];
    if (group.length > 0) commitGroup(group);
  }

  function commitGroup(group: readonly Pending[]): void {
    const committed = closed === undefined ? inTransaction(group) : new StoreError(closed, 'no');
    if (!(committed instanceof StoreError)) answerWhenDurable(group, committed);
    // One large write must not fail the small ones beside it, which may still find room.
    else if (group.length > 1 && closed === undefined) for (const write of group) commitGroup([write]);
    else rejectAll(group, committed);
  }

  /** Returns how to answer each write, or why the transaction failed. */
  function inTransaction(group: readonly Pending[]): Answer[] | StoreError {
    const before = changes();
    const answers: Answer[] = [];
    let isComplete = false;
    try {
      begin.run();
      for (const write of group) answers.push(answerOf(write));
      isComplete = true;
      commit.run();
    } catch (error) {
      const isUnknown = isComplete && mayBeCommitted(error);
      if (isUnknown || !rolledBack()) fail(error);
      return new StoreError(failureText(error, file), isUnknown ? 'unknown' : 'no', error);
    }
    if (changes() !== before) durability.committed();
    return answers;
  }

  function answerWhenDurable(group: readonly Pending[], answers: readonly Answer[]): void {
    for (const { needsDisk, give } of answers) if (!needsDisk) give();
    const left = answers.filter(({ needsDisk }) => needsDisk);
    if (left.length === 0) return;
    durability.whenDurable((error) => {
      if (error === undefined) {
        for (const { give } of left) give();
      } else {
        fail(error);
        rejectAll(group, new StoreError(failureText(error, file), 'unknown', error));
      }
    });
  }

  function rolledBack(): boolean {
    try {
      // SQLite rolls back by itself after some errors.
      if (database.isTransaction) database.exec('ROLLBACK');
      return true;
    } catch {
      return false;
    }
  }

  function fail(error: unknown): void {
    if (closed !== undefined) return;
    closed = failureText(error, file);
    onFailed(closed);
  }

  return {
    write<T>(apply: () => T, needsDisk: (answer: T) => boolean = () => true): Promise<T> {
      return new Promise<T>((resolve, reject) => {
        pending.push({ apply, needsDisk: needsDisk as Pending['needsDisk'], resolve, reject });
        if (pending.length === 1) setImmediate(commitPending);
      });
    },

    async read<T>(look: () => T): Promise<T> {
      if (closed !== undefined) throw new StoreError(closed, 'no');
      if (pending.length > 0) return this.write(look);
      const seen = looked(look, file);
      if (!durability.isDurable()) await onDisk(durability, file);
      return seen;
    },

    async end() {
      commitPending();
      closed ??= `The data file ${file} is closed.`;
      await new Promise<void>((resolve) => durability.whenDurable(() => resolve()));
    },
  };
}

/** Runs a write and returns how to answer it once it is durable. Throws errors of SQLite, which end the transaction. */
function answerOf({ apply, needsDisk, resolve, reject }: Pending): Answer {
  try {
    const answer = apply();
    return { needsDisk: needsDisk(answer), give: () => resolve(answer as never) };
  } catch (error) {
    if (isSqliteError(error)) throw error;
    return { needsDisk: true, give: () => reject(error) };
  }
}

function rejectAll(group: readonly Pending[], error: StoreError): void {
  for (const { reject } of group) reject(error);
}

function looked<T>(look: () => T, file: string): T {
  try {
    return look();
  } catch (error) {
    throw isSqliteError(error) ? new StoreError(failureText(error, file), 'no', error) : error;
  }
}

function onDisk(durability: Durability, file: string): Promise<void> {
  return new Promise((resolve, reject) =>
    durability.whenDurable((error) =>
      error === undefined ? resolve() : reject(new StoreError(failureText(error, file), 'no', error)),
    ),
  );
}
