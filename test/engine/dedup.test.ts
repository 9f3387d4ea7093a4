import { expect, it } from 'vitest';
import type { Deduplication, PublishEntry } from '../../contract/contract.ts';
import { readToWriteMsMax, retryMsMax, settingsCacheMs, signedRequestMsMax, tombstoneMs } from '../../contract/limits.ts';
import { type Store, StoreError, type Write } from '../../engine/port/port.ts';
import { dayMs, hourMs, secondMs } from '../support/durations.ts';
import { eventually } from '../support/eventually.ts';
import { noise } from '../support/noise.ts';
import { onBothStores } from '../support/on-both-stores.ts';
import { noCalls } from '../support/watched-store.ts';

onBothStores('publishing under a key', (driven) => {
  const create = (windowSeconds: number | null, onDuplicate: Deduplication['onDuplicate'] = 'ignore', more = {}) =>
    driven().create('q', { deduplication: { windowSeconds, onDuplicate }, ...more });
  const send = async (...entries: PublishEntry[]) =>
    (await driven().call('publish', 'q', { messages: entries.map((entry) => ({ dedupKey: 'k', ...entry })) })).results;
  const accepted = { ok: true, id: '@k' };
  const duplicate = { ...accepted, duplicate: true };
  /** Receives and acks, and answers what it was. */
  const done = async () => {
    const messages = await driven().receive('q');
    await driven().ack('q', messages);
    return messages.map(({ body }) => body);
  };
  const get = (id: string, queue = 'q') => driven().engine.call('getMessage', { queue, id }, {});
  const code = (expected: string) => expect.objectContaining({ code: expected });
  const row = async () => (await driven().rows('leases')).find(({ id }) => (id as string).endsWith('=@k'));

  it('is refused where the queue has no setting for it, naming the setting', async () => {
    await driven().create('q');
    const [result] = await send({ body: 1 });
    expect(result).toMatchObject({ ok: false, code: 'invalid_input', message: expect.stringContaining('"deduplication"') });
    expect(await driven().bodies('q')).toEqual([]);
  });

  it('refuses a key beside an id, and a key that is no key', async () => {
    await create(60);
    for (const bad of [
      { id: 'mine' },
      { dedupKey: '' },
      { dedupKey: 'a b' },
      { dedupKey: 'x'.repeat(129) },
      { dedupKey: '@k' },
    ]) {
      expect((await send({ body: 1, ...bad }))[0]).toEqual(code('invalid_input'));
    }
    expect((await driven().call('publish', 'q', { messages: [{ body: 1, id: '@k' }] })).results[0]).toEqual(
      code('invalid_input'),
    );
    await expect(driven().call('publishItems', 'q', { messages: [{ body: 1, dedupKey: 'k' }] })).rejects.toEqual(
      code('invalid_input'),
    );
  });

  it('publishes one message of a key, whatever state the first is in, and finds it by its id', async () => {
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

  it('is of one key, and of one queue, and beside own ids', async () => {
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

  it('acts in order where one call has a key several times', async () => {
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
  ])('is taken for its window of %d s from the publish that was accepted, to the millisecond', async (windowSeconds) => {
    const { clock, sweep } = driven();
    await create(windowSeconds, 'ignore', { retentionSeconds: null });
    const from = clock.now();
    const until = (at: number) => clock.advance(at - clock.now());
    await send({ body: 1 });
    clock.advance(500);
    await done();
    until(from + windowSeconds * secondMs - 1);
    await sweep();
    expect(await send({ body: 2 })).toEqual([duplicate]);
    clock.advance(1);
    expect(await send({ body: 3 })).toEqual([accepted]);
    expect(await done()).toEqual([3]);
    // The window began anew.
    until(from + 2 * windowSeconds * secondMs - 1);
    expect(await send({ body: 4 })).toEqual([duplicate]);
    clock.advance(1);
    expect(await send({ body: 5 })).toEqual([accepted]);
  });

  it('is taken by the window that the queue has now, within two seconds of a change to a shorter one or none', async () => {
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

  it('is taken beyond its window while its message waits or is leased', async () => {
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

  it('is free at once when its message is done, where there is no window', async () => {
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

  it('is free where its message was cancelled or grew too old, within the window not', async () => {
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

  it('is free when the queue was purged', async () => {
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
  ])('is free when its message was dead-lettered, %s, which waits under an id of its own', async (why) => {
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

  it('keeps its window when its message is moved to another queue', async () => {
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

  it('replaces body and attributes of the message that waits, and nothing else of it', async () => {
    const { clock, receive, rows, bodies } = driven();
    for (const retentionSeconds of [3600, null]) {
      await driven().create(`q${retentionSeconds}`, {
        retentionSeconds,
        deduplication: { windowSeconds: 60, onDuplicate: 'replace' },
      });
      const queue = `q${retentionSeconds}`;
      const publish = (entry: PublishEntry) => driven().call('publish', queue, { messages: [{ dedupKey: 'k', ...entry }] });
      const sizes = [noise(4000), 'small', noise(6000)];
      await publish({ body: 0, attributes: { old: 1 }, delaySeconds: 10 });
      const { publishedAt, visibleAt } = await get('@k', queue);
      clock.advance(secondMs);
      for (const body of sizes) {
        expect((await publish({ body, attributes: { new: 2 }, delaySeconds: 50 })).results).toEqual([duplicate]);
        expect(await get('@k', queue)).toMatchObject({ body, attributes: { new: 2 }, publishedAt, visibleAt, receives: 0 });
      }
      await publish({ bodyBase64: 'AAAA' });
      clock.advance(9 * secondMs);
      const [message] = await receive(queue);
      expect(message).toMatchObject({ bodyBase64: 'AAAA', attributes: {}, receives: 1 });
      expect((await publish({ body: 'too late' })).results).toEqual([duplicate]);
      await driven().call('release', queue, { receipts: [message!.receipt] });
      await publish({ body: 'not too late' });
      expect(await bodies(queue)).toEqual(['not too late']);
    }
    // What no TTL will remove is removed.
    expect((await rows('messages')).filter(({ ttl }) => ttl === undefined)).toEqual([]);
  });

  it('does not replace the message that is leased; once its lease is over, who held it is told', async () => {
    const { receive, ack, clock, bodies } = driven();
    await create(60, 'replace', { visibilityTimeoutSeconds: 10 });
    await send({ body: 1 });
    const held = await receive('q');
    expect(await send({ body: 2 })).toEqual([duplicate]);
    expect(await get('@k')).toMatchObject({ body: 1 });
    clock.advance(11 * secondMs);
    expect(await send({ body: 3 })).toEqual([duplicate]);
    expect(await ack('q', held)).toMatchObject([{ code: 'lease_lost' }]);
    expect(await bodies('q')).toEqual([3]);
  });

  it('puts the message off by each publish that finds it waiting, with the newest body', async () => {
    const { clock, bodies } = driven();
    await create(null, 'debounce', { delaySeconds: 5 });
    await send({ body: 0 });
    for (const body of [1, 2, 3]) {
      clock.advance(4 * secondMs);
      expect(await send({ body })).toEqual([duplicate]);
      expect(await bodies('q')).toEqual([]);
    }
    clock.advance(5 * secondMs - 1);
    expect(await bodies('q')).toEqual([]);
    await send({ body: 4, delaySeconds: 1 });
    clock.advance(secondMs - 1);
    expect(await bodies('q')).toEqual([]);
    clock.advance(1);
    expect(await bodies('q', { visibilityTimeoutSeconds: 100 })).toEqual([4]);
    expect(await send({ body: 5 })).toEqual([duplicate]);
    clock.advance(50 * secondMs);
    expect(await bodies('q')).toEqual([]);
  });

  it('accepts one of many that publish at once, be the key new or free again', async () => {
    await create(null);
    for (const round of [1, 2]) {
      const publishers = Array.from({ length: 5 }, () => driven().another());
      const results = await Promise.all(
        publishers.map((engine, body) => engine.call('publish', { queue: 'q' }, { messages: [{ body, dedupKey: 'k' }] })),
      );
      const first = results.flatMap((one) => one.results).filter((one) => !('duplicate' in one));
      expect(first, `round ${round}`).toEqual([accepted]);
      const messages = await driven().receive('q');
      expect(messages.length).toBe(1);
      await driven().ack('q', messages);
    }
  });

  it('leaves the newest content where many replace at once, and loses no message', async () => {
    await create(60, 'replace');
    await send({ body: 'first' });
    const results = await Promise.all(Array.from({ length: 5 }, (_, body) => send({ body })));
    expect(results.flat()).toEqual(Array.from({ length: 5 }, () => duplicate));
    const [body, ...others] = await driven().bodies('q');
    expect([0, 1, 2, 3, 4]).toContain(body);
    expect(others).toEqual([]);
  });

  it('tells a repeated ack that it is done, though the key was taken again', async () => {
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

  it('keeps its window whatever a receipt says of it, and when acked in a transaction', async () => {
    const { receive, ack, call, commit, clock } = driven();
    await create((2 * hourMs) / secondMs);
    await send({ body: 1 }, { body: 2, dedupKey: 'other' });
    for (const message of await receive('q')) {
      if (message.id === '@k') {
        const receipt = message.receipt.replace(/k[0-9]+(?=\.[^.]*$)/, 'k1');
        expect(receipt).not.toBe(message.receipt);
        expect(await ack('q', [{ ...message, receipt: receipt.replace('k1.', '.') }])).toEqual([{ ok: true }]);
        expect(await ack('q', [{ ...message, receipt }])).toEqual([{ ok: true }]);
      } else {
        const acked = async (receipt: string) => commit((await call('ackItems', 'q', { receipts: [receipt] })).items);
        expect(await acked(message.receipt.replace(/k[0-9]+(?=\.[^.]*$)/, 'k1'))).toEqual([0]);
        expect(await acked(message.receipt)).toEqual([]);
      }
    }
    clock.advance(2 * hourMs - 1);
    expect(await send({ body: 1 }, { body: 2, dedupKey: 'other' })).toEqual([
      duplicate,
      { ok: true, id: '@other', duplicate: true },
    ]);
  });

  it('lets TTL have its tombstone only when no request from before the window ended can come', async () => {
    const { clock } = driven();
    const fences = readToWriteMsMax + signedRequestMsMax;
    for (const windowSeconds of [1, 7200]) {
      await driven().create(`q${windowSeconds}`, { deduplication: { windowSeconds, onDuplicate: 'ignore' } });
      const from = clock.now();
      await driven().publish(`q${windowSeconds}`, { body: 1, dedupKey: 'k' });
      clock.advance(secondMs / 2);
      await driven().ack(`q${windowSeconds}`, await driven().receive(`q${windowSeconds}`));
      const stone = (await driven().rows('leases')).find(({ until }) => (until as number) > clock.now())!;
      expect(stone).toMatchObject({ freeAt: from + windowSeconds * secondMs });
      expect(stone.until).toBeGreaterThanOrEqual(from + windowSeconds * secondMs + fences);
      expect(stone.until).toBeGreaterThanOrEqual(clock.now() + tombstoneMs);
      expect((stone.ttl as number) * secondMs).toBeGreaterThanOrEqual(stone.until as number);
      expect(Object.keys(stone).sort()).toEqual(['accepted', 'freeAt', 'id', 'slots', 'ttl', 'until', 'version']);
      clock.advance(30_000_000);
    }
  });

  it('costs one write to publish, one to find, one to receive and one to ack', async () => {
    const { watched, receive, ack, clock } = driven();
    await create(60);
    await send({ body: 1 });
    watched.take();
    await send({ body: 1, dedupKey: 'b' });
    expect(watched.take()).toEqual({ ...noCalls, puts: 1 });
    await send({ body: 1, dedupKey: 'b' });
    expect(watched.take()).toEqual({ ...noCalls, refused: 1 });
    const messages = await receive('q');
    expect(watched.take()).toMatchObject({ puts: 2, updates: 0, removals: 0, refused: 0 });
    await ack('q', messages);
    expect(watched.take()).toEqual({ ...noCalls, updates: 2 });
    clock.advance(60 * secondMs);
    await driven().call('peek', 'q', {});
    watched.take();
    await send({ body: 1 });
    expect(watched.take()).toEqual({ ...noCalls, refused: 1, puts: 1 });
  });

  /** A store whose writes of the key's row can be sent once more, or lose their answer after something else has happened. */
  function spied() {
    const inner = driven().watched.store;
    const sent: Write[] = [];
    const spy = { sent, after: undefined as undefined | (() => Promise<void>), asRefused: false };
    const store: Store = {
      ...inner,
      async write(write, options) {
        if (!('id' in write.key) || !write.key.id.endsWith('=@k')) return inner.write(write, options);
        sent.push(write);
        const answer = await inner.write(write, options);
        const { after } = spy;
        if (!after) return answer;
        spy.after = undefined;
        await after();
        // The AWS client tried again, and was refused; or gave up.
        if (spy.asRefused) return { ...(await inner.write(write, options)), ok: false, maybeApplied: true };
        throw new StoreError('the answer was lost', 'unknown');
      },
    };
    return { ...spy, spy, engine: driven().another(store), replay: (write: Write) => inner.write(write) };
  }

  it.each([null, 1])('does not bring a message back when a request comes late or twice (window: %s)', async (windowSeconds) => {
    const { clock, bodies } = driven();
    await create(windowSeconds);
    const { engine, sent, replay } = spied();
    const publish = async (body: number) =>
      (await engine.call('publish', { queue: 'q' }, { messages: [{ body, dedupKey: 'k' }] })).results;
    const late = async () => {
      for (const write of sent) expect(await replay(write)).toMatchObject({ ok: false });
    };
    for (const body of [1, 2, 3]) {
      expect(await publish(body)).toEqual([accepted]);
      await late();
      await done();
      await late();
      clock.advance(secondMs);
      await late();
      expect(await bodies('q')).toEqual([]);
    }
    // Five requests: each key taken again was found taken before.
    expect(sent.length).toBe(5);
    clock.advance(readToWriteMsMax + signedRequestMsMax);
    await late();
    expect(await bodies('q')).toEqual([]);
  });

  it.each([
    ['had its answer', true],
    ['had not', false],
  ])('leaves what is under its key now alone when it stood still for hours, once its request %s', async (_, isAnswered) => {
    const { clock, watched, another, bodies, sweep } = driven();
    await create(1, 'replace');
    let stood = false;
    const slow = another({
      ...watched.store,
      async write(write, options) {
        const written = await watched.store.write(write, options);
        if (stood || write.key.table !== 'leases') return written;
        stood = true;
        expect(await done()).toEqual(['old']);
        clock.advance(tombstoneMs + hourMs);
        await sweep();
        expect(await send({ body: 'new' })).toEqual([accepted]);
        if (isAnswered) return written;
        throw new StoreError('the answer was lost', 'unknown');
      },
    });
    const { results } = await slow.call('publish', { queue: 'q' }, { messages: [{ body: 'old', dedupKey: 'k' }] });
    expect(results).toEqual([isAnswered ? accepted : code('unavailable')]);
    expect(await bodies('q')).toEqual(['new']);
  });

  it.each([
    false,
    true,
  ])('is not published twice when its answer was lost and it is done already (asked again: %s)', async (asRefused) => {
    for (const others of [0, 1, 2]) {
      const { clock } = driven();
      await driven().create(`q${others}`, { deduplication: { windowSeconds: null, onDuplicate: 'ignore' } });
      const queue = `q${others}`;
      const { engine, spy } = spied();
      spy.asRefused = asRefused;
      spy.after = async () => {
        await driven().ack(queue, await driven().receive(queue));
        for (let other = 0; other < others; other++) {
          clock.advance(1);
          await driven().publish(queue, { body: 'other', dedupKey: 'k' });
          await driven().ack(queue, await driven().receive(queue));
        }
      };
      const { results } = await engine.call('publish', { queue }, { messages: [{ body: 'mine', dedupKey: 'k' }] });
      expect(results, `${others} others`).toEqual([accepted]);
      expect(await driven().bodies(queue), `${others} others`).toEqual([]);
    }
  });

  it.each([
    0,
    -secondMs,
  ])('says that it cannot tell when too many others took the key meanwhile (clocks apart by %d)', async (apart) => {
    await create(null);
    const { engine, spy } = spied();
    spy.after = async () => {
      await done();
      driven().clock.advance(apart);
      for (const body of [1, 2, 3]) {
        await send({ body });
        await done();
      }
    };
    const { results } = await engine.call('publish', { queue: 'q' }, { messages: [{ body: 'mine', dedupKey: 'k' }] });
    expect(results).toEqual([code('unavailable')]);
    expect(await driven().bodies('q')).toEqual([]);
  });

  it('is accepted though others took the key before, by clocks that were ahead', async () => {
    const { clock } = driven();
    await create(null);
    for (const body of [1, 2]) {
      await send({ body });
      await done();
    }
    clock.advance(-secondMs);
    expect(await send({ body: 3 })).toEqual([accepted]);
    expect(await driven().bodies('q')).toEqual([3]);
  });

  it('does not take a key when it has slept for too long to know of its own publish', async () => {
    const { clock } = driven();
    await create(null);
    const { engine, spy } = spied();
    spy.after = async () => {
      clock.advance(retryMsMax + 1);
    };
    await send({ body: 0 });
    await done();
    const { results } = await engine.call('publish', { queue: 'q' }, { messages: [{ body: 'mine', dedupKey: 'k' }] });
    expect(results).toEqual([code('unavailable')]);
  });

  it('loses nothing of the message that waits where a publisher dies while it replaces it', async () => {
    const { watched, another, bodies } = driven();
    await create(60, 'replace', { retentionSeconds: null });
    const [first, second] = [noise(3000), noise(4000)];
    await send({ body: first });
    const inner = watched.store;
    // Of the calls that write, it dies in this one, before or after it was done.
    for (const [dies, isDone] of [0, 1, 2, 3].flatMap((call) => [[call, false] as const, [call, true] as const])) {
      let writes = 0;
      const die = async <Answer>(call: () => Promise<Answer>): Promise<Answer> => {
        if (writes++ !== dies) return call();
        if (isDone) await call();
        return new Promise(() => {});
      };
      const store: Store = {
        ...inner,
        write: (write, options) => die(() => inner.write(write, options)),
        writeAll: (all, options) => die(() => inner.writeAll(all, options)),
      };
      const publish = another(store).call('publish', { queue: 'q' }, { messages: [{ body: second, dedupKey: 'k' }] });
      await Promise.race([publish, eventually(() => writes > dies)]);
      expect([first, second]).toContain((await get('@k')).body);
      expect(await send({ body: first })).toEqual([duplicate]);
    }
    expect(await bodies('q')).toEqual([first]);
  });

  it('is settled by its own row when only the answer was lost', async () => {
    await create(60, 'debounce');
    const { engine, spy } = spied();
    spy.after = async () => {
      await send({ body: 'other', delaySeconds: 0 });
    };
    const { results } = await engine.call('publish', { queue: 'q' }, { messages: [{ body: 'mine', dedupKey: 'k' }] });
    expect(results).toEqual([accepted]);
    // The other came after it.
    expect(await driven().bodies('q')).toEqual(['other']);
    expect(await row()).toMatchObject({ accepted: [[expect.any(Number), expect.any(String)]] });
  });

  it('is not said to be refused where its first request may come yet', async () => {
    await create(60);
    const { another, watched, bodies } = driven();
    const { store } = watched;
    let late: Write | undefined;
    const unheard = another({
      ...store,
      async write(write, options) {
        if (write.key.table !== 'leases') return store.write(write, options);
        if (late) throw new StoreError('too busy', 'no', undefined, 'throttled');
        late = write;
        throw new StoreError('the answer was lost', 'unknown');
      },
    });
    const { results } = await unheard.call('publish', { queue: 'q' }, { messages: [{ body: 'late', dedupKey: 'k' }] });
    expect(results).toMatchObject([{ ok: false, message: expect.stringContaining('may or may not') }]);
    await store.write(late!);
    expect(await bodies('q')).toEqual(['late']);
  });

  it('is accepted once it was applied, whatever fails then, and leaves no second body', async () => {
    await create(60, 'ignore', { retentionSeconds: null });
    const { another, watched, rows, clock } = driven();
    const { store } = watched;
    let isApplied = false;
    const slow = another({
      ...store,
      async write(write, options) {
        const written = await store.write(write, options);
        if (write.key.table !== 'leases') return written;
        isApplied = true;
        clock.advance(readToWriteMsMax + secondMs);
        return written;
      },
      async get(keys) {
        if (isApplied && keys.some(({ table }) => table === 'leases'))
          throw new StoreError('too busy', 'no', undefined, 'throttled');
        return store.get(keys);
      },
    });
    const { results } = await slow.call('publish', { queue: 'q' }, { messages: [{ body: noise(5000), dedupKey: 'k' }] });
    expect(results).toEqual([accepted]);
    expect(await rows('messages')).toHaveLength(1);
  });
});
