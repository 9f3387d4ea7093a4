/**
 * The store in memory: like DynamoDB, writes are strongly consistent, and eventually consistent reads may lag. Each call takes
 * effect at once, as a whole. simulation/faulty-store.ts wraps this store to inject faults.
 */
import { applySet, checkPlaces, holds } from '../port/condition-evaluator.ts';
import {
  type Key,
  type Range,
  type Ranged,
  type Row,
  type Store,
  StoreError,
  type Transacted,
  type Write,
  type WriteOptions,
  type Written,
} from '../port/port.ts';
import {
  checkKeys,
  keyAttributes,
  keyText,
  refuseTwice,
  storedBytes,
  storedCopy,
  storedRowBytesMax,
} from '../port/row-limits.ts';
import { createMemoryTable, type MemoryTable, type ReadLag } from './table.ts';

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html */
export const transactionWritesMax = 100;
const transactionBytesMax = 4 * 1024 * 1024;

export interface MemoryStoreOptions {
  /** The clock that `WriteOptions.by` is compared with. */
  now?: () => number;
  /** How far eventually consistent reads lag. Default: they do not. */
  lag?: ReadLag;
}

export interface MemoryStore extends Store {
  /** Every row of a table, in no particular order, for tests that check the whole state. */
  rows(table: Key['table']): Row[];
}

export function createMemoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  const now = options.now ?? Date.now;
  const lag = options.lag;
  const tables: Record<Key['table'], MemoryTable> = {
    messages: createMemoryTable('messages', lag),
    leases: createMemoryTable('leases', lag),
    queues: createMemoryTable('queues', lag),
  };

  function refuseLate(by: number | undefined): void {
    if (by !== undefined && now() > by)
      throw new StoreError('the time in which the write was safe has passed', 'no', undefined, 'late');
  }

  /** The row after the write; `put` is the row that a put stores. Throws for a change that DynamoDB would refuse. */
  function outcome({ key, then }: Pick<Write, 'key' | 'then'>, put: Row | undefined, row: Row | undefined): Row | undefined {
    if (!('set' in then)) return put;
    const changed = storedCopy(row!);
    applySet(then, changed);
    return checked(key, changed);
  }

  function refused(write: Write, row: Row | undefined): boolean {
    if ('set' in write.then && row === undefined) return true;
    return write.when !== undefined && !holds(write.when, row);
  }

  function current(key: Key): Row | undefined {
    return tables[key.table].get(key);
  }

  return {
    async get(keys) {
      return keys.map((key) => copied(current(key)));
    },

    async range(range: Range): Promise<Ranged> {
      const { rows, next } = tables[range.table].range(range);
      return next === undefined ? { rows: rows.map(storedCopy) } : { rows: rows.map(storedCopy), next: storedCopy(next) };
    },

    async write(write: Write, { by }: WriteOptions = {}): Promise<Written> {
      const put = checkWrite(write);
      refuseLate(by);
      const row = current(write.key);
      if (refused(write, row)) return { ok: false, row: copied(row) };
      const next = outcome(write, put, row);
      tables[write.key.table].set(write.key, next);
      return { ok: true, row: copied(next) };
    },

    async writeAll(writes, { by } = {}) {
      refuseTwice(writes);
      const outcomes = writes.map(checkWrite);
      if (by !== undefined && now() > by) {
        return writes.map(() => new StoreError('the time in which the write was safe has passed', 'no', undefined, 'late'));
      }
      for (const [position, { key }] of writes.entries()) tables[key.table].set(key, outcomes[position]);
      return writes.map(() => undefined);
    },

    async transact(writes: readonly Write[], { by }: WriteOptions = {}): Promise<Transacted> {
      if (writes.length > transactionWritesMax) throw new Error(`a transaction takes ${transactionWritesMax} writes`);
      refuseTwice(writes);
      const puts = writes.map(checkWrite);
      refuseLate(by);
      const rows = writes.map(({ key }) => current(key));
      if (writes.some((write, position) => refused(write, rows[position]))) {
        return {
          ok: false,
          refused: writes.map((write, position) =>
            refused(write, rows[position]) ? { row: copied(rows[position]) } : undefined,
          ),
        };
      }
      const outcomes = writes.map((write, position) => outcome(write, puts[position], rows[position]));
      const bytes = outcomes.reduce((sum, row) => sum + (row === undefined ? 0 : storedBytes(row)), 0);
      if (bytes > transactionBytesMax) throw new Error(`a transaction takes ${transactionBytesMax} bytes`);
      for (const [position, { key }] of writes.entries()) tables[key.table].set(key, outcomes[position]);
      return { ok: true };
    },

    rows: (table) => tables[table].all().map(storedCopy),
  };
}

/** Throws for errors that do not depend on the current row. Returns a copy of the row to put. */
function checkWrite({ key, then }: Pick<Write, 'key' | 'then'>): Row | undefined {
  if ('put' in then) return checked(key, then.put);
  if (!('set' in then)) return undefined;
  checkPlaces(then);
  const fixed = keyAttributes(key);
  const own = [...then.set.map(([path]) => path), ...(then.unset ?? [])].find(([name]) => name in fixed);
  if (own) throw new Error(`a change cannot touch the key of its row: ${keyText(key)}`);
  for (const [, value] of then.set) storedCopy({ value });
  return undefined;
}

/** A copy of the row. Throws if DynamoDB would refuse the row. */
function checked(key: Key, row: Row): Row {
  const copy = storedCopy(row);
  checkKeys(key, copy);
  if (storedBytes(copy) > storedRowBytesMax) throw new Error(`a row may have ${storedRowBytesMax} bytes`);
  return copy;
}

function copied(row: Row | undefined): Row | undefined {
  return row === undefined ? undefined : storedCopy(row);
}
