import { describe, expect, it } from 'vitest';
import { DumbwaiterError } from '../../sdk/index.ts';
import { consume, consumer, held, queue, server, timers, told, until, useConsumer } from '../support/consumer-under-test.ts';
import { sendProblem } from '../support/contract-server.ts';

useConsumer();

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
    expect(server.callsOf('receive').map(({ input }) => input.waitSeconds)).toEqual([0, 2]);
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
