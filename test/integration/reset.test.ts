/** What a local server offers as an emulator in tests: a reset, queues on demand, and LocalStack's health check. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterEach, describe, expect, it } from 'vitest';
import { type LocalOptions, type LocalServer, startLocal } from '../../functions/local/server.ts';
import { adminKey, type HttpCalls, httpCalls, loggedDefects } from '../support/local-queue.ts';
import { sqsEnvironment } from '../support/local-sqs.ts';

let server: LocalServer;
let http: HttpCalls;
const { log, defects } = loggedDefects();

async function start(options: Partial<LocalOptions> = {}): Promise<void> {
  server = await startLocal({ data: 'memory', log, adminKey, ...options });
  http = httpCalls(server.url, adminKey);
}

function sqsClient(region = 'us-east-1'): SQSClient {
  const environment = sqsEnvironment(server);
  return new SQSClient({
    endpoint: server.url,
    region,
    credentials: { accessKeyId: environment.AWS_ACCESS_KEY_ID!, secretAccessKey: environment.AWS_SECRET_ACCESS_KEY! },
    maxAttempts: 1,
  });
}

afterEach(async () => {
  await server.close();
  expect(defects).toEqual([]);
});

async function reset(): Promise<void> {
  const response = await http.send('POST', '/v1/reset');
  expect([response.status, await response.json()]).toEqual([200, {}]);
}

const bodies = async (queue: string) => {
  const { messages } = await http.call('receive', { queue }, { max: 10, waitSeconds: 0 });
  return messages.map(({ body }) => body);
};

describe('a reset of the local server', () => {
  it('a reset removes queues, messages, topics and schedules, and keeps API keys', async () => {
    await start();
    await http.call('createQueue', { queue: 'orders' }, { delaySeconds: 0 });
    await http.call('createTopic', { topic: 'events' }, {});
    await http.call('publish', { queue: 'orders' }, { messages: [{ body: 1 }, { body: 2, id: 'own', delaySeconds: 60 }] });
    expect(await bodies('orders')).toEqual([1]);
    const { key } = await http.call('createKey', {}, { name: 'mine', queues: ['*'], scopes: ['publish', 'admin'] });
    await reset();
    expect((await http.call('listQueues', {}, {})).queues).toEqual([]);
    expect((await http.call('listTopics', {}, {})).topics).toEqual([]);
    // Settings of the queue as it was are cached nowhere.
    expect((await http.send('POST', '/v1/queues/orders/receive')).status).toBe(404);
    const as = http.as(key);
    await as.call('createQueue', { queue: 'orders' }, { delaySeconds: 0 });
    await as.call('publish', { queue: 'orders' }, { messages: [{ body: 3 }, { body: 4, id: 'own' }] });
    expect((await bodies('orders')).sort()).toEqual([3, 4]);
  });

  it('a reset ends receives that wait, and the server goes on', async () => {
    await start();
    await http.call('createQueue', { queue: 'orders' }, {});
    const waiting = http.send('POST', '/v1/queues/orders/receive', { body: { waitSeconds: 20 } });
    // The reset may come before the receive waits; then it finds no queue.
    await http.call('listQueues', {}, {});
    await reset();
    await waiting.then(
      ({ status }) => expect([200, 404]).toContain(status),
      () => undefined,
    );
    await Promise.all([reset(), reset()]);
    await http.call('createQueue', { queue: 'orders' }, {});
    await http.call('publish', { queue: 'orders' }, { messages: [{ body: 'next' }] });
    expect(await bodies('orders')).toEqual(['next']);
  });

  it('a reset needs a key that may administer all queues and topics', async () => {
    await start();
    const limited = await http.call('createKey', {}, { name: 'one', queues: ['orders'], scopes: ['admin'] });
    const worker = await http.call('createKey', {}, { name: 'worker', queues: ['*'], scopes: ['publish', 'receive'] });
    await http.call('createQueue', { queue: 'orders' }, {});
    expect((await http.as(limited.key).send('POST', '/v1/reset')).status).toBe(403);
    expect((await http.as(worker.key).send('POST', '/v1/reset')).status).toBe(403);
    expect((await http.as(undefined).send('POST', '/v1/reset')).status).toBe(401);
    expect((await http.call('listQueues', {}, {})).queues).toHaveLength(1);
  });

  it('a reset of a data folder outlasts a restart, with the same keys', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dumbwaiter-reset-'));
    await start({ data: { folder } });
    await http.call('createQueue', { queue: 'orders' }, {});
    const { key } = await http.call('createKey', {}, { name: 'mine', queues: ['*'], scopes: ['admin'] });
    await reset();
    await server.close();
    await start({ data: { folder } });
    expect((await http.as(key).call('listQueues', {}, {})).queues).toEqual([]);
    rmSync(folder, { recursive: true });
  });
});

describe('the local server as an emulator of SQS', () => {
  it('SQS creates a queue that a call names only if the option says so', async () => {
    await start({ sqsCreatesQueues: true });
    const sqs = sqsClient('eu-central-1');
    await sqs.send(new SendMessageCommand({ QueueUrl: `${server.url}/000000000000/made`, MessageBody: 'first' }));
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: 'asked.fifo' }));
    const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
    expect(Attributes).toMatchObject({
      FifoQueue: 'true',
      QueueArn: 'arn:aws:sqs:eu-central-1:000000000000:asked.fifo',
    });
    const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: `${server.url}/000000000000/made` }));
    expect(Messages?.map(({ Body }) => Body)).toEqual(['first']);
    const missing = sqs.send(new DeleteQueueCommand({ QueueUrl: `${server.url}/000000000000/never` }));
    await expect(missing).rejects.toThrow(/does not exist/);
    sqs.destroy();
    await server.close();

    await start();
    const strict = sqsClient();
    const refused = strict.send(new GetQueueUrlCommand({ QueueName: 'asked' }));
    await expect(refused).rejects.toThrow(/does not exist/);
    strict.destroy();
  });

  it('the first access key signs calls of SQS after a reset', async () => {
    await start();
    const sqs = sqsClient();
    await sqs.send(new CreateQueueCommand({ QueueName: 'before' }));
    await reset();
    await sqs.send(new CreateQueueCommand({ QueueName: 'after' }));
    expect((await http.call('listQueues', {}, {})).queues.map(({ name }) => name)).toEqual(['after']);
    sqs.destroy();
  });

  it('the health check of LocalStack is answered only if the option says so', async () => {
    await start({ localstackHealth: true });
    const response = await http.as(undefined).send('GET', '/_localstack/health');
    expect([response.status, await response.json()]).toEqual([200, { services: { sqs: 'running' } }]);
    await server.close();
    await start();
    expect((await http.send('GET', '/_localstack/health')).status).toBe(404);
  });
});
