/**
 * Converts rows to and from DynamoDB's JSON:
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
 */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Row, Value } from '../port/port.ts';
import { assign, storedNumber, wellFormed } from '../port/row-limits.ts';

export type Item = Record<string, AttributeValue>;

export function toItem(row: Row): Item {
  const item: Item = {};
  for (const name of Object.keys(row)) assignAttribute(item, wellFormed(name), toAttribute(row[name]!));
  return item;
}

export function fromItem(item: Item): Row {
  const row: Row = {};
  for (const name of Object.keys(item)) assign(row, name, fromAttribute(item[name]!));
  return row;
}

export function toAttribute(value: Value): AttributeValue {
  if (typeof value === 'string') return { S: wellFormed(value) };
  if (typeof value === 'number') return { N: String(storedNumber(value)) };
  if (typeof value === 'boolean') return { BOOL: value };
  if (value instanceof Uint8Array) return { B: value };
  if (Array.isArray(value)) return { L: value.map(toAttribute) };
  if (typeof value === 'object' && value !== null) return { M: toItem(value) };
  throw new Error(`a row cannot hold ${String(value)}`);
}

function fromAttribute(attribute: AttributeValue): Value {
  if (attribute.S !== undefined) return attribute.S;
  if (attribute.N !== undefined) return Number(attribute.N);
  if (attribute.BOOL !== undefined) return attribute.BOOL;
  if (attribute.B !== undefined) return attribute.B;
  if (attribute.L !== undefined) return attribute.L.map(fromAttribute);
  if (attribute.M !== undefined) return fromItem(attribute.M);
  throw new Error(`a row holds an attribute of another kind: ${Object.keys(attribute).join(', ')}`);
}

function assignAttribute(item: Item, name: string, attribute: AttributeValue): void {
  if (name === '__proto__') Object.defineProperty(item, name, { value: attribute, enumerable: true });
  else item[name] = attribute;
}
