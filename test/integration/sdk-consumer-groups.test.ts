import { describe, expect, it, vi } from 'vitest';
import { consumerLingerMsDefault } from '../../sdk/consumer/options.ts';
import { consume, consumer, held, queue, server, timers, told, until, useConsumer } from '../support/consumer-under-test.ts';

useConsumer();

const running = (working: Map<string, unknown>, ...ids: string[]) => until(() => expect([...working.keys()]).toEqual(ids));

describe('a consumer of a queue with groups', () => {
  it('messages of one group that a receive returned are handled one after the other, and other groups side by side', async () => {
    queue.addToGroup('g', 'g1', 'g2', 'g3');
    queue.addToGroup('h', 'h1', 'h2');
    queue.add('a', 'b');
    const { working, handler, end } = held();
    consume(handler);
    await running(working, 'g1', 'h1', 'a', 'b');
    end('g1');
    await running(working, 'h1', 'a', 'b', 'g2');
    end('h1');
    await running(working, 'a', 'b', 'g2', 'h2');
    end('g2');
    await running(working, 'a', 'b', 'h2', 'g3');
    for (const id of ['a', 'b', 'h2', 'g3']) end(id);
    await until(() => expect(queue.acked.toSorted()).toEqual(['a', 'b', 'g1', 'g2', 'g3', 'h1', 'h2']));
    expect(queue.released).toEqual([]);
  });

  it('after a message of a group failed, those behind it are given back unhandled, in one call', async () => {
    queue.addToGroup('g', 'g1', 'g2', 'g3', 'g4');
    queue.addToGroup('h', 'h1', 'h2');
    consume(({ id }) => {
      if (id === 'g2') throw new Error('no such customer');
    });
    await until(() => expect(queue.acked.toSorted()).toEqual(['g1', 'h1', 'h2']));
    await until(() => expect(queue.released).toHaveLength(3));
    expect(queue.released.toSorted((one, other) => one.id.localeCompare(other.id))).toEqual([
      { id: 'g2', failed: 'no such customer' },
      { id: 'g3', delaySeconds: 0 },
      { id: 'g4', delaySeconds: 0 },
    ]);
    expect(server.callsOf('release')).toHaveLength(2);
    expect(told.filter((line) => line.startsWith('message g'))).toEqual(['message g1', 'message g2']);
    await until(() => expect(consumer.running).toBe(0));
  });

  it('a handler that released its message itself lets no other of the group follow, and one that acked it does', async () => {
    queue.addToGroup('g', 'g1', 'g2', 'g3');
    const handled: string[] = [];
    consume(async (message) => {
      handled.push(message.id);
      if (message.id === 'g1') await message.ack();
      if (message.id === 'g2') await message.release();
    });
    await vi.waitFor(async () => {
      await timers.advance(consumerLingerMsDefault);
      expect(queue.released).toHaveLength(2);
    });
    expect(queue.acked).toEqual(['g1']);
    expect(queue.released.map(({ id }) => id)).toEqual(['g2', 'g3']);
    expect(handled).toEqual(['g1', 'g2']);
  });

  it('the message of a group that replies is acked before the next one is handled', async () => {
    queue.addToGroup('g', 'g1', 'g2');
    const ackedBefore: string[][] = [];
    consume(() => ackedBefore.push([...queue.acked]), { reply: true });
    await until(() => expect(queue.acked).toEqual(['g1', 'g2']));
    expect(ackedBefore).toEqual([[], ['g1']]);
  });

  it('a message of a group that waits keeps its lease, and is not handled if it loses it', async () => {
    queue.addToGroup('g', 'g1', 'g2', 'g3');
    const { working, handler, end } = held();
    consume(handler);
    await running(working, 'g1');
    queue.lost.add('g2');
    await timers.advance(31_000);
    await until(() => expect(queue.extended).toEqual(['g1', 'g3']));
    await until(() => expect(told).toContain('error g2: lease_lost'));
    end('g1');
    await until(() => expect(queue.released).toEqual([{ id: 'g3', delaySeconds: 0 }]));
    expect(queue.acked).toEqual(['g1']);
    expect(told.filter((line) => line.startsWith('message'))).toEqual(['message g1']);
  });

  it('messages of a group that succeed are acked together', async () => {
    queue.addToGroup('g', 'g1', 'g2', 'g3');
    consume(() => {});
    await until(() => expect(queue.acked).toEqual(['g1', 'g2', 'g3']));
    expect(server.callsOf('ack')).toHaveLength(1);
  });

  it('messages of a group that wait take no place of a handler', async () => {
    queue.addToGroup('g', 'g1', 'g2', 'g3');
    const { working, handler } = held();
    consume(handler, { concurrency: 3 });
    await running(working, 'g1');
    queue.add('a', 'b', 'c');
    await timers.advance(consumerLingerMsDefault);
    await running(working, 'g1', 'a', 'b');
    expect(consumer.running).toBe(3);
  });

  it('a stop lets the running handler of a group finish, and gives those back that wait for it', async () => {
    queue.addToGroup('g', 'g1', 'g2');
    const { working, handler, end } = held();
    consume(handler);
    await running(working, 'g1');
    await until(() => expect(queue.openPolls).toBe(1));
    const stopped = consumer.stop();
    end('g1');
    queue.endPolls();
    await stopped;
    expect(queue.acked).toEqual(['g1']);
    expect(queue.released).toEqual([{ id: 'g2', delaySeconds: 0 }]);
  });

  it('in a queue whose groups may have several leases, messages of one group are handled side by side', async () => {
    queue.groupConcurrency = 2;
    queue.addToGroup('g', 'g1', 'g2');
    const { working, handler } = held();
    consume(handler);
    await running(working, 'g1', 'g2');
    expect(server.callsOf('getQueue')).toHaveLength(1);
  });
});
