import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { batchEntriesMax, bodyBytesMax, callBytesMax } from '../../contract/limits.ts';
import { Dumbwaiter, DumbwaiterError } from '../../sdk/index.ts';
import { type Answers, ContractServer, send, sendProblem } from '../support/contract-server.ts';
import { ManualTimers, turn } from '../support/manual-timers.ts';

let server: ContractServer;
let dumbwaiter: Dumbwaiter;
let nextId = 0;

const answers: Answers = {
  publish: ({ messages }) => ({
    results: messages.map(({ body }) =>
      body === 'bad'
        ? { ok: false as const, code: 'invalid_input' as const, message: 'body: is bad' }
        : { ok: true as const, id: `m${++nextId}` },
    ),
  }),
  publishToTopic: ({ messages }) => ({
    results: messages.map(() => ({ ok: true as const, id: `t${++nextId}`, subscriptions: 2 })),
  }),
  receive: ({ max = 1 }) => ({
    messages: Array.from({ length: max }, (_, i) => ({
      id: `m${i}`,
      body: i,
      attributes: {},
      receipt: `r${i}`,
      receives: 1,
      failures: 0,
      publishedAt: '2030-01-01T00:00:00.000Z',
      leasedUntil: '2030-01-01T00:00:30.000Z',
    })),
  }),
  ack: ({ receipts }) => ({
    results: receipts.map((receipt) =>
      receipt === 'r1' ? { ok: false as const, code: 'lease_lost' as const, message: 'lost' } : { ok: true as const },
    ),
  }),
  release: ({ receipts }) => ({ results: receipts.map(() => ({ ok: true as const, visibleAt: '2030-01-01T00:00:00.000Z' })) }),
  extend: ({ receipts }) => ({ results: receipts.map(() => ({ ok: true as const, leasedUntil: '2030-01-01T01:00:00.000Z' })) }),
};

beforeEach(async () => {
  nextId = 0;
  server = await ContractServer.start(answers);
  dumbwaiter = new Dumbwaiter({ url: server.url, apiKey: 'key-1', retries: 0 });
});
afterEach(() => server.stop());

const published = () =>
  server.callsOf('publish').map(({ params, input }) => [params.queue, (input.messages as unknown[]).length]);

describe('publishing', () => {
  it('a client sends the publishes of one turn to a queue as one call, also through two objects of that queue', async () => {
    const ids = await Promise.all([
      dumbwaiter.queue('a').publish({ body: 1 }),
      dumbwaiter.queue('a').publish({ body: 2, id: 'own', delaySeconds: 5, attributes: { kind: 'x' } }),
      Promise.resolve().then(() => dumbwaiter.queue('a').publish({ body: 3 })),
    ]);
    expect(ids.map(({ id }) => id)).toEqual(['m1', 'm2', 'm3']);
    expect(server.calls).toHaveLength(1);
    expect(server.calls[0]?.input).toEqual({
      messages: [{ body: 1 }, { body: 2, id: 'own', delaySeconds: 5, attributes: { kind: 'x' } }, { body: 3 }],
    });
  });

  it('a client sends one call for each queue and one for each set of options', async () => {
    await Promise.all([
      dumbwaiter.queue('a').publish({ body: 1 }),
      dumbwaiter.queue('b').publish({ body: 1 }),
      dumbwaiter.queue('b').publish({ body: 1 }),
      dumbwaiter.queue('b').publish({ body: 1 }, { retries: 3 }),
    ]);
    expect(published().sort()).toEqual([
      ['a', 1],
      ['b', 1],
      ['b', 2],
    ]);
  });

  it('a client sends the publishes of one turn to a topic as one call, apart from those to a queue of the same name', async () => {
    const [first, toQueue, second] = await Promise.all([
      dumbwaiter.topic('a').publish({ body: 1, subject: 'orders.paid' }),
      dumbwaiter.queue('a').publish({ body: 2 }),
      dumbwaiter.topic('a').publish([{ body: 3, attributes: { kind: 'x' } }, { body: 4n ** 40n }]),
    ]);
    expect(first).toEqual({ ok: true, id: expect.any(String), subscriptions: 2 });
    expect(toQueue).not.toHaveProperty('subscriptions');
    expect(second).toHaveLength(2);
    expect(server.calls).toHaveLength(2);
    expect(server.callsOf('publishToTopic')[0]).toMatchObject({
      params: { topic: 'a' },
      input: { messages: [{ body: 1, subject: 'orders.paid' }, { body: 3, attributes: { kind: 'x' } }, { body: 4 ** 40 }] },
    });
  });

  it('a client sends the publishes of the next turn as another call', async () => {
    await dumbwaiter.queue('a').publish({ body: 1 });
    await dumbwaiter.queue('a').publish({ body: 2 });
    expect(server.calls).toHaveLength(2);
  });

  it(`a client splits more than ${batchEntriesMax} messages into full calls and returns the results in order`, async () => {
    const results = await dumbwaiter.queue('a').publish(Array.from({ length: 2 * batchEntriesMax + 1 }, (_, body) => ({ body })));
    expect(results).toHaveLength(2 * batchEntriesMax + 1);
    // The calls run in parallel and may arrive in any order. Within each, and among the results, the order holds.
    const calls = server.calls.map(({ input }) => (input.messages as { body: number }[]).map(({ body }) => body));
    calls.sort(([a = 0], [b = 0]) => a - b);
    expect(calls.map((call) => call.length)).toEqual([batchEntriesMax, batchEntriesMax, 1]);
    expect(calls.flat()).toEqual(Array.from({ length: 2 * batchEntriesMax + 1 }, (_, i) => i));
  });

  it('a client keeps every call within the size of one call, escaped once more', async () => {
    // Each quote of the body is two characters of JSON, and four once escaped.
    const body = '"'.repeat(bodyBytesMax / 4);
    await dumbwaiter.queue('a').publish(Array.from({ length: 9 }, () => ({ body })));
    expect(
      published()
        .map(([, n]) => n)
        .sort(),
    ).toEqual([1, 4, 4]);
    for (const { input } of server.calls) expect(JSON.stringify(JSON.stringify(input)).length).toBeLessThanOrEqual(callBytesMax);
  });

  it('a client waits for lingerMs after the first message and no longer', async () => {
    const timers = new ManualTimers();
    const queue = new Dumbwaiter({ url: server.url, timers, lingerMs: 50 }).queue('a');
    const first = queue.publish({ body: 1 });
    await timers.advance(49);
    const second = queue.publish({ body: 2 });
    expect(server.calls).toHaveLength(0);
    await timers.advance(1);
    await Promise.all([first, second]);
    expect(published()).toEqual([['a', 2]]);
  });

  it('a client sends a full call without lingering', async () => {
    const timers = new ManualTimers();
    const queue = new Dumbwaiter({ url: server.url, timers, lingerMs: 50 }).queue('a');
    await queue.publish(Array.from({ length: batchEntriesMax }, () => ({ body: 1 })));
    expect(timers.pendingMs).toEqual([]);
  });

  it('a refused message throws, and its neighbours succeed', async () => {
    const queue = dumbwaiter.queue('a');
    const [good, bad] = await Promise.allSettled([queue.publish({ body: 'good' }), queue.publish({ body: 'bad' })]);
    expect(good).toMatchObject({ status: 'fulfilled', value: { id: 'm1' } });
    expect(bad).toMatchObject({ status: 'rejected', reason: { code: 'invalid_input', message: 'body: is bad' } });
    expect(server.calls).toHaveLength(1);
  });

  it('a publish of a batch returns a result for each message', async () => {
    expect(await dumbwaiter.queue('a').publish([{ body: 'good' }, { body: 'bad' }])).toEqual([
      { ok: true, id: 'm1' },
      { ok: false, code: 'invalid_input', message: 'body: is bad' },
    ]);
    expect(await dumbwaiter.queue('a').publish([])).toEqual([]);
    expect(server.calls).toHaveLength(1);
  });

  it('a publish of several calls names the messages of failed calls, and throws if all failed', async () => {
    const queue = dumbwaiter.queue('a');
    server.once((response) => sendProblem(response, new DumbwaiterError('unavailable', 'no answer')));
    const results = await queue.publish(Array.from({ length: batchEntriesMax + 1 }, () => ({ body: 1 })));
    expect(results.filter(({ ok }) => !ok)).toHaveLength(results[0]?.ok ? 1 : batchEntriesMax);
    expect(results.find(({ ok }) => !ok)).toEqual({ ok: false, code: 'unavailable', message: 'no answer' });

    server.once((response) => sendProblem(response, new DumbwaiterError('forbidden', 'not here')));
    await expect(queue.publish([{ body: 1 }, { body: 2 }])).rejects.toMatchObject({ code: 'forbidden', requestId: 'request-1' });
  });

  it('a client refuses a body that is no JSON before it sends anything', async () => {
    const queue = dumbwaiter.queue('a');
    await expect(queue.publish([{ body: 1 }, { body: Number.NaN }])).rejects.toThrow(TypeError);
    await expect(queue.publish({ body: undefined })).rejects.toThrow('body is undefined');
    await turn();
    expect(server.calls).toHaveLength(0);
  });

  it('a client publishes the body as it was when publish was called', async () => {
    const body = { n: 1 };
    const publishing = dumbwaiter.queue('a').publish({ body });
    body.n = 2;
    await publishing;
    expect(server.calls[0]?.input).toEqual({ messages: [{ body: { n: 1 } }] });
  });

  it('a message whose signal aborts before the call is left out, and a call without a waiting caller is aborted', async () => {
    const queue = dumbwaiter.queue('a');
    const [early, late] = [new AbortController(), new AbortController()];
    const first = queue.publish({ body: 1 }, { signal: early.signal });
    const second = queue.publish({ body: 2 }, { signal: late.signal });
    const firstRejected = expect(first).rejects.toThrow('early');
    const secondRejected = expect(second).rejects.toThrow('late');
    early.abort(new Error('early'));
    await firstRejected;
    server.once(() => {});
    await vi.waitFor(() => expect(server.calls).toHaveLength(1));
    expect(server.calls[0]?.input).toEqual({ messages: [{ body: 2 }] });
    late.abort(new Error('late'));
    await secondRejected;
    await vi.waitFor(() => expect(server.aborted).toBe(1));
  });

  it('a message that joins a batch is sent even if all others have left it', async () => {
    const queue = dumbwaiter.queue('a');
    const controller = new AbortController();
    const first = expect(queue.publish({ body: 1 }, { signal: controller.signal })).rejects.toThrow('gone');
    controller.abort(new Error('gone'));
    await queue.publish({ body: 2 });
    await first;
    expect(server.calls.map(({ input }) => input)).toEqual([{ messages: [{ body: 2 }] }]);
  });

  it('a client rejects an answer with too few results', async () => {
    server.once((response) => send(response, 200, { results: [] }));
    await expect(dumbwaiter.queue('a').publish({ body: 1 })).rejects.toMatchObject({ code: 'internal' });
  });
});

describe('messages received', () => {
  it('messages acked in one turn are acked in one call, each with its own result', async () => {
    const messages = await dumbwaiter.queue('a').receive({ max: 3 });
    const results = await Promise.allSettled(messages.map((message) => message.ack()));
    expect(server.callsOf('ack').map(({ input }) => input)).toEqual([{ receipts: ['r0', 'r1', 'r2'] }]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(messages.map(({ settled }) => settled)).toEqual([true, false, true]);
  });

  it('messages released or extended with the same options in one turn share one call', async () => {
    const messages = await dumbwaiter.queue('a').receive({ max: 4 });
    const [a, b, c, d] = messages as [(typeof messages)[0], (typeof messages)[0], (typeof messages)[0], (typeof messages)[0]];
    await Promise.all([a.release({ delaySeconds: 5 }), b.release({ failed: 'x'.repeat(1000) }), c.release({ delaySeconds: 5 })]);
    expect(server.callsOf('release').map(({ input }) => input)).toEqual([
      { receipts: ['r0', 'r2'], delaySeconds: 5 },
      { receipts: ['r1'], failed: 'x'.repeat(256) },
    ]);
    await Promise.all([c.extend(60), d.extend(60)]);
    expect(server.callsOf('extend').map(({ input }) => input)).toEqual([
      { receipts: ['r2', 'r3'], visibilityTimeoutSeconds: 60 },
    ]);
    expect(d.leasedUntil).toBe('2030-01-01T01:00:00.000Z');
  });

  it('hundreds of messages or receipts can be acked at once', async () => {
    const queue = dumbwaiter.queue('a');
    const results = await queue.ack([{ receipt: 'r1' }, ...Array.from({ length: 150 }, (_, i) => `x${i}`)]);
    expect(server.callsOf('ack').map(({ input }) => (input.receipts as unknown[]).length)).toEqual([100, 51]);
    expect(results.map(({ ok }) => ok)).toEqual([false, ...Array.from({ length: 150 }, () => true)]);
  });
});
