/** Cursors of lists: the position at which the next page begins, opaque to the caller. */
import { type DumbwaiterError, invalidInput } from '../../contract/errors.ts';

/** Longer than any id or name, and within the store's limit of 1024 bytes for a key. */
const textCharsMax = 256;

export type CursorValue = string | number;

export function formatCursor(values: Record<string, CursorValue>): string {
  return Buffer.from(JSON.stringify(values)).toString('base64url');
}

/** Cursors are untrusted input: each value must be valid in a key of the store, whichever list the cursor is for. */
function isPart(value: unknown): boolean {
  if (typeof value === 'string') return value.length <= textCharsMax && value.isWellFormed();
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The values of a cursor. Throws `invalid_input` unless the text decodes to valid values for at least these names. */
export function parseCursor(text: string, names: readonly string[]): Record<string, CursorValue> {
  let values: unknown;
  try {
    values = JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    values = undefined;
  }
  const isCursor =
    typeof values === 'object' &&
    values !== null &&
    !Array.isArray(values) &&
    names.every((name) => Object.hasOwn(values as object, name)) &&
    Object.values(values).every(isPart);
  if (!isCursor) throw unknownCursor();
  return values as Record<string, CursorValue>;
}

export function unknownCursor(): DumbwaiterError {
  return invalidInput('cursor: must be one that this list returned');
}
