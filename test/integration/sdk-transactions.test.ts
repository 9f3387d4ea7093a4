/**
 * Publishes and acks in the user's transactions, through the SDK: entries come over HTTP or in process, and the user's client commits
 * them.
 */
import {
  type AttributeValue,
  CreateTableCommand,
  type DynamoDBClient,
  GetItemCommand,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type DirectTransport, directTransport } from '../../direct/transport.ts';
import { type LocalServer, startLocal } from '../../functions/local/server.ts';
import { type Consumer, Dumbwaiter, DumbwaiterError, type QueueClient, refusalOfTransaction } from '../../sdk/index.ts';
import { rowOfSdk, startTestDynamodb, type TestDynamodb, testCredentials, testRegion } from '../support/dynamodb.ts';
import { type FaultyEndpoint, startFaultyEndpoint } from '../support/faulty-endpoint.ts';
import { adminKey, loggedDefects } from '../support/local-queue.ts';

const { log, defects } = loggedDefects();
const table = 'orders';
let dynamodb: TestDynamodb;
let client: DynamoDBClient;
let local: LocalServer;
let faulty: FaultyEndpoint;
let direct: DirectTransport;
let names = 0;

beforeAll(async () => {
  dynamodb = await startTestDynamodb();
  client = dynamodb.sdk;
  await client.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    }),
  );
  local = await startLocal({ data: { endpoint: dynamodb.endpoint }, log, adminKey });
  faulty = await startFaultyEndpoint(dynamodb.endpoint);
  direct = directTransport({ endpoint: faulty.url, region: testRegion, credentials: testCredentials });
});
afterAll(async () => {
  await direct.close();
  await faulty.stop();
  await local.close();
  await dynamodb.stop();
  expect(defects).toEqual([]);
});
beforeEach(() => {
  faulty.fates.length = 0;
  faulty.seen.length = 0;
});

/** A put of an order that does not exist. */
function order(id: string): TransactWriteItem {
  return { Put: { TableName: table, Item: { id: { S: id } }, ConditionExpression: 'attribute_not_exists(id)' } };
}

async function isOrdered(id: string): Promise<boolean> {
  return (
    (await client.send(new GetItemCommand({ TableName: table, Key: { id: { S: id } }, ConsistentRead: true }))).Item !== undefined
  );
}

/** Commits as a user does. Returns what cancelled the transaction, in the queue's words, or `order` for the user's own condition. */
async function commit(items: TransactWriteItem[]): Promise<string> {
  try {
    await client.send(new TransactWriteItemsCommand({ TransactItems: items }));
    return 'committed';
  } catch (error) {
    return refusalOfTransaction(error, items)?.code ?? 'order';
  }
}

const transports = [
  { name: 'HTTP', make: () => new Dumbwaiter({ url: local.url, apiKey: adminKey }) },
  { name: 'the direct transport', make: () => new Dumbwaiter({ transport: direct }) },
];

async function freshQueue(dumbwaiter: Dumbwaiter): Promise<{ queue: QueueClient; id: string }> {
  const id = `transactions-${++names}`;
  const queue = dumbwaiter.queue(id);
  await queue.create({ visibilityTimeoutSeconds: 600 });
  return { queue, id };
}

describe.each(transports)('entries of transactions, made over $name', ({ make }) => {
  it('messages to a topic reach every subscription that matches when the transaction commits, and none without it', async () => {
    const dumbwaiter = make();
    const topic = dumbwaiter.topic<number>(`topic-${++names}`);
    await topic.create();
    await Promise.all([topic.subscribe('all'), topic.subscribe('some', { subject: 'a.*' })]);
    const bodiesIn = async (subscription: string) =>
      (await topic.subscription(subscription).queue().receive({ max: 10 })).map(({ body }) => body).sort();
    const { items, ids } = await topic.publishItems([{ body: 1, subject: 'a.b' }, { body: 2 }]);
    expect(ids).toHaveLength(2);
    expect(await commit([...items, order(topic.name)])).toBe('committed');
    const refused = await topic.publishItems({ body: 3, id: 'own' });
    expect(await commit([...refused.items, order(topic.name)])).toBe('order');
    expect([await bodiesIn('all'), await bodiesIn('some')]).toEqual([[1, 2], [1]]);
    expect(await commit((await topic.publishItems({ body: 4, id: 'own' })).items as TransactWriteItem[])).toBe('committed');
    expect(await commit(refused.items)).toBe('message_exists');
    expect(await bodiesIn('all')).toEqual([4]);
  });

  it('the entries of a publish take effect with the order or not at all', async () => {
    const { queue, id } = await freshQueue(make());
    const bytes = crypto.getRandomValues(new Uint8Array(20_000));
    const { items, ids } = await queue.publishItems([{ body: { n: 1 } }, { body: bytes, id: 'bytes' }]);
    expect(await commit([order(id), ...items])).toBe('committed');
    expect(await commit([order(id), ...items.slice(0, 1)])).toBe('order');
    const messages = await queue.receive({ max: 10 });
    expect(new Map(messages.map((message) => [message.id, message.body]))).toEqual(
      new Map<string, unknown>([
        [ids[0]!, { n: 1 }],
        ['bytes', bytes],
      ]),
    );
  });

  it('the entries of a transaction name what cancels it, copied or not', async () => {
    const { queue, id } = await freshQueue(make());
    await queue.publish([{ body: 1, id: 'mine' }]);
    const { items } = await queue.publishItems({ body: 2, id: 'mine' });
    expect(await commit([order(id), ...items])).toBe('message_exists');
    const [message] = await queue.receive();
    const acks = await message!.ackItems();
    await message!.release();
    expect(await commit([order(id), ...acks.map((item) => ({ ...item }))])).toBe('lease_lost');
    expect(await isOrdered(id)).toBe(false);
    const [again] = await queue.receive({ waitSeconds: 5 });
    expect(await commit([order(id), ...(await again!.ackItems())])).toBe('committed');
    await expect(queue.get('mine')).rejects.toMatchObject({ code: 'message_not_found' });
    expect(refusalOfTransaction(new Error('another'), acks)).toBeUndefined();
    expect(refusalOfTransaction(undefined, acks)).toBeUndefined();
  });

  it('the entries of an ack end messages of one parcel with one entry', async () => {
    const { queue } = await freshQueue(make());
    await queue.publish([{ body: 1 }, { body: 2 }, { body: 3 }]);
    const messages = await queue.receive({ max: 3 });
    const items = await queue.ackItems(messages);
    expect(items).toHaveLength(1);
    expect(await commit(items)).toBe('committed');
    expect((await queue.describe()).counts).toMatchObject({ ready: 0, leased: 0 });
  });

  it('the entries of a transaction have plain values for the document client', async () => {
    const { queue } = await freshQueue(make());
    await queue.publish([{ body: 1 }, { body: 2 }]);
    const [message] = await queue.receive();
    const values = (item: Record<string, AttributeValue> | undefined) => (item === undefined ? undefined : rowOfSdk(item));
    const plain = (item: TransactWriteItem) => ({
      ...(item.Put && { Put: { ...item.Put, Item: values(item.Put.Item) } }),
      ...(item.Update && {
        Update: {
          ...item.Update,
          Key: values(item.Update.Key),
          ExpressionAttributeValues: values(item.Update.ExpressionAttributeValues),
        },
      }),
    });
    // Ids and versions are new for each call, except where a receipt fixes them.
    const key = async (document: boolean) =>
      document
        ? (await message!.ackItems({ document: true }))[0]!.Update!.Key
        : plain((await message!.ackItems())[0]!).Update!.Key;
    expect(await key(true)).toEqual(await key(false));
    const { items } = await queue.publishItems({ body: new Uint8Array(5_000).fill(7) }, { document: true });
    expect(items.at(-1)!.Put!.Item).toMatchObject({ count: 1, shard: expect.any(String), since: expect.any(Number) });
    expect(JSON.stringify(items)).not.toContain('"S":');
  });

  it('the entries of a transaction are refused for what cannot be published or acked', async () => {
    const { queue } = await freshQueue(make());
    await expect(queue.publishItems([{ body: 1 }, { body: 1, delaySeconds: -1 }])).rejects.toMatchObject({
      code: 'invalid_input',
    });
    await expect(queue.ackItems(['nonsense'])).rejects.toMatchObject({ code: 'invalid_receipt' });
    await expect(make().queue('nowhere').publishItems({ body: 1 })).rejects.toMatchObject({ code: 'queue_not_found' });
  });
});

describe('a consumer with transactions', () => {
  let queue: QueueClient<string>;
  let consumer: Consumer<string> | undefined;
  let told: string[];

  beforeEach(async () => {
    queue = (await freshQueue(new Dumbwaiter({ transport: direct }))).queue as QueueClient<string>;
    told = [];
  });
  afterEach(async () => {
    await consumer?.stop();
    consumer = undefined;
  });

  function consume(handler: Parameters<typeof queue.consume>[0]): void {
    consumer = queue.consume(handler as () => TransactWriteItem[], { transaction: true, waitSeconds: 1 });
    consumer.on('ack', ({ body }) => told.push(`ack ${body}`));
    consumer.on('failed', ({ message, error }) => told.push(`failed ${message.body}: ${(error as Error).name}`));
    consumer.on('error', ({ error }) => told.push(`error ${error instanceof DumbwaiterError ? error.code : error}`));
  }

  it('a consumer commits what the handler returns with the ack, each message of a parcel by itself', async () => {
    const bodies = [1, 2, 3, 4, 5].map((n) => `${queue.name}-${n}`);
    await queue.publish(bodies.map((body) => ({ body })));
    consume(({ body }) => (body.endsWith('5') ? undefined : [order(body)]));
    await vi.waitFor(() => expect(told.sort()).toEqual(bodies.map((body) => `ack ${body}`)), { timeout: 20_000 });
    expect(await Promise.all(bodies.map(isOrdered))).toEqual([true, true, true, true, false]);
    expect((await queue.describe()).counts).toMatchObject({ ready: 0, leased: 0 });
  });

  it('a consumer commits nothing when the handler or its condition fails, and releases the message as failed', async () => {
    const id = `${queue.name}-own`;
    await commit([order(id)]);
    await queue.publish({ body: id });
    consume(({ body, failures }) => {
      if (failures === 0) throw new RangeError('not now');
      if (failures === 1) return [order(body)];
      return failures === 2 ? 'nonsense' : [];
    });
    await vi.waitFor(() => expect(told).toContain(`ack ${id}`), { timeout: 20_000 });
    const errors = ['RangeError', 'TransactionCanceledException', 'TypeError'];
    expect(told).toEqual([...errors.map((name) => `failed ${id}: ${name}`), `ack ${id}`]);
  });

  it('a consumer commits nothing when the lease is lost', async () => {
    const id = `${queue.name}-lost`;
    await queue.publish({ body: id });
    consume(async ({ body, receipt, receives }) => {
      // The row as if the lease had ended and another receive had taken the message.
      if (receives === 1) await queue.release([receipt]);
      return [order(`${body}-${receives}`)];
    });
    await vi.waitFor(() => expect(told).toContain(`ack ${id}`), { timeout: 20_000 });
    expect(told).toContain('error lease_lost');
    expect([await isOrdered(`${id}-1`), await isOrdered(`${id}-2`)]).toEqual([false, true]);
  });

  it('a consumer commits again under one token after a conflict or a lost answer, and takes effect once', async () => {
    const id = `${queue.name}-again`;
    await queue.publish({ body: id });
    // Only transactions use the faulty endpoint.
    const sound = directTransport({ client });
    const transport = { call: sound.call, transact: direct.transact };
    queue = new Dumbwaiter({ transport }).queue(queue.name) as QueueClient<string>;
    const conflict = { status: 400, body: cancelled('TransactionConflict', 'None') };
    consume(({ body }) => {
      faulty.fates.push(conflict, 'loseAnswer');
      return [order(body)];
    });
    await vi.waitFor(() => expect(told).toEqual([`ack ${id}`]), { timeout: 20_000 });
    const sent = faulty.seen.filter(({ operation }) => operation === 'TransactWriteItems');
    expect(sent).toHaveLength(3);
    expect(new Set(sent.map(({ body }) => body.ClientRequestToken)).size).toBe(1);
    expect(await isOrdered(id)).toBe(true);
  });

  it('a consumer reports that a handler settled the message itself, and commits nothing', async () => {
    const id = `${queue.name}-self`;
    await queue.publish({ body: id });
    consume(async (message) => {
      await message.ack();
      return [order(id)];
    });
    await vi.waitFor(() => expect(told).toEqual([expect.stringContaining('settled the message itself')]), { timeout: 20_000 });
    expect(await isOrdered(id)).toBe(false);
  });

  it('a consumer with transactions refuses a transport that cannot commit', () => {
    const overHttp = new Dumbwaiter({ url: local.url, apiKey: adminKey }).queue('q');
    expect(() => overHttp.consume(() => [], { transaction: true })).toThrow(/dumbwaiter-queue\/direct/);
  });
});

function cancelled(...codes: string[]): object {
  return {
    __type: 'com.amazonaws.dynamodb.v20120810#TransactionCanceledException',
    message: 'cancelled',
    CancellationReasons: codes.map((Code) => ({ Code })),
  };
}

describe('the direct transport', () => {
  const at = (fate: object) => {
    faulty.fates.push(...Array(4).fill(fate));
    return new Dumbwaiter({ transport: direct, retries: 0 }).queue(`nobody-read-${++names}`).describe();
  };
  const refusal = (name: string) => ({
    status: 400,
    body: { __type: `com.amazonaws.dynamodb.v20120810#${name}`, message: 'told so' },
  });

  it.each([
    ['AccessDeniedException', 'forbidden', false],
    ['UnrecognizedClientException', 'unauthorized', false],
    ['ResourceNotFoundException', 'not_found', false],
    ['ThrottlingException', 'unavailable', true],
    ['ValidationException', 'internal', false],
  ])('the direct transport throws for %s an error of code %s', async (name, code, retryable) => {
    await expect(at(refusal(name))).rejects.toMatchObject({ code, retryable, message: expect.stringContaining('told so') });
  });

  it('the direct transport throws unavailable if no answer comes, in time or at all', async () => {
    faulty.fates.push('lose', 'lose', 'lose', 'lose');
    const dumbwaiter = new Dumbwaiter({ transport: direct, retries: 0 });
    await expect(dumbwaiter.queue('nobody').describe()).rejects.toMatchObject({ code: 'unavailable' });
    const { queue } = await freshQueue(dumbwaiter);
    await expect(queue.receive({ waitSeconds: 5 }, { timeoutMs: -4_900 })).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('the direct transport answers health and leaves keys to the HTTP API', async () => {
    const dumbwaiter = new Dumbwaiter({ transport: direct });
    expect(await dumbwaiter.health()).toEqual({ status: 'ok' });
    await expect(dumbwaiter.keys.list().all()).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('HTTP'),
    });
  });

  it('the direct transport runs redrives in the background', async () => {
    const dumbwaiter = new Dumbwaiter({ transport: direct });
    const dead = (await freshQueue(dumbwaiter)).queue;
    const { queue } = await freshQueue(dumbwaiter);
    await queue.update({ deadLetter: { queue: dead.name, maxReceives: 1 } });
    await queue.publish([1, 2, 3].map((body) => ({ body })));
    await queue.release(await queue.receive({ max: 3 }), { failed: 'broken' });
    const redrive = await dead.redrive();
    expect(await redrive.wait({ pollMs: 20 })).toMatchObject({ state: 'done', moved: 3 });
    expect((await queue.receive({ max: 3 })).map(({ body }) => body).sort()).toEqual([1, 2, 3]);
  });

  it('the direct transport leaves a redrive to the deployment when it closes', async () => {
    const other = directTransport({ endpoint: dynamodb.endpoint, region: testRegion, credentials: testCredentials });
    const dumbwaiter = new Dumbwaiter({ transport: other });
    const dead = (await freshQueue(dumbwaiter)).queue;
    const { queue } = await freshQueue(dumbwaiter);
    await queue.update({ deadLetter: { queue: dead.name, maxReceives: 1 } });
    await queue.publish([1, 2, 3].map((body) => ({ body })));
    await queue.release(await queue.receive({ max: 3 }), { failed: 'broken' });
    const { task } = await dead.redrive({ ratePerSecond: 1 });
    await other.close();
    const running = new Dumbwaiter({ url: local.url, apiKey: adminKey }).queue(dead.name);
    expect((await (await running.getRedrive(task.id)).refresh()).state).toBe('running');
  });

  it('the direct transport receives by long poll what a transaction publishes during the wait', async () => {
    const { queue } = await freshQueue(new Dumbwaiter({ transport: direct }));
    const receiving = queue.receive({ waitSeconds: 20 });
    const { items } = await queue.publishItems({ body: 'late' });
    await commit(items);
    const [message] = await receiving;
    expect(message?.body).toBe('late');
    await message!.ack();
  });
});
