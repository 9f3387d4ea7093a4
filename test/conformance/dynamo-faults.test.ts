/** The DynamoDB store against an endpoint that fails. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DynamoClient } from '../../engine/dynamo/client.ts';
import { createCorrectedClock } from '../../engine/dynamo/corrected-clock.ts';
import { createDynamoStore } from '../../engine/dynamo/store.ts';
import { type Store, StoreError, type Write } from '../../engine/port/port.ts';
import { createTestClient, startTestDynamodb, type TestDynamodb } from '../support/dynamodb.ts';
import { type Fate, type FaultyEndpoint, startFaultyEndpoint } from '../support/faulty-endpoint.ts';

const attempts = 3;
const namespace = 'com.amazonaws.dynamodb.v20120810#';

function refusal(name: string, more: object = {}): Fate {
  return { status: 400, body: { __type: namespace + name, message: name, ...more } };
}

const throttled = refusal('ThrottlingException');
const broken: Fate = { status: 500, body: { __type: `${namespace}InternalServerError`, message: 'broken' } };

describe('the DynamoDB store when calls fail', () => {
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

  function newPut(): Write & { then: { put: { id: string; version: string } } } {
    const id = `row-${++count}`;
    return { key: { table: 'leases', id }, when: { absent: ['id'] }, then: { put: { id, version: 'mine' } } };
  }

  async function stored({ key }: Write): Promise<boolean> {
    return (await createDynamoStore(dynamodb).get([key]))[0] !== undefined;
  }

  it.each<[string, Fate[], 'no' | 'unknown', boolean]>([
    ['throttled each time', [throttled, throttled, throttled], 'no', false],
    ['over the provisioned rate', Array(3).fill(refusal('ProvisionedThroughputExceededException')), 'no', false],
    ['over the account’s rate', Array(3).fill(refusal('RequestLimitExceeded')), 'no', false],
    ['in conflict with a transaction', Array(3).fill(refusal('TransactionConflictException')), 'no', false],
    ['lost each time', ['lose', 'lose', 'lose'], 'unknown', false],
    ['met by errors of the server', [broken, broken, broken], 'unknown', false],
    ['done, unanswered, and then throttled', ['loseAnswer', throttled, throttled], 'unknown', true],
    ['throttled, then lost', [throttled, throttled, 'lose'], 'unknown', false],
  ])('a failed write reports whether it may have been applied: %s', async (_, fates, applied, done) => {
    endpoint.fates.push(...fates);
    const put = newPut();
    const error = await store.write(put).catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({ applied });
    expect(await stored(put)).toBe(done);
  });

  it('a conflict with a transaction is reported as throttling, which may be retried', async () => {
    endpoint.fates.push(refusal('TransactionConflictException'));
    await expect(store.write(newPut())).rejects.toMatchObject({ applied: 'no', reason: 'throttled' });
  });

  it('a write is retried after throttling or a lost request', async () => {
    endpoint.fates.push(throttled, 'lose');
    const put = newPut();
    expect(await store.write(put)).toEqual({ ok: true, row: put.then.put });
    expect(endpoint.seen).toHaveLength(3);
  });

  it('each throttled read is reported, and no write', async () => {
    let reads = 0;
    store.onThrottledRead?.(() => reads++);
    const put = newPut();
    endpoint.fates.push(throttled);
    await store.write(put);
    expect(reads).toBe(0);
    endpoint.fates.push(throttled, throttled);
    expect(await store.get([put.key])).toEqual([put.then.put]);
    endpoint.fates.push(throttled);
    await store.get([put.key, newPut().key]);
    expect(reads).toBe(3);
  });

  it('a throttled shard is reported for each attempt if the load on its key was the reason', async () => {
    const hot: string[] = [];
    store.onThrottled?.((shard) => hot.push(shard));
    const because = (name: string, reason: string) =>
      refusal(name, { ThrottlingReasons: [{ reason, resource: 'arn:aws:dynamodb:eu-west-1:123456789012:table/leases' }] });
    const put = newPut();
    const sharded = { ...put, then: { put: { ...put.then.put, shard: 'queue:3', expiry: 1 } } };

    endpoint.fates.push(because('ThrottlingException', 'IndexWriteKeyRangeThroughputExceeded'), throttled);
    expect(await store.write(sharded)).toMatchObject({ ok: true });
    expect(hot).toEqual(['queue:3']);

    const parcels = Array.from({ length: 2 }, (_, index) => {
      const key = { table: 'messages', shard: `queue:${index}`, id: `row-${++count}` } as const;
      return { key, then: { put: { shard: key.shard, id: key.id } } };
    });
    hot.length = 0;
    endpoint.fates.push(because('ProvisionedThroughputExceededException', 'TableWriteKeyRangeThroughputExceeded'));
    expect(await store.writeAll(parcels)).toEqual([undefined, undefined]);
    expect(hot).toEqual(['queue:0', 'queue:1']);

    hot.length = 0;
    // Throttling without a reason does not prove that the key is hot if this process does not load it.
    endpoint.fates.push(throttled);
    expect(await store.transact([newPut(), parcels[0]!])).toMatchObject({ ok: true });
    expect(hot).toEqual([]);
    endpoint.fates.push(because('ThrottlingException', 'TableWriteAccountLimitExceeded'), refusal('RequestLimitExceeded'));
    expect(await store.write(newPut())).toMatchObject({ ok: true });
    expect(hot).toEqual([]);
  });

  it('a conditional write whose answer was lost returns its own row', async () => {
    endpoint.fates.push('loseAnswer');
    const put = newPut();
    expect(await store.write(put)).toEqual({ ok: false, row: put.then.put, maybeApplied: true });
  });

  it('every attempt of a transaction has the same token', async () => {
    endpoint.fates.push('loseAnswer');
    expect(await store.transact([newPut(), newPut()])).toEqual({ ok: true });
    const tokens = endpoint.seen.map(({ body }) => body.ClientRequestToken);
    expect(tokens).toHaveLength(2);
    expect(new Set(tokens).size).toBe(1);
    expect(tokens[0]).toMatch(/./);
  });

  it('a lost or failed read is reported as not applied', async () => {
    endpoint.fates.push('lose', 'lose', broken);
    await expect(store.get([newPut().key])).rejects.toMatchObject({ name: 'StoreError', applied: 'no' });
  });

  it('a write to an unreachable endpoint is reported as not applied', async () => {
    const gone = await startFaultyEndpoint(dynamodb.endpoint);
    await gone.stop();
    const unreachable = createTestClient(gone.url, { attempts: 1 });
    const unreachableStore = createDynamoStore({ client: unreachable, tables: dynamodb.tables });
    await expect(unreachableStore.write(newPut())).rejects.toMatchObject({ name: 'StoreError', applied: 'no' });
    unreachable.destroy();
  });

  it.each([
    'ValidationException',
    'AccessDeniedException',
    'ResourceNotFoundException',
  ])('a defect is thrown as it is: %s', async (name) => {
    endpoint.fates.push(refusal(name));
    await expect(store.write(newPut())).rejects.toMatchObject({ name });
    expect(endpoint.seen).toHaveLength(1);
  });

  it('no attempt begins after the deadline, not even a retry', async () => {
    let now = 1_000_000;
    const clock = createCorrectedClock(() => now);
    clock.observe = () => {};
    const fenced = createDynamoStore({ client, tables: dynamodb.tables, clock });
    endpoint.fates.push({
      get status() {
        now += 1_000;
        return 500;
      },
      body: {},
    });
    const put = newPut();
    // The first attempt was in time and its outcome is unknown. The second one would be late.
    await expect(fenced.write(put, { by: now + 500 })).rejects.toMatchObject({ name: 'StoreError', applied: 'unknown' });
    expect(endpoint.seen).toHaveLength(1);
    await expect(fenced.write(put, { by: now - 1 })).rejects.toMatchObject({ name: 'StoreError', applied: 'no', reason: 'late' });
    expect(endpoint.seen).toHaveLength(1);
  });

  it.each<[string, { Code: string }[], object | undefined]>([
    ['in conflict', [{ Code: 'TransactionConflict' }, { Code: 'None' }], { name: 'StoreError', applied: 'no' }],
    ['throttled', [{ Code: 'None' }, { Code: 'ThrottlingError' }], { name: 'StoreError', applied: 'no' }],
    ['invalid', [{ Code: 'ValidationError' }, { Code: 'None' }], { name: 'TransactionCanceledException' }],
    ['in conflict, and refused', [{ Code: 'TransactionConflict' }, { Code: 'ConditionalCheckFailed' }], undefined],
  ])('a cancelled transaction reports its reason: %s', async (_, CancellationReasons, error) => {
    endpoint.fates.push(...Array(attempts).fill(refusal('TransactionCanceledException', { CancellationReasons })));
    const answer = store.transact([newPut(), newPut()]);
    if (error) await expect(answer).rejects.toMatchObject(error);
    else expect(await answer).toEqual({ ok: false, refused: [undefined, { row: undefined }] });
  });

  it('the unprocessed rest of a batch is requested again', async () => {
    const writes = Array.from({ length: 4 }, newPut);
    const { leases } = dynamodb.tables;
    const left = (rows: Write[]) => rows.map(({ key }) => ({ id: { S: (key as { id: string }).id } }));
    // The engine did the whole batch. The changed answer reports half of it, so the store asks again.
    endpoint.fates.push({
      change: () => ({ UnprocessedItems: { [leases]: left(writes.slice(2)).map((Key) => ({ DeleteRequest: { Key } })) } }),
    });
    expect(await store.writeAll(writes)).toEqual(writes.map(() => undefined));
    expect(endpoint.seen.map(({ body }) => (body.RequestItems as Record<string, unknown[]>)[leases]!.length)).toEqual([4, 2]);
    endpoint.fates.push({
      change: (answer) => ({
        Responses: {
          [leases]: (answer.Responses as Record<string, { id: { S: string } }[]>)[leases]!.filter(
            ({ id }) => id.S === writes[0]!.then.put.id,
          ),
        },
        UnprocessedKeys: { [leases]: { Keys: left(writes.slice(1)), ConsistentRead: true } },
      }),
    });
    expect(await store.get(writes.map(({ key }) => key))).toEqual(writes.map(({ then }) => then.put));
  });

  it('writeAll reports each entry of a batch that was not done', async () => {
    const writes = Array.from({ length: 30 }, newPut);
    endpoint.fates.push(throttled, throttled, throttled, throttled, throttled, throttled);
    const errors = await store.writeAll(writes);
    expect(errors).toHaveLength(30);
    expect(errors.every((error) => error?.applied === 'no')).toBe(true);
  });

  it('the clock corrects itself by the time in answers', async () => {
    const clock = createCorrectedClock();
    const corrected = createDynamoStore({ client, tables: dynamodb.tables, clock });
    endpoint.fates.push({ dateMs: Date.now() + 60_000 });
    await corrected.get([newPut().key]);
    expect(clock.trusted()).toBe(false);
    expect(Math.abs(clock.now() - Date.now() - 60_000)).toBeLessThan(2_000);
  });

  it('the clock corrects itself by the time in refusals too', async () => {
    const clock = createCorrectedClock();
    const corrected = createDynamoStore({ client, tables: dynamodb.tables, clock });
    const put = newPut();
    await store.write(put);
    endpoint.fates.push({ dateMs: Date.now() - 60_000 });
    expect(await corrected.write(put)).toMatchObject({ ok: false });
    expect(clock.trusted()).toBe(false);
  });
});
