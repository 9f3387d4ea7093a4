/**
 * Validates what callers send, for the engine and the functions. `contract/schemas/` holds the zod schemas of all inputs; start
 * here. The SDK's root import must not import this folder: it would need zod.
 */
import type { CheckedInputOf, OperationName, ParamsOf, PublishEntry, Refused } from '../contract.ts';
import { invalidInput } from '../errors.ts';
import { isJsonText } from '../json-text.ts';
import { withoutNulls } from './absent.ts';
import { inputs, params } from './inputs.ts';
import { publishEntry } from './publish-entry.ts';
import { parseOptions, refusalMessage } from './refusal.ts';

export { documentedInputs, inputs, params } from './inputs.ts';

/**
 * Validates the input of an operation. Only fields of nested settings get defaults. Null means absent where null is not a
 * value, also for the whole input.
 * Entries of batches (`messages`, `receipts`) are not validated here: `parsePublishEntry` or the engine refuses each one
 * separately.
 * Throws DumbwaiterError `invalid_input`, which names the field, the limit and what was given.
 */
export function parseInput<Name extends OperationName>(operation: Name, input: unknown): CheckedInputOf<Name> {
  const parsed = inputs[operation].safeParse(withoutNulls(inputs[operation], input ?? {}), parseOptions);
  if (!parsed.success) throw invalidInput(refusalMessage(parsed.error.issues));
  return withTexts(parsed.data, input) as CheckedInputOf<Name>;
}

/** Validates the parameters of an operation's path. Throws DumbwaiterError `invalid_input`. */
export function parseParams<Name extends OperationName>(operation: Name, given: unknown): ParamsOf<Name> {
  const parsed = params[operation].safeParse(given, parseOptions);
  if (!parsed.success) throw invalidInput(refusalMessage(parsed.error.issues));
  return parsed.data as ParamsOf<Name>;
}

/** Validates the message at `index` of a publish. Returns the message, or why it is refused. */
export function parsePublishEntry(entry: unknown, index: number): PublishEntry | Refused {
  const parsed = publishEntry.safeParse(withoutNulls(publishEntry, entry), parseOptions);
  if (parsed.success) return withTexts(parsed.data, entry) as PublishEntry;
  return { ok: false, code: 'invalid_input', message: refusalMessage(parsed.error.issues, `messages[${index}]`) };
}

/** The validated value, with attributes as the text in which they were given. */
function withTexts(checked: unknown, given: unknown): unknown {
  if (!isObject(checked) || !isObject(given) || isJsonText(checked)) return checked;
  for (const [name, value] of Object.entries(checked)) {
    const from = given[name];
    if (isJsonText(from)) checked[name] = from;
    else if (!Array.isArray(value)) withTexts(value, from);
  }
  return checked;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
