/** Checks a filter when it is set: its form, and the limits that SNS publishes. */
import type { Filter, FilterScope } from '../../contract/contract.ts';
import { invalidInput } from '../../contract/errors.ts';
import { withValues } from '../../contract/json-values.ts';
import { bodyDepthMax, filterBytesMax, filterCombinationsMax, filterKeysMax } from '../../contract/limits.ts';
import { nestsDeeper } from '../../contract/nesting.ts';
import { compileClauses, isAlternatives, isMembers } from './filter.ts';

/**
 * The filter as plain values. Throws `invalid_input` for one that is not valid; the message begins with the path. A key that
 * has the name of a field of messages may have been read as text (`contract/json-reader.ts`).
 */
export function validateFilter(given: unknown, scope: FilterScope): Filter {
  // All else here works by recursion. No body nests deeper, so a deeper filter would match none.
  if (nestsDeeper(given, bodyDepthMax)) throw invalidInput(`filter: must nest at most ${bodyDepthMax} deep`);
  const filter = withValues(given);
  compileClauses(filter);
  const members = filter as Filter;
  const keys = Object.keys(members).length;
  if (keys > filterKeysMax) throw invalidInput(`filter: must have at most ${filterKeysMax} keys, has ${keys}`);
  if (scope === 'attributes') checkFlat(members, 'filter');
  const combinations = combinationsOf(members, 1);
  if (combinations > filterCombinationsMax) {
    throw invalidInput(`filter: must be at most ${filterCombinationsMax} combinations of values, is ${combinations}`);
  }
  const bytes = Buffer.byteLength(JSON.stringify(members));
  if (bytes > filterBytesMax) throw invalidInput(`filter: must be at most ${filterBytesMax} bytes as JSON text, is ${bytes}`);
  return members;
}

function checkFlat(filter: Filter, path: string): void {
  for (const [key, value] of Object.entries(filter)) {
    const place = `${path}.${key.slice(0, 60)}`;
    if (isMembers(value)) throw invalidInput(`${place}: must be a list: keys nest only with "filterScope": "body"`);
    if (!isAlternatives(key, value)) continue;
    for (const [index, alternative] of (value as Filter[]).entries()) checkFlat(alternative, `${place}[${index}]`);
  }
}

/** The numbers of values of all lists, multiplied; each also by how deep its key is nested. Alternatives are added. */
function combinationsOf(filter: Filter, depth: number): number {
  let product = 1;
  for (const [key, value] of Object.entries(filter)) {
    if (isAlternatives(key, value)) {
      product *= (value as Filter[]).reduce((sum, alternative) => sum + combinationsOf(alternative, depth), 0);
    } else {
      product *= Array.isArray(value) ? value.length * depth : combinationsOf(value, depth + 1);
    }
  }
  return product;
}
