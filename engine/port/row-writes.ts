/**
 * What a write makes of a row, as DynamoDB decides it: which writes are defects, which are refused, and the row afterwards.
 * Pure functions, for the stores that evaluate writes themselves.
 */
import { applySet, checkPlaces, holds } from './condition-evaluator.ts';
import { dueIndex, type Range, type Row, StoreError, type Transacted, tables, type Write, type Written } from './port.ts';
import { checkKeys, keyAttributes, keyText, refuseTwice, storedBytes, storedCopy, storedRowBytesMax } from './row-limits.ts';

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html */
export const transactionWritesMax = 100;
const transactionBytesMax = 4 * 1024 * 1024;

/** The size at which a query's page ends: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html */
export const pageBytesMax = 1024 * 1024;

/** A copy of the write that later changes of the caller's values do not reach. Throws for defects that show without the row. */
export function checkedWrite<Checked extends Pick<Write, 'key' | 'then'>>(write: Checked): Checked {
  const { key, then } = write;
  if ('put' in then) return { ...write, then: { put: checkedRow(key, storedCopy(then.put)) } };
  if (!('set' in then)) return write;
  checkPlaces(then);
  const fixed = keyAttributes(key);
  const own = [...then.set.map(([path]) => path), ...(then.unset ?? [])].find(([name]) => name in fixed);
  if (own) throw new Error(`a change cannot touch the key of its row: ${keyText(key)}`);
  return { ...write, then: { ...then, set: then.set.map(([path, value]) => [path, storedCopy({ value }).value!] as const) } };
}

/** Throws for defects of a transaction that show without its rows. */
export function checkedTransaction(writes: readonly Write[]): Write[] {
  if (writes.length > transactionWritesMax) throw new Error(`a transaction takes ${transactionWritesMax} writes`);
  refuseTwice(writes);
  return writes.map(checkedWrite);
}

/** What one write makes of the current row. `row` is a new object only if a change or a put made it. */
export function written(write: Write, current: Row | undefined): Written {
  return isRefused(write, current) ? { ok: false, row: current } : { ok: true, row: rowAfter(write, current) };
}

/** What a transaction makes of the current rows. `rows`: the rows after it, in the order of the writes. */
export function transacted(
  writes: readonly Write[],
  current: readonly (Row | undefined)[],
): Extract<Transacted, { ok: false }> | { ok: true; rows: (Row | undefined)[] } {
  const refused = writes.map((write, position) => (isRefused(write, current[position]) ? { row: current[position] } : undefined));
  if (refused.some((one) => one !== undefined)) return { ok: false, refused };
  const rows = writes.map((write, position) => rowAfter(write, current[position]));
  const bytes = rows.reduce((sum, row) => sum + (row === undefined ? 0 : storedBytes(row)), 0);
  if (bytes > transactionBytesMax) throw new Error(`a transaction takes ${transactionBytesMax} bytes`);
  return { ok: true, rows };
}

/** Throws for a range that DynamoDB rejects. */
export function checkRange({ table, index, limit, consistent }: Range): void {
  if (index !== undefined && consistent) throw new Error('an index cannot be read consistently');
  if (index !== undefined && table !== dueIndex.table) throw new Error(`${table} has no index`);
  if (!Number.isInteger(limit) || limit < 1) throw new Error('a range needs a limit of 1 or more');
}

/** The attributes of a row that the index `due` has. */
export function dueProjection(row: Row): Row {
  return pick(row, [tables.leases.partition, dueIndex.partition, dueIndex.sort, ...dueIndex.projected]);
}

/** The place of a row in a range, as `Ranged.next`. */
export function positionIn({ table, index }: Range, row: Row): Row {
  return pick(row, [...Object.values(tables[table]), ...(index === undefined ? [] : [dueIndex.partition, dueIndex.sort])]);
}

/** The error of a write whose deadline has passed before it was sent. */
export function lateWrite(): StoreError {
  return new StoreError('the time in which the write was safe has passed', 'no', undefined, 'late');
}

function isRefused({ when, then }: Write, current: Row | undefined): boolean {
  if ('set' in then && current === undefined) return true;
  return when !== undefined && !holds(when, current);
}

/** Throws for a change that DynamoDB rejects. */
function rowAfter({ key, then }: Write, current: Row | undefined): Row | undefined {
  if ('put' in then) return then.put;
  if (!('set' in then)) return undefined;
  const changed = storedCopy(current!);
  applySet(then, changed);
  return checkedRow(key, storedCopy(changed));
}

/** Returns the row. Throws if DynamoDB rejects it. */
function checkedRow(key: Write['key'], row: Row): Row {
  checkKeys(key, row);
  if (storedBytes(row) > storedRowBytesMax) throw new Error(`a row may have ${storedRowBytesMax} bytes`);
  return row;
}

function pick(row: Row, names: readonly string[]): Row {
  return Object.fromEntries(names.filter((name) => row[name] !== undefined).map((name) => [name, row[name]!]));
}
