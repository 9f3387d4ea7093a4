/**
 * Converts rows and keys to and from DynamoDB's JSON, which is sent as it is:
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
 */
import type { Key, Row, Value } from '../port/port.ts';
import { assign, checkKeys, keyAttributes, storedNumber, wellFormed } from '../port/row-limits.ts';

export type Attribute =
  | { S: string }
  | { N: string }
  | { BOOL: boolean }
  /** Base64. */
  | { B: string }
  | { L: Attribute[] }
  | { M: Item };

export interface Item {
  [name: string]: Attribute;
}

export function toItem(row: Row): Item {
  const item: Item = {};
  for (const name of Object.keys(row)) assignAttribute(item, wellFormed(name), toAttribute(row[name]!));
  return item;
}

export function keyItem(key: Key): Item {
  return toItem(keyAttributes(key));
}

/** The item of a put. Its row contains its own key, which is checked. */
export function putItem({ key, row }: { key: Key; row: Row }): Item {
  checkKeys(key, row);
  return toItem(row);
}

export function fromItem(item: Item): Row {
  const row: Row = {};
  for (const name of Object.keys(item)) assign(row, name, fromAttribute(item[name]!));
  return row;
}

/** The row of an answer that may have none. */
export function maybeRow(item: Item | undefined): Row | undefined {
  return item === undefined || Object.keys(item).length === 0 ? undefined : fromItem(item);
}

export function toAttribute(value: Value): Attribute {
  if (typeof value === 'string') return { S: wellFormed(value) };
  if (typeof value === 'number') return { N: String(storedNumber(value)) };
  if (typeof value === 'boolean') return { BOOL: value };
  if (value instanceof Uint8Array) return { B: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') };
  if (Array.isArray(value)) return { L: value.map(toAttribute) };
  if (typeof value === 'object' && value !== null) return { M: toItem(value) };
  throw new Error(`a row cannot hold ${String(value)}`);
}

function fromAttribute(attribute: Attribute): Value {
  if ('S' in attribute) return attribute.S;
  if ('N' in attribute) return Number(attribute.N);
  if ('BOOL' in attribute) return attribute.BOOL;
  if ('B' in attribute) return new Uint8Array(Buffer.from(attribute.B, 'base64'));
  if ('L' in attribute) return attribute.L.map(fromAttribute);
  if ('M' in attribute) return fromItem(attribute.M);
  throw new Error(`a row holds an attribute of another kind: ${Object.keys(attribute).join(', ')}`);
}

function assignAttribute(item: Item, name: string, attribute: Attribute): void {
  if (name === '__proto__') Object.defineProperty(item, name, { value: attribute, enumerable: true });
  else item[name] = attribute;
}
