/** The limits of a row in DynamoDB, and its size as DynamoDB computes it. Every store enforces them through this file. */
import { dueIndex, type Key, type Row, tables, type Value, type Write } from './port.ts';

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html */
export const storedRowBytesMax = 400 * 1024;
export const storedDepthMax = 32;
export const partitionKeyBytesMax = 2048;
export const sortKeyBytesMax = 1024;
/** Names of attributes, ids and tokens are shorter. */
const shortChars = 40;
const numberMagnitudeMin = 1e-130;
const numberMagnitudeMax = 9.999999999999999e125;

/** A deep copy of the row. Throws for a value that DynamoDB would reject or that a JSON request cannot carry. */
export function storedCopy(row: Row): Row {
  return copyMap(row, 1);
}

/** Bytes of a row as DynamoDB counts them: names and values. A boolean has 1; a list or map has 3, and 1 for each element. */
export function storedBytes(row: Row): number {
  let bytes = 0;
  for (const name of Object.keys(row)) bytes += stringBytes(name) + valueBytes(row[name]!);
  return bytes;
}

/** The key attributes as the row holds them. */
export function keyAttributes(key: Key): Row {
  const { table: _, ...attributes } = key;
  return attributes;
}

/** The key as text. Two keys have the same text exactly if they are equal. */
export function keyText(key: Key): string {
  if (key.table === 'leases') return `leases ${key.id}`;
  const [partition, sort] = key.table === 'messages' ? [key.shard, key.id] : [key.kind, key.name];
  return `${key.table} ${partition.length} ${partition} ${sort}`;
}

/** Whether a write puts unreceived messages into `messages`. */
export function isPublish({ key, then }: Pick<Write, 'key' | 'then'>): boolean {
  return key.table === 'messages' && 'put' in then;
}

/** The shard whose partition a write loads, in the table or in the index; undefined if there is none. */
export function shardOf({ key, then }: Pick<Write, 'key' | 'then'>): string | undefined {
  if (key.table === 'messages') return key.shard;
  if (key.table !== 'leases' || 'remove' in then) return undefined;
  const shard = 'put' in then ? then.put.shard : then.set.find(([path]) => path.length === 1 && path[0] === 'shard')?.[1];
  return typeof shard === 'string' ? shard : undefined;
}

/** Throws unless the row holds the attributes of its key and DynamoDB accepts that key and the keys of the index. */
export function checkKeys(key: Key, row: Row): void {
  for (const [name, value] of Object.entries(keyAttributes(key))) {
    if (row[name] !== value) throw new Error(`the row put under ${keyText(key)} states another ${name}`);
    const bytesMax = name === tables[key.table].partition ? partitionKeyBytesMax : sortKeyBytesMax;
    const bytes = stringBytes(value as string);
    if (bytes < 1 || bytes > bytesMax) throw new Error(`${name} of a key must have 1 to ${bytesMax} bytes, not ${bytes}`);
  }
  if (key.table !== dueIndex.table) return;
  const { [dueIndex.partition]: partition, [dueIndex.sort]: sort } = row;
  if (partition !== undefined && (typeof partition !== 'string' || partition === '')) {
    throw new Error(`${dueIndex.partition} of the index must be a string, and not empty`);
  }
  if (sort !== undefined && typeof sort !== 'number') throw new Error(`${dueIndex.sort} of the index must be a number`);
}

/** Sets an own property, even one named `__proto__`. */
export function assign(map: Row, name: string, value: Value): void {
  if (name === '__proto__') Object.defineProperty(map, name, { value, writable: true, enumerable: true, configurable: true });
  else map[name] = value;
}

/** DynamoDB rejects a batch or transaction with two writes to one key. */
export function refuseTwice(writes: readonly { key: Key }[]): void {
  const seen = new Set<string>();
  for (const { key } of writes) {
    const text = keyText(key);
    if (seen.has(text)) throw new Error(`two writes of one call are on the same key: ${text}`);
    seen.add(text);
  }
}

function copyMap(map: Row, depth: number): Row {
  const copied: Row = {};
  for (const name of Object.keys(map)) assign(copied, wellFormed(name), copy(map[name], depth));
  return copied;
}

function copy(value: Value | undefined, depth: number): Value {
  if (depth > storedDepthMax) throw new Error(`a row may nest ${storedDepthMax} levels`);
  if (typeof value === 'string') return wellFormed(value);
  if (typeof value === 'number') return storedNumber(value);
  if (typeof value === 'boolean') return value;
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map((element) => copy(element, depth + 1));
  if (typeof value === 'object' && value !== null) return copyMap(value, depth + 1);
  throw new Error(`a row cannot hold ${String(value)}`);
}

/** The number. Throws if DynamoDB cannot store it. */
export function storedNumber(value: number): number {
  const magnitude = Math.abs(value);
  if (value === 0) return 0;
  if (magnitude >= numberMagnitudeMin && magnitude <= numberMagnitudeMax) return value;
  throw new Error(`a row cannot hold the number ${value}`);
}

/** The text. Throws if it holds an unpaired surrogate. */
export function wellFormed(text: string): string {
  if (!text.isWellFormed()) throw new Error('a row cannot hold an unpaired surrogate');
  return text;
}

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html */
function valueBytes(value: Value): number {
  if (typeof value === 'string') return stringBytes(value);
  if (typeof value === 'number') return numberBytes(value);
  if (typeof value === 'boolean') return 1;
  if (value instanceof Uint8Array) return value.byteLength;
  const isList = Array.isArray(value);
  let bytes = 3;
  if (isList) for (const element of value) bytes += 1 + valueBytes(element);
  else for (const name of Object.keys(value)) bytes += 1 + stringBytes(name) + valueBytes(value[name]!);
  return bytes;
}

/** One byte for each two significant digits, one more byte, and one for a minus sign. */
function numberBytes(value: number): number {
  if (value === 0) return 1;
  if (Number.isSafeInteger(value)) return Math.ceil(significantDigits(Math.abs(value)) / 2) + 1 + (value < 0 ? 1 : 0);
  const digits = String(Math.abs(value))
    .replace(/e.*$/, '')
    .replace('.', '')
    .replace(/^0+|0+$/g, '').length;
  return Math.ceil(digits / 2) + 1 + (value < 0 ? 1 : 0);
}

function significantDigits(integer: number): number {
  let rest = integer;
  while (rest % 10 === 0) rest /= 10;
  let digits = 1;
  for (let power = 10; rest >= power; power *= 10) digits++;
  return digits;
}

function stringBytes(text: string): number {
  // For a short text, a loop is faster than a call out of JavaScript.
  if (text.length > shortChars) return Buffer.byteLength(text);
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return Buffer.byteLength(text);
  return text.length;
}
