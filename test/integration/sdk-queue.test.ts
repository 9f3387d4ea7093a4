/** The SDK against the whole queue, on a real DynamoDB engine: over HTTP, and over the direct transport. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { retentionSecondsDefault } from '../../contract/limits.ts';
import { directTransport } from '../../direct/transport.ts';
import { Dumbwaiter, DumbwaiterError, Reject } from '../../sdk/index.ts';
import { testCredentials } from '../support/dynamodb.ts';
import { eventually } from '../support/eventually.ts';
import { adminKey, type LocalQueue, startLocalQueue } from '../support/local-queue.ts';
import { sdkTransports } from '../support/sdk-transports.ts';

let dumbwaiter: Dumbwaiter;
let names = 0;
const newName = () => `sdk-${++names}`;

/** The same tests for each transport. */
function overEach(what: string, suite: () => void): void {
  describe.each(sdkTransports)(`${what}, over $name`, ({ start }) => {
    let stop: () => Promise<void>;
    beforeAll(async () => {
      const started = await start();
      dumbwaiter = started.client;
      stop = started.stop;
    });
    afterAll(() => stop());
    suite();
  });
}

it('the direct transport refuses at once, without a retry, if it finds no region', async () => {
  const region = () => Promise.reject(new Error('Region is missing'));
  const transport = directTransport({ client: new DynamoDBClient({ region, credentials: testCredentials }) });
  await expect(new Dumbwaiter({ transport }).queue('q').create()).rejects.toMatchObject({
    code: 'invalid_input',
    retryable: false,
    message: expect.stringContaining('Region is missing'),
  });
});

overEach('a queue through the SDK', () => {
  it('a queue whose name ends with .fifo is a queue like any other, also as a dead-letter queue', async () => {
    const name = newName();
    const dead = dumbwaiter.queue(`${name}-dead.fifo`);
    await dead.create();
    const queue = dumbwaiter.queue(`${name}.fifo`);
    await queue.create({ deadLetter: { queue: dead.name, maxReceives: 1 } });
    const { id } = await queue.publish({ body: 1 });
    const [message] = await queue.receive();
    expect(message).toMatchObject({ id, body: 1 });
    await message!.release({ deadLetter: true, failed: 'no' });
    const [dying] = await dead.receive();
    expect(dying).toMatchObject({ id, deadLetter: { queue: queue.name } });
    await queue.delete();
    await dead.delete();
  });

  it('the SDK creates, reads, changes, lists and deletes a queue', async () => {
    const queue = dumbwaiter.queue(newName());
    const made = await queue.create({ visibilityTimeoutSeconds: 5 });
    expect(made).toMatchObject({ name: queue.name, visibilityTimeoutSeconds: 5, retentionSeconds: retentionSecondsDefault });
    expect(await queue.create({ visibilityTimeoutSeconds: 5 })).toEqual(made);
    await expect(queue.create({ visibilityTimeoutSeconds: 6 })).rejects.toMatchObject({ code: 'queue_exists' });
    expect(await queue.update({ delaySeconds: 1 })).toMatchObject({ visibilityTimeoutSeconds: 5, delaySeconds: 1 });
    expect((await queue.describe()).counts.ready).toBe(0);
    expect((await dumbwaiter.queues({ limit: 1 }).all()).map(({ name }) => name)).toContain(queue.name);
    await queue.delete();
    await expect(queue.describe()).rejects.toMatchObject({ code: 'queue_not_found' });
  });

  it("the SDK ensures a queue at each start of a program, creating it or giving it the program's settings", async () => {
    const queue = dumbwaiter.queue(newName());
    const made = await queue.ensure({ visibilityTimeoutSeconds: 5, keep: { doneSeconds: 60 } });
    expect(made).toMatchObject({ visibilityTimeoutSeconds: 5, keep: { doneSeconds: 60, deadSeconds: 0 }, paused: false });
    expect(await queue.ensure({ visibilityTimeoutSeconds: 5, keep: { doneSeconds: 60 } })).toEqual(made);
    await queue.pause();
    expect(await queue.ensure({ visibilityTimeoutSeconds: 6, backoff: { minSeconds: 2 } })).toMatchObject({
      visibilityTimeoutSeconds: 6,
      backoff: { minSeconds: 2, maxSeconds: 900, factor: 2, jitter: 0.5 },
      keep: { doneSeconds: 60, deadSeconds: 0 },
      paused: true,
    });
    await expect(queue.ensure({ deadLetter: { queue: newName() } })).rejects.toMatchObject({ code: 'invalid_input' });
  });

  it('the SDK returns messages as they were published', async () => {
    const queue = dumbwaiter.queue(newName());
    await queue.create();
    const bodies = [null, 0, 'ü"\\\u2028', [1, [2]], { a: { b: null } }, new Uint8Array([0, 255, 13])];
    await queue.publish(bodies.map((body, i) => ({ body, attributes: { i } })));
    const messages = await queue.receive({ max: 10 });
    messages.sort((a, b) => Number(a.attributes.i) - Number(b.attributes.i));
    expect(messages.map(({ body }) => body)).toEqual(bodies);
    const first = await queue.get(messages[0]?.id as string);
    expect(first).toMatchObject({ state: 'leased', body: null, queue: queue.name });
    await Promise.all(messages.map((message) => message.ack()));
    await expect(queue.get(first.id)).rejects.toMatchObject({ code: 'message_not_found' });
  });

  it('the SDK extends, releases and acks leases, and reports lost ones', async () => {
    const queue = dumbwaiter.queue<number>(newName());
    await queue.create({ visibilityTimeoutSeconds: 60 });
    await queue.publish({ body: 1 });
    const [message] = await queue.receive();
    if (!message) throw new Error('nothing came');
    const before = message.leasedUntil;
    await message.extend(600);
    expect(Date.parse(message.leasedUntil) - Date.parse(before)).toBeGreaterThan(500_000);
    await message.release();
    await expect(message.ack()).rejects.toMatchObject({ code: 'lease_lost' });
    const [again] = await queue.receive({ waitSeconds: 5 });
    expect(again).toMatchObject({ id: message.id, receives: 2, failures: 0 });
    await again?.ack();
    await expect(queue.ack(['nonsense'])).resolves.toMatchObject([{ ok: false, code: 'invalid_receipt' }]);
    expect(await queue.receive()).toEqual([]);
  });

  it('the SDK releases a message by its id, whose holder is then refused', async () => {
    const queue = dumbwaiter.queue<number>(newName());
    await queue.create();
    const { id } = await queue.publish({ body: 1 });
    const [message] = await queue.receive();
    await expect(queue.releaseById(id, { receives: 1, delaySeconds: 600 })).resolves.toHaveProperty('visibleAt');
    await expect(message!.ack()).rejects.toMatchObject({ code: 'lease_lost' });
    expect(await queue.get(id)).toMatchObject({ state: 'delayed', receives: 1, failures: 0 });
  });

  it('the SDK ends a long poll when the signal aborts', async () => {
    const queue = dumbwaiter.queue(newName());
    await queue.create();
    const controller = new AbortController();
    const receiving = expect(queue.receive({ waitSeconds: 20 }, { signal: controller.signal })).rejects.toThrow('enough');
    controller.abort(new Error('enough'));
    await receiving;
  });
});

overEach('consumers through the SDK', () => {
  it('consumers share the work, and each message is handled once while nothing fails', async () => {
    const queue = dumbwaiter.queue<number>(newName());
    await queue.create();
    const messages = 500;
    await queue.publish(Array.from({ length: messages }, (_, body) => ({ body })));
    const handled: number[] = [];
    const consumers = [1, 2, 3].map(() => queue.consume(({ body }) => void handled.push(body), { concurrency: 20 }));
    let acked = 0;
    for (const consumer of consumers) consumer.on('ack', () => acked++);
    await vi.waitFor(() => expect(acked).toBe(messages), { timeout: 50_000 });
    await Promise.all(consumers.map((consumer) => consumer.stop()));
    expect(handled.sort((a, b) => a - b)).toEqual(Array.from({ length: messages }, (_, i) => i));
    expect((await queue.describe()).counts).toMatchObject({ ready: 0, leased: 0, delayed: 0 });
  });

  it('consumers keep a message leased for as long as its handler runs', async () => {
    const queue = dumbwaiter.queue<string>(newName());
    await queue.create();
    await queue.publish({ body: 'long' });
    const began: string[] = [];
    const acked: string[] = [];
    let end = () => {};
    const working = new Promise<void>((resolve) => {
      end = resolve;
    });
    const consumers = [1, 2].map(() =>
      queue.consume(
        async ({ id }) => {
          began.push(id);
          await working;
        },
        { visibilityTimeoutSeconds: 2, waitSeconds: 1 },
      ),
    );
    for (const consumer of consumers) consumer.on('ack', ({ id }) => acked.push(id));
    const first = await eventually(async () => began[0]);
    const leasedUntil = async () => Date.parse((await queue.get(first)).visibleAt);
    const begin = await leasedUntil();
    // More than twice its visibility timeout, and no other receive has it.
    await vi.waitFor(async () => expect((await leasedUntil()) - begin).toBeGreaterThan(4_000), {
      timeout: 20_000,
      interval: 100,
    });
    end();
    await vi.waitFor(() => expect(acked).toEqual([first]), { timeout: 10_000 });
    await Promise.all(consumers.map((consumer) => consumer.stop()));
    expect(began).toEqual([first]);
  });

  it('consumers release a failing message until it is a dead letter with its reason', async () => {
    const dead = dumbwaiter.queue<string>(newName());
    const queue = dumbwaiter.queue<string>(newName());
    await dead.create();
    await queue.create({ deadLetter: { queue: dead.name, maxReceives: 3 } });
    const { id } = await queue.publish({ body: 'bad' });
    const failures: number[] = [];
    const consumer = queue.consume(({ failures: before }) => {
      failures.push(before);
      throw new Error('no such customer');
    });
    const letter = await eventually(() =>
      dead.get(id).catch((error: DumbwaiterError) => {
        if (error.code !== 'message_not_found') throw error;
        return undefined;
      }),
    );
    await consumer.stop();
    expect(failures).toEqual([0, 1, 2]);
    expect(letter).toMatchObject({
      state: 'dead',
      body: 'bad',
      deadLetter: { queue: queue.name, reason: 'max_receives', text: 'no such customer', receives: 3 },
    });
  });

  it('consumers dead-letter at once a message that its handler rejects, with its text', async () => {
    const dead = dumbwaiter.queue<string>(newName());
    const queue = dumbwaiter.queue<string>(newName());
    await dead.create();
    await queue.create({ deadLetter: { queue: dead.name, maxReceives: 9 } });
    const { id } = await queue.publish({ body: 'bad' });
    const failed: unknown[] = [];
    const consumer = queue.consume(() => {
      throw new Reject('no such customer');
    });
    consumer.on('failed', ({ error }) => failed.push(error));
    const [letter] = await eventually(async () => {
      const letters = await dead.receive();
      return letters.length > 0 ? letters : undefined;
    });
    await consumer.stop();
    expect(letter).toMatchObject({
      id,
      body: 'bad',
      deadLetter: { queue: queue.name, reason: 'rejected', text: 'no such customer', receives: 1, failures: 1 },
    });
    expect(failed).toMatchObject([{ name: 'Reject', message: 'no such customer' }]);
  });

  it('consumers return unfinished messages at a stop, ready for the next receive at once', async () => {
    const queue = dumbwaiter.queue<string>(newName());
    await queue.create({ visibilityTimeoutSeconds: 600 });
    const ids = (await queue.publish([{ body: 'a' }, { body: 'b' }])).map((result) => (result.ok ? result.id : ''));
    const consumer = queue.consume(() => new Promise(() => {}));
    await vi.waitFor(() => expect(consumer.running).toBe(2), { timeout: 10_000 });
    await consumer.stop({ deadlineMs: 1_000 });
    const messages = await eventually(async () => {
      const received = await queue.receive({ max: 2, waitSeconds: 1 });
      return received.length > 0 ? received : undefined;
    });
    expect(messages.map(({ id }) => id).sort()).toEqual(ids.sort());
    expect(messages.map(({ failures }) => failures)).toEqual([0, 0]);
  });

  it('consumers survive the deletion of their queue and continue when it is created again', async () => {
    const queue = dumbwaiter.queue<string>(newName());
    await queue.create();
    const errors: unknown[] = [];
    const handled: string[] = [];
    const consumer = queue.consume(({ body }) => void handled.push(body), { waitSeconds: 0, maxIdlePollSeconds: 0.1 });
    consumer.on('error', ({ error }) => errors.push(error instanceof DumbwaiterError ? error.code : error));
    await queue.delete();
    await vi.waitFor(() => expect(errors).toContain('queue_not_found'), { timeout: 20_000 });
    await queue.create();
    await queue.publish({ body: 'back' });
    await vi.waitFor(() => expect(handled).toEqual(['back']), { timeout: 40_000 });
    await consumer.stop();
  });
});

describe('keys through the SDK', () => {
  let local: LocalQueue;
  beforeAll(async () => {
    local = await startLocalQueue();
    dumbwaiter = new Dumbwaiter({ url: local.server.url, apiKey: adminKey });
  });
  afterAll(() => local.server.close());

  it('the SDK lets a key do what its scopes allow', async () => {
    const queue = dumbwaiter.queue(newName());
    await queue.create();
    const { id, key } = await dumbwaiter.keys.create({ name: 'p', queues: [queue.name], scopes: ['publish'] });
    const publisher = new Dumbwaiter({ url: local.server.url, apiKey: key }).queue(queue.name);
    await publisher.publish({ body: 1 });
    await expect(publisher.receive()).rejects.toMatchObject({ code: 'forbidden' });
    expect((await dumbwaiter.keys.list().all()).map((listed) => listed.id)).toContain(id);
    await dumbwaiter.keys.revoke(id);
    await expect(new Dumbwaiter({ url: local.server.url, apiKey: 'wrong' }).queue('q').receive()).rejects.toMatchObject({
      code: 'unauthorized',
      retryable: false,
    });
  });
});

overEach('prepared messages and keys through the SDK', () => {
  it('the SDK commits or rolls back prepared messages, and throws if the other came first', async () => {
    const queue = dumbwaiter.queue<string>(newName());
    await queue.create({ prepared: { timeoutSeconds: 60, checkBack: null } });
    const [kept, dropped] = await queue.publish([
      { body: 'kept', prepared: true },
      { body: 'dropped', prepared: true },
    ]);
    const idOf = (result: typeof kept) => (result?.ok ? result.id : '');
    expect((await queue.get(idOf(kept))).state).toBe('prepared');
    expect(await queue.receive({ max: 10 })).toEqual([]);
    for (let time = 0; time < 2; time++) {
      await queue.commit(idOf(kept));
      await queue.rollback(idOf(dropped));
    }
    await expect(queue.rollback(idOf(kept))).rejects.toMatchObject({ code: 'message_committed', status: 409 });
    await expect(queue.commit(idOf(dropped))).rejects.toMatchObject({ code: 'message_rolled_back', status: 409 });
    expect((await queue.receive({ max: 10 })).map(({ body }) => body)).toEqual(['kept']);
  });

  it('the SDK publishes one message of a key, and reads and cancels it by the key', async () => {
    const queue = dumbwaiter.queue<number>(newName());
    await queue.create({ deduplication: { windowSeconds: null, onDuplicate: 'replace' } });
    expect(await queue.publish({ body: 1, dedupKey: 'k' })).toEqual({ ok: true, id: '@k' });
    expect(await queue.publish({ body: 2, dedupKey: 'k' })).toEqual({ ok: true, id: '@k', duplicate: true });
    expect((await queue.get('@k')).body).toBe(2);
    await queue.cancel('@k');
    expect(await queue.publish({ body: 3, dedupKey: 'k' })).toEqual({ ok: true, id: '@k' });
    const [message] = await queue.receive();
    expect(message?.body).toBe(3);
    await message?.ack();
  });
});
