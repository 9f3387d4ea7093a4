/** The queue's client and the AWS SDK's: for the same input they send the same request, and make the same of the answer. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sdkCommands, withBytes } from '../../bench/sdk-calls.ts';
import { keyItem, putItem } from '../../engine/dynamo/attribute-values.ts';
import type { DynamoClient } from '../../engine/dynamo/client.ts';
import { createCorrectedClock } from '../../engine/dynamo/corrected-clock.ts';
import type { Answers } from '../../engine/dynamo/requests.ts';
import { queryInput, writeRequest } from '../../engine/dynamo/requests.ts';
import { createSdkClient } from '../../engine/dynamo/sdk-client.ts';
import type { TableNames } from '../../engine/dynamo/tables.ts';
import type { Key, Row, Write } from '../../engine/port/port.ts';
import { createTestClient, startTestDynamodb, type TestDynamodb, testCredentials, testRegion } from '../support/dynamodb.ts';
import { type FaultyEndpoint, type SeenRequest, startFaultyEndpoint } from '../support/faulty-endpoint.ts';
import { randomRows, randomWrites } from '../support/random-writes.ts';
import { testSeed } from '../support/seed.ts';

type Operation = keyof Answers;

const writeCount = 1_000;
const readEach = 5;

let dynamodb: TestDynamodb;
let endpoint: FaultyEndpoint;
let client: DynamoClient;
let sdk: DynamoDBClient;
let oursTables: TableNames;
let sdkTables: TableNames;

beforeAll(async () => {
  dynamodb = await startTestDynamodb();
  endpoint = await startFaultyEndpoint(dynamodb.endpoint);
  client = createTestClient(endpoint.url);
  sdk = createSdkClient({ endpoint: endpoint.url, region: testRegion, credentials: testCredentials });
  oursTables = dynamodb.tables;
  sdkTables = await dynamodb.createTables();
});
afterAll(async () => {
  client.destroy();
  sdk.destroy();
  await endpoint.stop();
  await dynamodb.stop();
});

/** What a caller is told, in the SDK's form. */
type Told = { answer: unknown } | { name: string; message: string; details: unknown };

async function byClient(operation: Operation, input: object): Promise<Told> {
  try {
    const { answer } = await client.call(operation, input, { clock: createCorrectedClock() });
    return { answer: withBytes(answer) };
  } catch (error) {
    const { name, message, answer = {} } = error as Error & { answer?: { Item?: unknown; CancellationReasons?: unknown } };
    return { name, message, details: withBytes([answer.Item, answer.CancellationReasons]) };
  }
}

async function bySdk(operation: Operation, input: object): Promise<Told> {
  try {
    const { $metadata, ...answer } = await sdk.send(new sdkCommands[operation](withBytes(input) as never));
    return { answer };
  } catch (error) {
    const { name, message, Item, CancellationReasons } = error as Error & { Item?: unknown; CancellationReasons?: unknown };
    return { name, message, details: [Item, CancellationReasons] };
  }
}

/** The parts of a request that DynamoDB looks at, without what is of one client by its nature. */
function plain({ operation, headers, body }: SeenRequest): unknown {
  const { ClientRequestToken: _, ...input } = JSON.parse(JSON.stringify(body).replaceAll(sdkTables.leases, oursTables.leases));
  const { 'x-amz-target': target, 'content-type': type, host, authorization } = headers;
  const scope = /Credential=(\S+),/.exec(authorization!)?.[1];
  return { operation, target, type, host, scope, input };
}

/** Sends it by both, each to its own tables, and asserts that nothing differs. */
async function expectSame(operation: Operation, inputFor: (names: TableNames) => object): Promise<Told> {
  endpoint.seen.length = 0;
  const ours = await byClient(operation, inputFor(oursTables));
  const theirs = await bySdk(operation, inputFor(sdkTables));
  const [sent, sentBySdk] = endpoint.seen.map(plain);
  expect(sent).toBeDefined();
  expect(sent).toEqual(sentBySdk);
  const renamed = JSON.parse(JSON.stringify(theirs).replaceAll(sdkTables.leases, oursTables.leases));
  expect(JSON.parse(JSON.stringify(ours))).toEqual(renamed);
  return ours;
}

function requestOf(write: Write, names: TableNames): [Operation, object] {
  const request = writeRequest(write, names);
  if ('put' in request) return ['PutItem', request.put];
  if ('remove' in request) return ['DeleteItem', request.remove];
  return ['UpdateItem', { ...request.update, ReturnValues: 'ALL_NEW' }];
}

function withId(write: Write['then'], id: string): Write['then'] {
  return 'put' in write ? { put: { ...write.put, id } } : write;
}

describe('the own client and the AWS SDK', () => {
  it(`both clients send the same requests and read the same answers, for ${writeCount} random writes and reads of their rows`, async () => {
    const drawn = fc.sample(randomWrites, { numRuns: writeCount, seed: testSeed });
    const told = { answered: 0, refused: 0, failed: 0 };
    for (const [index, { row, when, then }] of drawn.entries()) {
      const key: Key = { table: 'leases', id: `row-${index}` };
      const write: Write = { key, ...(when && { when }), then: withId(then, key.id) };
      let operation: Operation;
      try {
        [operation] = requestOf(write, oursTables);
      } catch {
        continue; // A defect that no client sends.
      }
      if (row !== undefined)
        await expectSame('PutItem', (names) => requestOf({ key, then: withId({ put: row }, key.id) }, names)[1]);
      const answer = await expectSame(operation, (names) => requestOf(write, names)[1]);
      told['answer' in answer ? 'answered' : answer.name === 'ConditionalCheckFailedException' ? 'refused' : 'failed']++;
      if (index % readEach === 0)
        await expectSame('GetItem', ({ leases }) => ({ TableName: leases, Key: keyItem(key), ConsistentRead: true }));
    }
    // Were nearly all of them refused or defects, the comparison would say little.
    expect(told.answered, JSON.stringify(told)).toBeGreaterThan(200);
    expect(told.refused, JSON.stringify(told)).toBeGreaterThan(200);
  }, 180_000);

  it('both clients send the same requests and read the same answers, for batches, ranges and transactions', async () => {
    const rows = fc.sample(randomRows, { numRuns: 20, seed: testSeed }).map((row, index): [Key, Row] => {
      const id = `batched-${index}`;
      return [
        { table: 'leases', id },
        { ...row, id, shard: 'some', expiry: index },
      ];
    });
    expect(rows.length).toBeGreaterThan(0);
    await expectSame('BatchWriteItem', ({ leases }) => ({
      RequestItems: { [leases]: rows.map(([key, row]) => ({ PutRequest: { Item: putItem({ key, row }) } })) },
    }));
    await expectSame('BatchGetItem', ({ leases }) => ({
      RequestItems: { [leases]: { Keys: rows.map(([key]) => keyItem(key)), ConsistentRead: true } },
    }));
    const range = { table: 'leases', index: 'due', partition: 'some', from: 2, limit: 5 } as const;
    await expectSame('Query', (names) => queryInput(range, names));
    const transaction = (absent: string) => (names: TableNames) => ({
      TransactItems: rows.slice(0, 3).map(([key, row]) => {
        const request = writeRequest({ key, when: { absent: [absent] }, then: { put: { ...row, then: 1 } } }, names);
        return { Put: (request as { put: object }).put };
      }),
    });
    expect(await expectSame('TransactWriteItems', transaction('then'))).toMatchObject({ answer: {} });
    expect(await expectSame('TransactWriteItems', transaction('then'))).toMatchObject({ name: 'TransactionCanceledException' });
  });
});
