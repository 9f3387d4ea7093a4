/**
 * Evaluates conditions and applies changes to a row in memory, as DynamoDB does with the expressions of `engine/dynamo/`.
 * Pure functions. Where the two differ, DynamoDB is right; `test/conformance` compares them.
 */
import type { Change, Condition, Path, Row, Value } from './port.ts';
import { assign } from './row-limits.ts';

/** Whether the condition holds for the row. In a row that does not exist, every path is absent. */
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
 * Applies `set` and `unset` to the row in place. Throws where DynamoDB returns a ValidationException: the parent of a
 * path is missing or has the wrong type. Also throws for a list index at or past the end of the list.
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

/** Compares strings as DynamoDB does: by UTF-8 bytes, which is code point order. JavaScript compares UTF-16 units. */
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

/** Compares sort keys of one table or index. Both have the same type. */
export function compareSortKeys(a: string | number, b: string | number): number {
  return typeof a === 'number' && typeof b === 'number' ? a - b : compareStrings(String(a), String(b));
}

/** Ranks surrogates (D800 to DFFF) above all other units: they encode code points beyond FFFF. */
function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/**
 * DynamoDB rejects an update in which one document path equals or contains another. The port does not allow removing
 * list elements: that would shift the elements after them, including those set by the same change.
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

/** A DynamoDB expression cannot state "always" or "never". */
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
