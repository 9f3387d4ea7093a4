import { describe, expect, it } from 'vitest';
import { Dumbwaiter, DumbwaiterError } from '../../sdk/index.ts';
import {
  type Body,
  consume,
  consumer,
  held,
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
    const client = new Dumbwaiter({ url: server.url, apiKey: 'k' });
    setConsumer(client.queue<Body>('q').consume(handler, { visibilityTimeoutSeconds: 4, waitSeconds: 20, lingerMs: 0 }));
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
