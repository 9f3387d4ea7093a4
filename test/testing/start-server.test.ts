/** `dumbwaiter-queue/testing`, as a test of another program uses it. */
import { CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Dumbwaiter } from '../../sdk/index.ts';
import { startServer, type TestServer } from '../../testing/index.ts';

let server: TestServer;
let dumbwaiter: Dumbwaiter;
const logged: string[] = [];

beforeEach(async () => {
  server = await startServer({ sqsCreatesQueues: true, log: (line) => logged.push(line) });
  dumbwaiter = new Dumbwaiter({ url: server.url, apiKey: server.key });
});

afterEach(async () => {
  await server.close();
  expect(logged.filter((line) => /\n\s+at /.test(line))).toEqual([]);
});

describe('the server of tests', () => {
  it('a message is awaited before its queue exists, and stays in the queue', async () => {
    const awaited = server.waitForMessage('orders', ({ body }) => body === 'second');
    const orders = dumbwaiter.queue<string>('orders');
    await orders.create();
    await orders.publish([{ body: 'first' }, { body: 'second' }]);
    expect(await awaited).toMatchObject({ body: 'second', state: 'ready', receives: 0 });
    const received = await orders.receive({ max: 10 });
    expect(received.map(({ body }) => body).sort()).toEqual(['first', 'second']);
  });

  it('a message that does not come is reported with what the queue holds', async () => {
    await expect(server.waitForMessage('none', () => true, { timeoutMs: 0 })).rejects.toThrow(
      'none: no such message within 0 ms. There is no such queue.',
    );
    await dumbwaiter.queue('orders').create();
    await expect(server.waitForMessage('orders', () => true, { timeoutMs: 0 })).rejects.toThrow(
      'orders: no such message within 0 ms. The queue is empty.',
    );
    await dumbwaiter.queue('orders').publish({ body: { dish: 'soup' } });
    await expect(server.waitForMessage('orders', () => false, { timeoutMs: 0 })).rejects.toThrow(
      'orders: no such message within 0 ms. The queue holds 1: {"dish":"soup"} (ready)',
    );
  });

  it('an advance of the clock ends delays and leases, and wakes a receive that waits', async () => {
    const orders = dumbwaiter.queue<string>('orders');
    await orders.create();
    const before = server.now();
    await orders.publish({ body: 'later', delaySeconds: 86_400 });
    expect(await orders.receive({ waitSeconds: 0 })).toEqual([]);
    const waiting = orders.receive({ waitSeconds: 20, visibilityTimeoutSeconds: 3600 });
    server.advance(86_400_000);
    const [first] = await waiting.then((messages) => (messages.length > 0 ? messages : orders.receive({ waitSeconds: 0 })));
    expect(first?.body).toBe('later');
    expect(server.now() - before).toBeGreaterThanOrEqual(86_400_000);
    // Past the lease, and the backoff after it.
    server.advance(2 * 3_600_000);
    const [again] = await orders.receive({ waitSeconds: 0 });
    expect(again).toMatchObject({ body: 'later', receives: 2 });
    expect(() => server.advance(-1)).toThrow(RangeError);
  });

  it('an advance of the clock makes a schedule publish its tick', async () => {
    await dumbwaiter.queue('ticks').create();
    await dumbwaiter.schedules.put('hourly', { queue: 'ticks', cron: '0 * * * *', message: { body: 'tick' } });
    server.advance(3_600_000);
    expect(await server.waitForMessage('ticks')).toMatchObject({ body: 'tick' });
  });

  it('a reset empties the server and keeps its key', async () => {
    const orders = dumbwaiter.queue<string>('orders');
    await orders.create({ delaySeconds: 60 });
    await orders.publish({ body: 'gone' });
    await server.reset();
    await orders.create();
    await orders.publish({ body: 'new' });
    expect(await server.waitForMessage('orders')).toMatchObject({ body: 'new', state: 'ready' });
  });

  it('a client of SQS works with the settings that the server gives, also after a long advance', async () => {
    const sqs = new SQSClient(server.sqs);
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'orders' }));
    server.advance(30 * 86_400_000);
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'over SQS' }));
    await server.waitForMessage('orders');
    const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl }));
    expect(Messages?.map(({ Body }) => Body)).toEqual(['over SQS']);
    sqs.destroy();
  });

  it('two servers of one process share nothing, and each closes once', async () => {
    await using other = await startServer();
    await dumbwaiter.queue('orders').create();
    const names = [];
    for await (const { name } of new Dumbwaiter({ url: other.url, apiKey: other.key }).queues()) names.push(name);
    expect(names).toEqual([]);
    await Promise.all([other.close(), other.close()]);
    await expect(fetch(`${other.url}/v1/health`)).rejects.toThrow();
  });
});
