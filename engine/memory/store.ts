/**
 * The store in memory: like DynamoDB, writes are strongly consistent, and eventually consistent reads may lag. Each call takes
 * effect at once, as a whole. simulation/faulty-store.ts wraps this store to inject faults.
 */
import type { Key, Range, Ranged, Row, Store, Transacted, Write, WriteOptions, Written } from '../port/port.ts';
import { refuseTwice, storedCopy } from '../port/row-limits.ts';
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
    tables[key.table].set(key, row);
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
      const checked = checkedWrite(write);
      if (isLate(by)) throw lateWrite();
      const answer = written(checked, current(write.key));
      if (answer.ok) set(write.key, answer.row);
      return { ...answer, row: copied(answer.row) };
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
      if (!answer.ok) return { ok: false, refused: answer.refused.map((one) => one && { row: copied(one.row) }) };
      for (const [position, { key }] of writes.entries()) set(key, answer.rows[position]);
      return { ok: true };
    },

    rows: (table) => tables[table].all().map(storedCopy),
  };
}

function copied(row: Row | undefined): Row | undefined {
  return row === undefined ? undefined : storedCopy(row);
}
