/** The statements that read and write rows. They run within whatever transaction is open; group-commit.ts opens it. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { dueIndex, type Key, type Range, type Ranged, type Row, timeToLiveAttribute, type Value } from '../port/port.ts';
import { checkRange, dueProjection, pageBytesMax, positionIn } from '../port/row-writes.ts';
import { decodeRow, encodeRow } from './row-text.ts';

export interface Rows {
  get(key: Key): Row | undefined;
  /** Stores the row, or removes it if it is undefined. */
  set(key: Key, row: Row | undefined): void;
  range(range: Range): Ranged;
  all(table: Key['table']): Row[];
  /** Removes all rows but those of `queues` that are of this kind. */
  clear(keptKind: string): void;
  /** Removes rows whose time to live has passed, at most `limit` of each table. Returns how many. */
  removeExpired(now: number, limit: number): number;
  /** How many rows were stored or removed so far. */
  changes(): number;
}

type TableName = Key['table'];

/** The columns besides `row`. Each has the attribute of its name; the first ones are the key. */
const columns = {
  messages: { key: ['shard', 'id'], more: [timeToLiveAttribute] },
  leases: { key: ['id'], more: [dueIndex.partition, dueIndex.sort, timeToLiveAttribute] },
  queues: { key: ['kind', 'name'], more: [timeToLiveAttribute] },
} as const;
const tableNames = Object.keys(columns) as TableName[];
/** Rows have at most 400 KB each. */
const rowsAtOnceMax = 64;

export function createRows(database: DatabaseSync): Rows {
  const statements = Object.fromEntries(tableNames.map((table) => [table, prepareTable(database, table)])) as Record<
    TableName,
    ReturnType<typeof prepareTable>
  >;
  const ranges = new Map<string, StatementSync>();
  let changes = 0;

  function prepareRange(range: Range): { statement: StatementSync; values: SQLInputValue[] } {
    const { sql, values } = rangeQuery(range);
    let statement = ranges.get(sql);
    if (statement === undefined) {
      statement = database.prepare(sql);
      ranges.set(sql, statement);
    }
    return { statement, values };
  }

  return {
    get(key) {
      const found = statements[key.table].get.get(...keyValues(key));
      return found === undefined ? undefined : decodeRow(found.row as string);
    },

    set(key, row) {
      changes++;
      const { put, remove } = statements[key.table];
      if (row === undefined) remove.run(...keyValues(key));
      else put.run(...keyValues(key), ...columns[key.table].more.map((name) => stored(name, row[name])), encodeRow(row));
    },

    clear(keptKind) {
      changes++;
      // Without a condition, SQLite frees whole pages and reads no row.
      database.exec('DELETE FROM messages; DELETE FROM leases');
      database.prepare('DELETE FROM queues WHERE kind <> ?').run(keptKind);
    },

    range(range) {
      checkRange(range);
      const { statement, values } = prepareRange(range);
      const rows: Row[] = [];
      let bytes = 0;
      // `all` takes about half as long as `iterate`, but loads rows beyond the page too, so it serves only ranges of few rows.
      for (const { row: text } of range.limit <= rowsAtOnceMax ? statement.all(...values) : statement.iterate(...values)) {
        rows.push(decodeRow(text as string));
        bytes += Buffer.byteLength(text as string);
        if (bytes >= pageBytesMax) break;
      }
      const last = rows.at(-1);
      const shown = range.index === undefined ? rows : rows.map(dueProjection);
      const more = last !== undefined && (rows.length === range.limit || bytes >= pageBytesMax);
      return more ? { rows: shown, next: positionIn(range, last) } : { rows: shown };
    },

    all: (table) => statements[table].all.all().map(({ row }) => decodeRow(row as string)),

    removeExpired(now, limit) {
      let removed = 0;
      for (const table of tableNames) removed += Number(statements[table].expire.run(now / 1000, limit).changes);
      changes += removed;
      return removed;
    },

    changes: () => changes,
  };
}

function prepareTable(database: DatabaseSync, table: TableName) {
  const { key, more } = columns[table];
  const where = key.map((name) => `${name} = ?`).join(' AND ');
  const names = [...key, ...more, 'row'];
  const update = [...more, 'row'].map((name) => `${name} = excluded.${name}`).join(', ');
  return {
    get: database.prepare(`SELECT row FROM ${table} WHERE ${where}`),
    put: database.prepare(
      `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})
       ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${update}`,
    ),
    remove: database.prepare(`DELETE FROM ${table} WHERE ${where}`),
    all: database.prepare(`SELECT row FROM ${table}`),
    expire: database.prepare(
      `DELETE FROM ${table} WHERE rowid IN
       (SELECT rowid FROM ${table} WHERE ${timeToLiveAttribute} < ? ORDER BY ${timeToLiveAttribute} LIMIT ?)`,
    ),
  };
}

/** The query of a range: its text has no values, so that few statements serve all ranges. */
function rangeQuery({ table, index, partition, from, to, after, limit }: Range): { sql: string; values: SQLInputValue[] } {
  const [first, sort] = index === undefined ? columns[table].key : [dueIndex.partition, dueIndex.sort];
  const conditions = [`${first} = ?`];
  const values: SQLInputValue[] = [partition];
  const add = (condition: string, ...given: (Value | undefined)[]) => {
    conditions.push(condition);
    values.push(...given.map(columnValue));
  };
  // SQLite uses the partial index only if the condition implies that of the index.
  if (index !== undefined) add(`${sort} IS NOT NULL`);
  if (sort !== undefined && from !== undefined) add(`${sort} >= ?`, from);
  if (sort !== undefined && to !== undefined) add(`${sort} <= ?`, to);
  if (after !== undefined) {
    if (index !== undefined) add(`${sort} >= ? AND (${sort} > ? OR id > ?)`, after[sort!], after[sort!], after.id);
    else if (sort !== undefined) add(`${sort} > ?`, after[sort]);
    else add('FALSE');
  }
  const order = index === undefined ? (sort ?? first) : `${sort}, id`;
  return {
    sql: `SELECT row FROM ${table} WHERE ${conditions.join(' AND ')} ORDER BY ${order} LIMIT ?`,
    values: [...values, limit],
  };
}

function keyValues(key: Key): SQLInputValue[] {
  if (key.table === 'leases') return [key.id];
  return key.table === 'messages' ? [key.shard, key.id] : [key.kind, key.name];
}

/** A time to live of another type than a number is none, as in DynamoDB. */
function stored(name: string, value: Value | undefined): SQLInputValue {
  return name === timeToLiveAttribute && typeof value !== 'number' ? null : columnValue(value);
}

function columnValue(value: Value | undefined): SQLInputValue {
  return typeof value === 'string' || typeof value === 'number' ? value : null;
}
