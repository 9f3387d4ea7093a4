/**
 * Sends one HTTP request over a kept connection, and reads its whole answer. Signs requests with AWS Signature Version 4, in headers:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';
import http, { type Agent, type IncomingHttpHeaders } from 'node:http';
import https from 'node:https';
import type { Credentials } from './service-access.ts';

const connectionMsMax = 1_000;
const requestMsMax = 5_000;

export interface HttpRequest {
  method: string;
  url: URL;
  headers: Record<string, string>;
  body: string;
  /** False opens a connection for this request alone. */
  agent: Agent | false;
  /** Milliseconds for the request and its whole answer. Default: `requestMsMax`. */
  msMax?: number;
  signal?: AbortSignal;
}

export interface HttpAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** The server did not accept a connection, or did not answer, in time. */
export class RequestTimeout extends Error {
  override readonly name = 'TimeoutError';
  readonly code = 'ETIMEDOUT';
}

/** Rejects with the error of the connection, with RequestTimeout, or with the reason of the signal. */
export function sendRequest({
  method,
  url,
  headers,
  body,
  agent,
  msMax = requestMsMax,
  signal,
}: HttpRequest): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const request = (url.protocol === 'https:' ? https : http).request({
      agent,
      method,
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port,
      path: url.pathname,
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    });
    const timer = setTimeout(() => abandon(new RequestTimeout(`no answer within ${msMax} ms`)), msMax);
    const release = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    const fail = (error: unknown) => {
      release();
      reject(error);
    };
    // Rejects at once: a destroyed request that waits for a connection emits its error only when it gets one.
    const abandon = (error: unknown) => {
      fail(error);
      request.destroy();
    };
    const onAbort = () => abandon(signal!.reason);
    signal?.addEventListener('abort', onAbort);
    request.on('socket', (socket) => {
      if (!socket.connecting) return;
      const connecting = setTimeout(
        () => abandon(new RequestTimeout(`no connection within ${connectionMsMax} ms`)),
        connectionMsMax,
      );
      const connected = () => clearTimeout(connecting);
      socket.once('connect', connected).once('close', connected);
    });
    request.on('error', fail);
    request.on('response', (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', fail);
      response.on('end', () => {
        release();
        const answered = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
        resolve({ status: response.statusCode!, headers: response.headers, body: answered });
      });
    });
    request.end(body);
  });
}

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

const algorithm = 'AWS4-HMAC-SHA256';

/** Returns a function that adds the date, the session token and the signature to the headers of a request. */
export function createSigner(service: string): Sign {
  // The key of one day, region and secret. Deriving it takes longer than the rest of a signature.
  let derived: { name: string; key: KeyObject } | undefined;

  function signingKey(secret: string, day: string, region: string): KeyObject {
    const name = `${day}/${region}/${secret}`;
    if (derived?.name !== name) {
      const key = [day, region, service, 'aws4_request'].reduce<Buffer>(hmac, Buffer.from(`AWS4${secret}`));
      // A KeyObject is several times faster than its bytes.
      derived = { name, key: createSecretKey(key) };
    }
    return derived.key;
  }

  return ({ method, path, headers, body }, { credentials, region, at }) => {
    const time = new Date(at).toISOString().replace(/[:-]|\.\d{3}/g, '');
    const day = time.slice(0, 8);
    const signed: Record<string, string> = { ...headers, 'x-amz-date': time };
    if (credentials.sessionToken !== undefined) signed['x-amz-security-token'] = credentials.sessionToken;
    const names = Object.keys(signed).sort();
    const lines = names.map((name) => `${name}:${signed[name]!.trim().replace(/ +/g, ' ')}\n`).join('');
    const signedNames = names.join(';');
    const canonical = `${method}\n${canonicalPath(path)}\n\n${lines}\n${signedNames}\n${sha256(body)}`;
    const scope = `${day}/${region}/${service}/aws4_request`;
    const key = signingKey(credentials.secretAccessKey, day, region);
    const signature = hmac(key, `${algorithm}\n${time}\n${scope}\n${sha256(canonical)}`).toString('hex');
    signed.authorization = `${algorithm} Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${signedNames}, Signature=${signature}`;
    return signed;
  };
}

/** Every service but S3 signs each segment of the path encoded once more. */
function canonicalPath(path: string): string {
  return path === '/' ? path : path.split('/').map(encodeSegment).join('/');
}

/** Encodes all but the unreserved characters of https://www.rfc-editor.org/rfc/rfc3986#section-2.3. */
export function encodeSegment(segment: string): string {
  return encodeURIComponent(segment).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

function sha256(text: string): string {
  return hash('sha256', text);
}

function hmac(key: Buffer | KeyObject, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
