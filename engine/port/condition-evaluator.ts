/**
 * The rules as data, evaluated on a row: what `dynamo-store` has DynamoDB do by expressions. Pure. Where the two could
 * differ, DynamoDB is right; `test/conformance` holds them together.
 */
import type { Change, Condition, Path, Row, Value } from './port.ts';
import { assign } from './row-limits.ts';

/** Whether the condition holds for the row; every path of a row that does not exist is absent. */
export function holds(condition: Condition, row: Row | undefined): boolean {
  if ('absent' in condition) return valueAt(row, condition.absent) === undefined;
  if ('exists' in condition) return valueAt(row, condition.exists) !== undefined;
  if ('equals' in condition) return valueAt(row, condition.equals[0]) === condition.equals[1];
  if ('less' in condition) {
    const [path, bound] = condition.less;
    const found = valueAt(row, path);
    if (typeof found === 'number' && typeof bound === 'number') return found < bound;
    return typeof found === 'string' && typeof bound === 'string' && compareStrings(found, bound) < 0;
  }
  refuseEmpty(condition);
  if ('all' in condition) return condition.all.every((part) => holds(part, row));
  if ('any' in condition) return condition.any.some((part) => holds(part, row));
  return !holds(condition.not, row);
}

/**
 * Applies `set` and `unset` to a row of the caller's own, in place. Throws where DynamoDB answers ValidationException
 * (a place whose parent is missing or of the wrong kind), and for places at or past a list's end.
 */
export function applySet(change: Extract<Change, { set: unknown }>, row: Row): void {
  for (const [path, value] of change.set) {
    const parent = parentOf(row, path);
    const last = path.at(-1)!;
    if (Array.isArray(parent)) parent[last as number] = value;
    else assign(parent as Row, last as string, value);
  }
  for (const path of change.unset ?? []) delete (parentOf(row, path) as Row)[path.at(-1)!];
}

/** Order of DynamoDB's strings: by their UTF-8 bytes, which is by code points, where JavaScript compares UTF-16 units. */
export function compareStrings(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let position = 0; position < length; position++) {
    const left = a.charCodeAt(position);
    const right = b.charCodeAt(position);
    if (left === right) continue;
    return codePointRank(left) - codePointRank(right);
  }
  return a.length - b.length;
}

/** Order of sort keys: of one table's, or of the index's, which all are of one type. */
export function compareSortKeys(a: string | number, b: string | number): number {
  return typeof a === 'number' && typeof b === 'number' ? a - b : compareStrings(String(a), String(b));
}

/** Halves of surrogate pairs (D800 to DFFF) stand for code points above all that fit in one unit. */
function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/**
 * DynamoDB takes no two document paths of one update of which one holds the other, nor the same twice. Taking elements
 * out of lists would move those behind them, also those set by the same change: it is left out of the port.
 */
export function checkPlaces({ set, unset = [] }: Extract<Change, { set: unknown }>): void {
  const paths = [...set.map(([path]) => path), ...unset];
  if (paths.length === 0) throw new Error('a change of no places cannot be stated');
  paths.forEach((path, position) => {
    for (const other of paths.slice(position + 1)) {
      const shorter = Math.min(path.length, other.length);
      if (path.slice(0, shorter).every((part, depth) => part === other[depth])) {
        throw new Error(`two places of one change overlap: ${path.join('.')} and ${other.join('.')}`);
      }
    }
  });
  const element = unset.find((path) => typeof path.at(-1) === 'number');
  if (element) throw new Error(`an element cannot be taken out of its list: ${element.join('.')}`);
}

/** An expression of DynamoDB cannot say "always" or "never". */
export function refuseEmpty(condition: Condition): void {
  const parts = 'all' in condition ? condition.all : 'any' in condition ? condition.any : undefined;
  if (parts?.length === 0) throw new Error('a condition of no parts cannot be stated');
}

function valueAt(row: Row | undefined, path: Path): Value | undefined {
  let value: Value | undefined = row;
  for (const part of path) {
    if (value === undefined) return undefined;
    value = childOf(value, part);
  }
  return value;
}

function childOf(value: Value, part: string | number): Value | undefined {
  if (typeof part === 'number') return Array.isArray(value) ? value[part] : undefined;
  return isMap(value) && Object.hasOwn(value, part) ? value[part] : undefined;
}

function isMap(value: Value): value is { [name: string]: Value } {
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Uint8Array);
}

function parentOf(row: Row, path: Path): Value {
  let parent: Value | undefined = row;
  for (const part of path.slice(0, -1)) if (parent !== undefined) parent = childOf(parent, part);
  const last = path.at(-1)!;
  const fits = parent !== undefined && (typeof last === 'number' ? Array.isArray(parent) && last < parent.length : isMap(parent));
  if (!fits) throw new Error(`the row has no such place: ${path.join('.')}`);
  return parent!;
}
