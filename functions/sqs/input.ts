/** Reads parameters of a call. Both protocols make the same input: the objects of the JSON protocol. Null means absent. */
import { invalidValue, missing, SqsError } from './errors.ts';

export type Input = Readonly<Record<string, unknown>>;

function malformed(name: string, what: string): SqsError {
  return new SqsError('SerializationException', `${name.slice(0, 100)} must be ${what}.`);
}

/** The value of a parameter; undefined if it is absent. */
function given(input: Input, name: string): unknown {
  return Object.hasOwn(input, name) ? (input[name] ?? undefined) : undefined;
}

export function textOf(input: Input, name: string): string | undefined {
  const value = given(input, name);
  if (value === undefined || typeof value === 'string') return value;
  throw malformed(name, 'a string');
}

/** Throws `MissingParameter` if it is absent or empty. */
export function requiredText(input: Input, name: string): string {
  const value = textOf(input, name);
  if (value === undefined || value === '') throw missing(name);
  return value;
}

/** A whole number. The Query protocol sends numbers as text. */
export function wholeOf(
  input: Input,
  name: string,
  min: number,
  max: number,
  reason = `${name} must be >= ${min} and <= ${max}.`,
): number | undefined {
  const value = given(input, name);
  if (value === undefined) return undefined;
  if (typeof value !== 'number' && typeof value !== 'string') throw malformed(name, 'an integer');
  const isWhole = typeof value === 'number' ? Number.isInteger(value) : /^-?\d{1,15}$/.test(value);
  if (!isWhole || Number(value) < min || Number(value) > max) {
    throw invalidValue(value, name, reason);
  }
  return Number(value);
}

export function textsOf(input: Input, name: string): string[] {
  return listOf(input, name).map((value) => {
    if (typeof value !== 'string') throw malformed(name, 'a list of strings');
    return value;
  });
}

/** The names and values of a map of texts, in order; undefined if it is absent. */
export function textMapOf(input: Input, name: string): [string, string][] | undefined {
  return mapOf(input, name)?.map(([key, value]) => {
    if (typeof value !== 'string') throw malformed(name, 'a map of strings');
    return [key, value];
  });
}

export function objectMapOf(input: Input, name: string): [string, Input][] | undefined {
  return mapOf(input, name)?.map(([key, value]) => {
    if (!isObject(value)) throw malformed(name, 'a map of structures');
    return [key, value];
  });
}

export function objectsOf(input: Input, name: string): Input[] {
  return listOf(input, name).map((value) => {
    if (!isObject(value)) throw malformed(name, 'a list of structures');
    return value;
  });
}

function listOf(input: Input, name: string): unknown[] {
  const value = given(input, name);
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw malformed(name, 'a list');
  return value;
}

function mapOf(input: Input, name: string): [string, unknown][] | undefined {
  const value = given(input, name);
  if (value === undefined) return undefined;
  if (!isObject(value)) throw malformed(name, 'a map');
  return Object.entries(value);
}

export function isObject(value: unknown): value is Input {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
