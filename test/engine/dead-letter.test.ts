/** When messages move to the dead-letter queue, and how they arrive there. */
import { expect, it } from 'vitest';
import type { Message } from '../../contract/contract.ts';
import { daySeconds } from '../support/durations.ts';
import { noise } from '../support/noise.ts';
import { onBothStores } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';

onBothStores('dead-letter', (driven) => {
  async function queues(maxReceives = 2, more = {}) {
    await driven().create('dead');
    await driven().create('q', { deadLetter: { queue: 'dead', maxReceives }, visibilityTimeoutSeconds: 10, ...more });
  }
  const dead = async (queue = 'dead'): Promise<Message[]> => (await driven().call('peek', queue, {})).messages;

  it('a receive moves a message whose receives are used up to the dead-letter queue', async () => {
    await queues();
    const { publish, receive, clock, events } = driven();
    const publishedAt = new Date(clock.now()).toISOString();
    const [id] = await publish('q', { body: { a: 1 }, attributes: { n: 1 } });
    for (const _ of range(2)) {
      expect((await receive('q')).length).toBe(1);
      clock.advance(10_000);
    }
    expect(await receive('q')).toEqual([]);
    const death = { queue: 'q', reason: 'max_receives', at: new Date(clock.now()).toISOString(), receives: 2, failures: 1 };
    expect(await dead()).toMatchObject([
      { id, queue: 'dead', state: 'dead', body: { a: 1 }, attributes: { n: 1 }, publishedAt, receives: 0, deadLetter: death },
    ]);
    expect(events).toEqual([{ kind: 'dead_lettered', queue: 'q', to: 'dead', reason: 'max_receives', messages: 1 }]);
    expect(await receive('dead')).toMatchObject([{ id, receives: 1, failures: 0, publishedAt, deadLetter: death }]);
  });

  it('the sweep moves messages whose receives are used up when nothing receives', async () => {
    await queues(1);
    const { send, receive, clock, sweep } = driven();
    await send('q', ...range(12));
    expect((await receive('q')).length).toBe(12);
    clock.advance(9_999);
    expect((await sweep()).queues.find(({ name }) => name === 'q')).toMatchObject({ deadLettered: 0 });
    clock.advance(1);
    expect((await sweep()).queues.find(({ name }) => name === 'q')).toMatchObject({ deadLettered: 12, waiting: 0 });
    expect((await dead()).map(({ body }) => body).sort((a, b) => Number(a) - Number(b))).toEqual(range(12));
  });

  it('dead-lettering moves the used-up messages of a parcel and leaves the others', async () => {
    await queues(2);
    const { send, receive, clock, ack, call } = driven();
    const ids = await send('q', 'a', 'b', 'c', 'd');
    const first = await receive('q', { max: 3 });
    await ack('q', first.slice(0, 1));
    clock.advance(10_000);
    expect((await receive('q')).map(({ body, receives }) => [body, receives])).toEqual([
      ['b', 2],
      ['c', 2],
      ['d', 1],
    ]);
    clock.advance(10_000);
    expect((await receive('q')).map(({ body }) => body)).toEqual(['d']);
    expect((await dead()).map(({ id, body }) => [id, body])).toEqual([
      [ids[1], 'b'],
      [ids[2], 'c'],
    ]);
    expect((await call('getQueue', 'q')).counts).toMatchObject({ ready: 0, leased: 1 });
    expect(await ack('dead', await receive('dead'))).toEqual([{ ok: true }, { ok: true }]);
  });

  it('a message whose last lease ends during a receive is not delivered once more', async () => {
    await queues(1);
    const { send, receive, bodies, clock, spy } = driven();
    await send('q', 'first', 'second');
    await receive('q', { max: 1 });
    clock.advance(9_999);
    spy.before = ({ method, keys }) => {
      if (method === 'write' && keys[0]!.table === 'messages') clock.advance(1);
    };
    expect(await bodies('q')).toEqual(['second']);
  });

  it('release of the last receive moves a message to the dead-letter queue with the text of its failure', async () => {
    await queues(2);
    const { send, receive, call } = driven();
    const ids = await send('q', 'a', 'b');
    const release = async (failed?: string) => {
      const receipts = (await receive('q')).map(({ receipt }) => receipt);
      return (await call('release', 'q', { receipts, ...(failed === undefined ? {} : { failed }) })).results;
    };
    expect(await release('first')).toMatchObject([{ visibleAt: expect.any(String) }, { visibleAt: expect.any(String) }]);
    expect(await release('no card')).toEqual([
      { ok: true, deadLettered: true },
      { ok: true, deadLettered: true },
    ]);
    expect(await dead()).toMatchObject(
      ids.map((id) => ({
        id,
        lastFailure: 'no card',
        deadLetter: { queue: 'q', reason: 'max_receives', text: 'no card', receives: 2, failures: 2 },
      })),
    );
  });

  it('release with deadLetter moves only that message of its parcel, whatever receives it has left', async () => {
    await queues(5);
    const { send, receive, call, ack, events } = driven();
    const [poison] = await send('q', 'poison', 'good');
    const [first, second] = await receive('q');
    const { results } = await call('release', 'q', { receipts: [first!.receipt], deadLetter: true, failed: 'no such customer' });
    expect(results).toEqual([{ ok: true, deadLettered: true }]);
    const death = { queue: 'q', reason: 'rejected', text: 'no such customer', receives: 1, failures: 1 };
    expect(await dead()).toMatchObject([{ id: poison, body: 'poison', lastFailure: 'no such customer', deadLetter: death }]);
    expect(events).toEqual([{ kind: 'dead_lettered', queue: 'q', to: 'dead', reason: 'rejected', messages: 1 }]);
    expect(await ack('q', [second!])).toEqual([{ ok: true }]);
    const [there] = await receive('dead');
    await call('release', 'dead', { receipts: [there!.receipt], failed: 'later' });
    expect(await dead()).toMatchObject([{ lastFailure: 'later', deadLetter: death }]);
  });

  it('release with deadLetter of a message in a group lets the group go on', async () => {
    await queues(5, { groups: { concurrency: 1, onFailure: 'aside', ratePerSecond: null } });
    const { publish, receive, call } = driven();
    await publish('q', { body: 1, group: 'g' }, { body: 2, group: 'g' });
    const [first] = await receive('q', { max: 1 });
    await call('release', 'q', { receipts: [first!.receipt], deadLetter: true });
    expect(await receive('q')).toMatchObject([{ body: 2 }]);
    const [letter] = await dead();
    expect(letter).toMatchObject({ body: 1, deadLetter: { reason: 'rejected', failures: 1 } });
    expect(letter!.deadLetter).not.toHaveProperty('text');
  });

  it('release with deadLetter counts as an ordinary failure where there is no dead-letter queue', async () => {
    const { create, send, receive, call, clock } = driven();
    await create('q', { backoff: { minSeconds: 5, maxSeconds: 5, factor: 1, jitter: 0 } });
    await send('q', 1);
    const [held] = await receive('q');
    const { results } = await call('release', 'q', { receipts: [held!.receipt], deadLetter: true, failed: 'x' });
    expect(results).toEqual([{ ok: true, visibleAt: new Date(clock.now() + 5_000).toISOString() }]);
    clock.advance(5_000);
    expect(await receive('q')).toMatchObject([{ body: 1, receives: 2, failures: 1 }]);
  });

  it('release with deadLetter and a delay is refused and changes nothing', async () => {
    await queues();
    const { send, receive, call, ack } = driven();
    await send('q', 1);
    const held = await receive('q');
    const refused = call('release', 'q', { receipts: [held[0]!.receipt], deadLetter: true, delaySeconds: 5 });
    await expect(refused).rejects.toMatchObject({ code: 'invalid_input', message: expect.stringContaining('deadLetter') });
    expect(await ack('q', held)).toEqual([{ ok: true }]);
  });

  it('release dead-letters a used-up message of a parcel and leaves one that has receives left', async () => {
    await queues(2);
    const { send, receive, call } = driven();
    await send('q', 'a', 'b');
    const [a] = await receive('q', { max: 1 });
    await call('release', 'q', { receipts: [a!.receipt] });
    const both = await receive('q');
    expect(both.map(({ receives }) => receives)).toEqual([2, 1]);
    const { results } = await call('release', 'q', { receipts: both.map(({ receipt }) => receipt), failed: 'x' });
    expect(results).toMatchObject([{ deadLettered: true }, { visibleAt: expect.any(String) }]);
    expect((await dead()).map(({ body }) => body)).toEqual(['a']);
    expect(await receive('q')).toMatchObject([{ body: 'b', receives: 2, failures: 1 }]);
  });

  it('a used-up message stays leased and can be acked until it is moved', async () => {
    await queues(1);
    const { send, receive, ack, clock } = driven();
    await send('q', 'late', 'later');
    const held = await receive('q');
    clock.advance(10_000);
    expect(await ack('q', held.slice(0, 1))).toEqual([{ ok: true }]);
    await receive('q');
    expect(await ack('q', held.slice(1))).toMatchObject([{ ok: false, code: 'lease_lost' }]);
    expect((await dead()).map(({ body }) => body)).toEqual(['later']);
  });

  it.each(['receive', 'sweep'] as const)('expired messages are dead-lettered by a %s, received before or not', async (by) => {
    await queues(9, { retentionSeconds: 60 });
    const { publish, receive, clock, call, sweep } = driven();
    const ids = await publish('q', { body: 'unreceived' }, { body: 'delayed', delaySeconds: 1 }, { body: 'own', id: 'own' });
    ids.push(...(await driven().send('q', 'other parcel')));
    clock.advance(500);
    const receipts = (await receive('q', { max: 1 })).map(({ receipt }) => receipt);
    await call('release', 'q', { receipts });
    clock.advance(60_500);
    if (by === 'sweep') await sweep();
    else expect(await receive('q')).toEqual([]);
    const moved = await dead();
    expect(new Set(moved.map(({ id }) => id))).toEqual(new Set(ids));
    expect(new Set(moved.map(({ deadLetter }) => deadLetter?.reason))).toEqual(new Set(['expired']));
    expect((await receive('dead')).length).toBe(4);
    await sweep();
    expect((await driven().rows('messages')).length).toBe(0);
    expect(await receive('q')).toEqual([]);
  });

  it('dead-lettering keeps an offloaded body for as long as the message may live in its new queue', async () => {
    const { create, send, receive, clock, rows, call } = driven();
    await create('dead', { retentionSeconds: 1000 * daySeconds });
    await create('forever', { retentionSeconds: null });
    await create('q', { deadLetter: { queue: 'dead', maxReceives: 1 }, retentionSeconds: 60 });
    await create('p', { deadLetter: { queue: 'forever', maxReceives: 1 }, retentionSeconds: 60 });
    for (const queue of ['q', 'p']) {
      await send(queue, noise(3000));
      const [held] = await receive(queue);
      await call('release', queue, { receipts: [held!.receipt], failed: 'x' });
    }
    const ttls = (await rows('messages')).map(({ ttl }) => ttl as number | undefined);
    expect(ttls.length).toBe(2);
    expect(ttls.filter((ttl) => ttl === undefined).length).toBe(1);
    expect(ttls.find((ttl) => ttl !== undefined)!).toBeGreaterThan(clock.now() / 1000 + 1000 * daySeconds);
    expect((await receive('forever')).map(({ body }) => body)).toEqual([noise(3000)]);
  });

  it('dead-lettering moves part of a parcel with offloaded bodies', async () => {
    await queues(1, { retentionSeconds: null });
    const { send, receive, clock, ack, sweep, rows, call } = driven();
    await send('q', noise(3000), noise(3001), noise(3002));
    const held = await receive('q');
    await ack('q', held.slice(0, 1));
    await call('extend', 'q', { receipts: [held[2]!.receipt], visibilityTimeoutSeconds: 100 });
    clock.advance(10_000);
    await sweep();
    expect((await dead()).map(({ body }) => body)).toEqual([noise(3001)]);
    await ack('q', held.slice(2));
    await ack('dead', await receive('dead'));
    clock.advance(3_600_000);
    await sweep();
    // The dead-letter queue has a retention, so TTL removes its offloaded bodies.
    expect((await rows('messages')).filter(({ ttl }) => ttl === undefined)).toEqual([]);
  });

  it('a dead letter whose receives are used up again moves on to the next dead-letter queue', async () => {
    const { create, publish, receive, clock, sweep, engine } = driven();
    await create('last');
    await create('dead', { deadLetter: { queue: 'last', maxReceives: 1 }, visibilityTimeoutSeconds: 10 });
    await create('q', { deadLetter: { queue: 'dead', maxReceives: 1 }, visibilityTimeoutSeconds: 10 });
    const ids = await publish('q', { body: 'a' }, { body: 'b', id: 'own' });
    for (const queue of ['q', 'dead']) {
      expect((await receive(queue)).length).toBe(2);
      clock.advance(10_000);
      await sweep();
    }
    expect(new Set((await dead('last')).map(({ id }) => id))).toEqual(new Set(ids));
    for (const id of ids) {
      const found = await engine.call('getMessage', { queue: 'last', id }, {});
      expect(found).toMatchObject({ id, queue: 'last', state: 'dead', deadLetter: { queue: 'dead', reason: 'max_receives' } });
    }
    expect((await receive('last')).length).toBe(2);
  });

  it('publish with the own id of a dead letter answers duplicate until the dead letter is done', async () => {
    await queues(1);
    const { publish, receive, call, clock, ack } = driven();
    await publish('q', { body: 1, id: 'own' });
    await receive('q');
    clock.advance(10_000);
    await receive('q');
    const again = async () => (await call('publish', 'q', { messages: [{ body: 2, id: 'own' }] })).results[0];
    expect(await again()).toMatchObject({ duplicate: true });
    await ack('dead', await receive('dead'));
    clock.advance(3_600_001);
    expect(await again()).toEqual({ ok: true, id: 'own' });
  });

  it('a dead letter stays where it is when its id is published again after a purge of its origin', async () => {
    await queues(1);
    const { publish, receive, call, clock } = driven();
    await publish('q', { body: 1, id: 'own' });
    await receive('q');
    clock.advance(10_000);
    await receive('q');
    await call('purge', 'q');
    expect((await call('publish', 'q', { messages: [{ body: 2, id: 'own' }] })).results[0]).toMatchObject({ duplicate: true });
    expect((await dead()).map(({ id, body }) => [id, body])).toEqual([['own', 1]]);
  });

  it('a message is retried without end while its queue has no dead-letter queue', async () => {
    const { create, send, receive, clock } = driven();
    await create('q', { visibilityTimeoutSeconds: 1 });
    await send('q', 1);
    for (const receives of range(20)) {
      expect(await receive('q')).toMatchObject([{ receives: receives + 1, failures: receives }]);
      clock.advance(1_000);
    }
  });
});
