/** What a receive reads when many dead messages are in front of the living ones. */
import { describe, expect, it } from 'vitest';
import { onBothStores } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';

const dead = 600;

onBothStores('a receive behind many dead messages', (driven) => {
  async function backlog(entry: (index: number) => object = () => ({})): Promise<void> {
    const { publish } = driven();
    for (const index of range(dead)) await publish('q', { body: 'dead', ...entry(index) });
    driven().clock.advance(10_000);
  }

  /** The messages of one receive, and how many rows it reads. */
  async function received(): Promise<{ bodies: unknown[]; rowsRead: number }> {
    const other = driven().another();
    await other.call('peek', { queue: 'q' }, { limit: 1 });
    driven().spy.takeRowsRead();
    const { messages } = await other.call('receive', { queue: 'q' }, {});
    return { bodies: messages.map(({ body }) => body), rowsRead: driven().spy.takeRowsRead() };
  }

  it.each([
    ['were never received', () => ({})],
    ['have their own ids', (index: number) => ({ id: `own-${index}` })],
  ])('a receive finds at once what was published after a purge of messages that %s', async (_what, entry) => {
    const { create, publish, call } = driven();
    await create('q');
    await backlog(entry);
    await call('purge', 'q');
    await publish('q', { body: 'living', ...entry(dead) });
    const { bodies, rowsRead } = await received();
    expect(bodies).toEqual(['living']);
    expect(rowsRead).toBeLessThanOrEqual(4);
  });

  it('a receive finds at once a message younger than the retention behind many expired ones', async () => {
    const { create, send, clock } = driven();
    await create('q', { retentionSeconds: 60 });
    await backlog();
    clock.advance(60_000);
    await send('q', 'living');
    const { bodies, rowsRead } = await received();
    expect(bodies).toEqual(['living']);
    expect(rowsRead).toBeLessThanOrEqual(4);
  });

  it('a receive delivers a message published under a longer retention before those published after it', async () => {
    const { create, send, call, clock } = driven();
    await create('q', { retentionSeconds: 3600 });
    await send('q', 'long');
    await call('updateQueue', 'q', { retentionSeconds: 60 });
    clock.advance(600_000);
    await send('q', 'short');
    expect((await received()).bodies).toEqual(['long']);
  });

  describe.each([
    ['concurrency', { concurrency: 1, ratePerSecond: null }],
    ['rate', { concurrency: null, ratePerSecond: 1 }],
    ['both', { concurrency: 2, ratePerSecond: 1 }],
  ])('a receive from a queue with limits: %s', (_limits, limits) => {
    it.each([
      ['expired', ''],
      ['expired', 'dead'],
      ['purged', ''],
    ])('a receive with limits finds messages in the next partitions behind %s ones, with the dead-letter queue "%s"', async (how, target) => {
      const { create, call, publish, ack, receive, clock } = driven();
      if (target) await create(target);
      const settings = { retentionSeconds: 60, priority: { levels: 4, order: 'strict' as const }, limits };
      await create('q', { ...settings, ...(target ? { deadLetter: { queue: target, maxReceives: 3 } } : {}) });
      for (const priority of [3, 2, 1]) await publish('q', ...range(3).map((body) => ({ body, priority })));
      if (how === 'expired') clock.advance(60_000);
      else await call('purge', 'q');
      clock.advance(10_000);
      await publish('q', { body: 'living', priority: 0 }, { body: 'next', priority: 0 });
      const first = await receive('q', { max: 1 });
      expect(first.map(({ body }) => body)).toEqual(['living']);
      // The dead messages hold no permit.
      await ack('q', first);
      clock.advance(1000);
      expect((await receive('q', { max: 1 })).map(({ body }) => body)).toEqual(['next']);
    });

    it('a receive with limits finds a message behind many dead ones of one partition', async () => {
      const { create, call, send, receive, clock } = driven();
      await create('q', { retentionSeconds: 60, limits });
      for (const index of range(60)) await send('q', index);
      await call('updateQueue', 'q', { retentionSeconds: 3600 });
      clock.advance(60_000);
      await send('q', 'living');
      expect((await receive('q', { max: 20 })).map(({ body }) => body)).toEqual(['living']);
    });
  });
});
