/** Delays in groups. */
import { expect, it } from 'vitest';
import type { PublishEntry } from '../../contract/contract.ts';
import { minuteMs, secondMs } from '../support/durations.ts';
import { onEveryStore } from '../support/on-both-stores.ts';

onEveryStore('a delay in a group', (driven) => {
  const publish = async (...messages: PublishEntry[]) => {
    const { results } = await driven().call('publish', 'q', { messages: messages.map((one) => ({ group: 'g', ...one })) });
    return results.map((result) => result.ok && result.id);
  };
  const take = async () => {
    const messages = await driven().receive('q');
    if (messages.length > 0) await driven().ack('q', messages);
    return messages.map(({ body }) => body);
  };
  const advance = (seconds: number) => driven().clock.advance(seconds * secondMs);

  it('a message published to a group after a purge does not wait for the delay of one that was purged', async () => {
    await driven().create('q');
    await publish({ body: 1, delaySeconds: 3600 });
    advance(10);
    await driven().call('purge', 'q', {});
    advance(10);
    await publish({ body: 2 });
    expect(await take()).toEqual([2]);
    await publish({ body: 3, delaySeconds: 60 });
    expect(await take()).toEqual([]);
    advance(61);
    expect(await take()).toEqual([3]);
  });

  it('a message in a group waits for its delay, and keeps its place before those behind it', async () => {
    await driven().create('q');
    const [first] = await publish({ body: 1, delaySeconds: 60 });
    await publish({ body: 2 });
    expect(await take()).toEqual([]);
    advance(59);
    expect(await take()).toEqual([]);
    const { engine } = driven();
    expect(await engine.call('getMessage', { queue: 'q', id: first as string }, {})).toMatchObject({ state: 'delayed' });
    advance(2);
    expect([...(await take()), ...(await take())]).toEqual([1, 2]);
  });

  it('messages with different delays in one call keep their order', async () => {
    await driven().create('q');
    await publish({ body: 1 }, { body: 2, delaySeconds: 30 }, { body: 3 }, { body: 4 });
    expect(await take()).toEqual([1]);
    expect(await take()).toEqual([]);
    advance(31);
    expect([...(await take()), ...(await take())]).toEqual([2, 3, 4]);
  });

  it('a message that waits behind others is delayed from its publish, not from its turn', async () => {
    await driven().create('q');
    await publish({ body: 1 });
    await publish({ body: 2, delaySeconds: 30 });
    advance(31);
    expect([...(await take()), ...(await take())]).toEqual([1, 2]);
  });

  it('a group is due at the end of a delay, whichever call read its row before', async () => {
    await driven().create('q');
    await publish({ body: 1 });
    await publish({ body: 2, delaySeconds: 300 });
    expect(await take()).toEqual([1]);
    expect(await take()).toEqual([]);
    await driven().sweep();
    expect(await take()).toEqual([]);
    advance(299);
    expect(await take()).toEqual([]);
    advance(2);
    expect(await take()).toEqual([2]);
  });

  it('an instant and the delay of the queue delay a message in a group, and a past instant does not', async () => {
    await driven().create('q', { delaySeconds: 10 });
    const at = (ms: number) => new Date(driven().clock.now() + ms).toISOString();
    await publish({ body: 1, deliverAt: at(-minuteMs) }, { body: 2 }, { body: 3, deliverAt: at(minuteMs) });
    expect(await take()).toEqual([1]);
    expect(await take()).toEqual([]);
    advance(11);
    expect(await take()).toEqual([2]);
    advance(50);
    expect(await take()).toEqual([3]);
  });

  it('the retention of a delayed message in a group counts from the end of its delay', async () => {
    await driven().create('q', { retentionSeconds: 60 });
    await publish({ body: 1, delaySeconds: 120 });
    advance(150);
    await driven().sweep();
    expect(await take()).toEqual([1]);
    await publish({ body: 2, delaySeconds: 120 });
    advance(181);
    expect(await take()).toEqual([]);
  });

  it('a delayed message in a group is listed and counted as delayed', async () => {
    await driven().create('q');
    await publish({ body: 1 }, { body: 2, delaySeconds: 60 });
    const { messages } = await driven().call('peek', 'q', {});
    expect(messages.map(({ body, state }) => [body, state])).toEqual([
      [1, 'ready'],
      [2, 'delayed'],
    ]);
    expect((await driven().call('peek', 'q', { state: 'delayed' })).messages.map(({ body }) => body)).toEqual([2]);
    expect((await driven().call('peek', 'q', { state: 'ready' })).messages.map(({ body }) => body)).toEqual([1]);
    expect((await driven().call('getQueue', 'q')).counts).toMatchObject({ ready: 1, delayed: 1 });
  });

  it('a delayed message in a group is cancelled, and those behind it do not wait for it', async () => {
    await driven().create('q');
    const [first] = await publish({ body: 1, delaySeconds: 600 });
    await publish({ body: 2 });
    await driven().engine.call('cancelMessage', { queue: 'q', id: first as string }, {});
    const [second] = await publish({ body: 3, delaySeconds: 600 });
    expect(await take()).toEqual([2]);
    expect(await take()).toEqual([]);
    await driven().engine.call('cancelMessage', { queue: 'q', id: second as string }, {});
    await publish({ body: 4 });
    expect(await take()).toEqual([4]);
  });
});
