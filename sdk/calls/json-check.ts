/** Checks values before they are sent, because `JSON.stringify` silently changes what JSON lacks. */
import { isJsonText } from '../../contract/json-text.ts';

/**
 * Throws TypeError for a value that JSON does not have, naming its place, such as `body.items[1].price`. `JSON.stringify` would
 * drop it, or turn it into null or `{}`. Fields may be undefined, `toJSON` is called, and a bigint counts as a number.
 */
export function checkJson(place: string, given: unknown, key = '', within: readonly unknown[] = []): void {
  if (isJsonText(given)) return;
  const made = madeOf(given, key);
  const foreign = within.includes(made) ? 'a cycle' : foreignTo(given, made);
  if (foreign !== undefined) throw new TypeError(`${place} is ${foreign}, which JSON does not have`);
  if (typeof made !== 'object' || made === null) return;
  const inner = [...within, made];
  if (Array.isArray(made)) {
    for (let i = 0; i < made.length; i++) checkJson(`${place}[${i}]`, made[i], String(i), inner);
  } else {
    for (const [name, value] of Object.entries(made)) if (value !== undefined) checkJson(`${place}.${name}`, value, name, inner);
  }
}

function madeOf(given: unknown, key: string): unknown {
  const { toJSON } = (given ?? {}) as { toJSON?: unknown };
  return typeof toJSON === 'function' ? toJSON.call(given, key) : given;
}

/** Describes a value that JSON does not have; undefined if JSON has it. `made` is the value after `toJSON`. */
function foreignTo(given: unknown, made: unknown): string | undefined {
  if (typeof made === 'number') return Number.isFinite(made) ? undefined : String(made);
  if (/undefined|function|symbol/.test(typeof made)) return typeof made;
  if (typeof given !== 'object' || given === null) return undefined;
  const kind = kindOf(given);
  if (kind === 'Date' && made === null) return 'an invalid Date';
  return kind === 'Error' || ArrayBuffer.isView(given) || isEmptied(made) ? (given.constructor?.name ?? kind) : undefined;
}

/** The kind of a value by its tag. `instanceof` fails for values from another realm, as test runners and frames create them. */
export function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** Whether the value is an object of a class without visible fields, such as a Map, which JSON would turn into `{}`. */
function isEmptied(made: unknown): boolean {
  if (typeof made !== 'object' || made === null || Array.isArray(made) || Object.keys(made).length > 0) return false;
  const prototype = Object.getPrototypeOf(made);
  return prototype !== null && Object.getPrototypeOf(prototype) !== null;
}
