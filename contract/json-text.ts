/**
 * JSON values that stay text from the sender to the receiver. `JSON.parse` loses digits of large numbers, the order of some keys and
 * duplicate keys. So bodies, results and attributes travel and are stored as the text that was sent.
 */
import type { Json } from './contract.ts';

/** A global symbol, because the package and its bundles may each have a copy of this class. Parsed JSON never has it. */
const tag: unique symbol = Symbol.for('dumbwaiter.jsonText') as never;

/** One valid JSON value as text. Allowed wherever the contract has a body, a result or attributes. */
export type JsonText = { readonly text: string };

class TaggedText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  get [tag](): true {
    return true;
  }

  /** Throws, because `JSON.stringify` cannot write raw text. Use `stringify` or `writeJson`. */
  toJSON(): never {
    throw new TypeError(needsWriter);
  }
}

const needsWriter = 'JsonText is not for JSON.stringify';

/** Wraps a text that is known to be valid JSON. */
export function textAsJson(text: string): JsonText {
  return new TaggedText(text);
}

export function isJsonText(value: unknown): value is JsonText {
  return typeof value === 'object' && value !== null && tag in value;
}

/**
 * A JSON value to publish exactly as this text, without white space around it: `{ body: jsonText('{"id":1970670598291982290}')
 * }`.
 * Throws SyntaxError if the text is not JSON, TypeError if it contains an unpaired surrogate.
 */
export function jsonText(text: string): JsonText {
  JSON.parse(text);
  if (/\p{Surrogate}/u.test(text))
    throw new TypeError('the text has an unpaired surrogate; write it as an escape, such as \\ud83e');
  return new TaggedText(text.trim());
}

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
  let plain: Record<string, unknown> = {};
  const writePlain = () => {
    const text = JSON.stringify(plain).slice(1, -1);
    if (text !== '') parts.push(text);
    plain = {};
  };
  for (const member of Object.keys(value)) {
    const inner = (value as Record<string, unknown>)[member];
    if (!asksForWriter(inner) && member !== '__proto__') plain[member] = inner;
    else {
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
