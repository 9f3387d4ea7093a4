/** Publishing with an own id: when the id is taken, and when it is free again. */
import { expect, it } from 'vitest';
import { tombstoneMs } from '../../contract/limits.ts';
import { minuteMs } from '../support/durations.ts';
import { noise } from '../support/noise.ts';
import { onEveryStore } from '../support/on-both-stores.ts';

onEveryStore('publishing with an own id', (driven) => {
  it('publish with an own id creates one message, whatever state the first one is in', async () => {
    const { create, call, receive, clock } = driven();
    await create('q');
    const again = async () => (await call('publish', 'q', { messages: [{ body: 2, id: 'mine' }] })).results;
    const duplicate = [{ ok: true, id: 'mine', duplicate: true }];
    expect(await again()).toEqual([{ ok: true, id: 'mine' }]);
    expect(await again()).toEqual(duplicate);
    const [message] = await receive('q', { visibilityTimeoutSeconds: 10 });
    expect(message).toMatchObject({ id: 'mine', body: 2, receives: 1 });
    expect(await again()).toEqual(duplicate);
    clock.advance(10_000);
    expect(await again()).toEqual(duplicate);
    expect((await receive('q')).map(({ id, receives }) => [id, receives])).toEqual([['mine', 2]]);
    expect(await receive('q')).toEqual([]);
  });

  it('publish accepts own ids of common forms, also those that look like a row of the queue, and finds their messages', async () => {
    const { create, publish, engine, receive, send, ack } = driven();
    await create('q');
    const [made] = await send('q', 'made by the queue');
    const parcel = made!.slice(0, 24);
    const ids = [
      '507f1f77bcf86cd799439011',
      'tz4a98xxat96iws9zmbrgj3a',
      '123456789012345678901234',
      parcel,
      `${parcel}.0`,
      `${parcel}.1`,
    ];
    expect(await publish('q', ...ids.map((id) => ({ id, body: id })))).toEqual(ids);
    for (const id of ids) expect(await engine.call('getMessage', { queue: 'q', id }, {})).toMatchObject({ id, body: id });
    expect(await engine.call('getMessage', { queue: 'q', id: made! }, {})).toMatchObject({ body: 'made by the queue' });
    const received = await receive('q');
    expect(received.map(({ id }) => id).sort()).toEqual([...ids, made!].sort());
    expect((await ack('q', received)).every(({ ok }) => ok)).toBe(true);
    expect(await receive('q')).toEqual([]);
  });

  it('publish finds a repeated own id within one call', async () => {
    const { create, call, bodies } = driven();
    await create('q');
    const messages = [{ body: 1, id: 'a' }, { body: 2, id: 'b' }, { body: 3, id: 'a' }, { body: 4 }, { body: 5, id: 'a' }];
    const { results } = await call('publish', 'q', { messages });
    expect(results.map((result) => 'duplicate' in result)).toEqual([false, false, true, false, true]);
    expect((await bodies('q')).sort()).toEqual([1, 2, 4]);
  });

  it('publish keeps nothing of the body of a duplicate', async () => {
    const { create, publish, bodies, rows } = driven();
    await create('q', { retentionSeconds: null });
    await publish('q', { body: 'first', id: 'mine' }, { body: noise(3000), id: 'mine' });
    await publish('q', { body: noise(3000), id: 'mine' });
    // Nothing else would remove it.
    expect(await rows('messages')).toEqual([]);
    expect(await bodies('q')).toEqual(['first']);
  });

  it('an own id stays taken for an hour after its message is done', async () => {
    const { create, publish, receive, ack, call, bodies, clock } = driven();
    await create('q');
    await publish('q', { body: 1, id: 'mine' });
    await ack('q', await receive('q'));
    clock.advance(tombstoneMs);
    const again = () => call('publish', 'q', { messages: [{ body: 2, id: 'mine' }] });
    expect((await again()).results).toEqual([{ ok: true, id: 'mine', duplicate: true }]);
    expect(await bodies('q')).toEqual([]);
    clock.advance(1);
    expect((await again()).results).toEqual([{ ok: true, id: 'mine' }]);
    expect(await bodies('q')).toEqual([2]);
  });

  it('an own id is free after a purge', async () => {
    const { create, publish, call, bodies } = driven();
    await create('q', { retentionSeconds: null });
    await publish('q', { body: noise(3000), id: 'mine' });
    await call('purge', 'q');
    expect((await call('publish', 'q', { messages: [{ body: 'new', id: 'mine' }] })).results).toEqual([{ ok: true, id: 'mine' }]);
    expect(await bodies('q')).toEqual(['new']);
    // Nothing else would remove the old body.
    expect((await driven().rows('messages')).length).toBe(0);
  });

  it('an own id is free after the hour without any sweep, and leaves nothing behind', async () => {
    const { create, publish, receive, ack, bodies, clock, rows } = driven();
    await create('q', { retentionSeconds: null });
    await publish('q', { body: noise(3000), id: 'mine' });
    await ack('q', await receive('q'));
    clock.advance(tombstoneMs + 1);
    await publish('q', { body: 'new', id: 'mine' });
    expect(await bodies('q')).toEqual(['new']);
    expect(await rows('messages')).toEqual([]);
  });

  it('an own id is free after a purge of its leased message, whose holder is told lease_lost', async () => {
    const { create, call, publish, receive, ack, bodies, clock } = driven();
    await create('q');
    await publish('q', { body: 'first', id: 'mine' });
    const held = await receive('q', { visibilityTimeoutSeconds: 3600 });
    await call('purge', 'q');
    const { results } = await call('publish', 'q', { messages: [{ body: 'second', id: 'mine' }] });
    expect(results).toEqual([{ ok: true, id: 'mine' }]);
    expect(await ack('q', held)).toMatchObject([{ ok: false, code: 'lease_lost' }]);
    clock.advance(1);
    expect(await bodies('q')).toEqual(['second']);
  });

  it.each(['purged', 'expired'])('an own id is free after the sweep removed its %s message', async (why) => {
    const { create, publish, call, bodies, clock, sweep, rows } = driven();
    await create('q', { retentionSeconds: why === 'purged' ? null : 60 });
    await publish('q', { body: noise(3000), id: 'mine' });
    if (why === 'purged') await call('purge', 'q');
    clock.advance(minuteMs);
    await sweep();
    await publish('q', { body: 'new', id: 'mine' });
    expect(await bodies('q')).toEqual(['new']);
    expect((await rows('messages')).filter(({ ttl }) => ttl === undefined)).toEqual([]);
  });

  it('an own id is free after its message expired', async () => {
    const { create, publish, bodies, clock } = driven();
    await create('q', { retentionSeconds: 60 });
    await publish('q', { body: 'old', id: 'mine' });
    clock.advance(minuteMs);
    await publish('q', { body: 'new', id: 'mine' });
    expect(await bodies('q')).toEqual(['new']);
  });

  it('an own id is taken in its own queue only', async () => {
    const { create, publish, call, bodies } = driven();
    await create('q');
    await create('other');
    await publish('q', { body: 1, id: 'mine' });
    expect((await call('publish', 'other', { messages: [{ body: 2, id: 'mine' }] })).results).toEqual([{ ok: true, id: 'mine' }]);
    expect([await bodies('q'), await bodies('other')]).toEqual([[1], [2]]);
  });
});
