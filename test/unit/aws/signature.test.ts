/**
 * AWS's published vectors: https://github.com/awslabs/aws-c-auth/tree/main/tests/aws-signing-test-suite/v4, named as there. Each
 * value is of the file `header-signed-request.txt`.
 */
import { describe, expect, it } from 'vitest';
import { createSigner } from '../../../aws/signature.ts';

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const signing = { credentials, region: 'us-east-1', at: Date.parse('2015-08-30T12:36:00Z') };
const host = 'example.amazonaws.com';
const sessionToken = '6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267';
const unreserved = '/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

interface Vector {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string;
  token?: string;
  signedHeaders?: string;
  signature: string;
}

const vectors: Record<string, Vector> = {
  'get-vanilla': { signature: '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31' },
  'post-vanilla': { method: 'POST', signature: '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b' },
  'get-vanilla-with-session-token': {
    token: sessionToken,
    signedHeaders: 'host;x-amz-date;x-amz-security-token',
    signature: '07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8',
  },
  'post-header-key-sort': {
    method: 'POST',
    headers: { 'my-header1': 'value1' },
    signedHeaders: 'host;my-header1;x-amz-date',
    signature: 'c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c',
  },
  'get-header-value-trim': {
    headers: { 'my-header1': ' value1', 'my-header2': ' "a   b   c"' },
    signedHeaders: 'host;my-header1;my-header2;x-amz-date',
    signature: 'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736',
  },
  'post-x-www-form-urlencoded': {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': '13',
      'x-amz-content-sha256': '9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e',
    },
    body: 'Param1=value1',
    signedHeaders: 'content-length;content-type;host;x-amz-content-sha256;x-amz-date',
    signature: 'd3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b',
  },
  'get-unreserved': { path: unreserved, signature: '07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f' },
  'get-utf8': { path: '/ሴ', signature: '8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85' },
};

describe('signatures', () => {
  it.each(Object.entries(vectors))('a request is signed as AWS publishes it: %s', (_, {
    method = 'GET',
    path = '/',
    headers = {},
    body = '',
    token,
    ...expected
  }) => {
    const sign = createSigner('service');
    const given = token === undefined ? signing : { ...signing, credentials: { ...credentials, sessionToken: token } };
    const signed = sign({ method, path, headers: { host, ...headers }, body }, given);
    expect(signed).toEqual({
      host,
      ...headers,
      'x-amz-date': '20150830T123600Z',
      ...(token === undefined ? {} : { 'x-amz-security-token': token }),
      authorization: `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=${
        expected.signedHeaders ?? 'host;x-amz-date'
      }, Signature=${expected.signature}`,
    });
  });
});

it('the signing key changes with the day, the region and the secret, and back', () => {
  const request = { method: 'GET', path: '/', headers: { host }, body: '' };
  const dayMs = 86_400_000;
  const others = [
    { ...signing, at: signing.at + dayMs },
    { ...signing, region: 'eu-west-1' },
    { ...signing, credentials: { ...credentials, secretAccessKey: 'another' } },
    signing,
  ];
  const sign = createSigner('service');
  const kept = others.map((other) => sign(request, other));
  expect(kept).toEqual(others.map((other) => createSigner('service')(request, other)));
  expect(new Set(kept.map(({ authorization }) => authorization)).size).toBe(others.length);
});
