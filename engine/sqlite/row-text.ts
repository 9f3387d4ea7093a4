/**
 * Rows as JSON text, which is how the file stores them. JSON has no bytes: they become text that begins with a NUL. Changing this
 * changes the format of the file (format.ts).
 */
import type { Row, Value } from '../port/port.ts';

const nul = '\u0000';
/** A text that begins with NUL stands for bytes in base64, or for a text that itself begins with NUL. */
const bytesMark = `${nul}b`;
const textMark = `${nul}t`;
/** How JSON writes a NUL. A row without it needs no second pass. */
const nulInJson = '\\u0000';

export function encodeRow(row: Row): string {
  return JSON.stringify(needsMarks(row) ? marked(row) : row);
}

export function decodeRow(text: string): Row {
  const row = JSON.parse(text) as Row;
  if (text.includes(nulInJson)) unmark(row);
  return row;
}

function needsMarks(value: Value): boolean {
  if (typeof value === 'string') return value.startsWith(nul);
  if (typeof value !== 'object') return false;
  if (value instanceof Uint8Array) return true;
  for (const child of Array.isArray(value) ? value : Object.values(value)) if (needsMarks(child)) return true;
  return false;
}

function marked(value: Value): Value {
  if (typeof value === 'string') return value.startsWith(nul) ? textMark + value : value;
  if (value instanceof Uint8Array) {
    return bytesMark + Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  }
  return mapped(value, marked);
}

/** Changes the values within an object or a list that was just parsed. */
function unmark(within: { [name: string]: Value } | Value[]): void {
  for (const [name, value] of Object.entries(within)) {
    if (typeof value === 'object') unmark(value as typeof within);
    else if (typeof value === 'string' && value.startsWith(nul)) (within as { [name: string]: Value })[name] = unmarked(value);
  }
}

function unmarked(value: string): Value {
  if (value.startsWith(bytesMark)) return new Uint8Array(Buffer.from(value.slice(bytesMark.length), 'base64'));
  return value.startsWith(textMark) ? value.slice(textMark.length) : value;
}

function mapped(value: Value, change: (value: Value) => Value): Value {
  if (typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(change);
  // `fromEntries` makes own properties, also of the name `__proto__`.
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, change(child)]));
}
