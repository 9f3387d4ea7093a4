/** Checks values before they are sent, because `JSON.stringify` silently changes what JSON lacks. */
import { isJsonText } from '../../contract/json-text.ts';

/**
 * Throws TypeError for a value that JSON does not have, naming its place, such as `body.items[1].price`. `JSON.stringify` would
 * drop it, or turn it into null or `{}`. Fields may be undefined, `toJSON` is called, and a bigint counts as a number.
 */
export function checkJson(place: string, given: unknown, key = '', within: readonly unknown[] = []): void {
  if (isJsonText(given)) return;
  const converted = afterToJSON(given, key);
  const unsupported = within.includes(converted) ? 'a cycle' : unsupportedKind(given, converted);
  if (unsupported !== undefined) throw new TypeError(`${place} is ${unsupported}, which JSON does not have`);
  if (typeof converted !== 'object' || converted === null) return;
  const inner = [...within, converted];
  if (Array.isArray(converted)) {
    for (let i = 0; i < converted.length; i++) checkJson(`${place}[${i}]`, converted[i], String(i), inner);
  } else {
    for (const [name, value] of Object.entries(converted))
      if (value !== undefined) checkJson(`${place}.${name}`, value, name, inner);
  }
}

function afterToJSON(given: unknown, key: string): unknown {
  const { toJSON } = (given ?? {}) as { toJSON?: unknown };
  return typeof toJSON === 'function' ? toJSON.call(given, key) : given;
}

/** Describes a value that JSON does not have; undefined if JSON has it. `converted` is the value after `toJSON`. */
function unsupportedKind(given: unknown, converted: unknown): string | undefined {
  if (typeof converted === 'number') return Number.isFinite(converted) ? undefined : String(converted);
  if (/undefined|function|symbol/.test(typeof converted)) return typeof converted;
  if (typeof given !== 'object' || given === null) return undefined;
  const kind = kindOf(given);
  if (kind === 'Date' && converted === null) return 'an invalid Date';
  return kind === 'Error' || ArrayBuffer.isView(given) || isEmptied(converted) ? (given.constructor?.name ?? kind) : undefined;
}

/** The kind of a value by its tag. `instanceof` fails for values from another realm, as test runners and frames create them. */
export function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** Whether the value is an object of a class without visible fields, such as a Map, which JSON would turn into `{}`. */
function isEmptied(converted: unknown): boolean {
  if (typeof converted !== 'object' || converted === null || Array.isArray(converted) || Object.keys(converted).length > 0)
    return false;
  const prototype = Object.getPrototypeOf(converted);
  return prototype !== null && Object.getPrototypeOf(prototype) !== null;
}
