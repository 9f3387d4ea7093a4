/**
 * AWS Signature Version 4: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 * Signs requests in headers. The parts of the algorithm are also for verifying what others signed.
 */
import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';
import type { Credentials } from './service-access.ts';

export interface Unsigned {
  method: string;
  /** As it is sent: encoded, without a query. */
  path: string;
  /** The headers to sign besides the date and the session token. Names in lower case; `host` is required. */
  headers: Readonly<Record<string, string>>;
  body: string;
}

export interface Signing {
  credentials: Credentials;
  region: string;
  /** The time of the signature, in milliseconds since 1970. */
  at: number;
}

export type Sign = (request: Unsigned, signing: Signing) => Record<string, string>;

export const algorithm = 'AWS4-HMAC-SHA256';
/** The last part of every scope. */
export const scopeEnd = 'aws4_request';

/** The day, region and service for which a signing key is derived. */
export interface Scope {
  /** `YYYYMMDD`. */
  day: string;
  region: string;
  service: string;
}

export interface Canonical {
  method: string;
  /** As it is sent: encoded, without a query. */
  path: string;
  /** In canonical form. */
  query: string;
  /** What is signed of the headers, by names in lower case. */
  headers: Readonly<Record<string, string>>;
  /** Of the body, in hexadecimal. */
  bodyHash: string;
}

/** Returns a function that adds the date, the session token and the signature to the headers of a request. */
export function createSigner(service: string): Sign {
  // The key of one day, region and secret. Deriving it takes longer than the rest of a signature.
  let derived: { name: string; key: KeyObject } | undefined;

  function keyFor(secret: string, scope: Scope): KeyObject {
    const name = `${scope.day}/${scope.region}/${secret}`;
    if (derived?.name !== name) derived = { name, key: signingKey(secret, scope) };
    return derived.key;
  }

  return ({ method, path, headers, body }, { credentials, region, at }) => {
    const time = timeOf(at);
    const scope = { day: time.slice(0, 8), region, service };
    const signed: Record<string, string> = { ...headers, 'x-amz-date': time };
    if (credentials.sessionToken !== undefined) signed['x-amz-security-token'] = credentials.sessionToken;
    const canonical = { method, path, query: '', headers: signed, bodyHash: sha256(body) };
    const signature = signatureOf(canonical, time, scope, keyFor(credentials.secretAccessKey, scope)).toString('hex');
    const names = Object.keys(signed).sort().join(';');
    signed.authorization = `${algorithm} Credential=${credentials.accessKeyId}/${textOf(scope)}, SignedHeaders=${names}, Signature=${signature}`;
    return signed;
  };
}

/** The time of a signature as it is sent: `20150830T123600Z`. */
export function timeOf(at: number): string {
  return new Date(at).toISOString().replace(/[:-]|\.\d{3}/g, '');
}

export function signingKey(secret: string, { day, region, service }: Scope): KeyObject {
  const key = [day, region, service, scopeEnd].reduce<Buffer>(hmac, Buffer.from(`AWS4${secret}`));
  // A KeyObject is several times faster than its bytes.
  return createSecretKey(key);
}

/** `time`: as it is sent. */
export function signatureOf(request: Canonical, time: string, scope: Scope, key: KeyObject): Buffer {
  const { method, path, query, headers, bodyHash } = request;
  const names = Object.keys(headers).sort();
  const lines = names.map((name) => `${name}:${headers[name]!.trim().replace(/ +/g, ' ')}\n`).join('');
  const canonical = `${method}\n${canonicalPath(path)}\n${query}\n${lines}\n${names.join(';')}\n${bodyHash}`;
  return hmac(key, `${algorithm}\n${time}\n${textOf(scope)}\n${sha256(canonical)}`);
}

function textOf({ day, region, service }: Scope): string {
  return `${day}/${region}/${service}/${scopeEnd}`;
}

/** Every service but S3 signs each segment of the path encoded once more. */
function canonicalPath(path: string): string {
  return path === '/' ? path : path.split('/').map(encodeSegment).join('/');
}

/** Encodes all but the unreserved characters of https://www.rfc-editor.org/rfc/rfc3986#section-2.3. */
export function encodeSegment(segment: string): string {
  return encodeURIComponent(segment).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

export function sha256(content: string | Uint8Array): string {
  return hash('sha256', content);
}

function hmac(key: Buffer | KeyObject, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
