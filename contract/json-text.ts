/**
 * JSON values that stay text from the sender to the receiver. `JSON.parse` loses digits of large numbers, the order of some keys and
 * duplicate keys. So bodies, results and attributes travel and are stored as the text that was sent. A function that reads a text
 * throws SyntaxError if it is not JSON. `json-values.ts` converts between texts and values.
 */
import { invalidInput } from './errors.ts';

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

/** How json-values.ts recognizes a value that `JSON.stringify` cannot write. */
export const needsWriter = 'JsonText is not for JSON.stringify';

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

/** The members of requests and responses whose values stay text. */
const keptAsText: ReadonlySet<string> = new Set(['body', 'attributes', 'result']);
/** No valid request nests deeper, or has an object with more fields. The reader does not look into deeper values. */
const envelopeDepthMax = 16;
const namesMax = 200;

const [quote, backslash, openBrace, closeBrace, openBracket, closeBracket] = [0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d];
const comma = 0x2c;

/**
 * Reads a request: bodies, attributes and results become JsonText, all else becomes values. Null stays null, because it may
 * mean that a field is absent.
 * Throws DumbwaiterError `invalid_input` for a duplicate key outside of these texts.
 */
export function readRequest(text: string): unknown {
  return readEnvelope(text, false);
}

/** Reads a response as `readRequest` reads requests, except that null becomes JsonText too. */
export function readAnswer(text: string): unknown {
  return readEnvelope(text, true);
}

function readEnvelope(text: string, nullAsText: boolean): unknown {
  const value: unknown = JSON.parse(text);
  keepTexts(text, skipSpace(text, 0), value, nullAsText, []);
  return value;
}

/**
 * Replaces values that must stay text by JsonText. `value` is the parsed value that starts at `from`. Returns the position
 * after it.
 */
function keepTexts(text: string, from: number, value: unknown, nullAsText: boolean, path: (string | number)[]): number {
  const isList = text.charCodeAt(from) === openBracket && Array.isArray(value);
  const isObject = text.charCodeAt(from) === openBrace && typeof value === 'object' && value !== null;
  // The text decides, not the value: for a duplicate key the value is that of the last occurrence.
  if ((!isList && !isObject) || path.length > envelopeDepthMax) return endOfValue(text, from);
  let at = skipSpace(text, from + 1);
  if (isList) {
    for (let index = 0; text.charCodeAt(at) !== closeBracket; index++) {
      path.push(index);
      at = skipSeparator(text, keepTexts(text, at, value[index], nullAsText, path));
      path.pop();
    }
    return at + 1;
  }
  const members = value as Record<string, unknown>;
  const seen: string[] = [];
  while (text.charCodeAt(at) !== closeBrace) {
    const endOfName = endOfString(text, at);
    const name = nameAt(text, at, endOfName);
    path.push(name);
    if (seen.includes(name)) throw invalidInput(`${placeOf(path)}: is given twice`);
    if (seen.push(name) > namesMax) throw invalidInput(`${placeOf(path)}: is beyond the limit of ${namesMax} fields`);
    const begin = skipSpace(text, skipSpace(text, endOfName) + 1);
    const isKept = keptAsText.has(name) && (nullAsText || members[name] !== null);
    const end = isKept ? endOfValue(text, begin) : keepTexts(text, begin, members[name], nullAsText, path);
    if (isKept) members[name] = textAsJson(text.slice(begin, end));
    path.pop();
    at = skipSeparator(text, end);
  }
  return at + 1;
}

export function nameAt(text: string, begin: number, end: number): string {
  const name = text.slice(begin + 1, end - 1);
  return name.includes('\\') ? JSON.parse(`"${name}"`) : name;
}

/** The members of an object with their values as text, in order and with duplicate keys; undefined if the text is not an object. */
export function membersOf(text: string): [name: string, value: JsonText][] | undefined {
  JSON.parse(text);
  let at = skipSpace(text, 0);
  if (text.charCodeAt(at) !== openBrace) return undefined;
  const members: [string, JsonText][] = [];
  at = skipSpace(text, at + 1);
  while (text.charCodeAt(at) !== closeBrace) {
    const endOfName = endOfString(text, at);
    const name = nameAt(text, at, endOfName);
    const begin = skipSpace(text, skipSpace(text, endOfName) + 1);
    const end = endOfValue(text, begin);
    members.push([name, textAsJson(text.slice(begin, end))]);
    at = skipSeparator(text, end);
  }
  return members;
}

/** The values of a list of lists, each as text; undefined if the text is not a list of lists. */
export function rowsOf(text: string): string[][] | undefined {
  JSON.parse(text);
  const rows: string[][] = [];
  let at = skipSpace(text, 0);
  if (text.charCodeAt(at) !== openBracket) return undefined;
  at = skipSpace(text, at + 1);
  while (text.charCodeAt(at) !== closeBracket) {
    if (text.charCodeAt(at) !== openBracket) return undefined;
    const row: string[] = [];
    at = skipSpace(text, at + 1);
    while (text.charCodeAt(at) !== closeBracket) {
      const end = endOfValue(text, at);
      row.push(text.slice(at, end));
      at = skipSeparator(text, end);
    }
    rows.push(row);
    at = skipSeparator(text, at + 1);
  }
  return rows;
}

/** The nesting depth of lists and objects in a JSON text; 0 for a scalar. */
export function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) at = endOfString(text, at) - 1;
    else if (code === openBrace || code === openBracket) deepest = Math.max(deepest, ++depth);
    else if (code === closeBrace || code === closeBracket) depth--;
  }
  return deepest;
}

/** A place in the form that errors use: `messages[0].body`. */
function placeOf(path: readonly (string | number)[]): string {
  const place = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part.slice(0, 60)}`)).join('');
  return place.replace(/^\./, '');
}

/** Skips the comma after a value, if there is one, and white space. */
export function skipSeparator(text: string, from: number): number {
  const at = skipSpace(text, from);
  return text.charCodeAt(at) === comma ? skipSpace(text, at + 1) : at;
}

export function skipSpace(text: string, from: number): number {
  let at = from;
  // Space, tab, line feed, carriage return: in valid JSON no other character is at or below 0x20 here.
  while (text.charCodeAt(at) <= 0x20) at++;
  return at;
}

/** The position after the value that begins at `from`. Only strings and brackets need to be tracked. */
export function endOfValue(text: string, from: number): number {
  const first = text.charCodeAt(from);
  if (first === quote) return endOfString(text, from);
  if (first !== openBrace && first !== openBracket) return endOfScalar(text, from);
  let depth = 0;
  for (let at = from; ; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) at = endOfString(text, at) - 1;
    else if (code === openBrace || code === openBracket) depth++;
    else if ((code === closeBrace || code === closeBracket) && --depth === 0) return at + 1;
  }
}

export function endOfString(text: string, from: number): number {
  for (let at = from + 1; ; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) return at + 1;
    if (code === backslash) at++;
  }
}

/** The position after a number, true, false or null: white space, a comma, a bracket or the end of the text follows. */
function endOfScalar(text: string, from: number): number {
  let at = from + 1;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code <= 0x20 || code === comma || code === closeBrace || code === closeBracket) break;
  }
  return at;
}
