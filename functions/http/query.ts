/** A query string as an operation's input: texts, but for the fields that are whole numbers, or true or false. */
import { DumbwaiterError } from '../../contract/errors.ts';

const numeric: ReadonlySet<string> = new Set(['limit', 'waitSeconds']);
const logical: ReadonlySet<string> = new Set(['force']);

/** Fields are judged later, with the rest of the input. Throws `invalid_input` for a field given twice. */
export function inputOfQuery(query: URLSearchParams): Record<string, unknown> {
  const input = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of query) {
    if (Object.hasOwn(input, name)) throw new DumbwaiterError('invalid_input', `${name.slice(0, 60)}: must be given once`);
    input[name] = fieldOf(name, value);
  }
  // A name of `__proto__` is one like any other here, and stays one.
  return Object.fromEntries(Object.entries(input));
}

function fieldOf(name: string, value: string): unknown {
  if (numeric.has(name) && /^-?\d+(\.\d+)?$/.test(value)) return Number(value);
  if (logical.has(name) && (value === 'true' || value === 'false')) return value === 'true';
  return value;
}
