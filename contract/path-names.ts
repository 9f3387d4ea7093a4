/** What a name in a path may hold. The schemas judge by it, and the HTTP transport before it makes a URL. */
import { anyMessageIdCharsMax, queueNameCharsMax, scheduleNameCharsMax } from './limits.ts';

/** Each is the inside of a regular expression's brackets. */
export const nameCharacters = 'A-Za-z0-9_-';
export const idCharacters = 'A-Za-z0-9_.:-';
/** Ids made of a `dedupKey` have an `@` as well, and the queue's own a `~`: by these they are told from a caller's. */
export const anyIdCharacters = `@~${idCharacters}`;

const forms: Readonly<Record<string, RegExp>> = {
  queue: textOf(nameCharacters, queueNameCharsMax),
  name: textOf(nameCharacters, scheduleNameCharsMax),
  id: textOf(anyIdCharacters, anyMessageIdCharsMax),
  task: textOf(idCharacters, anyMessageIdCharsMax),
};

/** A URL parser takes `.` and `..` for steps between folders, however they are encoded. */
export function isDotSegment(text: string): boolean {
  return text === '.' || text === '..';
}

/** Whether the value of a path's parameter is one that the contract knows. */
export function isPathName(parameter: string, value: unknown): value is string {
  return typeof value === 'string' && forms[parameter]?.test(value) === true && !isDotSegment(value);
}

function textOf(characters: string, charsMax: number): RegExp {
  return new RegExp(`^[${characters}]{1,${charsMax}}$`);
}
