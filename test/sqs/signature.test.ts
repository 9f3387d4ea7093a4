/** Signatures of calls of SQS: verified against the signer of the AWS SDK, and refused with the errors of SQS. */
import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { createMemoryStore } from '../../engine/memory/store.ts';
import type { Clock } from '../../engine/port/port.ts';
import { seededRandom } from '../../engine/port/random.ts';
import { createAccessKeys } from '../../functions/auth/access-keys.ts';
import { createKeys, type Keys } from '../../functions/auth/api-keys.ts';
import { administrator } from '../../functions/auth/authorize.ts';
import { type AuthenticateSqs, createAuthenticateSqs } from '../../functions/sqs/authenticate.ts';
import { SqsError } from '../../functions/sqs/errors.ts';
import type { SignedRequest } from '../../functions/sqs/signature.ts';
import { minuteMs } from '../support/durations.ts';

let now: number;
const clock: Clock = { now: () => now, trusted: () => true, sleep: () => Promise.reject(new Error('Nobody sleeps here.')) };
const noon = Date.parse('2026-01-31T12:00:00.000Z');
const admin = administrator('admin');
let keys: Keys;
let authenticate: AuthenticateSqs;
let pair: { accessKeyId: string; secretAccessKey: string };
let id: string;

beforeEach(async () => {
  now = noon;
  const accessKeys = createAccessKeys(async () => 'the master secret');
  keys = createKeys({ store: createMemoryStore(), clock, random: seededRandom(1), accessKeys });
  authenticate = createAuthenticateSqs({ keys, clock, isAnonymous: false });
  const made = await keys.create({ name: 'shop', queues: ['orders-*'], scopes: ['publish'], accessKey: true }, admin);
  pair = { accessKeyId: made.accessKeyId!, secretAccessKey: made.secretAccessKey! };
  id = made.id;
});

/** What the SDK's signer asks of a hash. */
class Sha256 {
  readonly #hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as string);
  }
  update(data: Uint8Array): void {
    this.#hash.update(data);
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
  reset(): void {}
}

interface Asked {
  method?: string;
  path?: string;
  query?: Record<string, string | string[]>;
  headers?: Record<string, string>;
  body?: string;
  at?: number;
  service?: string;
  /** Presigned for so many seconds, instead of signed in a header. */
  presigned?: number;
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
}

const host = '127.0.0.1:8420';
const json = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.ListQueues' };

/** A request as the SDK signs it, and as it arrives. */
async function signed(asked: Asked = {}): Promise<SignedRequest> {
  const { method = 'POST', path = '/', query = {}, headers = json, body = '{}', at = now, presigned } = asked;
  const { service = 'sqs', credentials = pair } = asked;
  const signer = new SignatureV4({ credentials, region: 'eu-central-1', service, sha256: Sha256, applyChecksum: false });
  const plain = {
    method,
    protocol: 'http:',
    hostname: '127.0.0.1',
    port: 8420,
    path,
    query,
    headers: { host, ...headers },
    body,
  };
  const signingDate = new Date(at);
  const made =
    presigned === undefined
      ? await signer.sign(plain, { signingDate })
      : await signer.presign(plain, { signingDate, expiresIn: presigned });
  const pairs = Object.entries(made.query ?? {}).flatMap(([name, value]) => [value].flat().map((one) => [name, one!]));
  const search = pairs.map((pair) => pair.map((text) => encodeURIComponent(text!)).join('=')).join('&');
  return {
    method,
    url: `http://${host}${path}${search === '' ? '' : `?${search}`}`,
    headers: new Headers(made.headers),
    body: Buffer.from(body),
  };
}

/** The request with other headers; `undefined` removes one. */
function altered(request: SignedRequest, changes: Record<string, string | undefined>): SignedRequest {
  const headers = new Headers(request.headers);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) headers.delete(name);
    else headers.set(name, value);
  }
  return { ...request, headers };
}

const refusal = (code: string, message: RegExp | string = /./) => ({ code, message: expect.stringMatching(message) });

describe('a signature that is right', () => {
  it('a signed call is a call by the API key to which the access key belongs', async () => {
    expect(await authenticate(await signed())).toMatchObject({ id, queues: ['orders-*'], scopes: ['publish'] });
  });

  it('a content type that is not signed is accepted, as curl sends it', async () => {
    const body = 'Action=ListQueues&Version=2012-11-05';
    const request = altered(await signed({ headers: {}, body }), { 'content-type': 'application/x-www-form-urlencoded' });
    expect(await authenticate(request)).toMatchObject({ id });
  });

  it('a session token of a client is signed and ignored', async () => {
    const credentials = { ...pair, sessionToken: 'a+token/=' };
    expect(await authenticate(await signed({ credentials }))).toMatchObject({ id });
  });

  it('a presigned URL is valid until it expires', async () => {
    const get = { method: 'GET', headers: {}, body: '', query: { Action: 'ListQueues', Version: '2012-11-05' }, presigned: 3600 };
    const request = await signed(get);
    now += 60 * minuteMs;
    expect(await authenticate(request)).toMatchObject({ id });
    now += 1000;
    await expect(authenticate(request)).rejects.toMatchObject(refusal('RequestExpired'));
  });

  it('whatever the SDK signs is accepted, and refused with any other body, path or parameter', async () => {
    const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
    const wellFormed = word.filter((text) => text.isWellFormed());
    const shape = {
      method: fc.constantFrom('GET', 'POST'),
      path: fc.array(fc.stringMatching(/^[A-Za-z0-9_~-]{1,20}$/), { maxLength: 3 }).map((parts) => `/${parts.join('/')}`),
      query: fc.dictionary(
        wellFormed.filter((name) => !/^x-amz-/i.test(name) && name !== '__proto__'),
        wellFormed,
        { maxKeys: 4 },
      ),
      headers: fc.constantFrom({}, json, { ...json, 'x-amz-meta': ' a   b ' }),
      body: fc.string({ unit: 'grapheme' }).filter((text) => text.isWellFormed()),
      presigned: fc.option(fc.integer({ min: 1, max: 604_800 }), { nil: undefined }),
    };
    await fc.assert(
      fc.asyncProperty(fc.record(shape), async (asked) => {
        const request = await signed(asked as Asked);
        expect(await authenticate(request)).toMatchObject({ id });
        const url = new URL(request.url);
        const others: SignedRequest[] = [
          { ...request, body: Buffer.from(`${asked.body} `) },
          { ...request, url: `${url.origin}${url.pathname}x${url.search}` },
          { ...request, url: `${request.url}${url.search === '' ? '?' : '&'}more=1` },
          { ...request, method: asked.method === 'GET' ? 'POST' : 'GET' },
          altered(request, { host: 'elsewhere' }),
        ];
        for (const other of others) await expect(authenticate(other)).rejects.toMatchObject({ code: 'SignatureDoesNotMatch' });
      }),
      { numRuns: 100 },
    );
  });
});

describe('a signature that is wrong', () => {
  it('a request without a signature is told so', async () => {
    const request = altered(await signed(), { authorization: undefined });
    await expect(authenticate(request)).rejects.toMatchObject(refusal('MissingAuthenticationToken'));
  });

  it.each([
    ['Bearer dw_1_2', /Version 4/],
    ['AWS4-HMAC-SHA256', /'Credential'.*'Signature'.*'SignedHeaders'/],
    ['AWS4-HMAC-SHA256 Credential=a/20260131/x/sqs/aws4_request, SignedHeaders=host', /'Signature' parameter/],
    ['AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=00', /Credential must have the form/],
    ['AWS4-HMAC-SHA256 Credential=a/20260131/x/sqs/aws4_request, SignedHeaders=h{st, Signature=00', /names of headers/],
  ])('an incomplete signature is refused with what it lacks: %s', async (authorization, message) => {
    const request = altered(await signed(), { authorization });
    await expect(authenticate(request)).rejects.toMatchObject(refusal('IncompleteSignature', message));
  });

  it.each([undefined, 'yesterday', '20261331T000000Z'])('a signature with the date %s is incomplete', async (date) => {
    const request = altered(await signed(), { 'x-amz-date': date });
    await expect(authenticate(request)).rejects.toMatchObject(refusal('IncompleteSignature', /[Dd]ate/));
  });

  it.each([
    'Algorithm',
    'Credential',
    'Date',
    'Expires',
    'SignedHeaders',
  ])('a presigned URL without X-Amz-%s is refused', async (name) => {
    const request = await signed({ method: 'GET', headers: {}, body: '', presigned: 60 });
    const url = new URL(request.url);
    url.searchParams.delete(`X-Amz-${name}`);
    await expect(authenticate({ ...request, url: String(url) })).rejects.toMatchObject(refusal('IncompleteSignature'));
  });

  it('a presigned URL may not live for more than a week, nor for no number of seconds', async () => {
    const request = await signed({ method: 'GET', headers: {}, body: '', presigned: 60 });
    for (const seconds of ['0', '-1', '604801', '1e3', '']) {
      const url = request.url.replace('X-Amz-Expires=60', `X-Amz-Expires=${seconds}`);
      await expect(authenticate({ ...request, url })).rejects.toMatchObject(refusal('IncompleteSignature'));
    }
  });

  it('an access key that does not exist, or a key without one, is refused', async () => {
    const plain = await keys.create({ name: 'plain', queues: ['*'], scopes: ['publish'] }, admin);
    expect(plain).not.toHaveProperty('accessKeyId');
    const withoutPair = createAccessKeys(async () => 'the master secret').pairOf(plain.id);
    for (const accessKeyId of ['AKIDEXAMPLE', 'DWAK000000000000', (await withoutPair).accessKeyId]) {
      const { secretAccessKey } = await withoutPair;
      const request = await signed({ credentials: { accessKeyId, secretAccessKey } });
      await expect(authenticate(request)).rejects.toMatchObject(refusal('InvalidClientTokenId'));
    }
  });

  it('a revoked access key is refused at once, and an expired one as an expired token', async () => {
    const expiresAt = new Date(noon + minuteMs).toISOString();
    const short = await keys.create({ name: 'short', queues: ['*'], scopes: ['publish'], accessKey: true, expiresAt }, admin);
    const credentials = { accessKeyId: short.accessKeyId!, secretAccessKey: short.secretAccessKey! };
    expect(await authenticate(await signed({ credentials }))).toMatchObject({ id: short.id });
    now += minuteMs;
    await expect(authenticate(await signed({ credentials }))).rejects.toMatchObject(refusal('ExpiredToken'));
    await keys.revoke(id);
    await expect(authenticate(await signed())).rejects.toMatchObject(refusal('InvalidClientTokenId'));
  });

  it('another secret, another service and a hash that is not of the body are refused', async () => {
    const credentials = { ...pair, secretAccessKey: `${pair.secretAccessKey.slice(1)}x` };
    const wrong = [
      [await signed({ credentials }), /does not match the signature/],
      [await signed({ service: 's3' }), /correct service: 'sqs'/],
      [await signed({ headers: { ...json, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } }), /hash of the body/],
      [altered(await signed(), { authorization: (await signed()).headers.get('authorization')!.slice(0, -2) }), /does not match/],
    ] as const;
    for (const [request, message] of wrong) {
      await expect(authenticate(request)).rejects.toMatchObject(refusal('SignatureDoesNotMatch', message));
    }
  });

  it.each(['x-amz-target', 'host'])('a request that does not sign its header %s is refused', async (name) => {
    const headers = { ...json, host };
    const { [name as 'host']: _, ...others } = headers;
    const request = altered(await signed({ headers: others }), { [name]: headers[name as 'host'] });
    const authorization = request.headers
      .get('authorization')!
      .replace(/(?<=SignedHeaders=[^,]*)\bhost;?/, name === 'host' ? '' : 'host;');
    await expect(authenticate(altered(request, { authorization }))).rejects.toMatchObject(
      refusal('SignatureDoesNotMatch', `'${name}' must be a 'SignedHeader'`),
    );
  });

  it('a signature is valid from five minutes before its time until five minutes after it', async () => {
    for (const at of [now - 5 * minuteMs, now + 5 * minuteMs])
      expect(await authenticate(await signed({ at }))).toMatchObject({ id });
    const late = refusal('SignatureDoesNotMatch', /Signature expired: 20260131T115459Z is now earlier than 20260131T115500Z/);
    await expect(authenticate(await signed({ at: now - 5 * minuteMs - 1000 }))).rejects.toMatchObject(late);
    const early = refusal('SignatureDoesNotMatch', /not yet current: 20260131T120501Z is still later than 20260131T120500Z/);
    await expect(authenticate(await signed({ at: now + 5 * minuteMs + 1000 }))).rejects.toMatchObject(early);
    await expect(authenticate(await signed({ at: now + 6 * minuteMs, presigned: 60 }))).rejects.toMatchObject({
      code: 'SignatureDoesNotMatch',
    });
  });

  it('any other text in place of a signature is refused with an error of SQS', async () => {
    const request = await signed();
    const piece = fc.constantFrom(
      'AWS4-HMAC-SHA256 ',
      'Credential=',
      pair.accessKeyId,
      '/20260131/x/sqs/aws4_request',
      'SignedHeaders=',
      'host',
      ';',
      ', ',
    );
    const text = fc.array(fc.oneof(piece, fc.constantFrom('Signature=', '00', '=', '__proto__', '%', '\t')), {
      minLength: 1,
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(text, async (parts) => {
        const authorization = `x${parts.join('')}`.slice(parts[0]!.startsWith('AWS4') ? 1 : 0);
        await expect(authenticate(altered(request, { authorization }))).rejects.toBeInstanceOf(SqsError);
        const url = `http://${host}/?${parts.join('&').replaceAll('Credential=', 'X-Amz-Credential=')}&X-Amz-Signature=${parts.join('')}`;
        await expect(authenticate({ ...altered(request, { authorization: undefined }), url })).rejects.toBeInstanceOf(SqsError);
      }),
      { numRuns: 300 },
    );
  });

  it('a scope of another day than the time is refused', async () => {
    const request = await signed();
    const authorization = request.headers.get('authorization')!.replace('/20260131/', '/20260130/');
    await expect(authenticate(altered(request, { authorization }))).rejects.toMatchObject(
      refusal('SignatureDoesNotMatch', /Date in Credential scope/),
    );
  });

  it('with anonymous access, any request is accepted', async () => {
    const anyone = createAuthenticateSqs({ keys, clock, isAnonymous: true });
    expect(await anyone(altered(await signed(), { authorization: undefined }))).toMatchObject({ id: 'admin' });
  });
});
