/** Describes in one line what is wrong with an input: the field, what it must be, and what was given. */
import type * as z from 'zod';
import { nearestName } from '../names.ts';

const givenCharsMax = 60;
const faultsShownMax = 5;

/** `within` names the place of the validated value, such as `messages[3]`. */
export function refusalMessage(issues: readonly z.core.$ZodIssue[], within = ''): string {
  const shown = issues.slice(0, faultsShownMax).flatMap((issue) => faults(issue, within));
  const omitted = issues.length - faultsShownMax;
  return shown.join('; ') + (omitted > 0 ? `; and ${omitted} more` : '');
}

/** Zod's message for a field that does not exist, with the nearest one that does. */
const unknownField: z.core.$ZodErrorMap = ({ code, keys, inst }) => {
  if (code !== 'unrecognized_keys') return undefined;
  const known = Object.keys((inst as z.ZodObject | undefined)?._zod.def.shape ?? {});
  const [given = ''] = keys ?? [];
  const nearest = keys?.length === 1 && known.length > 0 ? `; the nearest is ${nearestName(shortened(given), known)}` : '';
  return `unknown field${nearest}`;
};

/** The options for parsing inputs, so that `refusalMessage` can say what was given. */
export const parseOptions = { reportInput: true, error: unknownField };

function faults(issue: z.core.$ZodIssue, within: string): string[] {
  if (issue.code === 'unrecognized_keys') {
    const keys = issue.keys.slice(0, faultsShownMax);
    return keys.map((key) => `${fieldName([...issue.path, shortened(key)], within)}: ${issue.message}`);
  }
  // An invalid key of a record is reported with its own error, not with "invalid key".
  const message = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  return [`${fieldName(issue.path, within)}: ${message}${given(issue)}`];
}

function fieldName(path: readonly PropertyKey[], within: string): string {
  let name = within;
  for (const part of path) {
    name += typeof part === 'number' ? `[${part}]` : `${name === '' ? '' : '.'}${shortened(String(part))}`;
  }
  return name === '' ? 'input' : name;
}

function given(issue: z.core.$ZodIssue): string {
  if (issue.code === 'custom' && issue.params?.given === false) return '';
  const value = issue.input;
  if (value === undefined) return ', is missing';
  if (Array.isArray(value)) return `, was a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return issue.code === 'custom' ? '' : ', was an object';
  return `, was ${shortened(typeof value === 'string' ? JSON.stringify(value) : String(value))}`;
}

function shortened(text: string): string {
  return text.length <= givenCharsMax ? text : `${text.slice(0, givenCharsMax)}... (${text.length} characters)`;
}
