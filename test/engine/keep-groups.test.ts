/** Kept messages of groups and of deduplication keys, whose rows go on to other messages. */
import { expect, it } from 'vitest';
import { endGraceMs } from '../../contract/limits.ts';
import { daySeconds, instant } from '../support/durations.ts';
import { notFound, ok } from '../support/expected.ts';
import { noise } from '../support/noise.ts';
import { onBothStores } from '../support/on-both-stores.ts';
import { dyingAtWrite } from '../support/store-spy.ts';

const keep = { doneSeconds: 7 * daySeconds, deadSeconds: daySeconds };
const groups = { concurrency: 1, onFailure: 'block' as const, ratePerSecond: null };

onBothStores('kept messages of a group', (driven) => {
  const get = (id: string) => driven().engine.call('getMessage', { queue: 'q', id }, {});
  const publish = (...bodies: string[]) => driven().publish('q', ...bodies.map((body) => ({ body, group: 'g' })));
  const take = async (max = 1) => driven().receive('q', { max });

  it('a done message of a group shows as done, while its parcel lasts and after the group has gone on', async () => {
    const { create, call, clock } = driven();
    await create('q', { keep, groups });
    const first = await publish('a', 'b');
    const [third] = await publish('c');
    const [a] = await take();
    expect((await call('ack', 'q', { receipts: [a!.receipt], result: 'A' })).results).toEqual([ok]);
    expect(await get(first[0]!)).toMatchObject({ id: first[0], state: 'done', result: 'A', body: 'a', group: 'g' });
    const [b] = await take();
    expect((await call('ack', 'q', { receipts: [b!.receipt], result: noise(5_000) })).results).toEqual([ok]);
    expect((await call('ack', 'q', { receipts: [b!.receipt], result: 'again' })).results).toEqual([ok]);
    const [c] = await take();
    expect(c!.body).toBe('c');
    const ended = clock.now();
    expect(await get(first[0]!)).toMatchObject({ id: first[0], queue: 'q', state: 'done', result: 'A', body: 'a', group: 'g' });
    expect(await get(first[1]!)).toMatchObject({ id: first[1], state: 'done', result: noise(5_000), body: 'b', receives: 1 });
    expect(await get(third!)).toMatchObject({ state: 'leased' });
    clock.advance(keep.doneSeconds * 1000 - 1);
    expect((await get(first[0]!)).endedAt).toBe(instant(ended));
    clock.advance(1);
    await expect(get(first[0]!)).rejects.toMatchObject(notFound);
  });

  it('a message of a group that is acked in a transaction of the caller is kept', async () => {
    const { create, call, commit } = driven();
    await create('q', { keep, groups });
    const ids = await publish('a', 'b');
    const messages = await take(2);
    const { items } = await call('ackItems', 'q', { receipts: messages.map(({ receipt }) => receipt) });
    expect(await commit(items)).toEqual([]);
    for (const id of ids) expect((await get(id)).state).toBe('done');
    await publish('c');
    expect((await take()).map(({ body }) => body)).toEqual(['c']);
    for (const id of ids) expect((await get(id)).state).toBe('done');
  });

  it('a cancelled message of a group is kept, whether it was leased, next or far from its turn', async () => {
    const { create, engine, clock } = driven();
    await create('q', { keep, groups });
    const [a, b] = await publish('a', 'b');
    const [c, d] = await publish(noise(3_000), 'd');
    await take();
    for (const id of [a!, b!, c!, d!]) await engine.call('cancelMessage', { queue: 'q', id }, { force: true });
    const ended = { state: 'cancelled', endedAt: instant(clock.now()), group: 'g' };
    const check = async () => {
      for (const [id, body] of [
        [a!, 'a'],
        [b!, 'b'],
        [c!, noise(3_000)],
        [d!, 'd'],
      ] as const) {
        expect(await get(id)).toMatchObject({ id, body, ...ended });
      }
    };
    await check();
    const [e] = await publish('e');
    expect((await take()).map(({ id }) => id)).toEqual([e]);
    await check();
    for (const id of [a!, b!, c!, d!]) expect(await engine.call('cancelMessage', { queue: 'q', id }, {})).toEqual({});
    clock.advance(daySeconds * 1000);
    for (const id of [a!, b!, c!, d!]) await expect(get(id)).rejects.toMatchObject(notFound);
  });

  it('the last message of a parcel in a group can be cancelled in a queue that keeps nothing', async () => {
    const { create, engine } = driven();
    await create('q', { groups });
    const [a] = await publish('a');
    await take();
    expect(await engine.call('cancelMessage', { queue: 'q', id: a! }, { force: true })).toEqual({});
    await expect(get(a!)).rejects.toMatchObject(notFound);
  });

  it('an expired message of a group is kept, in its row or before its turn', async () => {
    const { create, sweep, clock, engine } = driven();
    await create('q', { keep, groups, retentionSeconds: 60, visibilityTimeoutSeconds: 10 });
    const [a, b] = await publish('a', 'b');
    const [c, d] = await publish('c', 'd');
    await take();
    await engine.call('cancelMessage', { queue: 'q', id: d! }, {});
    const expired = { state: 'expired', endedAt: instant(clock.now() + 60_000), group: 'g' };
    clock.advance(60_000);
    const check = async () => {
      for (const id of [a!, b!, c!]) expect(await get(id)).toMatchObject({ id, ...expired });
      expect(await get(d!)).toMatchObject({ state: 'cancelled', body: 'd' });
    };
    await check();
    await sweep();
    await sweep();
    await check();
    const [e] = await publish('e');
    expect((await take()).map(({ id }) => id)).toEqual([e]);
    await check();
  });

  it('the done part of a parcel in a group is kept with its offloaded bodies when the others are dead-lettered', async () => {
    const { create, call, sweep, clock, rows } = driven();
    const long = { doneSeconds: 400 * daySeconds, deadSeconds: 0 };
    await create('dead');
    await create('q', { keep: long, groups, retentionSeconds: null, deadLetter: { queue: 'dead', maxReceives: 1 } });
    const [a, b] = await publish(noise(3_000), 'b');
    const messages = await take(2);
    await call('ack', 'q', { receipts: [messages[0]!.receipt], result: 1 });
    await call('release', 'q', { receipts: [messages[1]!.receipt], failed: 'no' });
    expect(await get(b!)).toMatchObject({ queue: 'dead', state: 'dead' });
    expect(await get(a!)).toMatchObject({ queue: 'q', state: 'done', result: 1 });
    clock.advance(2 * endGraceMs);
    await sweep();
    const soon = (clock.now() + 399 * daySeconds * 1000) / 1000;
    const chunks = (await rows('messages')).filter(({ bytes }) => bytes);
    expect(chunks.filter(({ ttl }) => (ttl as number) > soon).length).toBeGreaterThan(0);
    clock.advance(399 * daySeconds * 1000);
    expect(await get(a!)).toMatchObject({ state: 'done', body: noise(3_000), result: 1 });
  });

  it('a crash between any two writes of an ack in a group loses no message and no result', async () => {
    for (let crashAt = 1; crashAt <= 3; crashAt++) {
      const { create, receive, spy, clock, another, engine, send: _, ...rest } = driven();
      const queue = `crash-${crashAt}`;
      await create(queue, { keep, groups, visibilityTimeoutSeconds: 1 });
      const [id] = await rest.publish(queue, { body: 'a', group: 'g' });
      await rest.publish(queue, { body: 'b', group: 'g' });
      const [message] = await receive(queue, { max: 1 });
      spy.before = dyingAtWrite(crashAt);
      const input = { receipts: [message!.receipt], result: noise(3_000) };
      await another()
        .call('ack', { queue }, input)
        .catch(() => {});
      spy.before = () => {};
      const { state } = await engine.call('getMessage', { queue, id: id! }, {});
      expect(['leased', 'done']).toContain(state);
      clock.advance(1_000);
      const again = await receive(queue, { max: 1 });
      expect(again.map(({ body }) => body)).toEqual([state === 'done' ? 'b' : 'a']);
      if (state !== 'done') await engine.call('ack', { queue }, { ...input, receipts: [again[0]!.receipt] });
      expect(await engine.call('getMessage', { queue, id: id! }, {})).toMatchObject({ state: 'done', result: noise(3_000) });
    }
  });
});

onBothStores('the kept message of a deduplication key', (driven) => {
  const get = (id: string) => driven().engine.call('getMessage', { queue: 'q', id }, {});

  it('the last message of a key is kept until another takes the key', async () => {
    const { create, call, receive, clock } = driven();
    await create('q', { keep, deduplication: { windowSeconds: 600, onDuplicate: 'ignore' } });
    const put = async (body: number) =>
      (await call('publish', 'q', { messages: [{ body, dedupKey: 'k' }] })).results[0] as { id: string };
    const { id } = await put(1);
    const [first] = await receive('q');
    await call('ack', 'q', { receipts: [first!.receipt], result: 'one' });
    expect(await get(id)).toMatchObject({ state: 'done', body: 1, result: 'one' });
    expect(await put(2)).toMatchObject({ duplicate: true });
    clock.advance(600_000);
    expect(await get(id)).toMatchObject({ state: 'done', body: 1, result: 'one' });
    expect(await put(3)).toEqual({ ok: true, id });
    expect(await get(id)).toMatchObject({ state: 'ready', body: 3 });
    const [third] = await receive('q');
    expect((await call('ack', 'q', { receipts: [first!.receipt] })).results).toEqual([ok]);
    await call('ack', 'q', { receipts: [third!.receipt], result: 'three' });
    clock.advance(keep.doneSeconds * 1000 - 1);
    expect(await get(id)).toMatchObject({ state: 'done', body: 3, result: 'three' });
    clock.advance(1);
    await expect(get(id)).rejects.toMatchObject(notFound);
  });

  it('a kept message does not hold its key longer than the window', async () => {
    const { create, call, receive, clock } = driven();
    await create('q', {
      keep: { doneSeconds: 60, deadSeconds: 60 },
      deduplication: { windowSeconds: daySeconds, onDuplicate: 'ignore' },
    });
    const put = async () => (await call('publish', 'q', { messages: [{ body: 1, dedupKey: 'k' }] })).results[0];
    await put();
    await call('ack', 'q', { receipts: (await receive('q')).map(({ receipt }) => receipt) });
    clock.advance(daySeconds * 1000 - 1);
    expect(await put()).toMatchObject({ duplicate: true });
    clock.advance(1);
    expect(await put()).not.toHaveProperty('duplicate');
  });
});
