/**
 * Rows as JSON text, which is how the file stores them. JSON has no bytes: they become text that begins with a NUL. Changing this
 * changes the format of the file (format.ts).
 */
import type { Row, Value } from '../port/port.ts';
import { assign } from '../port/row-limits.ts';

const nul = '\u0000';
/** A text that begins with NUL stands for bytes in base64, or for a text that itself begins with NUL. */
const bytesMark = `${nul}b`;
const textMark = `${nul}t`;
/** How JSON writes a NUL. A row without it needs no second pass. */
const nulInJson = '\\u0000';

export function encodeRow(row: Row): string {
  return JSON.stringify(marked(row));
}

export function decodeRow(text: string): Row {
  const row = JSON.parse(text) as Row;
  if (text.includes(nulInJson)) unmark(row);
  return row;
}

/** The value as JSON can hold it. What needs no mark is not copied. */
function marked(value: Value): Value {
  if (typeof value === 'string') return isMarked(value) ? textMark + value : value;
  if (typeof value !== 'object') return value;
  if (value instanceof Uint8Array) {
    return bytesMark + Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  }
  return withMarks(value as Row);
}

/** A list is read by its positions, as a map by its names. */
function withMarks(within: Row): Row {
  let copy: Row | undefined;
  for (const name of Object.keys(within)) {
    const value = marked(within[name]!);
    if (value === within[name]) continue;
    copy ??= Array.isArray(within) ? ([...within] as never) : { ...within };
    assign(copy, name, value);
  }
  return copy ?? within;
}

/** Changes the values within an object or a list that was just parsed. */
function unmark(within: Row): void {
  for (const name of Object.keys(within)) {
    const value = within[name]!;
    if (typeof value === 'object') unmark(value as Row);
    else if (typeof value === 'string' && isMarked(value)) assign(within, name, unmarked(value));
  }
}

function isMarked(text: string): boolean {
  return text.charCodeAt(0) === 0;
}

function unmarked(value: string): Value {
  if (value.startsWith(bytesMark)) return new Uint8Array(Buffer.from(value.slice(bytesMark.length), 'base64'));
  return value.startsWith(textMark) ? value.slice(textMark.length) : value;
}
