/** The store's client on connections that break, with answers that are damaged, and with wrong clocks and credentials. */
import { globalAgent } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ServiceAccess } from '../../aws/service-access.ts';
import { createDynamoClient, type DynamoClient } from '../../engine/dynamo/client.ts';
import { createCorrectedClock } from '../../engine/dynamo/corrected-clock.ts';
import { accessFromSdk, createSdkClient } from '../../engine/dynamo/sdk-client.ts';
import { createDynamoStore } from '../../engine/dynamo/store.ts';
import type { Store, Write } from '../../engine/port/port.ts';
import { hourMs } from '../support/durations.ts';
import { createTestClient, startTestDynamodb, type TestDynamodb, testCredentials, testRegion } from '../support/dynamodb.ts';
import { type Fate, type FaultyEndpoint, startFaultyEndpoint } from '../support/faulty-endpoint.ts';

const attempts = 3;
const signedTime = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;
const damages = ['cut', 'checksum', 'json'] as const;

let dynamodb: TestDynamodb;
let endpoint: FaultyEndpoint;
let client: DynamoClient;
let store: Store;
let count = 0;

beforeAll(async () => {
  dynamodb = await startTestDynamodb();
  endpoint = await startFaultyEndpoint(dynamodb.endpoint);
  client = createTestClient(endpoint.url, { attempts });
  store = createDynamoStore({ client, tables: dynamodb.tables });
});
afterAll(async () => {
  client.destroy();
  await endpoint.stop();
  await dynamodb.stop();
});
beforeEach(() => {
  endpoint.fates.length = 0;
  endpoint.seen.length = 0;
});

function freshPut(): Write & { then: { put: { id: string; version: string } } } {
  const id = `row-${++count}`;
  return { key: { table: 'leases', id }, when: { absent: ['id'] }, then: { put: { id, version: 'mine' } } };
}

function refusal(name: string, message: string): Fate {
  return { status: 400, body: { __type: `com.amazon.coral.service#${name}`, message } };
}

function signedAt(index: number): number {
  return Date.parse(String(endpoint.seen[index]!.headers['x-amz-date']).replace(signedTime, '$1-$2-$3T$4:$5:$6Z'));
}

describe.each(damages)('answers that are damaged on their way (%s)', (damage) => {
  it('a read whose answer is damaged is sent again', async () => {
    const put = freshPut();
    await store.write(put);
    endpoint.fates.push({ damage });
    expect(await store.get([put.key])).toEqual([put.then.put]);
    endpoint.fates.push({ damage }, { damage }, { damage });
    await expect(store.get([put.key])).rejects.toMatchObject({ name: 'StoreError', applied: 'no' });
  });

  it('a write whose answer is damaged has an unknown outcome, and its retry shows the caller its own row', async () => {
    const put = freshPut();
    endpoint.fates.push({ damage });
    expect(await store.write(put)).toEqual({ ok: false, row: put.then.put, maybeApplied: true });
  });

  it('a write whose every answer is damaged has an unknown outcome', async () => {
    const put = freshPut();
    endpoint.fates.push({ damage }, { damage }, { damage });
    await expect(store.write(put)).rejects.toMatchObject({ name: 'StoreError', applied: 'unknown' });
    expect(endpoint.seen).toHaveLength(attempts);
    expect(await store.get([put.key])).toEqual([put.then.put]);
  });
});

describe('kept connections that the server has closed, as while a Lambda is frozen', () => {
  it('a write on a closed connection is sent again and applied once', async () => {
    await store.write(freshPut());
    const writes = Array.from({ length: 20 }, freshPut);
    for (const put of writes) {
      endpoint.seen.length = 0;
      endpoint.closeIdle();
      // In the same turn of the event loop: this process has not learned yet that the connection is closed.
      expect(await store.write(put)).toEqual({ ok: true, row: put.then.put });
      expect(endpoint.seen).toHaveLength(1);
    }
    expect(await store.get(writes.map(({ key }) => key))).toEqual(writes.map(({ then }) => then.put));
  });

  it('a write on a closed connection has an unknown outcome if no attempt is left', async () => {
    const once = createTestClient(endpoint.url, { attempts: 1 });
    const onceStore = createDynamoStore({ client: once, tables: dynamodb.tables });
    await onceStore.write(freshPut());
    const put = freshPut();
    endpoint.closeIdle();
    await expect(onceStore.write(put)).rejects.toMatchObject({ name: 'StoreError', applied: 'unknown' });
    expect(await store.get([put.key])).toEqual([undefined]);
    once.destroy();
  });
});

it('a connection is used again after a call and after a failed condition', async () => {
  const ports = new Set<number | undefined>();
  const put = freshPut();
  const one = createTestClient(endpoint.url);
  const oneStore = createDynamoStore({ client: one, tables: dynamodb.tables });
  endpoint.onRequest = ({ port }) => ports.add(port);
  for (let call = 0; call < 5; call++) await oneStore.write(put);
  endpoint.onRequest = () => undefined;
  expect(ports.size).toBe(1);
  one.destroy();
});

describe('signatures for a wrong time', () => {
  it.each([
    -hourMs,
    hourMs,
  ])('a call whose clock is wrong by %d ms is signed again for the time in the refusal', async (wrong) => {
    const clock = createCorrectedClock(() => Date.now() + wrong);
    const late = createDynamoStore({ client, tables: dynamodb.tables, clock });
    endpoint.fates.push(refusal('InvalidSignatureException', 'Signature expired: … is now earlier than …'));
    const put = freshPut();
    expect(await late.write(put)).toEqual({ ok: true, row: put.then.put });
    expect(endpoint.seen).toHaveLength(2);
    expect(Math.abs(signedAt(0) - Date.now() - wrong)).toBeLessThan(60_000);
    expect(Math.abs(signedAt(1) - Date.now())).toBeLessThan(60_000);
  });

  it('a signature that is refused for another reason is not sent again', async () => {
    endpoint.fates.push(refusal('InvalidSignatureException', 'The request signature we calculated does not match'));
    await expect(store.write(freshPut())).rejects.toMatchObject({ name: 'InvalidSignatureException' });
    expect(endpoint.seen).toHaveLength(1);
  });
});

describe('credentials', () => {
  it('a call with expired credentials rejects, and the next call is signed with new ones', async () => {
    let asked = 0;
    const { accessKeyId, secretAccessKey } = testCredentials;
    const given = async () => {
      asked++;
      // The AWS SDK asks again once credentials are about to expire.
      return { accessKeyId, secretAccessKey, sessionToken: `token-${asked}`, expiration: new Date(Date.now() + 1_000) };
    };
    const sdk = createSdkClient({ endpoint: endpoint.url, region: testRegion, credentials: given });
    const expiring = createDynamoStore({ client: createDynamoClient(accessFromSdk(sdk)), tables: dynamodb.tables });
    endpoint.fates.push(refusal('ExpiredTokenException', 'The security token included in the request is expired'));
    await expect(expiring.write(freshPut())).rejects.toMatchObject({ name: 'ExpiredTokenException' });
    await expiring.write(freshPut());
    const tokens = endpoint.seen.map(({ headers }) => headers['x-amz-security-token']);
    expect(tokens).toHaveLength(2);
    expect(new Set(tokens).size).toBe(2);
    sdk.destroy();
  });

  it('a write whose answer was lost has an unknown outcome, although its retry is refused for expired credentials', async () => {
    const expired = refusal('ExpiredTokenException', 'The security token included in the request is expired');
    const put = freshPut();
    endpoint.fates.push('loseAnswer', expired);
    const failed = { name: 'StoreError', applied: 'unknown', message: expect.stringContaining('ExpiredTokenException') };
    await expect(store.write(put)).rejects.toMatchObject(failed);
    expect(await store.get([put.key])).toEqual([put.then.put]);
    endpoint.fates.push('lose', expired);
    await expect(store.get([put.key])).rejects.toMatchObject({ name: 'ExpiredTokenException' });
  });

  it.each([
    ['CredentialsProviderError', Object.assign(new Error('none'), { name: 'CredentialsProviderError' }), { message: 'none' }],
    [
      'a failure of another service',
      Object.assign(new Error('down'), { code: 'ECONNREFUSED' }),
      { name: 'StoreError', applied: 'no' },
    ],
  ])('a write without credentials sends nothing: %s', async (_, failure, expected) => {
    const access: ServiceAccess = {
      endpoint: async () => ({ url: new URL(endpoint.url), region: testRegion, agent: globalAgent }),
      credentials: () => Promise.reject(failure),
      close: () => undefined,
    };
    const lost = createDynamoStore({ client: createDynamoClient(access), tables: dynamodb.tables });
    await expect(lost.write(freshPut())).rejects.toMatchObject(expected);
    expect(endpoint.seen).toEqual([]);
  });
});
