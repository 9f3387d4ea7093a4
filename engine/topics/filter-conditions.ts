/**
 * The conditions on one value, in the language of SNS filter policies: a list of which one must be met. Everything here throws
 * `invalid_input` for what is not a condition, with its path.
 */
import { invalidInput } from '../../contract/errors.ts';
import { compileAddressRange } from './address-range.ts';
import { checkFilterNumber, compileNumeric } from './filter-numeric.ts';
import { compileWildcard } from './wildcard.ts';

/** What a message has at one key, once lists are opened. */
export type Scalar = string | number | boolean | null;

type Test = (value: Scalar) => boolean;

export interface Conditions {
  /** Whether a value meets one of the conditions. */
  meets: Test;
  /** Whether one of the conditions is that there is no value. */
  acceptAbsent: boolean;
}

/** One operator: what follows it in a condition, at this path, as a test. */
type Operator = (operand: unknown, path: string) => Test;

const operators: Readonly<Record<string, Operator>> = {
  prefix: (operand, path) => compileEnd(operand, path, 'startsWith'),
  suffix: (operand, path) => compileEnd(operand, path, 'endsWith'),
  wildcard: compileWildcardTexts,
  'equals-ignore-case': compileIgnoreCase,
  'anything-but': compileAnythingBut,
  numeric: (operand, path) => {
    const test = compileNumeric(operand, path);
    return (value) => typeof value === 'number' && test(value);
  },
  cidr: (operand, path) => ofTexts(compiled(path, () => compileAddressRange(textAt(operand, path)))),
  exists: () => isSomething,
};
const negatedOperators = ['prefix', 'suffix', 'wildcard', 'equals-ignore-case'];

/** Names that an alternative of `$or` cannot have as keys. */
export function isOperator(name: string): boolean {
  return Object.hasOwn(operators, name);
}

export function compileConditions(list: readonly unknown[], path: string): Conditions {
  if (list.length === 0) throw invalidInput(`${path}: must have at least one condition`);
  const exact = new Set<Scalar>();
  const tests: Test[] = [];
  let acceptAbsent = false;
  list.forEach((condition, index) => {
    const place = `${path}[${index}]`;
    if (typeof condition === 'number') checkFilterNumber(condition, place);
    if (typeof condition !== 'object' || condition === null) exact.add(scalarAt(condition, place));
    else if (isAbsence(condition, place)) acceptAbsent = true;
    else tests.push(compileOperator(condition, place, Object.keys(operators)));
  });
  const meets: Test =
    tests.length === 0 ? (value) => exact.has(value) : (value) => exact.has(value) || tests.some((test) => test(value));
  return { meets, acceptAbsent };
}

/** Whether a condition is `{ exists: false }`. */
function isAbsence(condition: object, path: string): boolean {
  if (!Object.hasOwn(condition, 'exists')) return false;
  const { exists } = condition as { exists: unknown };
  if (typeof exists !== 'boolean') throw invalidInput(`${path}.exists: must be true or false`);
  return !exists && Object.keys(condition).length === 1;
}

function compileOperator(condition: object, path: string, known: readonly string[]): Test {
  if (Array.isArray(condition)) throw invalidInput(`${path}: must be a text, a number, true, false, null or an object`);
  const [entry, ...rest] = Object.entries(condition);
  if (entry === undefined || rest.length > 0) throw invalidInput(`${path}: must have exactly one operator`);
  const [name, operand] = entry;
  if (!known.includes(name)) throw invalidInput(`${path}: has no operator ${quoted(name)}; there are ${known.join(', ')}`);
  return (operators[name] as Operator)(operand, `${path}.${name}`);
}

function compileEnd(operand: unknown, path: string, method: 'startsWith' | 'endsWith'): Test {
  if (typeof operand === 'object' && operand !== null && !Array.isArray(operand)) {
    const text = foldCase(textAt((operand as Record<string, unknown>)['equals-ignore-case'], `${path}.equals-ignore-case`));
    if (Object.keys(operand).length > 1) throw invalidInput(`${path}: must have exactly one operator`);
    return ofTexts((value) => foldCase(value)[method](text));
  }
  const text = textAt(operand, path);
  return ofTexts((value) => value[method](text));
}

function compileWildcardTexts(operand: unknown, path: string): Test {
  return ofTexts(compiled(path, () => compileWildcard(textAt(operand, path))));
}

function compileIgnoreCase(operand: unknown, path: string): Test {
  const text = foldCase(textAt(operand, path));
  return ofTexts((value) => foldCase(value) === text);
}

function compileAnythingBut(operand: unknown, path: string): Test {
  if (typeof operand !== 'object' || operand === null || Array.isArray(operand)) return compileNoneOf(operand, path);
  const [entry, ...rest] = Object.entries(operand);
  if (entry === undefined || rest.length > 0) throw invalidInput(`${path}: must have exactly one operator`);
  const [name, texts] = entry;
  const tests = listOf(texts).map((text, index) => {
    const place = Array.isArray(texts) ? `${path}.${name}[${index}]` : `${path}.${name}`;
    if (!negatedOperators.includes(name)) {
      throw invalidInput(`${path}: has no operator ${quoted(name)}; there are ${negatedOperators.join(', ')}`);
    }
    return (operators[name] as Operator)(textAt(text, place), place);
  });
  if (tests.length === 0) throw invalidInput(`${path}.${name}: must have at least one text`);
  return (value) => !tests.some((test) => test(value));
}

function compileNoneOf(operand: unknown, path: string): Test {
  const values = listOf(operand);
  if (values.length === 0) throw invalidInput(`${path}: must have at least one value`);
  values.forEach((value, index) => {
    const place = Array.isArray(operand) ? `${path}[${index}]` : path;
    if (typeof value === 'number') checkFilterNumber(value, place);
    else if (typeof value !== 'string') throw invalidInput(`${place}: must be a text or a number`);
    if (typeof value !== typeof values[0]) throw invalidInput(`${path}: must be texts only, or numbers only`);
  });
  const refused = new Set<unknown>(values);
  return (value) => !refused.has(value);
}

/** `{ exists: true }`: SNS asks for a value that is neither null nor empty. */
const isSomething: Test = (value) => value !== null && value !== '';

function ofTexts(test: (text: string) => boolean): Test {
  return (value) => typeof value === 'string' && test(value);
}

/** Upper case, because it turns each character by itself: lower case treats a Greek sigma by its place in the word. */
function foldCase(text: string): string {
  return text.toUpperCase();
}

function compiled<Result>(path: string, compile: () => Result): Result {
  try {
    return compile();
  } catch (error) {
    if (!(error instanceof Error) || error.message.startsWith(path)) throw error;
    throw invalidInput(`${path}: ${error.message}`);
  }
}

function scalarAt(value: unknown, path: string): Scalar {
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return value as Scalar;
  throw invalidInput(`${path}: must be a text, a number, true, false, null or an object`);
}

function textAt(value: unknown, path: string): string {
  if (typeof value === 'string') return value;
  throw invalidInput(`${path}: must be a text`);
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}

function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 60));
}
