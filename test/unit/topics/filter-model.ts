/**
 * A slow model of filters. A filter is expanded to lists of conditions without alternatives, a message to variants without lists,
 * each with one element of each list. A message matches if one variant meets all the conditions of one list.
 */
import type { Filter, FilterCondition, Json } from '../../../contract/contract.ts';

type Path = string;
type Leaves = [path: Path, conditions: FilterCondition[]][];
type Variant = ReadonlyMap<Path, Json>;

const join = (parent: Path, key: string) => `${parent}/${key}`;

export function modelMatches(filter: Filter, body: { [key: string]: Json }): boolean {
  const variants = expand(body, '');
  const present = new Set(variants.flatMap((variant) => [...variant.keys()]));
  const meets = (variant: Variant, path: Path, conditions: FilterCondition[]) =>
    conditions.some((condition) => {
      if (isAbsence(condition)) return !present.has(path);
      return variant.has(path) && holds(condition, variant.get(path) as Json);
    });
  return alternativesOf(filter, '').some((leaves) =>
    variants.some((variant) => leaves.every(([path, conditions]) => meets(variant, path, conditions))),
  );
}

function alternativesOf(filter: Filter, parent: Path): Leaves[] {
  let all: Leaves[] = [[]];
  for (const [key, value] of Object.entries(filter)) {
    const own = join(parent, key);
    let choices: Leaves[];
    if (key === '$or') choices = (value as Filter[]).flatMap((one) => alternativesOf(one, parent));
    else choices = Array.isArray(value) ? [[[own, value as FilterCondition[]]]] : alternativesOf(value, own);
    all = all.flatMap((leaves) => choices.map((more) => [...leaves, ...more]));
  }
  return all;
}

function expand(value: Json, path: Path): Variant[] {
  if (Array.isArray(value)) return value.length === 0 ? [new Map()] : value.flatMap((element) => expand(element, path));
  if (typeof value !== 'object' || value === null) return [new Map([[path, value]])];
  let all: Variant[] = [new Map()];
  for (const [key, member] of Object.entries(value)) {
    const choices = expand(member, join(path, key));
    all = all.flatMap((variant) => choices.map((choice) => new Map([...variant, ...choice])));
  }
  return all;
}

function isAbsence(condition: FilterCondition): boolean {
  return typeof condition === 'object' && condition !== null && 'exists' in condition && !condition.exists;
}

function holds(condition: FilterCondition, value: Json): boolean {
  if (typeof condition !== 'object' || condition === null) return condition === value;
  const [operator, operand] = Object.entries(condition)[0] as [string, Json];
  if (operator === 'exists') return value !== null && value !== '';
  if (operator === 'numeric') return typeof value === 'number' && inRange(value, operand as (string | number)[]);
  if (operator !== 'anything-but') return typeof value === 'string' && textHolds(operator, operand, value);
  if (typeof operand !== 'object' || Array.isArray(operand)) return ![operand].flat().includes(value);
  const [inner, texts] = Object.entries(operand as object)[0] as [string, Json];
  return !(typeof value === 'string' && [texts].flat().some((text) => textHolds(inner, text as Json, value)));
}

function inRange(value: number, operand: (string | number)[]): boolean {
  for (let at = 0; at < operand.length; at += 2) {
    const order = Math.sign(value - (operand[at + 1] as number));
    const accepted: Record<string, number[]> = { '=': [0], '<': [-1], '<=': [-1, 0], '>': [1], '>=': [0, 1] };
    if (!accepted[operand[at] as string]!.includes(order)) return false;
  }
  return true;
}

function textHolds(operator: string, operand: Json, value: string): boolean {
  if (typeof operand === 'object') {
    return textHolds(operator, (operand as { [key: string]: string })['equals-ignore-case']!.toUpperCase(), value.toUpperCase());
  }
  const text = operand as string;
  if (operator === 'prefix') return value.slice(0, text.length) === text;
  if (operator === 'suffix') return value.length >= text.length && value.slice(value.length - text.length) === text;
  if (operator === 'equals-ignore-case') return value.toUpperCase() === text.toUpperCase();
  if (operator === 'wildcard') return wildcardHolds(text, value);
  return inNetwork(text, value);
}

/** Tries each way to place each `*`. */
function wildcardHolds(pattern: string, value: string): boolean {
  if (pattern === '') return value === '';
  if (pattern[0] === '*') {
    return wildcardHolds(pattern.slice(1), value) || (value !== '' && wildcardHolds(pattern, value.slice(1)));
  }
  const escaped = pattern[0] === '\\' ? 1 : 0;
  return value !== '' && value[0] === pattern[escaped] && wildcardHolds(pattern.slice(escaped + 1), value.slice(1));
}

/** IPv4 only. */
function inNetwork(network: string, value: string): boolean {
  const [address, bits] = network.split('/') as [string, string];
  const bitsOf = (text: string) =>
    text
      .split('.')
      .map((byte) => Number(byte).toString(2).padStart(8, '0'))
      .join('');
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(value)) return false;
  return bitsOf(value).slice(0, Number(bits)) === bitsOf(address).slice(0, Number(bits));
}
