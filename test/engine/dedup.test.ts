/** Deduplication keys: when a key is taken, and when it is free again. */

import { expect, it } from 'vitest';
import { readToWriteMsMax, settingsCacheMs, signedRequestMsMax, tombstoneMs } from '../../contract/limits.ts';
import { dayMs, hourMs, secondMs } from '../support/durations.ts';
import { withCode } from '../support/expected.ts';
import { accepted, duplicate, keyedQueue } from '../support/keyed-queue.ts';
import { noise } from '../support/noise.ts';
import { onEveryStore } from '../support/on-both-stores.ts';
import { noCalls } from '../support/store-spy.ts';

onEveryStore('a deduplication key', (driven) => {
  const { create, drain, get, send } = keyedQueue(driven);

  it('publish with a key is refused, naming the setting, where the queue has none for it', async () => {
    await driven().create('q');
    const [result] = await send({ body: 1 });
    expect(result).toMatchObject({ ok: false, code: 'invalid_input', message: expect.stringContaining('"deduplication"') });
    expect(await driven().bodies('q')).toEqual([]);
  });

  it('publish refuses a key together with an own id, and an invalid key', async () => {
    await create(60);
    for (const bad of [
      { id: 'mine' },
      { dedupKey: '' },
      { dedupKey: 'a b' },
      { dedupKey: 'x'.repeat(129) },
      { dedupKey: '@k' },
    ]) {
      expect((await send({ body: 1, ...bad }))[0]).toEqual(withCode('invalid_input'));
    }
    expect((await driven().call('publish', 'q', { messages: [{ body: 1, id: '@k' }] })).results[0]).toEqual(
      withCode('invalid_input'),
    );
    await expect(driven().call('publishItems', 'q', { messages: [{ body: 1, dedupKey: 'k' }] })).rejects.toEqual(
      withCode('invalid_input'),
    );
  });

  it('publish with a key creates one message whatever state the first is in, and its id finds it', async () => {
    await create(hourMs / secondMs);
    expect(await send({ body: 1 })).toEqual([accepted]);
    expect(await get('@k')).toMatchObject({ id: '@k', body: 1, state: 'ready' });
    expect(await send({ body: 2 })).toEqual([duplicate]);
    const messages = await driven().receive('q');
    expect(messages).toMatchObject([{ id: '@k', body: 1 }]);
    expect(await send({ body: 2 })).toEqual([duplicate]);
    await driven().ack('q', messages);
    expect(await send({ body: 2 })).toEqual([duplicate]);
    expect(await driven().bodies('q')).toEqual([]);
  });

  it('a key is separate from other keys, other queues and own ids', async () => {
    await create(60);
    await driven().create('other', { deduplication: { windowSeconds: 60, onDuplicate: 'ignore' } });
    expect(await send({ body: 1 }, { body: 2, dedupKey: 'K' }, { body: 3, dedupKey: 'x'.repeat(128) })).toMatchObject([
      accepted,
      { ok: true, id: '@K' },
      { ok: true, id: `@${'x'.repeat(128)}` },
    ]);
    await driven().publish('q', { body: 4, id: 'k' });
    expect((await driven().call('publish', 'other', { messages: [{ body: 5, dedupKey: 'k' }] })).results).toEqual([accepted]);
    const messages = await driven().receive('q');
    expect(messages.map(({ body }) => body).sort()).toEqual([1, 2, 3, 4]);
    expect((await driven().ack('q', messages)).every(({ ok }) => ok)).toBe(true);
  });

  it('publish acts in order where one call repeats a key', async () => {
    await create(60, 'replace');
    expect(await send({ body: 1 }, { body: 2, dedupKey: 'other' }, { body: 3 }, { body: 4 })).toEqual([
      accepted,
      { ok: true, id: '@other' },
      duplicate,
      duplicate,
    ]);
    expect((await driven().bodies('q')).sort()).toEqual([2, 4]);
  });

  it.each([
    1,
    60,
    (2 * hourMs) / secondMs,
    (365 * dayMs) / secondMs,
  ])('a key is taken for its window of %d s from the accepted publish, to the millisecond', async (windowSeconds) => {
    const { clock, sweep } = driven();
    await create(windowSeconds, 'ignore', { retentionSeconds: null });
    const from = clock.now();
    const until = (at: number) => clock.advance(at - clock.now());
    await send({ body: 1 });
    clock.advance(500);
    await drain();
    until(from + windowSeconds * secondMs - 1);
    await sweep();
    expect(await send({ body: 2 })).toEqual([duplicate]);
    clock.advance(1);
    expect(await send({ body: 3 })).toEqual([accepted]);
    expect(await drain()).toEqual([3]);
    // The window starts again with each accepted publish.
    until(from + 2 * windowSeconds * secondMs - 1);
    expect(await send({ body: 4 })).toEqual([duplicate]);
    clock.advance(1);
    expect(await send({ body: 5 })).toEqual([accepted]);
  });

  it('a key is taken by the current window of its queue, within two seconds of a change', async () => {
    const { publish, receive, ack, call, clock } = driven();
    await create(3600);
    await publish('q', { body: 1, dedupKey: 'k' });
    await ack('q', await receive('q'));
    const isTaken = async () => {
      const { results } = await call('publish', 'q', { messages: [{ body: 2, dedupKey: 'k' }] });
      return 'duplicate' in results[0]!;
    };
    expect(await isTaken()).toBe(true);
    await call('updateQueue', 'q', { deduplication: { windowSeconds: 60, onDuplicate: 'ignore' } });
    clock.advance(59 * secondMs);
    expect(await isTaken()).toBe(true);
    clock.advance(secondMs);
    expect(await isTaken()).toBe(false);
    await call('updateQueue', 'q', { deduplication: { windowSeconds: 3600, onDuplicate: 'ignore' } });
    clock.advance(settingsCacheMs);
    await ack('q', await receive('q'));
    expect(await isTaken()).toBe(true);
    await call('updateQueue', 'q', { deduplication: { windowSeconds: null, onDuplicate: 'ignore' } });
    clock.advance(settingsCacheMs);
    expect(await isTaken()).toBe(false);
  });

  it('a key is taken beyond its window while its message waits or is leased', async () => {
    const { clock, receive, ack } = driven();
    await create(1);
    await send({ body: 1 });
    clock.advance(10 * secondMs);
    expect(await send({ body: 2 })).toEqual([duplicate]);
    const messages = await receive('q');
    clock.advance(10 * secondMs);
    expect(await send({ body: 2 })).toEqual([duplicate]);
    await ack('q', messages);
    expect(await send({ body: 2 })).toEqual([accepted]);
  });

  it('a key without a window is free at once when its message is done', async () => {
    await create(null);
    for (const body of [1, 2, 3, 4, 5]) {
      expect(await send({ body })).toEqual([accepted]);
      expect(await send({ body: 'again' })).toEqual([duplicate]);
      const messages = await driven().receive('q');
      expect(messages.map((message) => message.body)).toEqual([body]);
      expect(await send({ body: 'again' })).toEqual([duplicate]);
      await driven().ack('q', messages);
    }
  });

  it('a key is free after its message was cancelled or expired, but not within a window', async () => {
    const { clock, engine, bodies, call } = driven();
    for (const windowSeconds of [null, 3600]) {
      const queue = `of-${windowSeconds}`;
      await driven().create(queue, { retentionSeconds: 60, deduplication: { windowSeconds, onDuplicate: 'replace' } });
      const expected = windowSeconds === null ? undefined : true;
      for (const dedupKey of ['cancelled', 'old']) {
        const again = async (body: string) =>
          (await call('publish', queue, { messages: [{ body, dedupKey }] })).results[0] as { duplicate?: true };
        await again('first');
        if (dedupKey === 'old') clock.advance(60 * secondMs);
        else await engine.call('cancelMessage', { queue, id: `@${dedupKey}` }, {});
        expect((await again('second')).duplicate, `${queue}, ${dedupKey}`).toBe(expected);
        expect(await bodies(queue), `${queue}, ${dedupKey}`).toEqual(expected ? [] : ['second']);
      }
    }
  });

  it('a key is free after a purge', async () => {
    const { call, bodies, receive, ack, rows } = driven();
    await create(3600, 'ignore', { retentionSeconds: null });
    await send({ body: noise(3000) }, { body: 'acked', dedupKey: 'acked' });
    const held = await receive('q', { max: 1, visibilityTimeoutSeconds: 3600 });
    await call('purge', 'q');
    expect(await send({ body: 1 }, { body: 2, dedupKey: 'acked' })).toEqual([accepted, { ok: true, id: '@acked' }]);
    expect(await ack('q', held)).toMatchObject([{ code: 'lease_lost' }]);
    expect((await bodies('q')).sort()).toEqual([1, 2]);
    expect(await rows('messages')).toEqual([]);
  });

  it.each([
    'max_receives',
    'expired',
  ])('a key is free after its message was dead-lettered (%s), and the dead letter has an id of its own', async (why) => {
    const { call, receive, clock, bodies, redrive, ack } = driven();
    await driven().create('dead');
    const deadLetter = { queue: 'dead', maxReceives: 1 };
    await create(10, 'replace', { deadLetter, retentionSeconds: 60 });
    const body = noise(2000);
    await send({ body, attributes: { n: 1 } });
    if (why === 'expired') clock.advance(60 * secondMs);
    else await call('release', 'q', { receipts: (await receive('q')).map(({ receipt }) => receipt) });
    if (why === 'max_receives') {
      expect(await send({ body: 'early' })).toEqual([duplicate]);
      clock.advance(10 * secondMs);
    }
    expect(await send({ body: 'new' })).toEqual([accepted]);
    const dead = await receive('dead', { visibilityTimeoutSeconds: 0 });
    expect(dead).toMatchObject([{ body, attributes: { n: 1 }, deadLetter: { reason: why } }]);
    const { id } = dead[0]!;
    expect(id).toMatch(/^@k@[0-9a-z]+$/);
    expect(await get(id, 'dead')).toMatchObject({ id, body, state: 'dead' });
    expect(await get('@k')).toMatchObject({ body: 'new' });
    expect(await redrive('dead', { ids: [id] })).toMatchObject({ moved: 1 });
    const both = await receive('q');
    expect(both.map((message) => message.body).sort()).toEqual(['new', body].sort());
    expect((await ack('q', both)).every(({ ok }) => ok)).toBe(true);
    expect(await bodies('dead')).toEqual([]);
  });

  it('a key keeps its window when its message is moved to another queue', async () => {
    const { clock, call, receive, redrive, bodies } = driven();
    await driven().create('dead');
    await create(60, 'ignore', { deadLetter: { queue: 'dead', maxReceives: 1 } });
    await send({ body: 1 });
    await call('release', 'q', { receipts: (await receive('q')).map(({ receipt }) => receipt) });
    await redrive('dead');
    expect(await send({ body: 2 })).toEqual([duplicate]);
    expect(await bodies('q')).toEqual([1]);
    clock.advance(60 * secondMs);
    expect(await send({ body: 2 })).toEqual([accepted]);
  });

  it('ack repeated succeeds even after the key was taken again', async () => {
    const { receive, ack } = driven();
    await create(null);
    await send({ body: 1 });
    const first = await receive('q');
    await ack('q', first);
    await send({ body: 2 });
    expect(await ack('q', first)).toEqual([{ ok: true }]);
    const second = await receive('q');
    expect(second).toMatchObject([{ body: 2 }]);
    await ack('q', second);
    expect(await ack('q', first)).toEqual([{ ok: true }]);
    expect(await ack('q', second)).toEqual([{ ok: true }]);
  });

  it('a key keeps its window whatever a forged receipt says, and after an ack in a transaction', async () => {
    const { receive, ack, call, commit, clock } = driven();
    await create((2 * hourMs) / secondMs);
    await send({ body: 1 }, { body: 2, dedupKey: 'other' });
    const messages = await receive('q');
    expect(messages).toHaveLength(2);
    const window = /k[0-9]+(?=[^.]*\.[^.]*$)/;
    for (const message of messages) {
      if (message.id === '@k') {
        const receipt = message.receipt.replace(window, 'k1');
        expect(receipt).not.toBe(message.receipt);
        expect(await ack('q', [{ ...message, receipt: message.receipt.replace(window, '') }])).toEqual([{ ok: true }]);
        expect(await ack('q', [{ ...message, receipt }])).toEqual([{ ok: true }]);
      } else {
        const acked = async (receipt: string) => commit((await call('ackItems', 'q', { receipts: [receipt] })).items);
        expect(await acked(message.receipt.replace(window, 'k1'))).toEqual([0]);
        expect(await acked(message.receipt)).toEqual([]);
      }
    }
    clock.advance(2 * hourMs - 1);
    expect(await send({ body: 1 }, { body: 2, dedupKey: 'other' })).toEqual([
      duplicate,
      { ok: true, id: '@other', duplicate: true },
    ]);
  });

  it('the TTL of the tombstone of a key is later than any request from before the end of its window', async () => {
    const { clock } = driven();
    const fences = readToWriteMsMax + signedRequestMsMax;
    for (const windowSeconds of [1, 7200]) {
      await driven().create(`q${windowSeconds}`, { deduplication: { windowSeconds, onDuplicate: 'ignore' } });
      const from = clock.now();
      await driven().publish(`q${windowSeconds}`, { body: 1, dedupKey: 'k' });
      clock.advance(secondMs / 2);
      await driven().ack(`q${windowSeconds}`, await driven().receive(`q${windowSeconds}`));
      const tombstone = (await driven().rows('leases')).find(({ until }) => (until as number) > clock.now())!;
      expect(tombstone).toMatchObject({ freeAt: from + windowSeconds * secondMs });
      expect(tombstone.until).toBeGreaterThanOrEqual(from + windowSeconds * secondMs + fences);
      expect(tombstone.until).toBeGreaterThanOrEqual(clock.now() + tombstoneMs);
      expect((tombstone.ttl as number) * secondMs).toBeGreaterThanOrEqual(tombstone.until as number);
      expect(Object.keys(tombstone).sort()).toEqual(['accepted', 'freeAt', 'id', 'slots', 'ttl', 'until', 'version']);
      clock.advance(30_000_000);
    }
  });

  it('publish with a key costs one write to publish, one to find, one to receive and one to ack', async () => {
    const { spy, receive, ack, clock } = driven();
    await create(60);
    await send({ body: 1 });
    spy.takeCounts();
    await send({ body: 1, dedupKey: 'b' });
    expect(spy.takeCounts()).toEqual({ ...noCalls, puts: 1 });
    await send({ body: 1, dedupKey: 'b' });
    expect(spy.takeCounts()).toEqual({ ...noCalls, refused: 1 });
    const messages = await receive('q');
    expect(spy.takeCounts()).toMatchObject({ puts: 2, updates: 0, removals: 0, refused: 0 });
    await ack('q', messages);
    expect(spy.takeCounts()).toEqual({ ...noCalls, updates: 2 });
    clock.advance(60 * secondMs);
    await driven().call('peek', 'q', {});
    spy.takeCounts();
    await send({ body: 1 });
    expect(spy.takeCounts()).toEqual({ ...noCalls, refused: 1, puts: 1 });
  });
});
