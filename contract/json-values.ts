/** Values to JSON text and back, where `JSON` alone cannot: with a JsonText or a bigint among them. */
import type { Json } from './contract.ts';
import { endOfString, endOfValue, isJsonText, nameAt, needsWriter, skipSeparator, skipSpace, textAsJson } from './json-text.ts';

/** Like `JSON.stringify`, except that a JsonText is written as its own text and a bigint as its digits. */
export function stringify(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (!asksForText(error)) throw error;
    return writeJson(value);
  }
}

/** A JSON copy of a value; a JsonText if the value contains a JsonText or a bigint. Undefined for a value that has no JSON. */
export function jsonCopy(value: unknown): Json | undefined {
  try {
    const text = JSON.stringify(value);
    return text === undefined ? undefined : JSON.parse(text);
  } catch (error) {
    if (!asksForText(error)) throw error;
    return textAsJson(writeJson(value));
  }
}

function asksForText(error: unknown): boolean {
  return error instanceof TypeError && (error.message === needsWriter || error.message.includes('BigInt'));
}

/** Like `stringify`, for values that are known to contain a JsonText or a bigint: skips the attempt with `JSON.stringify`. */
export function writeJson(value: unknown, name = ''): string {
  if (isJsonText(value)) return value.text;
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if ('toJSON' in value && typeof value.toJSON === 'function') return writeJson(value.toJSON(name));
  if (Array.isArray(value)) return `[${value.map((element, index) => writeJson(element, String(index))).join(',')}]`;
  const parts: string[] = [];
  // Adjacent members that hold no object are written together, for speed: they are most of a response.
  let plain: Record<string, unknown> | undefined;
  const writePlain = () => {
    const text = plain === undefined ? '' : JSON.stringify(plain).slice(1, -1);
    if (text !== '') parts.push(text);
    plain = undefined;
  };
  for (const member of Object.keys(value)) {
    const inner = (value as Record<string, unknown>)[member];
    if (!asksForWriter(inner) && member !== '__proto__') {
      plain ??= {};
      plain[member] = inner;
    } else {
      writePlain();
      parts.push(`${JSON.stringify(member)}:${writeJson(inner, member)}`);
    }
  }
  writePlain();
  return `{${parts.join(',')}}`;
}

function asksForWriter(value: unknown): boolean {
  return (typeof value === 'object' && value !== null) || typeof value === 'bigint';
}

/** Converts a JsonText to what the caller asked for. `name` is the name of the member that holds it. */
export type Read = (text: string, name: string) => unknown;

const parsed: Read = (text) => JSON.parse(text);

/** A copy in which `read` has converted each JsonText. By default, to its parsed value. */
export function withValues<T>(value: T, read: Read = parsed, name = ''): T {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (isJsonText(value)) return read(value.text, name) as T;
  if (Array.isArray(value)) return value.map((element) => withValues(element, read, name)) as T;
  return Object.fromEntries(Object.entries(value).map(([member, inner]) => [member, withValues(inner, read, member)])) as T;
}

/** Like `JSON.parse`, except that whole numbers beyond the exact range of a number become bigint. */
export function parseWithBigints(text: string): unknown {
  const value = JSON.parse(text);
  // Shorter numbers are exact.
  return /\d{16}/.test(text) ? readBigints(text) : value;
}

function readBigints(text: string): unknown {
  let at = skipSpace(text, 0);

  function value(): unknown {
    if (text[at] === '{') return object();
    if (text[at] === '[') return list();
    const begin = at;
    at = endOfValue(text, at);
    const found = text.slice(begin, at);
    return /^-?\d{16,}$/.test(found) && !Number.isSafeInteger(Number(found)) ? BigInt(found) : JSON.parse(found);
  }

  function list(): unknown[] {
    const values: unknown[] = [];
    at = skipSpace(text, at + 1);
    while (text[at] !== ']') {
      values.push(value());
      at = skipSeparator(text, at);
    }
    at++;
    return values;
  }

  function object(): object {
    const members: Record<string, unknown> = {};
    at = skipSpace(text, at + 1);
    while (text[at] !== '}') {
      const endOfName = endOfString(text, at);
      const name = nameAt(text, at, endOfName);
      at = skipSpace(text, skipSpace(text, endOfName) + 1);
      const member = value();
      // In JSON, a member named `__proto__` is an ordinary member.
      if (name !== '__proto__') members[name] = member;
      else Object.defineProperty(members, name, { value: member, enumerable: true, configurable: true, writable: true });
      at = skipSeparator(text, at);
    }
    at++;
    return members;
  }

  return value();
}
