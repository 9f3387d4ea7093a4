/**
 * Validates what callers send, for the engine and the functions. `contract/schemas/` holds the zod schemas of all inputs; start
 * here. The SDK's root import must not import this folder: it would need zod.
 */
import type * as z from 'zod';
import type { CheckedInputOf, OperationName, ParamsOf, PublishEntry, Refused, TopicEntry } from '../contract.ts';
import { invalidInput } from '../errors.ts';
import { isJsonText } from '../json-text.ts';
import { withoutNulls } from './absent.ts';
import { inputs } from './inputs.ts';
import { params } from './params.ts';
import { publishEntry } from './publish-entry.ts';
import { parseOptions, refusalMessage } from './refusal.ts';
import { topicEntry } from './topic.ts';

export { documentedInputs, inputs } from './inputs.ts';
export { params } from './params.ts';

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

/** Validates the message at `index` of a publish to a queue. Returns the message, or why it is refused. */
export function parsePublishEntry(entry: unknown, index: number): PublishEntry | Refused {
  return parseEntry(publishEntry, entry, index);
}

/** Validates the message at `index` of a publish to a topic. Returns the message, or why it is refused. */
export function parseTopicEntry(entry: unknown, index: number): TopicEntry | Refused {
  return parseEntry(topicEntry, entry, index);
}

function parseEntry<Entry>(schema: z.ZodType, entry: unknown, index: number): Entry | Refused {
  const parsed = schema.safeParse(withoutNulls(schema, entry), parseOptions);
  if (parsed.success) return withTexts(parsed.data, entry) as Entry;
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
