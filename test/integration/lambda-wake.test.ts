/**
 * The Lambda entry for wake-ups, on a real DynamoDB engine. In place of API Gateway and of DynamoDB's streams, the test sends events of their
 * forms, and takes what is posted to connections.
 */
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { WakeNotice } from '../../contract/wake.ts';
import { toItem } from '../../engine/dynamo/attribute-values.ts';
import type { LambdaContext } from '../../functions/lambda/context.ts';
import type { StreamRecord } from '../../functions/lambda/stream-records.ts';
import { scanRows, startTestDynamodb, type TestDynamodb } from '../support/dynamodb.ts';
import { eventually } from '../support/eventually.ts';
import { gatewayEvent } from '../support/gateway-event.ts';
import { type HttpListener, listen as listenHttp } from '../support/http-listener.ts';

const adminKey = 'the-secret-of-the-deployment';
const context: LambdaContext = { awsRequestId: 'invocation', functionName: 'wake', getRemainingTimeInMillis: () => 29_000 };

let dynamodb: TestDynamodb;
let aws: HttpListener;
let api: (event: unknown, context: LambdaContext) => Promise<{ ok: boolean; output: never; body: string }>;
let wake: (event: unknown, context: LambdaContext) => Promise<{ statusCode: number } | undefined>;
/** What was sent to connections, and those that are gone. */
let posted: { connection: string; notice: WakeNotice }[] = [];
const gone = new Set<string>();
let queues = 0;
let queue: string;

beforeAll(async () => {
  dynamodb = await startTestDynamodb();
  aws = await listenHttp(async (request, response) => {
    const body = await text(request);
    if (request.headers['x-amz-target'] === 'secretsmanager.GetSecretValue') {
      response.setHeader('content-type', 'application/x-amz-json-1.1');
      response.end(JSON.stringify({ SecretString: adminKey }));
      return;
    }
    const connection = decodeURIComponent(request.url!.replace('/wake/@connections/', ''));
    if (gone.has(connection)) {
      response.writeHead(410, { 'x-amzn-ErrorType': 'GoneException' }).end('{"message":null}');
    } else {
      posted.push({ connection, notice: JSON.parse(body) });
      response.end();
    }
  });
  Object.assign(process.env, {
    ...dynamodb.environment,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.url,
    AWS_ENDPOINT_URL: aws.url,
    DUMBWAITER_ADMIN_KEY_SECRET: 'arn:aws:secretsmanager:us-east-1:000000000000:secret:admin',
    DUMBWAITER_WAKE_ENDPOINT: `${aws.url}/wake`,
    DUMBWAITER_WAKE_URL: 'wss://abc.execute-api.us-east-1.amazonaws.com/wake',
    POWERTOOLS_LOG_LEVEL: 'SILENT',
  });
  ({ handler: api } = (await import('../../functions/lambda/api.ts')) as never);
  ({ handler: wake } = (await import('../../functions/lambda/wake.ts')) as never);
});
afterAll(async () => {
  await aws.close();
  await dynamodb.stop();
});
beforeEach(async () => {
  posted = [];
  gone.clear();
  queue = `q${queues++}`;
  await invoke('createQueue', { queue });
});

async function invoke<T = never>(operation: string, params: object, input: object = {}): Promise<T> {
  const answer = await api({ operation, params, input }, context);
  expect(answer, JSON.stringify(answer)).toMatchObject({ ok: true });
  return answer.output as T;
}

/** As API Gateway calls a route of a WebSocket API with a Lambda proxy integration. */
async function ask(connection: string, request: object | string): Promise<WakeNotice> {
  const requestContext = {
    routeKey: 'listen',
    messageId: 'Ab1cdEfGhIjKLmN=',
    eventType: 'MESSAGE',
    extendedRequestId: 'Ab1cdFabIAMFqXQ=',
    requestTime: '28/Nov/2026:12:00:00 +0000',
    messageDirection: 'IN',
    stage: 'wake',
    connectedAt: 1_795_867_200_000,
    requestTimeEpoch: 1_795_867_200_500,
    identity: { sourceIp: '198.51.100.7' },
    requestId: 'Ab1cdFabIAMFqXQ=',
    domainName: 'abc.execute-api.us-east-1.amazonaws.com',
    connectionId: connection,
    apiId: 'abc',
  };
  const body = typeof request === 'string' ? request : JSON.stringify(request);
  const before = posted.length;
  const answer = await wake({ requestContext, body, isBase64Encoded: false }, context);
  expect(answer).toEqual({ statusCode: 200 });
  const [answered, ...more] = posted.splice(before);
  expect([answered!.connection, more]).toEqual([connection, []]);
  return answered!.notice;
}

const listen = (connection: string, key = adminKey, of = queue) => ask(connection, { action: 'listen', queue: of, key });

/** As Lambda calls for records of a stream of DynamoDB. */
async function streams(...records: StreamRecord[]): Promise<void> {
  const more = (index: number, table: string) => ({
    eventID: `e${index}`,
    eventVersion: '1.1',
    eventSource: 'aws:dynamodb',
    awsRegion: 'us-east-1',
    eventSourceARN: `arn:aws:dynamodb:us-east-1:000000000000:table/${table}/stream/2026-11-28T12:00:00.000`,
  });
  await wake({ Records: records.map((record, index) => ({ ...more(index, 'messages'), ...record })) }, context);
}

async function incarnationOf(name: string): Promise<string> {
  const { engine } = (await import('../../functions/lambda/environment.ts')).createEnvironment('test');
  return (await engine.nextDue(name)).incarnation;
}

/** A row of `messages` with so many messages was put. */
async function published(count: number, of = queue): Promise<StreamRecord> {
  const row = { shard: `${await incarnationOf(of)}:0`, id: `id${count}`, count, since: Date.now() };
  return { eventName: 'INSERT', dynamodb: { Keys: toItem({ shard: row.shard, id: row.id }), NewImage: toItem(row) } };
}

test('a connection that listens is told of a publish to its queue, once', async () => {
  expect(await listen('L0SM9cOFvHcCIhw=')).toEqual({ listening: queue });
  await streams(await published(1));
  await streams(await published(1));
  expect(posted).toEqual([{ connection: 'L0SM9cOFvHcCIhw=', notice: { wake: queue } }]);
});

test('a publish to another queue tells it nothing', async () => {
  await invoke('createQueue', { queue: `${queue}-other` });
  await listen('c1');
  await streams(await published(1, `${queue}-other`));
  expect(posted).toEqual([]);
});

test('as many connections are told as there are messages', async () => {
  for (let one = 0; one < 30; one++) await listen(`c${one}`);
  await streams(await published(3), await published(2));
  expect(posted).toHaveLength(5);
  await streams(await published(100));
  expect(new Set(posted.map(({ connection }) => connection)).size).toBe(30);
});

test('a connection that is gone is forgotten, and the next one is told in its place', async () => {
  await listen('c1');
  await listen('c2');
  gone.add('c1');
  await streams(await published(1));
  expect(posted).toEqual([{ connection: 'c2', notice: { wake: queue } }]);
  gone.clear();
  await streams(await published(1));
  expect(posted).toHaveLength(1);
});

test('a message that will be ready later is told of with the time, and the connection goes on listening', async () => {
  await listen('c1');
  const row = {
    id: 'x',
    shard: `${await incarnationOf(queue)}:0`,
    version: 'v123456789',
    since: Date.now(),
    count: 1,
    expiry: Date.now() + 60_000,
  };
  const slots = [{ v: row.expiry }];
  const image = toItem({ ...row, slots, body: '1' });
  await streams({ eventName: 'INSERT', dynamodb: { Keys: toItem({ id: 'x' }), NewImage: image } });
  expect(posted).toEqual([{ connection: 'c1', notice: { wake: queue, inMs: expect.any(Number) } }]);
  await streams(await published(1));
  expect(posted[1]).toEqual({ connection: 'c1', notice: { wake: queue } });
});

/** The row of a message under an own id, as the stream of `leases` shows it. */
async function ownRow(id: string): Promise<StreamRecord> {
  const rows = await scanRows(dynamodb.sdk, process.env.DUMBWAITER_LEASES_TABLE!);
  const row = rows.find((one) => String(one.id).endsWith(`=${id}`))!;
  return { eventName: 'MODIFY', dynamodb: { Keys: toItem({ id: row.id! }), NewImage: toItem(row) } };
}

test('a connection that waits for a result is told when the message ends, once, and of nothing else', async () => {
  await invoke('updateQueue', { queue }, { keep: { doneSeconds: 60 } });
  const id = `${queue}-request`;
  await invoke('publish', { queue }, { messages: [{ body: 1, id }] });
  const wait = { action: 'listen', queue, key: adminKey, id };
  expect(await ask('c1', { ...wait, key: 'dw_unknown' })).toMatchObject({ refused: queue, id, code: 'unauthorized' });
  expect(await ask('c1', wait)).toEqual({ listening: queue, id });
  await streams(await published(1), await ownRow(id));
  expect(posted).toEqual([]);
  const { messages } = await invoke<{ messages: { receipt: string }[] }>('receive', { queue });
  await streams(await ownRow(id));
  expect(posted).toEqual([]);
  await invoke('ack', { queue }, { receipts: [messages[0]!.receipt], result: 5 });
  await streams(await ownRow(id), await ownRow(id));
  await streams(await ownRow(id));
  expect(posted).toEqual([{ connection: 'c1', notice: { ended: queue, id } }]);
});

test('a read by id over HTTP that waited in vain says where to wait', async () => {
  await invoke('publish', { queue }, { messages: [{ body: 1, id: 'waits' }] });
  const read = async (waitSeconds: number) => {
    const headers = { authorization: `Bearer ${adminKey}` };
    const query = `waitSeconds=${waitSeconds}`;
    const event = gatewayEvent({ method: 'GET', path: `/v1/queues/${queue}/messages/waits`, query, headers });
    return JSON.parse((await api(event, context)).body);
  };
  expect(await read(1)).toMatchObject({ id: 'waits', wakeUrl: process.env.DUMBWAITER_WAKE_URL });
  expect(await read(0)).not.toHaveProperty('wakeUrl');
});

test('a listen says when something in the queue is due', async () => {
  await invoke('publish', { queue }, { messages: [{ body: 1, delaySeconds: 100 }] });
  const notice = await listen('c1');
  expect(notice).toMatchObject({ listening: queue, dueInMs: expect.any(Number) });
  expect((notice as { dueInMs: number }).dueInMs).toBeGreaterThan(90_000);
});

test('a listen is refused without a key that may receive from the queue', async () => {
  const { key } = await invoke<{ key: string }>('createKey', {}, { name: 'k', queues: [queue], scopes: ['publish'] });
  expect(await listen('c1', 'dw_unknown')).toMatchObject({ refused: queue, code: 'unauthorized' });
  expect(await listen('c1', key)).toMatchObject({ refused: queue, code: 'forbidden' });
  expect(await listen('c1', adminKey, 'missing')).toMatchObject({ refused: 'missing', code: 'queue_not_found' });
  expect(await ask('c1', 'no JSON')).toMatchObject({ refused: '', code: 'invalid_input' });
  await streams(await published(1));
  expect(posted).toEqual([]);
});

test('a connection whose key was revoked is told nothing more', async () => {
  const { key, id } = await invoke<{ key: string; id: string }>(
    'createKey',
    {},
    { name: 'k', queues: [queue], scopes: ['receive'] },
  );
  // Revoked in another process, as by the api function: this one has never seen the key.
  await listen('c1', key);
  const { keys, listeners } = (await import('../../functions/lambda/environment.ts')).createEnvironment('test');
  await keys.revoke(id);
  const rows = async () => {
    for await (const page of listeners.pages(await incarnationOf(queue), 10)) return page;
    return [];
  };
  expect(await rows()).toEqual([{ connection: 'c1', queue, by: id }]);
  const { wakeListeners } = await import('../../functions/wake/wake-listeners.ts');
  const { stillCounts } = await import('../../functions/wake/listen.ts');
  const post = async () => expect.unreachable();
  const ready = { incarnation: await incarnationOf(queue), messages: 1, inMs: 0 };
  expect(await wakeListeners({ rows: listeners, post, stillCounts: (by) => stillCounts(keys, by) }, ready)).toBe(0);
  expect(await rows()).toEqual([]);
});

test('a receive over HTTP that finds nothing says where to wait, and one that finds a message does not', async () => {
  const receive = async () => {
    const headers = { authorization: `Bearer ${adminKey}` };
    const event = gatewayEvent({ method: 'POST', path: `/v1/queues/${queue}/receive`, body: '{}', headers });
    return JSON.parse((await api(event, context)).body);
  };
  expect(await receive()).toEqual({ messages: [], wakeUrl: process.env.DUMBWAITER_WAKE_URL });
  await invoke('publish', { queue }, { messages: [{ body: 1 }] });
  await eventually(async () => {
    const { messages, wakeUrl } = await receive();
    return messages.length === 1 && wakeUrl === undefined;
  });
});

test('records of a queue without listeners lead to no post', async () => {
  await streams(await published(1));
  expect(posted).toEqual([]);
});
