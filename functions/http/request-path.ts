/**
 * Checks the path of a request before a URL is built from it. A URL parser resolves dot segments, turns `\` into `/` and drops line breaks.
 * A name that contains them could then become the path of another operation. API Gateway events and the local server must both route by the
 * path that this file returns.
 */

import { type DumbwaiterError, invalidInput } from '../../contract/errors.ts';

/** `path` is safe to build a URL from: each segment is re-encoded. If `refusal` is set, the request must be refused and `path` is `/`. */
export interface RequestPath {
  path: string;
  refusal?: DumbwaiterError;
}

/** Checks a decoded path, as API Gateway passes it. */
export function pathOfDecoded(path: string): RequestPath {
  return checkedPath(path.split('/'));
}

/** A path that is the same decoded and encoded, without a dot segment: almost every path. */
const plainPath = /^(?:\/[\w~-][\w.~-]*)+$/;

/** Checks the target in the first line of an HTTP request: encoded, with its query. */
export function pathOfTarget(target: string): RequestPath {
  const [path = ''] = target.replace(/^https?:\/\/[^/?#]*/i, '').split('?', 1);
  if (plainPath.test(path)) return { path };
  const segments = path.split('/').map(decoded);
  const malformed = segments.indexOf(undefined);
  if (malformed >= 0) return refused(`segment ${malformed} contains invalid percent-encoding`);
  return checkedPath(segments as string[]);
}

function checkedPath(segments: string[]): RequestPath {
  // The segment before the first slash must be empty. A target such as `*` has no slash.
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
  return segment.isWellFormed() ? undefined : 'must not contain an unpaired surrogate';
}

function refused(what: string): RequestPath {
  return { path: '/', refusal: invalidInput(`path: ${what}`) };
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
