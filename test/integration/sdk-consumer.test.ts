import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { textOfThrown } from '../../contract/thrown.ts';
import { type Consumer, type ConsumerOptions, Dumbwaiter, DumbwaiterError, type Handler } from '../../sdk/index.ts';
import { ContractServer, sendProblem } from '../support/contract-server.ts';
import { ManualTimers, turn } from '../support/manual-timers.ts';
import { SmallQueue } from '../support/small-queue.ts';

type Body = { id: string };

let queue: SmallQueue;
let server: ContractServer;
let timers: ManualTimers;
let consumer: Consumer<Body>;
let told: string[];

beforeEach(async () => {
  queue = new SmallQueue();
  server = await ContractServer.start(queue.answers);
  timers = new ManualTimers();
  told = [];
});
afterEach(async () => {
  const stopped = consumer.stop({ deadlineMs: 0 });
  await timers.advance(0);
  await stopped;
  await server.stop();
});

function consume(handler: Handler<Body>, options: ConsumerOptions = {}): void {
  consumer = new Dumbwaiter({ url: server.url, apiKey: 'k', timers }).queue<Body>('q').consume(handler, {
    visibilityTimeoutSeconds: 60,
    waitSeconds: 20,
    ...options,
  });
  consumer.on('message', ({ id }) => told.push(`message ${id}`));
  consumer.on('ack', ({ id }) => told.push(`ack ${id}`));
  consumer.on('failed', ({ message, error }) => told.push(`failed ${message.id}: ${textOfThrown(error)}`));
  consumer.on('error', ({ error, message }) =>
    told.push(`error ${message?.id ?? 'receive'}: ${(error as DumbwaiterError).code}`),
  );
  consumer.on('idle', () => told.push('idle'));
}

function revokedProxy(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** A handler that runs for each message until the test ends it. */
function held() {
  const working = new Map<string, { end: (error?: Error) => void; signal: AbortSignal }>();
  const handler: Handler<Body> = ({ body }, { signal }) =>
    new Promise<void>((resolve, reject) => {
      working.set(body.id, {
        signal,
        end: (error) => {
          working.delete(body.id);
          if (error) reject(error);
          else resolve();
        },
      });
    });
  const end = (id: string, error?: Error) => working.get(id)?.end(error);
  return { working, handler, end };
}

const until = (check: () => void) => vi.waitFor(check, { timeout: 10_000, interval: 5 });
const maxima = () => server.callsOf('receive').map(({ input }) => input.max);

describe('a consumer', () => {
  it('a consumer hands each message to the handler and acks messages of one receive in one call', async () => {
    queue.add('a', 'b', 'c');
    const bodies: Body[] = [];
    consume((message) => bodies.push(message.body));
    await until(() => expect(queue.acked).toEqual(['a', 'b', 'c']));
    expect(bodies).toEqual([{ id: 'a' }, { id: 'b' }, { id: 'c' }]);
    expect(server.callsOf('ack')).toHaveLength(1);
    expect(server.callsOf('receive')[0]?.input).toEqual({ max: 10, visibilityTimeoutSeconds: 60, waitSeconds: 1 });
    await until(() => expect(told).toEqual(['message a', 'message b', 'message c', 'ack a', 'ack b', 'ack c']));
  });

  it('a consumer releases a failed message with the error and continues with the others', async () => {
    queue.add('a', 'b');
    consume(({ id }) => {
      if (id === 'a') throw new Error('no such customer');
    });
    await until(() => expect(queue.acked).toEqual(['b']));
    await until(() => expect(queue.released).toEqual([{ id: 'a', failed: 'no such customer' }]));
    expect(told).toContain('failed a: no such customer');
  });

  it.each<[string, () => unknown, string]>([
    ['a text', () => 'gone wrong', 'gone wrong'],
    ['nothing', () => undefined, 'undefined'],
    ['null', () => null, 'null'],
    ['an empty text', () => '', 'a value without text was thrown'],
    ['a symbol', () => Symbol('s'), 'Symbol(s)'],
    ['an error without words', () => new RangeError(), 'RangeError'],
    ['an object without a prototype', () => Object.create(null), 'a value without text was thrown'],
    [
      'an error whose message is an object',
      () => Object.assign(new Error('x'), { message: { code: 1 } }),
      'Error: [object Object]',
    ],
    [
      'an error whose message is a symbol',
      () => Object.assign(new Error('x'), { message: Symbol('m') }),
      'a value without text was thrown',
    ],
    ['an error whose name is an object', () => Object.assign(new Error(''), { name: { a: 1 } }), '[object Object]'],
    [
      'an object whose toString throws',
      () => ({
        toString() {
          throw new Error('no');
        },
      }),
      'a value without text was thrown',
    ],
    [
      'an error whose message throws',
      () =>
        Object.defineProperty(new Error('x'), 'message', {
          get() {
            throw new Error('getter');
          },
        }),
      'a value without text was thrown',
    ],
    ['a revoked proxy', revokedProxy, 'a value without text was thrown'],
    ['half a surrogate pair', () => new Error('\ud83d!'), '\ufffd!'],
    ['a text that is cut within a surrogate pair', () => `${'a'.repeat(255)}\u{1f600}`, `${'a'.repeat(255)}\ufffd`],
  ])('a consumer releases the message and continues when a handler throws %s', async (_, thrown, failed) => {
    queue.add('a');
    consume(({ id }) => {
      if (id === 'a') throw thrown();
    });
    await until(() => expect(queue.released).toEqual([{ id: 'a', failed }]));
    expect(told.filter((line) => line.startsWith('failed a'))).toHaveLength(1);
    queue.add('b');
    await until(() => expect(queue.acked).toEqual(['b']));
  });

  it('a consumer emits an error that a handler throws after it acked or released its message', async () => {
    queue.add('a', 'b');
    const errors: unknown[] = [];
    consume(
      async (message) => {
        if (message.id === 'a') await message.ack();
        else await message.release({ delaySeconds: 9 });
        throw new Error(`after ${message.id}`);
      },
      { lingerMs: 0 },
    );
    consumer.on('error', ({ error }) => errors.push(error));
    await until(() => expect(errors).toEqual([new Error('after a'), new Error('after b')]));
    expect(queue.acked).toEqual(['a']);
    expect(queue.released).toEqual([{ id: 'b', delaySeconds: 9 }]);
  });

  it('a consumer does not settle a message that its handler acked or released', async () => {
    queue.add('a', 'b', 'c');
    consume(async (message) => {
      if (message.id === 'a') await message.ack();
      else if (message.id === 'b') await message.release({ delaySeconds: 9 });
    });
    await until(() => expect(timers.pendingMs).toContain(20));
    await timers.advance(20);
    await until(() => expect(queue.acked.sort()).toEqual(['a', 'c']));
    await until(() => expect(queue.released).toEqual([{ id: 'b', delaySeconds: 9 }]));
    await until(() => expect(queue.openPolls).toBe(1));
    const stopping = consumer.stop();
    queue.endPolls();
    await stopping;
    expect(server.callsOf('ack').flatMap(({ input }) => input.receipts)).toHaveLength(2);
    expect(told).toEqual(['message a', 'message b', 'message c', 'ack c']);
  });

  it('a consumer receives only as many messages as it can work on', async () => {
    queue.add(...Array.from({ length: 9 }, (_, i) => `m${i}`));
    const { working, handler, end } = held();
    consume(handler, { concurrency: 4, batch: 3 });
    await until(() => expect(working.size).toBe(3));
    await timers.advance(20);
    await until(() => expect(working.size).toBe(4));
    expect(maxima()).toEqual([3, 1]);
    expect(consumer.running).toBe(4);
    end('m0');
    end('m1');
    await until(() => expect(working.size).toBe(4));
    expect(maxima()).toEqual([3, 1, 2]);
  });

  it('a consumer waits briefly for more free handlers, but not for all of them', async () => {
    queue.add(...Array.from({ length: 5 }, (_, i) => `m${i}`));
    const { working, handler, end } = held();
    consume(handler, { concurrency: 4, lingerMs: 30 });
    await until(() => expect(working.size).toBe(4));
    end('m0');
    await until(() => expect(timers.pendingMs).toContain(30));
    await timers.advance(29);
    expect(maxima()).toEqual([4]);
    await timers.advance(1);
    await until(() => expect(maxima()).toEqual([4, 1]));
  });

  it('a consumer acks together what ends within lingerMs, and at once when no other handler runs', async () => {
    queue.add('a', 'b', 'c');
    const { working, handler, end } = held();
    consume(handler, { concurrency: 3, lingerMs: 30 });
    await until(() => expect(working.size).toBe(3));
    end('a');
    await turn();
    await timers.advance(29);
    expect(server.callsOf('ack')).toHaveLength(0);
    end('b');
    await turn();
    await timers.advance(1);
    await until(() => expect(queue.acked).toEqual(['a', 'b']));
    end('c');
    await until(() => expect(queue.acked).toEqual(['a', 'b', 'c']));
    expect(server.callsOf('ack').map(({ input }) => (input.receipts as string[]).length)).toEqual([2, 1]);
  });

  it('a consumer asks the queue for its visibility timeout if the options have none', async () => {
    queue.add('a');
    consume(() => {}, { visibilityTimeoutSeconds: undefined as never });
    await until(() => expect(queue.acked).toEqual(['a']));
    expect(server.calls[0]?.operation).toBe('getQueue');
    expect(server.callsOf('receive')[0]?.input.visibilityTimeoutSeconds).toBe(60);
  });

  it('a consumer emits idle once until a message comes', async () => {
    consume(() => {});
    for (const polls of [1, 2, 3]) {
      await until(() => expect(server.callsOf('receive')).toHaveLength(polls));
      await until(() => expect(queue.openPolls).toBe(1));
      queue.endPolls();
      await until(() => expect(told).toEqual(['idle']));
      await until(() => expect(timers.pendingMs.length).toBeGreaterThan(0));
      await timers.advance(timers.pendingMs[0] as number);
    }
    queue.add('a');
    await until(() => expect(queue.acked).toEqual(['a']));
    await until(() => expect(queue.openPolls).toBe(1));
    queue.endPolls();
    await until(() => expect(told).toEqual(['idle', 'message a', 'ack a', 'idle']));
  });

  it.each([
    { concurrency: 0 },
    { batch: 101 },
    { visibilityTimeoutSeconds: 0 },
    { waitSeconds: 21 },
    { maxIdlePollSeconds: 0 },
    { maxIdlePollSeconds: Number.NaN },
    { lingerMs: 0.5 },
  ])('a consumer refuses the options %j', (options) => {
    consume(() => {});
    expect(() => new Dumbwaiter({ url: server.url }).queue('q').consume(() => {}, options)).toThrow(RangeError);
  });
});

describe('leases', () => {
  it('leases are extended together at half time for as long as the handlers run', async () => {
    queue.add('a', 'b');
    const { working, handler, end } = held();
    consume(handler, { visibilityTimeoutSeconds: 60, lingerMs: 0 });
    await until(() => expect(working.size).toBe(2));
    await timers.advance(29_999);
    expect(queue.extended).toEqual([]);
    await timers.advance(1);
    await until(() => expect(queue.extended).toEqual(['a', 'b']));
    expect(server.callsOf('extend').map(({ input }) => input.visibilityTimeoutSeconds)).toEqual([60]);
    end('a');
    await until(() => expect(queue.acked).toEqual(['a']));
    await until(() => expect(timers.pendingMs).toContain(30_000));
    await timers.advance(30_000);
    await until(() => expect(queue.extended).toEqual(['a', 'b', 'b']));
  });

  it('a lost lease aborts the signal of its handler, and its message is neither acked nor released', async () => {
    queue.add('a');
    const { working, handler } = held();
    consume(handler, { lingerMs: 0 });
    await until(() => expect(working.size).toBe(1));
    queue.lost.add('a');
    await timers.advance(30_000);
    const { signal, end } = working.get('a') as { signal: AbortSignal; end: () => void };
    await until(() => expect(signal.aborted).toBe(true));
    expect(signal.reason).toMatchObject({ code: 'lease_lost' });
    end();
    await until(() => expect(consumer.running).toBe(0));
    await turn();
    expect(told).toEqual(['message a', 'error a: lease_lost']);
    expect(server.callsOf('ack').length + server.callsOf('release').length).toBe(0);
  });

  it('leases that could not be extended are tried again soon', async () => {
    queue.add('a');
    const { working, handler } = held();
    consume(handler, { lingerMs: 0 });
    await until(() => expect(working.size).toBe(1));
    await until(() => expect(queue.openPolls).toBe(1));
    server.once((response) => sendProblem(response, new DumbwaiterError('internal', 'defect')));
    await timers.advance(30_000);
    await until(() => expect(told).toContain('error a: internal'));
    expect(working.get('a')?.signal.aborted).toBe(false);
    await until(() => expect(timers.pendingMs).toContain(7_500));
    await timers.advance(7_500);
    await until(() => expect(queue.extended).toEqual(['a']));
  });

  it('leases that could not be extended before their end abort the signal, and a message that is handled anyway is acked', async () => {
    queue.add('a');
    const { working, handler, end } = held();
    consume(handler, { lingerMs: 0 });
    await until(() => expect(working.size).toBe(1));
    await until(() => expect(queue.openPolls).toBe(1));
    server.once(() => {});
    await timers.advance(30_000);
    await until(() => expect(server.callsOf('extend')).toHaveLength(1));
    const { signal } = working.get('a') as { signal: AbortSignal };
    await timers.advance(29_999);
    expect(signal.aborted).toBe(false);
    await timers.advance(1);
    expect(signal.reason).toMatchObject({ code: 'lease_lost' });
    expect(told).toEqual(['message a', 'error a: lease_lost']);
    end('a');
    await until(() => expect(queue.acked).toEqual(['a']));
  });

  it('leases whose extend call hangs are extended by the next attempt in time', async () => {
    queue.add('a');
    const { working, handler, end } = held();
    consumer = new Dumbwaiter({ url: server.url, apiKey: 'k' })
      .queue<Body>('q')
      .consume(handler, { visibilityTimeoutSeconds: 4, waitSeconds: 20, lingerMs: 0 });
    consumer.on('error', ({ error }) => told.push(`error: ${(error as DumbwaiterError).code}`));
    await until(() => expect(queue.openPolls).toBe(1));
    server.once(() => {});
    await until(() => expect(queue.extended).toEqual(['a']));
    expect(working.get('a')?.signal.aborted).toBe(false);
    expect(told).toEqual(['error: unavailable']);
    end('a');
    await until(() => expect(queue.acked).toEqual(['a']));
  });

  it.each([
    { starts: 'no handler if another consumer has the message', lost: true, handled: [] },
    { starts: 'its handler if no other consumer has the message', lost: false, handled: ['a'] },
  ])('a lease that ends before its answer is read starts $starts', async ({ lost, handled }) => {
    const handledIds: string[] = [];
    consume((message) => handledIds.push(message.id), { lingerMs: 0 });
    await until(() => expect(queue.openPolls).toBe(1));
    if (lost) queue.lost.add('a');
    timers.stall(60_000);
    queue.add('a');
    await until(() => expect(told).toContain(lost ? 'error a: lease_lost' : 'ack a'));
    expect(handledIds).toEqual(handled);
    expect(queue.extended).toEqual(handled);
    expect(queue.released).toEqual([]);
  });

  it('a lease that ends while another handler blocks the event loop starts no handler if another consumer has the message', async () => {
    queue.add('a', 'b');
    const begun: string[] = [];
    consume(
      ({ id }) => {
        begun.push(id);
        if (id === 'a') timers.stall(60_000);
      },
      { lingerMs: 0 },
    );
    queue.lost.add('b');
    await until(() => expect(told).toContain('error b: lease_lost'));
    await until(() => expect(consumer.running).toBe(0));
    expect(begun).toEqual(['a']);
    expect(queue.released).toEqual([]);
  });
});

describe('errors', () => {
  it('a transient error does not end a consumer, which polls again soon', async () => {
    server.once((response) => sendProblem(response, new DumbwaiterError('unavailable', 'down')));
    server.once((response) => response.destroy());
    queue.add('a');
    consume(() => {});
    await until(() => expect(told).toEqual(['error receive: unavailable']));
    await until(() => expect(timers.pendingMs).toEqual([375]));
    await timers.advance(375);
    await until(() => expect(timers.pendingMs).toEqual([750]));
    await timers.advance(750);
    await until(() => expect(queue.acked).toEqual(['a']));
  });

  it('an outage is reported once for each kind of error, and so is its end', async () => {
    for (const code of ['unavailable', 'throttled', 'unavailable', 'throttled'] as const)
      server.once((response) => sendProblem(response, new DumbwaiterError(code, 'down')));
    const outages: number[] = [];
    consume(() => {});
    consumer.on('recovered', ({ outageMs }) => outages.push(outageMs));
    let outageMs = 0;
    for (const pauseMs of [375, 750, 1_500, 3_000]) {
      await until(() => expect(timers.pendingMs).toEqual([pauseMs]));
      await timers.advance(pauseMs);
      outageMs += pauseMs;
    }
    await until(() => expect(queue.openPolls).toBe(1));
    queue.add('a', 'b');
    await until(() => expect(queue.acked).toEqual(['a', 'b']));
    expect(outages).toEqual([outageMs]);
    expect(told.filter((line) => line.startsWith('error'))).toEqual(['error receive: unavailable', 'error receive: throttled']);
  });

  it.each([
    'unauthorized',
    'forbidden',
    'queue_not_found',
  ] as const)('an error of code %s makes a consumer poll rarely until it succeeds', async (code) => {
    server.once((response) => sendProblem(response, new DumbwaiterError(code, 'no')));
    queue.add('a');
    consume(() => {}, { visibilityTimeoutSeconds: undefined as never });
    await until(() => expect(told).toEqual([`error receive: ${code}`]));
    await until(() => expect(timers.pendingMs).toEqual([7_500]));
    await timers.advance(7_500);
    await until(() => expect(queue.acked).toEqual(['a']));
  });

  it('an error of an ack is reported, and the message keeps its lease', async () => {
    queue.add('a');
    queue.lost.add('a');
    consume(() => {});
    await until(() => expect(told).toEqual(['message a', 'error a: lease_lost']));
  });

  it('an error without a listener goes to the console', async () => {
    const seen = vi.spyOn(console, 'error').mockImplementation(() => {});
    server.once((response) => sendProblem(response, new DumbwaiterError('unavailable', 'down')));
    consumer = new Dumbwaiter({ url: server.url, timers }).queue<Body>('q').consume(() => {}, { visibilityTimeoutSeconds: 60 });
    await until(() => expect(seen).toHaveBeenCalledTimes(1));
    await until(() => expect(timers.pendingMs).toEqual([375]));
    await timers.advance(375);
    await until(() => expect(seen.mock.calls[1]).toEqual(['dumbwaiter: consumer: receives again after 375 ms']));
    seen.mockRestore();
  });
});

describe('stop', () => {
  it('a stop lets handlers finish, acks their messages and receives no more', async () => {
    queue.add('a', 'b');
    const { working, handler, end } = held();
    consume(handler, { concurrency: 2 });
    await until(() => expect(working.size).toBe(2));
    let stopped = false;
    const stopping = consumer.stop({ deadlineMs: 60_000 }).then(() => (stopped = true));
    end('a');
    await until(() => expect(queue.acked).toEqual(['a']));
    queue.add('c');
    expect(stopped).toBe(false);
    end('b', new Error('late'));
    await stopping;
    expect(queue.released).toEqual([{ id: 'b', failed: 'late' }]);
    expect(queue.waiting).toEqual(['c']);
    expect(timers.pendingMs).toEqual([]);
    await consumer.done;
  });

  it('a stop returns unfinished messages before the deadline, not as failed and in one call', async () => {
    queue.add('a', 'b');
    const { working, handler } = held();
    consume(handler, { concurrency: 2 });
    await until(() => expect(working.size).toBe(2));
    const stopping = consumer.stop({ deadlineMs: 10_000 });
    await timers.advance(7_999);
    expect(queue.released).toEqual([]);
    const { signal } = working.get('a') as { signal: AbortSignal };
    await timers.advance(1);
    await stopping;
    expect(signal.aborted).toBe(true);
    expect(queue.released).toEqual([
      { id: 'a', delaySeconds: 0 },
      { id: 'b', delaySeconds: 0 },
    ]);
    expect(server.callsOf('release')).toHaveLength(1);
    expect(told.filter((line) => line.startsWith('failed'))).toEqual([]);
  });

  it('a stop waits for an open receive and returns its messages', async () => {
    consume(() => {});
    await until(() => expect(queue.openPolls).toBe(1));
    const stopping = consumer.stop();
    queue.add('a');
    await stopping;
    expect(queue.released).toEqual([{ id: 'a', delaySeconds: 0 }]);
    expect(told).toEqual([]);
    expect(server.aborted).toBe(0);
  });

  it('a stop of an idle consumer soon aborts its open receive where the server says that waiting is cheap', async () => {
    queue.waitIsCheap = true;
    consume(() => {}, { waitSeconds: undefined as never });
    await until(() => expect(told).toEqual(['idle']));
    await until(() => expect(timers.pendingMs).toEqual([100]));
    await timers.advance(100);
    await until(() => expect(queue.openPolls).toBe(1));
    expect(server.callsOf('receive').map(({ input }) => input.waitSeconds)).toEqual([0, 20]);
    const stopping = consumer.stop();
    await timers.advance(100);
    await stopping;
    await consumer.done;
    await until(() => expect(server.aborted).toBe(1));
    expect(told).toEqual(['idle']);
  });

  it('a stop of an idle consumer that does not wait at the server ends its pause at once', async () => {
    consume(() => {}, { waitSeconds: undefined as never, maxIdlePollSeconds: 5 });
    for (const pauseMs of [100, 200, 400, 800, 1_600, 3_200, 5_000]) {
      await until(() => expect(timers.pendingMs).toEqual([pauseMs]));
      await timers.advance(pauseMs);
    }
    await until(() => expect(timers.pendingMs).toEqual([5_000]));
    await consumer.stop();
    expect(new Set(server.callsOf('receive').map(({ input }) => input.waitSeconds))).toEqual(new Set([0]));
    expect(timers.pendingMs).toEqual([]);
  });

  it('a stop ends at the deadline even without any answer', async () => {
    consume(() => {});
    await until(() => expect(queue.openPolls).toBe(1));
    const stopping = consumer.stop({ deadlineMs: 1_000 });
    await timers.advance(1_000);
    await stopping;
    await until(() => expect(server.aborted).toBe(1));
    await consumer.done;
    expect(told).toEqual([]);
  });

  it('a stop ends earlier after a second call or when its signal aborts', async () => {
    queue.add('a');
    const { working, handler } = held();
    const controller = new AbortController();
    consume(handler, { concurrency: 1, signal: controller.signal });
    await until(() => expect(working.size).toBe(1));
    const stopping = consumer.stop();
    controller.abort();
    await stopping;
    expect(queue.released).toEqual([{ id: 'a', delaySeconds: 0 }]);
    await consumer.done;
  });

  it('a stop ends a pause', async () => {
    server.once((response) => sendProblem(response, new DumbwaiterError('forbidden', 'no')));
    consume(() => {});
    await until(() => expect(timers.pendingMs).toEqual([7_500]));
    await consumer.stop();
    expect(timers.pendingMs).toEqual([]);
  });

  it('a stop before the start makes no call', async () => {
    consume(() => {}, { signal: AbortSignal.abort() });
    await consumer.done;
    expect(server.calls).toEqual([]);
  });
});
