/**
 * Filters of subscriptions, in the language of SNS filter policies:
 * https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
 * A filter is compiled once, to clauses that must all hold. Lists in a body are opened: a clause holds if it does for one
 * element, and the clauses on members of objects in a list must hold for the same object.
 */

import type { Json } from '../../contract/contract.ts';
import { invalidInput } from '../../contract/errors.ts';
import { type Conditions, compileConditions, isOperator, type Scalar } from './filter-conditions.ts';

export type Members = { readonly [key: string]: unknown };

/** One key of a filter. */
export interface Clause {
  /** Such as `filter.customer.country`. */
  path: string;
  key: string;
  /** What the filter asks for under the key. */
  condition: Json;
  /** Whether an object of a message meets it. `undefined`: there is no object. `root` is the object that holds all others. */
  holds(object: Members | undefined, root: Members): boolean;
  /** The clauses on the members of the key's value, if the filter nests there. */
  inner?: readonly Clause[];
}

/** Throws `invalid_input`, with the path, for what is not a filter. */
export function compileClauses(filter: unknown): readonly Clause[] {
  return compileObject(filter, 'filter', []);
}

export function allHold(clauses: readonly Clause[], object: Members | undefined, root: Members): boolean {
  for (const clause of clauses) if (!clause.holds(object, root)) return false;
  return true;
}

function compileObject(filter: unknown, path: string, keys: readonly string[]): readonly Clause[] {
  if (!isMembers(filter)) throw invalidInput(`${path}: must be an object`);
  const entries = Object.entries(filter);
  if (entries.length === 0 && keys.length > 0) throw invalidInput(`${path}: must have at least one key`);
  return entries.map(([key, condition]) => compileClause(key, condition, `${path}.${key.slice(0, 60)}`, keys));
}

function compileClause(key: string, given: unknown, path: string, parents: readonly string[]): Clause {
  const condition = given as Json;
  if (isAlternatives(key, given)) {
    const alternatives = given.map((one, index) => compileAlternative(one, `${path}[${index}]`, parents));
    return { path, key, condition, holds: (object, root) => alternatives.some((clauses) => allHold(clauses, object, root)) };
  }
  const keys = [...parents, key];
  if (Array.isArray(given)) {
    const conditions = compileConditions(given, path);
    return { path, key, condition, holds: (object, root) => meetsAt(conditions, valueAt(object, key), keys, root) };
  }
  if (!isMembers(given)) throw invalidInput(`${path}: must be a list of conditions or an object`);
  const inner = compileObject(given, path, keys);
  return {
    path,
    key,
    condition,
    inner,
    holds: (object, root) => someObject(valueAt(object, key), (one) => allHold(inner, one, root)),
  };
}

function compileAlternative(filter: unknown, path: string, parents: readonly string[]): readonly Clause[] {
  const clauses = compileObject(filter, path, parents);
  if (clauses.length === 0) throw invalidInput(`${path}: must have at least one key`);
  return clauses;
}

/** As SNS has it: anything else under the key `$or` is a condition on a member of that name. */
export function isAlternatives(key: string, value: unknown): value is Members[] {
  return (
    key === '$or' &&
    Array.isArray(value) &&
    value.length >= 2 &&
    value.every((one) => isMembers(one) && !Object.keys(one).some(isOperator))
  );
}

function meetsAt(conditions: Conditions, value: unknown, keys: readonly string[], root: Members): boolean {
  if (typeof value !== 'object' || value === null) {
    if (value !== undefined) return conditions.meets(value as Scalar);
  } else if (Array.isArray(value)) {
    if (someScalar(value, conditions.meets)) return true;
  }
  return conditions.acceptAbsent && !hasValueAt(root, keys, 0);
}

/** Whether a message has a value at this path, in any element of any list. Only `exists: false` asks. */
function hasValueAt(value: unknown, keys: readonly string[], depth: number): boolean {
  if (Array.isArray(value)) return value.some((element) => hasValueAt(element, keys, depth));
  if (depth === keys.length) return value !== undefined && !isMembers(value);
  return isMembers(value) && hasValueAt(valueAt(value, keys[depth] as string), keys, depth + 1);
}

function someScalar(list: readonly unknown[], test: (value: Scalar) => boolean): boolean {
  return list.some((one) => (Array.isArray(one) ? someScalar(one, test) : !isMembers(one) && test(one as Scalar)));
}

/** Whether one of the objects of a value passes. Where it has none, whether the absence of an object does. */
function someObject(value: unknown, test: (object: Members | undefined) => boolean): boolean {
  if (!Array.isArray(value)) return test(isMembers(value) ? value : undefined);
  const objects = objectsIn(value);
  return objects.length === 0 ? test(undefined) : objects.some(test);
}

/** The objects of a value: it, or those in its lists. */
export function objectsIn(value: unknown): Members[] {
  if (Array.isArray(value)) return value.flatMap(objectsIn);
  return isMembers(value) ? [value] : [];
}

export function valueAt(object: Members | undefined, key: string): unknown {
  return object !== undefined && Object.hasOwn(object, key) ? object[key] : undefined;
}

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
