/** Tags of queues. */
import { invalidParameter } from './errors.ts';

const tagsMax = 50;
const keyCharsMax = 128;
const valueCharsMax = 256;

export interface Tags {
  readonly [key: string]: string;
}

/** Throws `InvalidParameterValue` beyond a limit. */
export function withTags(tags: Tags, more: readonly [string, string][]): Tags {
  for (const [key, value] of more) {
    if (key === '' || key.length > keyCharsMax) throw invalidParameter(`Tag keys must be 1 to ${keyCharsMax} characters long.`);
    if (/^aws:/i.test(key)) throw invalidParameter('Tag keys must not begin with aws:.');
    if (value.length > valueCharsMax) throw invalidParameter(`Tag values must be at most ${valueCharsMax} characters long.`);
    if (!key.isWellFormed() || !value.isWellFormed()) throw invalidParameter('Tags must be well-formed Unicode.');
  }
  const next = Object.fromEntries([...Object.entries(tags), ...more]);
  if (Object.keys(next).length > tagsMax) throw invalidParameter(`A queue can have at most ${tagsMax} tags.`);
  return next;
}

export function withoutTags(tags: Tags, keys: readonly string[]): Tags {
  return Object.fromEntries(Object.entries(tags).filter(([key]) => !keys.includes(key)));
}
