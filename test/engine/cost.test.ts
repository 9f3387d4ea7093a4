/** The number of store calls of each operation. */
import { expect, it } from 'vitest';
import { onEveryStore } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';
import { noCalls } from '../support/store-spy.ts';

onEveryStore('cost', (driven) => {
  it.each([
    1, 10,
  ])('%d messages published together cost 1 write to publish, 1 put and 1 removal to receive, and 1 write to ack', async (count) => {
    const { create, send, receive, ack, spy } = driven();
    await create('q', { deadLetter: null });
    await send('q', 'so that the settings are known');
    await ack('q', await receive('q'));
    spy.takeCounts();
    await send('q', ...range(count));
    expect(spy.takeCounts(), 'publish').toEqual({ ...noCalls, puts: 1 });
    const messages = await receive('q');
    expect(messages.length).toBe(count);
    expect(spy.takeCounts(), 'receive').toEqual({ ...noCalls, ranges: 2, puts: 1, removals: 1 });
    await ack('q', messages);
    expect(spy.takeCounts(), 'ack').toEqual({ ...noCalls, puts: 1 });
    expect(await receive('q')).toEqual([]);
    expect(spy.takeCounts(), 'nothing there').toEqual({ ...noCalls, ranges: 2 });
  });

  it('a hundred messages published together cost as much as ten rows', async () => {
    const { create, send, receive, ack, spy } = driven();
    await create('q');
    await driven().call('peek', 'q', {});
    spy.takeCounts();
    await send('q', ...range(100));
    expect(spy.takeCounts(), 'publish').toEqual({ ...noCalls, puts: 10 });
    const messages = await receive('q');
    expect(spy.takeCounts(), 'receive').toEqual({ ...noCalls, ranges: 2, puts: 10, removals: 10 });
    await ack('q', messages);
    expect(spy.takeCounts(), 'ack').toEqual({ ...noCalls, puts: 10 });
  });

  it('acks of a parcel one by one cost one write each, and one more for the last', async () => {
    const { create, send, receive, ack, spy } = driven();
    await create('q');
    await send('q', 0, 1, 2);
    const messages = await receive('q');
    spy.takeCounts();
    await ack('q', messages.slice(0, 1));
    await ack('q', messages.slice(1, 2));
    expect(spy.takeCounts()).toEqual({ ...noCalls, updates: 2 });
    await ack('q', messages.slice(2));
    expect(spy.takeCounts()).toEqual({ ...noCalls, updates: 1, puts: 1 });
  });

  it('a message received again costs 1 write, and one with its own id or a delay costs 1 write to publish', async () => {
    const { create, publish, send, receive, clock, spy } = driven();
    await create('q', { retentionSeconds: null });
    await send('q', 1);
    await receive('q');
    clock.advance(30_000);
    await receive('q');
    clock.advance(30_000);
    await driven().call('peek', 'q', {});
    spy.takeCounts();
    await receive('q');
    expect(spy.takeCounts()).toMatchObject({ puts: 1, removals: 0, updates: 0, refused: 0 });
    await publish('q', { body: 1, id: 'own' });
    expect(spy.takeCounts()).toEqual({ ...noCalls, puts: 1 });
    await driven().call('publish', 'q', { messages: [{ body: 1, id: 'own' }] });
    expect(spy.takeCounts()).toEqual({ ...noCalls, refused: 1 });
    await publish('q', { body: 1, delaySeconds: 5 });
    expect(spy.takeCounts()).toEqual({ ...noCalls, puts: 1 });
  });

  it('dead-lettering costs 1 write for a message alone in its row, and 1 transaction for one out of a parcel', async () => {
    const { create, send, receive, call, spy } = driven();
    await create('dead');
    await create('q', { deadLetter: { queue: 'dead', maxReceives: 1 } });
    await send('q', 1);
    const [held] = await receive('q');
    await call('peek', 'dead', {});
    spy.takeCounts();
    await call('release', 'q', { receipts: [held!.receipt] });
    expect(spy.takeCounts()).toMatchObject({ puts: 1, removals: 0, updates: 0, refused: 0, transactions: 0 });
    await send('q', 1, 2);
    const held2 = await receive('q');
    spy.takeCounts();
    await call('release', 'q', { receipts: [held2[0]!.receipt] });
    expect(spy.takeCounts()).toMatchObject({ puts: 2, removals: 0, updates: 0, refused: 0, transactions: 1 });
  });

  it('receivers of the same message at the same time cost at most one refused write each', async () => {
    const { create, send, another, spy } = driven();
    await create('q');
    await send('q', 1);
    const receivers = [another(), another()];
    for (const receiver of receivers) await receiver.call('peek', { queue: 'q' }, {});
    spy.takeCounts();
    const calls = await Promise.all(receivers.map((receiver) => receiver.call('receive', { queue: 'q' }, {})));
    expect(calls.flatMap(({ messages }) => messages).length).toBe(1);
    const { puts, refused } = spy.takeCounts();
    expect(puts).toBe(1);
    expect(refused).toBeLessThanOrEqual(2);
  });

  it('receivers of ten messages each at the same time cost one refused write for each stretch that another has begun', async () => {
    const { create, send, another, spy } = driven();
    await create('q');
    for (const body of range(40)) await send('q', body);
    const receivers = range(4).map(() => another());
    for (const receiver of receivers) await receiver.call('peek', { queue: 'q' }, { limit: 1 });
    spy.takeCounts();
    const calls = await Promise.all(receivers.map((receiver) => receiver.call('receive', { queue: 'q' }, { max: 10 })));
    const received = calls.flatMap(({ messages }) => messages.map(({ id }) => id));
    expect(received.length).toBeGreaterThan(20);
    expect(new Set(received).size).toBe(received.length);
    const { puts, refused } = spy.takeCounts();
    expect(puts).toBe(received.length);
    // All begin at the head. A later receiver conflicts on the first row of a stretch and skips the nine rows behind it.
    expect(refused).toBeLessThan(20);
  });

  it('a receive reads as many rows as the rows before suggest, and reads on where they hold fewer messages', async () => {
    const { create, send, receive, spy } = driven();
    await create('q');
    for (const _ of range(12)) await send('q', ...range(10));
    for (const _ of range(20)) await send('q', 'single');
    await receive('q', { max: 10 });
    spy.takeRowsRead();
    expect((await receive('q', { max: 10 })).length).toBe(10);
    expect(spy.takeRowsRead()).toBe(1);
    expect((await receive('q', { max: 100 })).length).toBe(100);
    expect(spy.takeRowsRead()).toBe(10);
    // Two rows are read as if they held ten messages each, then the eighteen rows behind them.
    expect((await receive('q', { max: 20 })).length).toBe(20);
    expect(spy.takeRowsRead()).toBe(20);
  });

  it('no operation costs more in a deeper queue', async () => {
    const { create, send, receive, ack, spy, another } = driven();
    await create('q');
    const costs = [];
    for (const depth of [10, 300]) {
      await Promise.all(range(depth).map(() => send('q', 1)));
      await receive('q', { max: 100, visibilityTimeoutSeconds: 3600 });
      const other = another();
      await other.call('peek', { queue: 'q' }, { limit: 1 });
      spy.takeCounts();
      const { messages } = await other.call('receive', { queue: 'q' }, {});
      if (messages.length === 0) await send('q', 1);
      await ack('q', messages.length > 0 ? messages : await receive('q', { max: 1 }));
      const { puts, removals, refused, transactions } = spy.takeCounts();
      costs.push({ puts: puts - (messages.length > 0 ? 0 : 1), removals, refused, transactions });
    }
    expect(costs[1]).toEqual(costs[0]);
  });
});
