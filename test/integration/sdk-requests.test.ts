/** Requests and replies, results and progress, through the SDK: over HTTP, and over the direct transport. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { resultBytesMax } from '../../contract/limits.ts';
import {
  type Consumer,
  type ConsumerOptions,
  Dumbwaiter,
  DumbwaiterError,
  type Handler,
  type QueueClient,
  Reject,
} from '../../sdk/index.ts';
import { ContractServer, sendProblem } from '../support/contract-server.ts';
import { ManualTimers, turn } from '../support/manual-timers.ts';
import { sdkTransports } from '../support/sdk-transports.ts';

const keep = { doneSeconds: 3_600, deadSeconds: 3_600 };

describe.each(sdkTransports)('over $name', ({ start }) => {
  let client: Dumbwaiter;
  let stop: () => Promise<void>;
  let names = 0;
  const consumers: Consumer<number>[] = [];
  beforeAll(async () => {
    ({ client, stop } = await start());
  });
  afterEach(async () => {
    await Promise.all(consumers.splice(0).map((consumer) => consumer.stop({ deadlineMs: 0 })));
  });
  afterAll(() => stop());

  async function newQueue(settings = {}): Promise<QueueClient<number>> {
    const queue = client.queue<number>(`requests-${++names}`);
    await queue.create({ keep, ...settings });
    return queue;
  }

  function work(queue: QueueClient<number>, handler: Handler<number>, options: ConsumerOptions = {}) {
    const consumer = queue.consume(handler, { waitSeconds: 5, ...options });
    const failed: unknown[] = [];
    consumer.on('failed', ({ error }) => failed.push(error));
    consumer.on('error', ({ error }) => failed.push(error));
    consumers.push(consumer);
    return { failed };
  }

  it('a call returns what the handler returns', async () => {
    const queue = await newQueue();
    const { failed } = work(queue, ({ body }) => (body === 0 ? undefined : { half: body / 2 }), { reply: true });
    expect(await Promise.all([8, 3, 0].map((body) => queue.call(body)))).toEqual([{ half: 4 }, { half: 1.5 }, undefined]);
    expect(failed).toEqual([]);
  });

  it('a call returns the result of a manual ack', async () => {
    const queue = await newQueue();
    const calling = queue.call<string>(1, { attributes: { from: 'test' } });
    const [message] = await queue.receive({ waitSeconds: 20 });
    expect(message!.attributes).toEqual({ from: 'test' });
    await message!.ack({ result: 'by hand' });
    expect(await calling).toBe('by hand');
  });

  it("a call that is repeated under the caller's id is one request", async () => {
    const queue = await newQueue();
    const handled: number[] = [];
    work(queue, ({ body }) => handled.push(body), { reply: true });
    expect(await queue.call(1, { id: 'mine' })).toBe(1);
    expect(await queue.call(1, { id: 'mine' })).toBe(1);
    expect(handled).toEqual([1]);
  });

  it('a message fails if the result of its handler is not JSON', async () => {
    const queue = await newQueue({ backoff: { minSeconds: 60, maxSeconds: 60, factor: 1, jitter: 0 } });
    const { failed } = work(queue, () => 'x'.repeat(resultBytesMax), { reply: true });
    const { id } = await queue.publish({ body: 1 });
    await expect.poll(async () => (await queue.get(id)).failures, { timeout: 10_000 }).toBe(1);
    expect(failed).toMatchObject([{ code: 'invalid_input' }]);
    expect((await queue.get(id)).errors).toMatchObject([{ message: expect.stringContaining(`at most ${resultBytesMax} bytes`) }]);
  });

  it('a call is cancelled when its time is over before a worker receives it', async () => {
    const queue = await newQueue();
    await expect(queue.call(1, { id: 'late', timeoutSeconds: 0.2 })).rejects.toMatchObject({
      code: 'call_timeout',
      message: expect.stringContaining('was cancelled'),
    });
    expect((await queue.get('late')).state).toBe('cancelled');
    expect(await queue.receive()).toEqual([]);
  });

  it('a call whose time is over leaves the request to the worker that has received it', async () => {
    const queue = await newQueue();
    const calling = expect(queue.call(1, { id: 'slow', timeoutSeconds: 1 })).rejects.toMatchObject({
      code: 'call_timeout',
      message: expect.stringContaining('being handled'),
    });
    const [message] = await queue.receive({ waitSeconds: 20 });
    await calling;
    await message!.ack({ result: 'late' });
    expect(await queue.call(1, { id: 'slow' })).toBe('late');
  });

  it('a call reports that its request was cancelled or dead-lettered', async () => {
    const dead = await newQueue();
    const queue = await newQueue({ deadLetter: { queue: dead.name, maxReceives: 1 } });
    const cancelled = expect(queue.call(1, { id: 'a' })).rejects.toMatchObject({ code: 'cancelled' });
    const [message] = await queue.receive({ waitSeconds: 20 });
    await queue.cancel(message!.id, { force: true });
    await cancelled;
    const given = expect(queue.call(1, { id: 'b' })).rejects.toMatchObject({
      code: 'message_dead',
      message: `The request b was given up: no such dish (max_receives; it is in the queue "${dead.name}")`,
    });
    const [other] = await queue.receive({ waitSeconds: 20 });
    await other!.release({ failed: 'no such dish' });
    await given;
  });

  it('a call throws the error of its worker at once after the last try or a rejection', async () => {
    const dead = await newQueue();
    const queue = await newQueue({ deadLetter: { queue: dead.name, maxReceives: 2 } });
    let tries = 0;
    work(
      queue,
      ({ body }) => {
        tries++;
        throw body === 1 ? new Error('the oven is cold') : new Reject('no such dish');
      },
      { reply: true },
    );
    await expect(queue.call(1)).rejects.toMatchObject({
      code: 'message_dead',
      message: expect.stringContaining('the oven is cold (max_receives'),
    });
    expect(tries).toBe(2);
    await expect(queue.call(2)).rejects.toMatchObject({
      code: 'message_dead',
      message: expect.stringContaining('no such dish (rejected'),
    });
    expect(tries).toBe(3);
  });

  it('a call to a queue without results is refused and publishes no request', async () => {
    for (const none of [null, { doneSeconds: 0, deadSeconds: 60 }]) {
      const queue = await newQueue({ keep: none });
      await expect(queue.call(1)).rejects.toMatchObject({
        code: 'invalid_input',
        message: expect.stringContaining('keeps no results'),
      });
      expect(await queue.receive()).toEqual([]);
    }
  });

  it('messages acked with different results in one turn each keep their own', async () => {
    const queue = await newQueue();
    const published = await queue.publish([1, 2, 3, 4].map((body) => ({ body })));
    const messages = await queue.receive({ max: 10 });
    await Promise.all(messages.map((message) => message.ack(message.body === 4 ? {} : { result: message.body % 2 })));
    const results = await Promise.all(published.map(async (one) => (await queue.get((one as { id: string }).id)).result));
    expect(results).toEqual([1, 0, 1, undefined]);
  });

  it('progress is visible to others and keeps the lease for as long as the receive asked', async () => {
    const queue = await newQueue({ visibilityTimeoutSeconds: 5 });
    const { id } = await queue.publish({ body: 1 });
    const [message] = await queue.receive({ visibilityTimeoutSeconds: 600 });
    const before = Date.parse(message!.leasedUntil);
    await message!.progress(0.4);
    // Not the 5 s of the queue. A receive and an extend compute the end of their lease slightly differently.
    expect(Date.parse(message!.leasedUntil)).toBeGreaterThan(before - 1_000);
    expect(await queue.get(id)).toMatchObject({ state: 'leased', progress: 0.4 });
    await expect(message!.progress(2)).rejects.toMatchObject({ code: 'invalid_input' });
    await message!.release();
    const [again] = await queue.receive();
    await again!.progress(1);
    expect(Date.parse(again!.leasedUntil) - Date.now()).toBeLessThanOrEqual(6_000);
    await again!.ack();
    expect(await queue.get(id)).toMatchObject({ state: 'done', progress: 1 });
  });

  it('a handler is told that its message is cancelled', async () => {
    const queue = await newQueue();
    const { id } = await queue.publish({ body: 1 });
    const reasons: unknown[] = [];
    work(
      queue,
      (_, { signal }) =>
        new Promise<void>((resolve) => {
          void queue.cancel(id, { force: true });
          signal.addEventListener('abort', () => {
            reasons.push(signal.reason);
            resolve();
          });
        }),
      { visibilityTimeoutSeconds: 1 },
    );
    await expect.poll(() => reasons, { timeout: 10_000 }).toMatchObject([{ code: 'cancelled' }]);
  });
});

describe('a call whose answers are lost', () => {
  const waiting = {
    id: 'x',
    queue: 'q',
    state: 'ready',
    attributes: {},
    receives: 0,
    failures: 0,
    publishedAt: '',
    visibleAt: '',
    expiresAt: null,
  } as const;

  it('a call whose publish lost its answer publishes again under the same id and continues to wait', async () => {
    let looks = 0;
    const server = await ContractServer.start({
      getQueue: () => ({ keep }) as never,
      publish: ({ messages }) => ({ results: messages.map(({ id }) => ({ ok: true, id: id! })) }),
      getMessage: () => (++looks < 3 ? waiting : { ...waiting, state: 'done', endedAt: '', result: 7 }),
    });
    const client = new Dumbwaiter({ url: server.url, apiKey: 'k' });
    await client.queue('q').describe();
    server.once((response) => response.destroy());
    server.once((response) => sendProblem(response, new DumbwaiterError('unavailable', 'busy')));
    expect(await client.queue('q').call(1)).toBe(7);
    server.once((response) => response.destroy());
    expect(await client.queue('q').call(2)).toBe(7);
    const ids = server.callsOf('publish').map(({ input }) => (input.messages as { id: string }[])[0]!.id);
    expect([ids.length, new Set(ids).size]).toEqual([3, 2]);
    // The first call showed that the queue keeps results.
    expect(server.callsOf('getQueue').length).toBeLessThanOrEqual(4);
    await server.stop();
  });

  it('a call asks once whether the queue keeps results, and reads until its time is over, even within less than a second', async () => {
    const timers = new ManualTimers();
    let cancelled = 0;
    const server = await ContractServer.start({
      getQueue: () => ({ keep }) as never,
      publish: ({ messages }) => ({ results: messages.map(({ id }) => ({ ok: true, id: id! })) }),
      getMessage: async ({ waitSeconds = 0 }) => {
        await timers.advance(waitSeconds * 1000);
        return waiting;
      },
      cancelMessage: () => {
        cancelled++;
        return {};
      },
    });
    const client = new Dumbwaiter({ url: server.url, apiKey: 'k', timers });
    for (const id of ['a', 'b']) {
      const calling = client
        .queue('q')
        .call(1, { id, timeoutSeconds: 45.5 })
        .catch((error: unknown) => error);
      let answer: unknown;
      void calling.then((error) => {
        answer = error;
      });
      while (answer === undefined) {
        await turn();
        for (const ms of timers.pendingMs) await timers.advance(ms);
      }
      expect(answer).toMatchObject({ code: 'call_timeout' });
    }
    expect(server.callsOf('getMessage').map(({ input }) => Number(input.waitSeconds))).toEqual([
      // The first wait asks whether there are wake-ups.
      1, 20, 20, 4, 0, 0, 20, 20, 5, 0, 0,
    ]);
    expect([server.callsOf('getQueue').length, cancelled]).toEqual([1, 2]);
    await server.stop();
  });
});
