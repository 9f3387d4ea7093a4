/** Converts a query string to an operation's input. All values are strings, except in the fields that are numbers or booleans. */
import { invalidInput } from '../../contract/errors.ts';

const numericFields: ReadonlySet<string> = new Set(['limit', 'waitSeconds', 'stepSeconds', 'priority']);
const booleanFields: ReadonlySet<string> = new Set(['force', 'counts', 'lastHour']);
/** Fields that may be given several times. */
const listFields: ReadonlySet<string> = new Set(['attribute']);

/** Throws `invalid_input` for a field given twice. All other validation comes later, with the rest of the input. */
export function inputOfQuery(query: URLSearchParams): Record<string, unknown> {
  const input = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of query) {
    if (listFields.has(name)) {
      input[name] = [...((input[name] as string[] | undefined) ?? []), value];
      continue;
    }
    if (Object.hasOwn(input, name)) throw invalidInput(`${name.slice(0, 60)}: must be given once`);
    input[name] = parseField(name, value);
  }
  // `Object.fromEntries` keeps a field named `__proto__` as an ordinary field.
  return Object.fromEntries(Object.entries(input));
}

function parseField(name: string, value: string): unknown {
  if (numericFields.has(name) && /^-?\d+(\.\d+)?$/.test(value)) return Number(value);
  if (booleanFields.has(name) && (value === 'true' || value === 'false')) return value === 'true';
  return value;
}
