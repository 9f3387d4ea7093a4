/** Own ids and dedup keys in groups. */
import { expect, it } from 'vitest';
import type { PublishEntry, ReceivedMessage } from '../../contract/contract.ts';
import { tombstoneMs } from '../../contract/limits.ts';
import { settingsForgottenMs } from '../../engine/queues/shard-scaling.ts';
import { minuteMs, secondMs } from '../support/durations.ts';
import { noise } from '../support/noise.ts';
import { onEveryStore } from '../support/on-both-stores.ts';

onEveryStore('an own id in a group', (driven) => {
  const group = 'g';
  const publish = async (...messages: Omit<PublishEntry, 'group'>[]) =>
    (await driven().call('publish', 'q', { messages: messages.map((one) => ({ ...one, group })) })).results;
  const receive = (max = 10) => driven().receive('q', { max });
  const ack = (messages: readonly ReceivedMessage[]) => driven().ack('q', messages);
  const drain = async () => {
    const messages = await receive();
    if (messages.length > 0) await ack(messages);
  };
  const get = (id: string, queue = 'q') => driven().engine.call('getMessage', { queue, id }, {});
  const cancel = (id: string, force = false) => driven().engine.call('cancelMessage', { queue: 'q', id }, { force });
  const waiting = async () => (await driven().call('peek', 'q', {})).messages.map(({ id, state }) => [id, state]);
  const markers = async () =>
    (await driven().rows('leases')).filter(({ marks, until }) => marks !== undefined && until === undefined);

  it('a message in a group has its own id wherever it is shown, and can be found by it', async () => {
    await driven().create('q');
    expect(await publish({ body: 1, id: 'one' }, { body: 2 }, { body: 3, id: 'three' })).toMatchObject([
      { ok: true, id: 'one' },
      { ok: true, id: expect.stringContaining('~1') },
      { ok: true, id: 'three' },
    ]);
    expect((await waiting()).map(([id]) => id)).toEqual(['one', expect.stringContaining('~1'), 'three']);
    expect(await get('three')).toMatchObject({ id: 'three', body: 3, state: 'ready', group });
    const [first] = await receive(1);
    expect(first).toMatchObject({ id: 'one', body: 1, group });
    expect(await get('one')).toMatchObject({ id: 'one', state: 'leased' });
    expect(await get('three')).toMatchObject({ id: 'three', state: 'ready' });
    await ack([first!]);
    await expect(get('one')).rejects.toMatchObject({ code: 'message_not_found' });
    expect((await receive()).map(({ id }) => id)).toEqual([expect.stringContaining('~1'), 'three']);
  });

  it('a second publish under an own id finds the first, in the same call, in a group, or outside groups', async () => {
    await driven().create('q');
    const duplicate = { ok: true, id: 'one', duplicate: true };
    expect(await publish({ body: 1, id: 'one' }, { body: 2, id: 'one' })).toEqual([{ ok: true, id: 'one' }, duplicate]);
    expect(await publish({ body: 3, id: 'one' }, { body: 4 })).toMatchObject([duplicate, { ok: true }]);
    const other = { body: 5, id: 'one' };
    const { results } = await driven().call('publish', 'q', { messages: [{ ...other, group: 'other' }] });
    expect(results).toEqual([duplicate]);
    expect((await driven().call('publish', 'q', { messages: [other] })).results).toEqual([duplicate]);
    expect((await receive()).map(({ body }) => body)).toEqual([1, 4]);
  });

  it('an id that a message outside groups has is taken for a group, too', async () => {
    await driven().create('q');
    await driven().publish('q', { body: 1, id: 'one' });
    expect(await publish({ body: 2, id: 'one' })).toEqual([{ ok: true, id: 'one', duplicate: true }]);
  });

  it('an id stays taken for an hour after its message and those published together with it have ended', async () => {
    await driven().create('q');
    await publish({ body: 1, id: 'one' }, { body: 2, id: 'two' });
    const [first] = await receive(1);
    await ack([first!]);
    driven().clock.advance(2 * tombstoneMs);
    expect(await publish({ body: 3, id: 'one' })).toMatchObject([{ duplicate: true }]);
    await drain();
    expect(await markers()).toEqual([]);
    expect(await publish({ body: 3, id: 'one' }, { body: 4, id: 'two' })).toMatchObject([
      { duplicate: true },
      { duplicate: true },
    ]);
    driven().clock.advance(tombstoneMs + secondMs);
    expect(await publish({ body: 3, id: 'one' })).toEqual([{ ok: true, id: 'one' }]);
    expect((await receive()).map(({ id, body }) => [id, body])).toEqual([['one', 3]]);
  });

  it.each([
    ['live', 'free', 'free'],
    ['acked', 'taken', 'free'],
    ['ended', 'taken', 'taken'],
  ] as const)('with idempotency %s, an id is %s after an ack, and %s after a cancel', async (idempotency, acked, cancelled) => {
    await driven().create('q', { idempotency });
    const outcome = async (id: string) => {
      const [result] = await publish({ body: 'again', id });
      return result!.ok && result!.duplicate ? 'taken' : 'free';
    };
    await publish({ body: 1, id: 'acked' });
    await drain();
    expect(await outcome('acked')).toBe(acked);
    await drain();
    await publish({ body: 1, id: 'waiting' });
    await cancel('waiting');
    expect(await outcome('waiting')).toBe(cancelled);
    await drain();
    await publish({ body: 1, id: 'leased' });
    await receive();
    await cancel('leased', true);
    expect(await outcome('leased')).toBe(cancelled);
  });

  it('a message is cancelled by its own id, before its turn, while it is loaded, and by force', async () => {
    await driven().create('q');
    for (const id of ['one', 'two', 'three']) await publish({ body: id, id });
    await cancel('two');
    await expect(get('two')).rejects.toMatchObject({ code: 'message_not_found' });
    await cancel('two');
    const [held] = await receive(1);
    await expect(cancel('one')).rejects.toMatchObject({ code: 'message_leased' });
    await cancel('one', true);
    expect(await ack([held!])).toMatchObject([{ ok: false, code: 'cancelled' }]);
    expect((await receive()).map(({ id }) => id)).toEqual(['three']);
    expect(await publish({ body: 4, id: 'two' }, { body: 5, id: 'one' })).toEqual([
      { ok: true, id: 'two' },
      { ok: true, id: 'one' },
    ]);
  });

  it('a message under an id that was cancelled and used again is found, and ends by itself', async () => {
    await driven().create('q');
    await publish({ body: 1, id: 'one' }, { body: 2 });
    await cancel('one');
    await publish({ body: 3, id: 'one' });
    expect(await get('one')).toMatchObject({ body: 3 });
    await ack(await receive(1));
    expect(await get('one')).toMatchObject({ body: 3 });
    await drain();
    await expect(get('one')).rejects.toMatchObject({ code: 'message_not_found' });
    expect(await markers()).toEqual([]);
  });

  it('a purge frees the ids of a group, also while their messages are leased', async () => {
    await driven().create('q', { retentionSeconds: null });
    await publish({ body: 1, id: 'one' });
    await publish({ body: 2, id: 'two' });
    await receive(1);
    driven().clock.advance(1);
    await driven().call('purge', 'q', {});
    driven().clock.advance(5 * secondMs);
    expect(await publish({ body: 3, id: 'one' }, { body: 4, id: 'two' })).toEqual([
      { ok: true, id: 'one' },
      { ok: true, id: 'two' },
    ]);
    expect((await receive()).map(({ body }) => body)).toEqual([3, 4]);
    expect(await get('one')).toMatchObject({ body: 3, state: 'leased' });
    expect(await publish({ body: 5, id: 'one' })).toMatchObject([{ duplicate: true }]);
  });

  it('a message that expires before its turn frees its id', async () => {
    await driven().create('q', { retentionSeconds: 60 });
    await publish({ body: 1, id: 'one' });
    driven().clock.advance(2 * minuteMs);
    await driven().sweep();
    expect(await publish({ body: 2, id: 'one' })).toEqual([{ ok: true, id: 'one' }]);
    expect((await receive()).map(({ body }) => body)).toEqual([2]);
  });

  it('a message that leaves its group keeps its id, and its id stays taken', async () => {
    await driven().create('q', { groups: { concurrency: 1, onFailure: 'aside', ratePerSecond: null } });
    await publish({ body: 1, id: 'one' }, { body: 2 });
    const [first] = await receive(1);
    await driven().call('release', 'q', { receipts: [first!.receipt], failed: 'no' });
    expect(await publish({ body: 3, id: 'one' })).toMatchObject([{ duplicate: true }]);
    expect(await get('one')).toMatchObject({ id: 'one', body: 1 });
    const again = await receive();
    expect(again.map(({ id }) => id).sort()).toEqual([expect.stringContaining('~1'), 'one']);
    await ack(again);
    expect(await markers()).toEqual([]);
  });

  it('a dead letter of a group keeps its own id, and comes back under it', async () => {
    await driven().create('dead');
    await driven().create('q', { deadLetter: { queue: 'dead', maxReceives: 1 } });
    await publish({ body: 1, id: 'one' });
    const held = await receive();
    await driven().call('release', 'q', { receipts: held.map(({ receipt }) => receipt) });
    expect(await get('one', 'dead')).toMatchObject({ id: 'one', queue: 'dead', state: 'dead' });
    expect(await get('one')).toMatchObject({ queue: 'dead' });
    expect(await publish({ body: 2, id: 'one' })).toMatchObject([{ duplicate: true }]);
    await driven().redrive('dead', {});
    expect(await get('one')).toMatchObject({ id: 'one', queue: 'q' });
    await drain();
    expect(await markers()).toEqual([]);
  });

  it('ended messages of a group are kept under their own ids, for as long as their queue keeps them', async () => {
    const keep = { doneSeconds: 7200, deadSeconds: 7200 };
    await driven().create('q', { keep, retentionSeconds: null });
    await publish({ body: noise(3000), id: 'one' }, { body: 2, id: 'two' });
    await publish({ body: 3, id: 'three' });
    await cancel('three');
    const held = await receive();
    await driven().call('ack', 'q', { receipts: [held[0]!.receipt], result: 'fine' });
    await cancel('two', true);
    expect(await get('one')).toMatchObject({ id: 'one', state: 'done', result: 'fine' });
    expect(await get('two')).toMatchObject({ id: 'two', state: 'cancelled', body: 2 });
    expect(await get('three')).toMatchObject({ id: 'three', state: 'cancelled', body: 3 });
    driven().clock.advance(tombstoneMs + minuteMs);
    expect(await publish({ body: 4, id: 'one' }, { body: 5, id: 'two' })).toMatchObject([
      { duplicate: true },
      { ok: true, id: 'two' },
    ]);
    driven().clock.advance(tombstoneMs);
    expect(await publish({ body: 4, id: 'one' })).toEqual([{ ok: true, id: 'one' }]);
  });

  it('a deleted queue leaves no marker behind', async () => {
    await driven().create('q', { retentionSeconds: null });
    await publish({ body: 1, id: 'one' });
    await publish({ body: 2, id: 'two' });
    await receive(1);
    await driven().call('deleteQueue', 'q', {});
    driven().clock.advance(settingsForgottenMs + 1);
    await driven().sweep();
    expect(await driven().rows('messages')).toEqual([]);
    expect((await driven().rows('leases')).filter(({ ttl }) => ttl === undefined)).toEqual([]);
  });
});

onEveryStore('a dedup key in a group', (driven) => {
  const send = async (...messages: PublishEntry[]) =>
    (await driven().call('publish', 'q', { messages: messages.map((one) => ({ dedupKey: 'k', group: 'g', ...one })) })).results;
  const create = (more = {}) => driven().create('q', { deduplication: { windowSeconds: 300, onDuplicate: 'ignore' }, ...more });

  it('a key in a group is taken for its window from the publish, and no longer', async () => {
    await create();
    const [first] = await send({ body: 1 });
    const id = first!.ok && first!.id;
    expect(id).toMatch(/~0$/);
    const duplicate = { ok: true, id, duplicate: true };
    expect(await send({ body: 2 }, { body: 3, group: 'other' })).toEqual([duplicate, duplicate]);
    await driven().ack('q', await driven().receive('q'));
    driven().clock.advance(299 * secondMs);
    expect(await send({ body: 4 })).toEqual([duplicate]);
    driven().clock.advance(2 * secondMs);
    const [next] = await send({ body: 5 });
    expect(next).toMatchObject({ ok: true, id: expect.stringMatching(/~0$/) });
    expect(next).not.toHaveProperty('duplicate');
    expect((await driven().receive('q')).map(({ body }) => body)).toEqual([5]);
  });

  it('a key is free after its window although its message still waits, and both come in order', async () => {
    await create();
    await send({ body: 1 });
    driven().clock.advance(301 * secondMs);
    await send({ body: 2 });
    const bodies: unknown[] = [];
    for (let at = 0; at < 2; at++) {
      const messages = await driven().receive('q', { max: 1 });
      bodies.push(...messages.map(({ body }) => body));
      await driven().ack('q', messages);
    }
    expect(bodies).toEqual([1, 2]);
  });

  it('a key that repeats in one call has its first message published, and the others keep their places', async () => {
    await create();
    const results = await send({ body: 1 }, { body: 2, dedupKey: 'other' }, { body: 3 });
    expect(results).toMatchObject([{ ok: true }, { ok: true }, { ok: true, duplicate: true }]);
    expect(results[2]).toMatchObject({ id: results[0]!.ok && results[0]!.id });
    expect((await driven().receive('q')).map(({ body }) => body)).toEqual([1, 2]);
  });

  it('a key that a message outside groups has is taken for a group, and the other way round', async () => {
    await create();
    const { results } = await driven().call('publish', 'q', { messages: [{ body: 1, dedupKey: 'k' }] });
    expect(results).toEqual([{ ok: true, id: '@k' }]);
    expect(await send({ body: 2 })).toEqual([{ ok: true, id: '@k', duplicate: true }]);
    const [inGroup] = await send({ body: 3, dedupKey: 'l' });
    const again = await driven().call('publish', 'q', { messages: [{ body: 4, dedupKey: 'l' }] });
    expect(again.results).toEqual([{ ...inGroup, duplicate: true }]);
    expect(inGroup).toMatchObject({ ok: true });
  });

  it('a purge frees a key in a group', async () => {
    await create();
    await send({ body: 1 });
    driven().clock.advance(1);
    await driven().call('purge', 'q', {});
    driven().clock.advance(5 * secondMs);
    expect((await send({ body: 2 }))[0]).not.toHaveProperty('duplicate');
  });

  it('a queue whose setting does not suit a group refuses a key there, and names the setting', async () => {
    await driven().create('q', { deduplication: { windowSeconds: null, onDuplicate: 'ignore' } });
    expect(await send({ body: 1 })).toMatchObject([{ code: 'invalid_input', message: expect.stringContaining('windowSeconds') }]);
    await driven().call('updateQueue', 'q', { deduplication: { windowSeconds: 60, onDuplicate: 'replace' } });
    driven().clock.advance(5 * secondMs);
    expect(await send({ body: 1 })).toMatchObject([{ code: 'invalid_input', message: expect.stringContaining('onDuplicate') }]);
  });

  it('the marker of a key has a TTL', async () => {
    await create({ retentionSeconds: null });
    await send({ body: 1 });
    const rows = (await driven().rows('leases')).filter(({ marks }) => marks !== undefined);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toHaveProperty('ttl');
  });
});
