/**
 * Judges what callers send, for the engine and the functions. Kept out of the SDK's root import: it needs zod.
 */
import type { CheckedInputOf, OperationName, ParamsOf, PublishEntry, Refused } from '../contract.ts';
import { DumbwaiterError } from '../errors.ts';
import { isJsonText } from '../json-text.ts';
import { withoutNulls } from './absent.ts';
import { inputs, params } from './inputs.ts';
import { publishEntry } from './publish-entry.ts';
import { judging, refusalMessage } from './refusal.ts';

export { documentedInputs, inputs, params } from './inputs.ts';

/**
 * The input of an operation, as given: nothing is defaulted but fields of nested settings, and null is absent where it is no value, the whole
 * input included. Entries of
 * batches (`messages`, `receipts`) are not judged yet: they may be anything, and each is refused on its own, by `parsePublishEntry` or by the engine.
 * Throws DumbwaiterError `invalid_input`, which names the field, the limit and what was given.
 */
export function parseInput<Name extends OperationName>(operation: Name, input: unknown): CheckedInputOf<Name> {
  const parsed = inputs[operation].safeParse(withoutNulls(inputs[operation], input ?? {}), judging);
  if (!parsed.success) throw new DumbwaiterError('invalid_input', refusalMessage(parsed.error.issues));
  return withTexts(parsed.data, input) as CheckedInputOf<Name>;
}

/** The parameters of an operation's path. Throws DumbwaiterError `invalid_input`. */
export function parseParams<Name extends OperationName>(operation: Name, given: unknown): ParamsOf<Name> {
  const parsed = params[operation].safeParse(given, judging);
  if (!parsed.success) throw new DumbwaiterError('invalid_input', refusalMessage(parsed.error.issues));
  return parsed.data as ParamsOf<Name>;
}

/** The message at `index` of a publish, as given, or why it is refused. */
export function parsePublishEntry(entry: unknown, index: number): PublishEntry | Refused {
  const parsed = publishEntry.safeParse(withoutNulls(publishEntry, entry), judging);
  if (parsed.success) return withTexts(parsed.data, entry) as PublishEntry;
  return { ok: false, code: 'invalid_input', message: refusalMessage(parsed.error.issues, `messages[${index}]`) };
}

/** What was judged, with attributes as the text in which they were given. */
function withTexts(judged: unknown, given: unknown): unknown {
  if (!isObject(judged) || !isObject(given) || isJsonText(judged)) return judged;
  for (const [name, value] of Object.entries(judged)) {
    const from = given[name];
    if (isJsonText(from)) judged[name] = from;
    else if (!Array.isArray(value)) withTexts(value, from);
  }
  return judged;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
