/**
 * Signature Version 4 of a request, in the header `Authorization` or in the query of a presigned URL:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html. Errors and their texts are those of SQS.
 */
import { type KeyObject, timingSafeEqual } from 'node:crypto';
import { algorithm, encodeSegment, type Scope, scopeEnd, sha256, signatureOf, timeOf } from '../../aws/signature.ts';
import { SqsError } from './errors.ts';

/** A request as it was signed. */
export interface SignedRequest {
  method: string;
  url: string;
  headers: Headers;
  body: Uint8Array;
}

/** What a request says of its signature. */
export interface Signature {
  accessKeyId: string;
  scope: Scope;
  /** As it was sent: `20150830T123600Z`. */
  time: string;
  /** Names of the signed headers, in lower case. */
  headers: readonly string[];
  /** In hexadecimal. */
  text: string;
  /** How long a presigned URL works. Undefined for a signature in the header. */
  expiresSeconds?: number;
}

export const service = 'sqs';
const skewMinutesMax = 5;
const minuteMs = 60_000;
const headerName = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;
const presignedSecondsMax = 7 * 24 * 3600;

/** Throws SqsError `MissingAuthenticationToken` or `IncompleteSignature`. */
export function signatureIn({ url, headers }: SignedRequest): Signature {
  const authorization = headers.get('authorization');
  if (authorization !== null) return inHeader(authorization, headers);
  const query = new URL(url).searchParams;
  if (query.has('X-Amz-Algorithm') || query.has('X-Amz-Signature')) return inQuery(query);
  throw new SqsError('MissingAuthenticationToken', 'Request is missing Authentication Token');
}

function inHeader(authorization: string, headers: Headers): Signature {
  const [given, rest = ''] = authorization.trim().split(/\s+(.*)/s);
  if (given !== algorithm) {
    throw new SqsError(
      'IncompleteSignature',
      `Authorization header requires the algorithm ${algorithm}; use Signature Version 4.`,
    );
  }
  const parts = new Map(rest.split(/[,\s]+/).map((part) => part.split(/=(.*)/s) as [string, string]));
  const wanted = ['Credential', 'Signature', 'SignedHeaders'];
  const lacks = wanted.filter((name) => !parts.get(name)).map((name) => `Authorization header requires '${name}' parameter.`);
  const time = timeIn(headers);
  if (time === undefined) lacks.push("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.");
  if (lacks.length > 0) throw new SqsError('IncompleteSignature', lacks.join(' '));
  return signature(parts.get('Credential')!, time!, parts.get('SignedHeaders')!, parts.get('Signature')!);
}

/** `Date` has another form than `X-Amz-Date`. */
function timeIn(headers: Headers): string | undefined {
  const given = headers.get('x-amz-date');
  if (given !== null) return given;
  const at = Date.parse(headers.get('date') ?? '');
  return Number.isNaN(at) ? undefined : timeOf(at);
}

function inQuery(query: URLSearchParams): Signature {
  const wanted = ['Algorithm', 'Credential', 'Date', 'Expires', 'SignedHeaders', 'Signature'].map((name) => `X-Amz-${name}`);
  const lacks = wanted.filter((name) => !query.get(name)).map((name) => `AWS query-string parameters must include '${name}'.`);
  if (lacks.length > 0) throw new SqsError('IncompleteSignature', lacks.join(' '));
  const [given, credential, time, expires, headers, text] = wanted.map((name) => query.get(name)!);
  if (given !== algorithm) throw new SqsError('IncompleteSignature', `X-Amz-Algorithm must be ${algorithm}.`);
  const expiresSeconds = /^\d{1,7}$/.test(expires!) ? Number(expires) : Number.NaN;
  if (!(expiresSeconds >= 1 && expiresSeconds <= presignedSecondsMax)) {
    throw new SqsError('IncompleteSignature', `X-Amz-Expires must be from 1 to ${presignedSecondsMax} seconds.`);
  }
  return { ...signature(credential!, time!, headers!, text!), expiresSeconds };
}

function signature(credential: string, time: string, headers: string, text: string): Signature {
  const [accessKeyId, day, region, name, end, ...more] = credential.split('/');
  if (!accessKeyId || !day || !region || !name || end !== scopeEnd || more.length > 0) {
    const wanted = '<access key id>/<YYYYMMDD>/<region>/sqs/aws4_request';
    throw new SqsError('IncompleteSignature', `Credential must have the form ${wanted}, not '${credential.slice(0, 200)}'.`);
  }
  if (Number.isNaN(instantOf(time))) {
    throw new SqsError('IncompleteSignature', `Date must be in ISO-8601 'basic format'. Got '${time.slice(0, 40)}'.`);
  }
  const names = headers.toLowerCase().split(';');
  if (!names.every((one) => headerName.test(one))) {
    throw new SqsError('IncompleteSignature', "SignedHeaders must be names of headers, separated by ';'.");
  }
  return { accessKeyId, scope: { day, region, service: name }, time, headers: names, text };
}

/** Milliseconds since 1970; NaN if the text is no time. */
function instantOf(time: string): number {
  const [, ...parts] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time) ?? [];
  const [year, month, day, hour, minute, second] = parts;
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

/** Throws SqsError `SignatureDoesNotMatch`, or `RequestExpired` for a presigned URL. */
export function checkTime({ time, scope, expiresSeconds }: Signature, now: number): void {
  const at = instantOf(time);
  const skew = skewMinutesMax * minuteMs;
  if (!time.startsWith(scope.day)) {
    throw mismatch(
      `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${scope.day}' != '${time}'.`,
    );
  }
  if (at > now + skew) {
    const limit = timeOf(now + skew);
    throw mismatch(`Signature not yet current: ${time} is still later than ${limit} (${timeOf(now)} + ${skewMinutesMax} min.)`);
  }
  if (expiresSeconds !== undefined) {
    if (at + expiresSeconds * 1000 < now) throw new SqsError('RequestExpired', 'Request has expired.');
  } else if (at < now - skew) {
    const limit = timeOf(now - skew);
    throw mismatch(`Signature expired: ${time} is now earlier than ${limit} (${timeOf(now)} - ${skewMinutesMax} min.)`);
  }
}

/** Throws SqsError `SignatureDoesNotMatch` if the signature leaves out what it must protect, or is not made with this key. */
export function checkSignature(request: SignedRequest, given: Signature, key: KeyObject): void {
  const { headers } = request;
  if (given.scope.service !== service) throw mismatch(`Credential should be scoped to correct service: '${service}'.`);
  const mustBeSigned = ['host', ...signedIfPresent.filter((name) => headers.has(name))];
  const unsigned = mustBeSigned.find((name) => !given.headers.includes(name));
  if (unsigned !== undefined) throw mismatch(`'${unsigned}' must be a 'SignedHeader' in the AWS Authorization.`);
  const bodyHash = sha256(request.body);
  const claimed = headers.get('x-amz-content-sha256');
  if (claimed !== null && claimed !== bodyHash) throw mismatch('The header x-amz-content-sha256 is not the hash of the body.');
  const url = new URL(request.url);
  const canonical = {
    method: request.method,
    path: url.pathname.replace(/\/{2,}/g, '/'),
    query: canonicalQuery(url.search),
    headers: Object.fromEntries(
      given.headers.map((name) => [name, name === 'host' ? (headers.get(name) ?? url.host) : (headers.get(name) ?? '')]),
    ),
    bodyHash,
  };
  const wanted = signatureOf(canonical, given.time, given.scope, key);
  const sent = Buffer.from(given.text, 'hex');
  if (sent.length !== wanted.length || !timingSafeEqual(sent, wanted)) {
    throw mismatch(
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.',
    );
  }
}

/** Headers that change what a request means. Proxies add others, which no client can sign; curl does not sign its `content-type`. */
const signedIfPresent = ['x-amz-date', 'x-amz-target', 'x-amz-content-sha256'];

function mismatch(message: string): SqsError {
  return new SqsError('SignatureDoesNotMatch', message);
}

/** All parameters but the signature, encoded and sorted. */
function canonicalQuery(search: string): string {
  const parameters = search.replace(/^\?/, '').split('&').filter(Boolean);
  const encoded = parameters.map((parameter) => parameter.split(/=(.*)/s).slice(0, 2).map(reencode));
  const pairs = encoded.filter(([name]) => name !== 'X-Amz-Signature').map(([name, value = '']) => ({ name: name!, value }));
  pairs.sort((one, other) => order(one.name, other.name) || order(one.value, other.value));
  return pairs.map(({ name, value }) => `${name}=${value}`).join('&');
}

function order(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}

/** What cannot be decoded was not sent by a client of AWS, so its signature need not match. */
function reencode(text: string): string {
  try {
    return encodeSegment(decodeURIComponent(text));
  } catch {
    return text;
  }
}
