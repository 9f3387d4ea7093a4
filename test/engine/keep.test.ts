/** What a queue keeps of messages that have ended. */

import { expect, it } from 'vitest';
import { endGraceMs, tombstoneMs } from '../../contract/limits.ts';
import { daySeconds, instant } from '../support/durations.ts';
import { lost, notFound, ok } from '../support/expected.ts';
import { noise } from '../support/noise.ts';
import { onEveryStore } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';
import { dyingAtWrite, noCalls } from '../support/store-spy.ts';

const keep = { doneSeconds: 7 * daySeconds, deadSeconds: daySeconds };

onEveryStore('kept messages', (driven) => {
  const get = (id: string, queue = 'q') => driven().engine.call('getMessage', { queue, id }, {});
  const ackWith = async (receipts: string[], result: unknown) =>
    (await driven().call('ack', 'q', { receipts, result: result as never })).results;

  it('a done message shows its body, times and result until it is no longer kept', async () => {
    const { create, publish, receive, clock } = driven();
    await create('q', { keep });
    const [id] = await publish('q', { body: { order: 1 }, attributes: { kind: 'a' } });
    const published = clock.now();
    clock.advance(5_000);
    const [message] = await receive('q');
    clock.advance(5_000);
    expect(await ackWith([message!.receipt], { total: 12.5 })).toEqual([ok]);
    const ended = clock.now();
    const shown = {
      id,
      queue: 'q',
      state: 'done',
      body: { order: 1 },
      attributes: { kind: 'a' },
      receives: 1,
      failures: 0,
      publishedAt: instant(published),
      endedAt: instant(ended),
      keptUntil: instant(ended + keep.doneSeconds * 1000),
      result: { total: 12.5 },
    };
    expect(await get(id!)).toMatchObject(shown);
    clock.advance(keep.doneSeconds * 1000 - 1);
    expect(await get(id!)).toMatchObject(shown);
    clock.advance(1);
    await expect(get(id!)).rejects.toMatchObject(notFound);
  });

  it('the done part of a parcel shows as done while the others live', async () => {
    const { create, send, receive, clock } = driven();
    await create('q', { keep, visibilityTimeoutSeconds: 1 });
    const [one, two] = await send('q', 1, 2);
    const messages = await receive('q');
    await ackWith([messages[0]!.receipt], 'r');
    expect(await get(one!)).toMatchObject({ state: 'done', result: 'r', body: 1 });
    expect((await get(two!)).state).toBe('leased');
    clock.advance(1_000);
    expect((await driven().call('peek', 'q')).messages.map(({ id }) => id)).toEqual([two]);
    expect((await driven().call('getQueue', 'q')).counts).toMatchObject({ ready: 1, leased: 0 });
    expect((await receive('q')).map(({ id }) => id)).toEqual([two]);
  });

  it('a kept message never comes back, and a repeated ack succeeds for as long as it is kept', async () => {
    const { create, send, receive, ack, clock, sweep } = driven();
    await create('q', { keep });
    await send('q', 1);
    const messages = await receive('q');
    await ack('q', messages);
    clock.advance(2 * tombstoneMs);
    await sweep();
    expect(await receive('q')).toEqual([]);
    expect(await ack('q', messages)).toEqual([ok]);
    expect(
      await ack('q', [{ ...messages[0]!, receipt: messages[0]!.receipt.replace(/.$/, (last) => (last === '0' ? '1' : '0')) }]),
    ).toMatchObject([lost]);
  });

  it('a tombstone lasts its hour even if the message is kept for less', async () => {
    const { create, send, receive, ack, clock } = driven();
    await create('q', { keep: { doneSeconds: 1, deadSeconds: 0 } });
    const [id] = await send('q', 1);
    const messages = await receive('q');
    await ack('q', messages);
    clock.advance(1_000);
    await expect(get(id!)).rejects.toMatchObject(notFound);
    clock.advance(tombstoneMs - 1_000);
    expect(await ack('q', messages)).toEqual([ok]);
    clock.advance(1);
    expect(await ack('q', messages)).toMatchObject([lost]);
  });

  it('a queue keeps only the kinds of ended messages that its setting says', async () => {
    const { create, send, receive, ack, call, engine } = driven();
    await create('q');
    await create('dead', { keep: { doneSeconds: 0, deadSeconds: 60 } });
    const [plain] = await send('q', 1);
    await ack('q', await receive('q'));
    await expect(get(plain!)).rejects.toMatchObject(notFound);
    const [done, cancelled] = await send('dead', 1, 2);
    await engine.call('cancelMessage', { queue: 'dead', id: cancelled! }, {});
    await ack('dead', await receive('dead'));
    await expect(get(done!, 'dead')).rejects.toMatchObject(notFound);
    expect((await get(cancelled!, 'dead')).state).toBe('cancelled');
    expect((await call('peek', 'dead')).messages).toEqual([]);
  });

  it('an own id is taken for as long as its message is kept', async () => {
    const { create, call, publish, receive, ack, clock } = driven();
    await create('q', { keep, retentionSeconds: 30 * daySeconds });
    await publish('q', { id: 'mine', body: 1 });
    await ack('q', await receive('q'));
    const again = async () => (await call('publish', 'q', { messages: [{ id: 'mine', body: 2 }] })).results[0];
    clock.advance(keep.doneSeconds * 1000);
    expect(await again()).toEqual({ ok: true, id: 'mine', duplicate: true });
    clock.advance(1);
    expect(await again()).toEqual({ ok: true, id: 'mine' });
    expect(await get('mine')).toMatchObject({ state: 'ready', body: 2 });
  });

  it('a cancelled message shows as cancelled, whether it waited, shared its row or was leased', async () => {
    const { create, publish, receive, ack, engine, clock, call, rows } = driven();
    await create('q', { keep, idempotency: 'ended' });
    const cancel = (id: string, force = false) => engine.call('cancelMessage', { queue: 'q', id }, { force });
    const [alone] = await publish('q', { body: 'alone' });
    const [one, two] = await publish('q', { body: 1 }, { body: 2 });
    await publish('q', { id: 'own', body: 'own', delaySeconds: 60 });
    await cancel(alone!);
    await cancel(one!);
    await cancel('own');
    const ended = clock.now();
    for (const id of [alone!, one!, 'own']) {
      expect(await get(id)).toMatchObject({
        state: 'cancelled',
        endedAt: instant(ended),
        keptUntil: instant(ended + daySeconds * 1000),
      });
    }
    const [held] = await receive('q');
    expect(held!.id).toBe(two);
    await cancel(two!, true);
    expect(await ack('q', [held!])).toMatchObject([{ ok: false, code: 'cancelled' }]);
    expect(await get(two!)).toMatchObject({ state: 'cancelled', receives: 1, body: 2 });
    await cancel(two!);
    expect((await call('publish', 'q', { messages: [{ id: 'own', body: 2 }] })).results).toMatchObject([{ duplicate: true }]);
    clock.advance(daySeconds * 1000);
    await driven().sweep();
    for (const id of [alone!, one!, two!, 'own']) await expect(get(id)).rejects.toMatchObject(notFound);
    expect((await rows('leases')).map(({ expiry }) => expiry)).toEqual([undefined, undefined, undefined]);
  });

  it('an expired message shows as expired from that instant on, before and after a receive or sweep meets it', async () => {
    const { create, publish, receive, clock, sweep, rows } = driven();
    await create('q', { keep, retentionSeconds: 60, visibilityTimeoutSeconds: 90 });
    const begun = clock.now();
    const [held] = await publish('q', { body: 'held' });
    await receive('q');
    const [unreceived] = await publish('q', { body: 'unreceived' });
    await publish('q', { id: 'own', body: 'own' });
    clock.advance(60_000);
    const expired = {
      state: 'expired',
      endedAt: instant(begun + 60_000),
      keptUntil: instant(begun + 60_000 + daySeconds * 1000),
    };
    expect((await get(held!)).state).toBe('leased');
    const check = async () => {
      for (const id of [unreceived!, 'own']) expect(await get(id)).toMatchObject(expired);
    };
    await check();
    clock.advance(30_000);
    expect((await get(held!)).endedAt).toBe(instant(begun + 90_000));
    await sweep();
    await check();
    expect(await get(held!)).toMatchObject({ state: 'expired', body: 'held', receives: 1, endedAt: instant(begun + 90_000) });
    expect(await receive('q')).toEqual([]);
    expect(await rows('messages')).toEqual([]);
    const republish = async () => (await driven().call('publish', 'q', { messages: [{ id: 'own', body: 2 }] })).results;
    expect(await republish()).toMatchObject([{ duplicate: true }]);
    clock.advance(daySeconds * 1000);
    for (const id of [unreceived!, held!, 'own']) await expect(get(id)).rejects.toMatchObject(notFound);
    expect(await republish()).toEqual([{ ok: true, id: 'own' }]);
  });

  it('the own id of an expired and kept message is taken before a sweep has met it', async () => {
    const { create, publish, call, clock } = driven();
    await create('q', { keep, retentionSeconds: 60 });
    await publish('q', { id: 'own', body: 1 });
    clock.advance(60_000);
    expect((await call('publish', 'q', { messages: [{ id: 'own', body: 2 }] })).results).toMatchObject([{ duplicate: true }]);
    expect(await get('own')).toMatchObject({ state: 'expired', body: 1 });
  });

  it('a purge removes kept messages, and frees their ids an hour after their end', async () => {
    const { create, publish, receive, ack, call, clock } = driven();
    await create('q', { keep });
    await publish('q', { id: 'own', body: 1 });
    const [id] = await publish('q', { body: 2 });
    await ack('q', await receive('q'));
    await call('purge', 'q');
    clock.advance(10_000);
    await expect(get(id!)).rejects.toMatchObject(notFound);
    await expect(get('own')).rejects.toMatchObject(notFound);
    const again = async () => (await call('publish', 'q', { messages: [{ id: 'own', body: 3 }] })).results;
    expect(await again()).toMatchObject([{ duplicate: true }]);
    clock.advance(tombstoneMs);
    expect(await again()).toEqual([{ ok: true, id: 'own' }]);
    expect(await get('own')).toMatchObject({ state: 'ready', body: 3 });
  });

  it('ended messages of a parcel stay with their queue when the others are dead-lettered or moved', async () => {
    const { create, send, receive, ack, call, clock, engine, redrive } = driven();
    await create('dead', { keep });
    await create('q', { keep, deadLetter: { queue: 'dead', maxReceives: 1 }, visibilityTimeoutSeconds: 1 });
    const [one, two, three] = await send('q', 1, 2, 3);
    const messages = await receive('q');
    await ackWith([messages[0]!.receipt], 'r');
    await call('release', 'q', { receipts: [messages[1]!.receipt], failed: 'no' });
    clock.advance(1_000);
    await receive('q');
    expect(await get(one!)).toMatchObject({ queue: 'q', state: 'done', result: 'r', body: 1 });
    expect(await get(two!)).toMatchObject({ queue: 'dead', state: 'dead', body: 2, errors: [{ message: 'no' }] });
    expect(await get(three!)).toMatchObject({ queue: 'dead', state: 'dead', body: 3 });
    await ack(
      'dead',
      (await receive('dead')).filter(({ id }) => id === two),
    );
    expect(await get(two!)).toMatchObject({ queue: 'dead', state: 'done', body: 2, deadLetter: { queue: 'q', text: 'no' } });
    clock.advance(30_000);
    await redrive('dead');
    expect(await get(three!)).toMatchObject({ queue: 'q', state: 'ready' });
    await engine.call('cancelMessage', { queue: 'q', id: three! }, {});
    expect(await get(three!)).toMatchObject({ queue: 'q', state: 'cancelled', body: 3 });
    expect(await get(one!)).toMatchObject({ queue: 'q', state: 'done', result: 'r', body: 1 });
  });

  it('offloaded bodies outlive the kept message, also in queues without retention', async () => {
    const { create, publish, receive, ack, clock, sweep, rows, engine } = driven();
    const long = { doneSeconds: 400 * daySeconds, deadSeconds: 400 * daySeconds };
    const until = (days: number) => Math.ceil((clock.now() + days * daySeconds * 1000) / 1000);
    await create('q', { keep: long, retentionSeconds: 60 });
    await create('ever', { keep: long, retentionSeconds: null });
    const [q] = await publish('q', { body: noise(3_000) });
    await ack('q', await receive('q'));
    const [ever, never] = await publish('ever', { body: noise(3_000) }, { body: noise(3_000) });
    await engine.call('cancelMessage', { queue: 'ever', id: never! }, {});
    await ack('ever', await receive('ever'));
    await create('expiring', { keep: long, retentionSeconds: 60 });
    const [expired] = await publish('expiring', { body: noise(3_000) });
    const [shared, late] = await publish('q', { body: noise(2_000) }, { body: noise(2_000) });
    await ack('q', (await receive('q')).slice(0, 1));
    clock.advance(60_000);
    await sweep();
    clock.advance(endGraceMs);
    await sweep();
    const days = 399;
    const chunks = (await rows('messages')).filter(({ bytes }) => bytes);
    expect(chunks.length).toBeGreaterThan(3);
    expect(chunks.filter(({ ttl }) => ttl === undefined || (ttl as number) < until(days))).toEqual([]);
    expect((await rows('leases')).filter(({ ttl }) => ttl === undefined || (ttl as number) < until(days))).toEqual([]);
    clock.advance(days * daySeconds * 1000);
    for (const [queue, id, state] of [
      ['q', q, 'done'],
      ['ever', ever, 'done'],
      ['ever', never, 'cancelled'],
      ['expiring', expired, 'expired'],
      ['q', shared, 'done'],
      ['q', late, 'expired'],
    ] as const) {
      const message = await get(id!, queue);
      expect([queue, message.state, (message.body as string).length]).toEqual([
        queue,
        state,
        message.body === noise(2_000) ? 2_000 : 3_000,
      ]);
    }
  });

  it('the sweep reaches a kept row with cleanup left behind a long list of ready messages', async () => {
    const { create, publish, engine, clock, sweep, rows } = driven();
    await create('q', { keep });
    for (const part of ['a', 'b']) {
      await publish('q', ...Array.from({ length: 60 }, (_, index) => ({ id: `${part}-${index}`, body: index })));
    }
    const [id] = await publish('q', { body: 1 });
    await engine.call('cancelMessage', { queue: 'q', id: id! }, {});
    const keptRow = async () => (await rows('leases')).find(({ until }) => until !== undefined);
    expect((await keptRow())!.expiry).toBeDefined();
    clock.advance(endGraceMs);
    await sweep();
    expect((await keptRow())!.expiry).toBeUndefined();
    expect((await get(id!)).state).toBe('cancelled');
  });

  it('an ack in a transaction of the caller keeps the done message', async () => {
    const { create, send, receive, call, commit, clock } = driven();
    await create('q', { keep });
    const [one, two] = await send('q', 1, 2);
    const messages = await receive('q');
    const { items } = await call('ackItems', 'q', { receipts: messages.map(({ receipt }) => receipt) });
    expect(await commit(items)).toEqual([]);
    for (const id of [one!, two!]) expect((await get(id)).state).toBe('done');
    clock.advance(30_000);
    expect(await receive('q')).toEqual([]);
    for (const id of [one!, two!]) expect((await get(id)).state).toBe('done');
    clock.advance(keep.doneSeconds * 1000);
    for (const id of [one!, two!]) await expect(get(id)).rejects.toMatchObject(notFound);
  });

  it.each([1, 10])('a life of %d kept messages costs no more calls than one that is not kept', async (count) => {
    const { create, send, receive, ack, call, spy } = driven();
    await create('q', { keep });
    await call('peek', 'q');
    spy.takeCounts();
    await send('q', ...range(count));
    expect(spy.takeCounts(), 'publish').toEqual({ ...noCalls, puts: 1 });
    const messages = await receive('q');
    expect(spy.takeCounts(), 'receive').toEqual({ ...noCalls, ranges: 2, puts: 1, removals: 1 });
    await ack('q', messages);
    expect(spy.takeCounts(), 'ack').toEqual({ ...noCalls, updates: 1 });
  });

  it('a crash between any two writes of an ack loses no kept message and revives none', async () => {
    for (let crashAt = 1; crashAt <= 4; crashAt++) {
      const { create, send, receive, spy, clock, sweep, another, engine } = driven();
      const queue = `crash-${crashAt}`;
      await create(queue, { keep, retentionSeconds: null, visibilityTimeoutSeconds: 1 });
      const [id] = await send(queue, noise(3_000));
      const [message] = await receive(queue);
      spy.before = dyingAtWrite(crashAt);
      const input = { receipts: [message!.receipt], result: noise(3_000) };
      await another()
        .call('ack', { queue }, input)
        .catch(() => {});
      spy.before = () => {};
      const state = (await get(id!, queue)).state;
      expect(['leased', 'done']).toContain(state);
      clock.advance(1_000 + 2 * endGraceMs);
      await sweep();
      const again = await receive(queue);
      expect(again.map(({ body }) => body)).toEqual(state === 'done' ? [] : [noise(3_000)]);
      if (again[0]) await engine.call('ack', { queue }, { ...input, receipts: [again[0].receipt] });
      expect(await get(id!, queue)).toMatchObject({ state: 'done', body: noise(3_000), result: noise(3_000) });
    }
  });

  it('an expired parcel is kept, whichever write the sweep dies before', async () => {
    for (let crashAt = 1; crashAt <= 3; crashAt++) {
      const { create, send, spy, clock, sweep, another, receive, rows } = driven();
      const queue = `expired-${crashAt}`;
      await create(queue, { keep, retentionSeconds: 60 });
      const [id] = await send(queue, 1);
      clock.advance(60_000);
      spy.before = dyingAtWrite(crashAt);
      await another()
        .sweep({ until: clock.now() + 1_000 })
        .catch(() => {});
      spy.before = () => {};
      expect((await get(id!, queue)).state).toBe('expired');
      await sweep();
      await sweep();
      expect((await get(id!, queue)).state).toBe('expired');
      expect(await receive(queue)).toEqual([]);
      expect(await rows('messages')).toEqual([]);
    }
  });
});
