/** Receives that are repeated under their attempt id, because their answer was lost. */
import { expect, it } from 'vitest';
import { attemptMsMax } from '../../contract/limits.ts';
import type { ReceivedMessage } from '../../contract/messages.ts';
import { StoreError } from '../../engine/port/port.ts';
import { secondMs } from '../support/durations.ts';
import { ok } from '../support/expected.ts';
import { noise } from '../support/noise.ts';
import { onEveryStore } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';

onEveryStore('a receive with an attempt id', (driven) => {
  const take = (attemptId?: string, more: object = {}) =>
    driven().receive('q', { max: 10, ...(attemptId === undefined ? {} : { attemptId }), ...more });
  const create = (settings: object = {}) => driven().create('q', { visibilityTimeoutSeconds: 30, ...settings });
  const fill = async () => {
    for (const body of range(3)) await driven().publish('q', { body, group: 'g' });
    await driven().publish('q', { body: noise(3000) }, { body: 'alone' });
  };

  it('a repeat returns the same messages with the same receipts, and extends their leases', async () => {
    await create();
    await fill();
    const first = await take('attempt one, ä');
    expect(first).toHaveLength(5);
    driven().clock.advance(20 * secondMs);
    const until = new Date(driven().clock.now() + 30 * secondMs).toISOString();
    expect(await take('attempt one, ä')).toEqual(first.map((message) => ({ ...message, leasedUntil: until })));
    driven().clock.advance(20 * secondMs);
    expect(await take()).toEqual([]);
    expect(await driven().ack('q', first)).toEqual(first.map(() => ok));
    expect(await take('attempt one, ä')).toEqual([]);
  });

  it('a repeat leaves out what was settled or received again, and receives other messages when nothing is left', async () => {
    await create();
    await fill();
    const first = await take('a');
    const inGroup = first.filter(({ group }) => group !== undefined);
    const [large, alone] = first.filter(({ group }) => group === undefined);
    expect(await driven().ack('q', [alone!])).toEqual([ok]);
    expect(new Set((await take('a')).map(({ id }) => id))).toEqual(new Set([...inGroup, large!].map(({ id }) => id)));
    driven().clock.advance(31 * secondMs);
    const others = await take();
    expect(others).toHaveLength(4);
    await driven().publish('q', { body: 'new' });
    expect((await take('a')).map(({ body }) => body)).toEqual(['new']);
    expect((await take('a')).map(({ body }) => body)).toEqual(['new']);
  });

  it('a repeat after five minutes, or under another id, is a receive of its own', async () => {
    await create({ visibilityTimeoutSeconds: 3600 });
    await driven().publish('q', { body: 1 });
    expect(await take('a')).toHaveLength(1);
    expect(await take('b')).toEqual([]);
    driven().clock.advance(attemptMsMax - 1);
    expect(await take('a')).toHaveLength(1);
    driven().clock.advance(1);
    expect(await take('a')).toEqual([]);
  });

  it('a repeat returns nothing that was purged, nor anything while the queue is paused', async () => {
    await create();
    await driven().publish('q', { body: 1 });
    await take('a');
    await driven().call('updateQueue', 'q', { paused: true });
    driven().clock.advance(3 * secondMs);
    expect(await take('a')).toEqual([]);
    await driven().call('updateQueue', 'q', { paused: false });
    driven().clock.advance(3 * secondMs);
    expect(await take('a')).toHaveLength(1);
    await driven().call('purge', 'q');
    driven().clock.advance(3 * secondMs);
    expect(await take('a')).toEqual([]);
  });

  it.each([
    ['its leases are over', 3, 4],
    ['they may be over', 30, 6],
  ])('a repeat that is held up after it extended its leases, until %s, returns none of its messages', async (_, visibilityTimeoutSeconds, seconds) => {
    await create({ visibilityTimeoutSeconds });
    await driven().publish('q', { body: 1 });
    expect(await take('a')).toHaveLength(1);
    let isExtended = false;
    driven().spy.before = ({ method }) => {
      if (method === 'write') isExtended = true;
      if (method !== 'get' || !isExtended) return;
      driven().spy.before = () => {};
      driven().clock.advance(seconds * secondMs);
    };
    expect((await take('a')).map(({ receives }) => receives)).toEqual(seconds > visibilityTimeoutSeconds ? [2] : []);
  });

  it('a repeat that is held up after it extended its leases returns none that another receive has taken meanwhile', async () => {
    await create({ visibilityTimeoutSeconds: 2 });
    await driven().publish('q', { body: 1 });
    expect(await take('a')).toHaveLength(1);
    let taken: ReceivedMessage[] = [];
    let isExtended = false;
    driven().spy.before = async ({ method }) => {
      if (method === 'write') isExtended = true;
      if (method !== 'get' || !isExtended) return;
      driven().spy.before = () => {};
      driven().clock.advance(3 * secondMs);
      taken = await take();
    };
    expect(await take('a')).toEqual([]);
    expect(taken).toHaveLength(1);
    expect(await driven().ack('q', taken)).toEqual([ok]);
  });

  it('a repeat within the limits of a queue keeps the permits of its messages', async () => {
    await create({ limits: { concurrency: 2, ratePerSecond: null } });
    await driven().publish('q', { body: 1 }, { body: 2 }, { body: 3 });
    const first = await take('a');
    expect(first).toHaveLength(2);
    driven().clock.advance(20 * secondMs);
    expect((await take('a')).map(({ id }) => id)).toEqual(first.map(({ id }) => id));
    driven().clock.advance(20 * secondMs);
    expect(await take()).toEqual([]);
    expect(await driven().ack('q', first)).toEqual([ok, ok]);
    expect(await take('b')).toHaveLength(1);
  });

  it('a receive without an attempt id, or without messages, stores nothing for a repeat', async () => {
    await create();
    await take('a');
    await driven().publish('q', { body: 1 });
    await take();
    const stored = async () => (await driven().rows('leases')).filter(({ receipts }) => receipts !== undefined);
    expect(await stored()).toEqual([]);
    await driven().publish('q', { body: 2 });
    await take('a');
    const [row] = await stored();
    expect(row!.ttl).toBe(Math.ceil((driven().clock.now() + attemptMsMax) / 1000));
  });

  it('a receive answers although the store cannot keep its attempt', async () => {
    await create();
    await driven().publish('q', { body: 1 });
    driven().spy.before = ({ method, keys: [key] }) => {
      if (method === 'write' && key?.table === 'leases' && key.id.includes('!attempt:')) throw new StoreError('no', 'unknown');
    };
    expect(await take('a')).toHaveLength(1);
    driven().spy.before = () => undefined;
    expect(await take('a')).toEqual([]);
    driven().clock.advance(31 * secondMs);
    expect(await take('a')).toHaveLength(1);
  });

  it('an attempt id has 1 to 128 characters', async () => {
    await create();
    for (const attemptId of ['', 'x'.repeat(129)]) await expect(take(attemptId)).rejects.toMatchObject({ code: 'invalid_input' });
    expect(await take('x'.repeat(128))).toEqual([]);
  });
});
