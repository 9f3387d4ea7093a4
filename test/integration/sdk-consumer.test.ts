import { describe, expect, it, vi } from 'vitest';
import { Dumbwaiter, DumbwaiterError } from '../../sdk/index.ts';
import {
  type Body,
  consume,
  consumer,
  held,
  maxima,
  queue,
  server,
  setConsumer,
  timers,
  told,
  until,
  useConsumer,
} from '../support/consumer-under-test.ts';
import { sendProblem } from '../support/contract-server.ts';
import { turn } from '../support/manual-timers.ts';

useConsumer();

function revokedProxy(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

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
    ['an unpaired surrogate', () => new Error('\ud83d!'), '\ufffd!'],
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
    const client = new Dumbwaiter({ url: server.url, timers });
    setConsumer(client.queue<Body>('q').consume(() => {}, { visibilityTimeoutSeconds: 60 }));
    await until(() => expect(seen).toHaveBeenCalledTimes(1));
    await until(() => expect(timers.pendingMs).toEqual([375]));
    await timers.advance(375);
    await until(() => expect(seen.mock.calls[1]).toEqual(['dumbwaiter: consumer: receives again after 375 ms']));
    seen.mockRestore();
  });
});
