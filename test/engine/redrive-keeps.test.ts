/** What a message keeps when it is dead-lettered and redriven: the table in docs/reference.md. */
import { expect, it } from 'vitest';
import type { PublishEntry } from '../../contract/contract.ts';
import { onBothStores } from '../support/on-both-stores.ts';

const levels = (count: number) => ({ priority: { levels: count, order: 'strict' as const } });

onBothStores('a message that was dead-lettered and redriven', (driven) => {
  async function queues({ dead = {}, work = {} } = {}): Promise<void> {
    await driven().create('dead', dead);
    await driven().create('q', { deadLetter: { queue: 'dead', maxReceives: 1 }, ...work });
  }

  /** Publishes in one call, receives, and dead-letters the messages chosen by `dies`. */
  async function die(entries: PublishEntry[], dies: (body: unknown) => boolean = () => true): Promise<void> {
    const { publish, receive, call } = driven();
    await publish('q', ...entries);
    const held = await receive('q', { max: 100 });
    const receipts = held.filter(({ body }) => dies(body)).map(({ receipt }) => receipt);
    await call('release', 'q', { receipts, failed: 'no', deadLetter: true });
    driven().clock.advance(1);
  }

  it.each([
    ['alone in its row', () => true],
    ['out of a row that it shared', (body: unknown) => body === 'urgent'],
  ])('a redriven message has its priority back, %s, although the dead-letter queue has no levels', async (_, dies) => {
    const { publish, redrive, receive, call } = driven();
    await queues({ work: levels(3) });
    await die(
      ['urgent', 'other'].map((body) => ({ body, priority: 2 })),
      dies,
    );
    expect((await call('peek', 'dead', {})).messages).toMatchObject(
      ['urgent', 'other'].filter(dies).map((body) => ({ body, priority: 2 })),
    );
    await publish('q', { body: 'idle', priority: 1 });
    await redrive('dead');
    const received = [...(await receive('q')), ...(await receive('q'))];
    const expected = ['urgent', 'other'].filter(dies).map((body) => ({ body, priority: 2 }));
    expect(received).toMatchObject([...expected, { body: 'idle', priority: 1 }]);
  });

  it('a message that died twice and was edited while dead has its priority back after a redrive', async () => {
    const { create, redrive, receive, call, engine, clock } = driven();
    await create('last');
    await queues({ dead: { deadLetter: { queue: 'last', maxReceives: 1 }, ...levels(2) }, work: levels(5) });
    await die([{ id: 'mine', body: 1, priority: 4 }]);
    const [again] = await receive('dead');
    expect(again).toMatchObject({ priority: 4 });
    await call('release', 'dead', { receipts: [again!.receipt], deadLetter: true });
    const where = { queue: 'last', id: 'mine' };
    await engine.call('updateMessage', where, { delaySeconds: 5, content: { body: 2 } });
    clock.advance(5_000);
    expect(await engine.call('getMessage', where, {})).toMatchObject({ priority: 4, body: 2, state: 'dead' });
    await redrive('last', { toQueue: 'q' });
    expect(await receive('q')).toMatchObject([{ id: 'mine', body: 2, priority: 4 }]);
    await expect(engine.call('getMessage', where, {})).rejects.toMatchObject({ code: 'message_not_found' });
  });

  it('a redriven message keeps its attributes, own id and publishedAt, and counts its receives from 0', async () => {
    const { redrive, receive, clock, call } = driven();
    await queues();
    const publishedAt = new Date(clock.now()).toISOString();
    await die([{ id: 'mine', body: 1, attributes: { a: 'x', n: 2 } }]);
    const kept = { id: 'mine', body: 1, attributes: { a: 'x', n: 2 }, publishedAt };
    const [dead] = (await call('peek', 'dead', {})).messages;
    expect(dead).toMatchObject({ ...kept, receives: 0, lastFailure: 'no', deadLetter: { receives: 1, failures: 1 } });
    await redrive('dead');
    const [back] = (await call('peek', 'q', {})).messages;
    expect(back).toMatchObject({ ...kept, receives: 0, failures: 0 });
    expect(back).not.toHaveProperty('lastFailure');
    expect(await receive('q')).toMatchObject([{ ...kept, receives: 1 }]);
    const { results } = await call('publish', 'q', { messages: [{ id: 'mine', body: 2 }] });
    expect(results).toEqual([{ ok: true, id: 'mine', duplicate: true }]);
  });

  it('a dead letter shows the group it came from, and a redriven message is in that group again', async () => {
    const { redrive, receive, call } = driven();
    await queues();
    await die([{ body: 1, group: 'g' }]);
    expect((await call('peek', 'dead', {})).messages).toMatchObject([{ body: 1, group: 'g', deadLetter: { group: 'g' } }]);
    await redrive('dead');
    const [back] = await receive('q');
    expect(back).toMatchObject({ body: 1, group: 'g' });
  });
});
