/**
 * Checks the path of a request before any URL is made of it. A URL parser resolves dot segments, turns `\` into `/` and drops line
 * breaks: a name that holds them would become the path of another operation. Both entries route by the path that this file answers.
 */

import { DumbwaiterError } from '../../contract/errors.ts';

/** `path` is safe to make a URL of: each segment is encoded again. With a `refusal` the request is refused, and `path` is `/`. */
export interface RequestPath {
  path: string;
  refusal?: DumbwaiterError;
}

/** Of a path that comes decoded, as API Gateway gives it. */
export function pathOfDecoded(path: string): RequestPath {
  return judged(path.split('/'));
}

/** Of the target of a request, as it stands in the request's first line: encoded, with its query. */
export function pathOfTarget(target: string): RequestPath {
  const [path = ''] = target.replace(/^https?:\/\/[^/?#]*/i, '').split('?', 1);
  const segments = path.split('/').map(decoded);
  const malformed = segments.indexOf(undefined);
  if (malformed >= 0) return refused(`segment ${malformed} has a percent sign that encodes no character of UTF-8`);
  return judged(segments as string[]);
}

function judged(segments: string[]): RequestPath {
  // What stands before the first slash. A target such as `*` has no slash.
  if (segments[0] !== '' || segments.length < 2) return refused('must begin with a slash');
  for (const [at, segment] of segments.entries()) {
    const fault = faultOf(segment);
    if (fault !== undefined) return refused(`segment ${at} ${fault}`);
  }
  return { path: segments.map(encodeURIComponent).join('/') };
}

function faultOf(segment: string): string | undefined {
  if (segment === '.' || segment === '..') return `must not be ${segment}`;
  if (segment.includes('/')) return 'must not have an encoded slash';
  if (segment.includes('\\')) return 'must not have a backslash';
  if (/\p{Cc}/u.test(segment)) return 'must not have a control character';
  return segment.isWellFormed() ? undefined : 'must not have half a surrogate pair';
}

function refused(what: string): RequestPath {
  return { path: '/', refusal: new DumbwaiterError('invalid_input', `path: ${what}`) };
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
