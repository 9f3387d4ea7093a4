/** Cancel and updateMessage of a message by its id. */
import { expect, it } from 'vitest';
import { endGraceMs, failedCharsMax, tombstoneMs } from '../../contract/limits.ts';
import { secondMs } from '../support/durations.ts';
import { withCode } from '../support/expected.ts';
import { noise } from '../support/noise.ts';
import { onEveryStore } from '../support/on-both-stores.ts';

onEveryStore('a message by its id', (driven) => {
  const cancel = (id: string, force?: boolean, queue = 'q') =>
    driven().engine.call('cancelMessage', { queue, id }, force === undefined ? {} : { force });
  const change = (id: string, changes: object, queue = 'q') => driven().engine.call('updateMessage', { queue, id }, changes);
  const get = (id: string, queue = 'q') => driven().engine.call('getMessage', { queue, id }, {});

  it('cancel removes a waiting message, alone, in a parcel, delayed or with its own id', async () => {
    const { create, send, publish, bodies } = driven();
    await create('q');
    const [alone] = await send('q', 'alone');
    const [, middle, last] = await send('q', 'first', 'second', 'third');
    const [delayed] = await publish('q', { body: 'delayed', delaySeconds: 1 });
    const [own] = await publish('q', { body: 'own', id: 'own' });
    for (const id of [alone!, middle!, delayed!, own!]) {
      await cancel(id);
      await expect(get(id)).rejects.toEqual(withCode('message_not_found'));
    }
    await cancel(last!);
    driven().clock.advance(2 * secondMs);
    expect(await bodies('q')).toEqual(['first']);
  });

  it('cancel repeated succeeds, and cancel of an unknown or acked message is refused', async () => {
    const { create, send, publish } = driven();
    await create('q');
    const ids = [...(await send('q', 'a')), ...(await send('q', 'b', 'c')), ...(await publish('q', { body: 'd', id: 'own' }))];
    for (const id of ids) {
      await cancel(id);
      await cancel(id);
    }
    await expect(cancel('nobody')).rejects.toEqual(withCode('message_not_found'));
    const [acked] = await send('q', 'e');
    await driven().ack('q', await driven().receive('q'));
    await expect(cancel(acked!)).rejects.toEqual(withCode('message_not_found'));
  });

  it('cancel of a leased message is refused unless forced, and then its holder is told', async () => {
    const { create, send, receive, ack, call, bodies, clock } = driven();
    await create('q', { visibilityTimeoutSeconds: 10 });
    for (const sent of [['alone'], ['one', 'two']]) {
      const ids = await send('q', ...sent);
      const messages = await receive('q');
      await expect(cancel(ids[0]!)).rejects.toEqual(withCode('message_leased'));
      await cancel(ids[0]!, true);
      const receipts = [messages[0]!.receipt];
      expect((await call('extend', 'q', { receipts })).results[0]).toEqual(withCode('cancelled'));
      expect((await call('release', 'q', { receipts })).results[0]).toEqual(withCode('cancelled'));
      const results = await ack('q', messages);
      expect(results[0]).toEqual(withCode('cancelled'));
      expect(results.slice(1).every(({ ok }) => ok)).toBe(true);
    }
    clock.advance(20 * secondMs);
    expect(await bodies('q')).toEqual([]);
  });

  it('a cancelled own id stays taken for an hour where idempotency is ended', async () => {
    const { create, publish, call, clock } = driven();
    await create('q', { idempotency: 'ended' });
    await publish('q', { body: 1, id: 'own' });
    await cancel('own');
    const again = async () => (await call('publish', 'q', { messages: [{ body: 2, id: 'own' }] })).results[0];
    expect(await again()).toEqual({ ok: true, id: 'own', duplicate: true });
    clock.advance(tombstoneMs + secondMs);
    expect(await again()).toEqual({ ok: true, id: 'own' });
  });

  it('a cancelled message leaves only a tombstone with a TTL', async () => {
    const { create, send, rows, sweep, clock } = driven();
    await create('q', { retentionSeconds: null });
    const ids = await send('q', noise(9000), 'small');
    for (const id of ids) await cancel(id);
    clock.advance(endGraceMs + secondMs);
    await sweep();
    expect(await rows('messages')).toEqual([]);
    const leases = await rows('leases');
    expect(leases).not.toEqual([]);
    for (const row of leases) {
      expect(row.expiry).toBeUndefined();
      expect(row.ttl).toBeDefined();
    }
  });

  it('updateMessage delays a message to the millisecond', async () => {
    const { create, send, publish, receive, ack, bodies, clock } = driven();
    await create('q');
    const ids = [
      ...(await send('q', 'alone')),
      (await send('q', 'stays', 'leaves'))[1]!,
      ...(await publish('q', { body: 'delayed', delaySeconds: 1 })),
      ...(await publish('q', { body: 'own', id: 'own' })),
    ];
    const at = clock.now() + 60 * secondMs;
    for (const id of ids) {
      const deliverAt = new Date(at).toISOString();
      expect(await change(id, { deliverAt })).toEqual({ id, visibleAt: deliverAt });
      expect(await get(id)).toMatchObject({ id, state: 'delayed', visibleAt: deliverAt });
    }
    await ack('q', await receive('q'));
    clock.advance(at - 1 - clock.now());
    expect(await bodies('q')).toEqual([]);
    clock.advance(1);
    expect(new Set(await bodies('q'))).toEqual(new Set(['alone', 'leaves', 'delayed', 'own']));
  });

  it('updateMessage makes a delayed message ready', async () => {
    const { create, publish, bodies } = driven();
    await create('q');
    const [id] = await publish('q', { body: 1, delaySeconds: 1000 });
    await change(id!, { delaySeconds: 0 });
    expect(await bodies('q')).toEqual([1]);
  });

  it('a message delayed by updateMessage is kept as long as one published for that time', async () => {
    const { create, send, bodies, clock } = driven();
    await create('q', { retentionSeconds: 60 });
    const [id] = await send('q', 'late');
    await change(id!, { delaySeconds: 1000 });
    clock.advance(1000 * secondMs);
    expect(await bodies('q')).toEqual(['late']);
  });

  it('updateMessage changes the body, small or large, and the attributes only if they are given', async () => {
    const { create, publish, receive } = driven();
    for (const retentionSeconds of [3600, null]) {
      const queue = `q${retentionSeconds}`;
      await create(queue, { retentionSeconds });
      const entries = [1, noise(5000)].map((body) => ({ body, attributes: { kind: 'old' } }));
      const together = await publish(queue, ...entries);
      const [alone] = await publish(queue, entries[1]!);
      const large = noise(7000);
      await change(together[0]!, { content: { body: large } }, queue);
      await change(together[1]!, { content: { body: 'small' }, attributes: {} }, queue);
      await change(alone!, { attributes: { kind: 'new' } }, queue);
      const bytes = Buffer.from('bytes').toString('base64');
      const [third] = await publish(queue, { body: 3 });
      await change(third!, { content: { bodyBase64: bytes } }, queue);
      const byId = new Map((await receive(queue)).map((message) => [message.id, message]));
      expect(byId.get(together[0]!)).toMatchObject({ body: large, attributes: { kind: 'old' } });
      expect(byId.get(together[1]!)).toMatchObject({ body: 'small', attributes: {} });
      expect(byId.get(alone!)).toMatchObject({ body: entries[1]!.body, attributes: { kind: 'new' } });
      expect(byId.get(third!)).toMatchObject({ bodyBase64: bytes });
    }
  });

  it('updateMessage refuses a leased message and an empty change', async () => {
    const { create, send, receive, clock } = driven();
    await create('q', { visibilityTimeoutSeconds: 10 });
    const [id] = await send('q', 1);
    await receive('q');
    await expect(change(id!, { delaySeconds: 5 })).rejects.toEqual(withCode('message_leased'));
    await expect(change(id!, {})).rejects.toEqual(withCode('invalid_input'));
    await expect(change('nobody', { delaySeconds: 5 })).rejects.toEqual(withCode('message_not_found'));
    clock.advance(11 * secondMs);
    await change(id!, { content: { body: 2 } });
    const [message] = await receive('q');
    expect(message).toMatchObject({ body: 2, receives: 2, failures: 1 });
  });

  it('updateMessage keeps the receives, the failures and the last failure of a message', async () => {
    const { create, send, receive, call } = driven();
    await create('q');
    const [id] = await send('q', 1, 2);
    const messages = await receive('q');
    const failed = 'x'.repeat(failedCharsMax);
    await call('release', 'q', { receipts: messages.map(({ receipt }) => receipt), failed });
    const before = await get(id!);
    await change(id!, { delaySeconds: 0, content: { body: 'new' } });
    const { visibleAt: _, expiresAt: __, ...kept } = await get(id!);
    expect(before).toMatchObject({ ...kept, body: 1 });
  });

  it('updateMessage calls at the same time are applied one after the other', async () => {
    const { create, send, receive } = driven();
    await create('q');
    const ids = await send('q', 1, 2, 3);
    await Promise.all(ids.map((id, index) => change(id, { content: { body: `changed ${index}` } })));
    await Promise.all([change(ids[0]!, { attributes: { a: 1 } }), change(ids[0]!, { content: { body: 'again' } })]);
    const messages = new Map((await receive('q')).map((message) => [message.id, message]));
    expect(messages.get(ids[0]!)).toMatchObject({ body: 'again', attributes: { a: 1 } });
    expect(ids.slice(1).map((id) => messages.get(id)?.body)).toEqual(['changed 1', 'changed 2']);
  });

  it('cancel of a dead letter succeeds in its dead-letter queue and is refused in its origin', async () => {
    const { create, publish, receive, call, bodies } = driven();
    await create('dead');
    await create('q', { deadLetter: { queue: 'dead', maxReceives: 1 } });
    await publish('q', { body: 1, id: 'own' });
    const [message] = await receive('q');
    await call('release', 'q', { receipts: [message!.receipt] });
    await expect(cancel('own', false, 'q')).rejects.toEqual(withCode('message_not_found'));
    await cancel('own', false, 'dead');
    expect(await bodies('dead')).toEqual([]);
  });
});
