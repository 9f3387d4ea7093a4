/**
 * The store in memory: like DynamoDB, writes are strongly consistent, and eventually consistent reads may lag. Each call takes
 * effect at once, as a whole. simulation/faulty-store.ts wraps this store to inject faults.
 */
import type { Key, Range, Ranged, Row, Store, Transacted, Write, WriteOptions, Written } from '../port/port.ts';
import { refuseTwice } from '../port/row-limits.ts';
import { checkedTransaction, checkedWrite, lateWrite, transacted, written } from '../port/row-writes.ts';
import { createMemoryTable, type MemoryTable, type ReadLag } from './table.ts';

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

  function isLate(by: number | undefined): boolean {
    return by !== undefined && now() > by;
  }

  function current(key: Key): Row | undefined {
    return tables[key.table].get(key);
  }

  function set(key: Key, row: Row | undefined): void {
    tables[key.table].set(key, frozen(row));
  }

  return {
    async get(keys) {
      return keys.map(current);
    },

    async range(range: Range): Promise<Ranged> {
      return tables[range.table].range(range);
    },

    async write(write: Write, { by }: WriteOptions = {}): Promise<Written> {
      const checked = checkedWrite(write);
      if (isLate(by)) throw lateWrite();
      const answer = written(checked, current(write.key));
      if (answer.ok) set(write.key, answer.row);
      return answer;
    },

    async writeAll(writes, { by } = {}) {
      refuseTwice(writes);
      const checked = writes.map(checkedWrite);
      if (isLate(by)) return writes.map(lateWrite);
      for (const { key, then } of checked) set(key, 'put' in then ? then.put : undefined);
      return writes.map(() => undefined);
    },

    async transact(writes: readonly Write[], { by }: WriteOptions = {}): Promise<Transacted> {
      const checked = checkedTransaction(writes);
      if (isLate(by)) throw lateWrite();
      const answer = transacted(
        checked,
        writes.map(({ key }) => current(key)),
      );
      if (!answer.ok) return answer;
      for (const [position, { key }] of writes.entries()) set(key, answer.rows[position]);
      return { ok: true };
    },

    rows: (table) => tables[table].all(),
  };
}

/** Rows are returned as they are stored, so no caller may change one. (Bytes cannot be frozen.) */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  Object.values(value).forEach(frozen);
  return Object.freeze(value);
}
