/** Publishing with a key side by side, with lost answers and late requests. */
import { expect, it } from 'vitest';
import { readToWriteMsMax, retryMsMax, signedRequestMsMax, tombstoneMs } from '../../contract/limits.ts';
import { type Store, StoreError, type Write } from '../../engine/port/port.ts';
import { hourMs, secondMs } from '../support/durations.ts';
import { withCode } from '../support/expected.ts';
import { accepted, keyedQueue } from '../support/keyed-queue.ts';
import { noise } from '../support/noise.ts';
import { onBothStores } from '../support/on-both-stores.ts';

onBothStores('publishing with a key under races', (driven) => {
  const { create, drain, send } = keyedQueue(driven);
  const row = async () => (await driven().rows('leases')).find(({ id }) => (id as string).endsWith('=@k'));

  /** An engine whose next write of the key's row loses its answer after `lost.meanwhile`, if that is set. All its writes of that row can be replayed. */
  function losingAnswers() {
    const inner = driven().spy.store;
    const sent: Write[] = [];
    const lost = { meanwhile: undefined as undefined | (() => Promise<void>), isRetried: false };
    const store: Store = {
      ...inner,
      async write(write, options) {
        if (!('id' in write.key) || !write.key.id.endsWith('=@k')) return inner.write(write, options);
        sent.push(write);
        const answer = await inner.write(write, options);
        const { meanwhile } = lost;
        if (!meanwhile) return answer;
        lost.meanwhile = undefined;
        await meanwhile();
        // The AWS client either retries and is refused, or gives up.
        if (lost.isRetried) return { ...(await inner.write(write, options)), ok: false, maybeApplied: true };
        throw new StoreError('the answer was lost', 'unknown');
      },
    };
    return { sent, lost, engine: driven().another(store), replay: (write: Write) => inner.write(write) };
  }

  it('one of several publishes at once with a key is accepted, whether the key is new or free again', async () => {
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

  it.each([null, 1])('a late or repeated request with a key does not revive a message (window: %s)', async (windowSeconds) => {
    const { clock, bodies } = driven();
    await create(windowSeconds);
    const { engine, sent, replay } = losingAnswers();
    const publish = async (body: number) =>
      (await engine.call('publish', { queue: 'q' }, { messages: [{ body, dedupKey: 'k' }] })).results;
    const late = async () => {
      for (const write of sent) expect(await replay(write)).toMatchObject({ ok: false });
    };
    for (const body of [1, 2, 3]) {
      expect(await publish(body)).toEqual([accepted]);
      await late();
      await drain();
      await late();
      clock.advance(secondMs);
      await late();
      expect(await bodies('q')).toEqual([]);
    }
    // Five requests: each of the two keys that were taken again was first found taken.
    expect(sent.length).toBe(5);
    clock.advance(readToWriteMsMax + signedRequestMsMax);
    await late();
    expect(await bodies('q')).toEqual([]);
  });

  it.each([
    ['was answered', true],
    ['was not answered', false],
  ])('a publisher that was paused for hours leaves the new message of its key alone, once its request %s', async (_, isAnswered) => {
    const { clock, spy, another, bodies, sweep } = driven();
    await create(1, 'replace');
    let stood = false;
    const slow = another({
      ...spy.store,
      async write(write, options) {
        const written = await spy.store.write(write, options);
        if (stood || write.key.table !== 'leases') return written;
        stood = true;
        expect(await drain()).toEqual(['old']);
        clock.advance(tombstoneMs + hourMs);
        await sweep();
        expect(await send({ body: 'new' })).toEqual([accepted]);
        if (isAnswered) return written;
        throw new StoreError('the answer was lost', 'unknown');
      },
    });
    const { results } = await slow.call('publish', { queue: 'q' }, { messages: [{ body: 'old', dedupKey: 'k' }] });
    expect(results).toEqual([isAnswered ? accepted : withCode('unavailable')]);
    expect(await bodies('q')).toEqual(['new']);
  });

  it.each([
    false,
    true,
  ])('a publish whose answer was lost and whose message is done is not published again (retried by the client: %s)', async (isRetried) => {
    for (const others of [0, 1, 2]) {
      const { clock } = driven();
      await driven().create(`q${others}`, { deduplication: { windowSeconds: null, onDuplicate: 'ignore' } });
      const queue = `q${others}`;
      const { engine, lost } = losingAnswers();
      lost.isRetried = isRetried;
      lost.meanwhile = async () => {
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
  ])('publish answers unavailable when too many others took the key meanwhile (clock difference: %d ms)', async (apart) => {
    await create(null);
    const { engine, lost } = losingAnswers();
    lost.meanwhile = async () => {
      await drain();
      driven().clock.advance(apart);
      for (const body of [1, 2, 3]) {
        await send({ body });
        await drain();
      }
    };
    const { results } = await engine.call('publish', { queue: 'q' }, { messages: [{ body: 'mine', dedupKey: 'k' }] });
    expect(results).toEqual([withCode('unavailable')]);
    expect(await driven().bodies('q')).toEqual([]);
  });

  it('publish is accepted although others took the key before by clocks ahead', async () => {
    const { clock } = driven();
    await create(null);
    for (const body of [1, 2]) {
      await send({ body });
      await drain();
    }
    clock.advance(-secondMs);
    expect(await send({ body: 3 })).toEqual([accepted]);
    expect(await driven().bodies('q')).toEqual([3]);
  });

  it('publish does not take a key after a pause too long to recognise its own write', async () => {
    const { clock } = driven();
    await create(null);
    const { engine, lost } = losingAnswers();
    lost.meanwhile = async () => {
      clock.advance(retryMsMax + 1);
    };
    await send({ body: 0 });
    await drain();
    const { results } = await engine.call('publish', { queue: 'q' }, { messages: [{ body: 'mine', dedupKey: 'k' }] });
    expect(results).toEqual([withCode('unavailable')]);
  });

  it('publish recognises its own row when only the answer was lost', async () => {
    await create(60, 'debounce');
    const { engine, lost } = losingAnswers();
    lost.meanwhile = async () => {
      await send({ body: 'other', delaySeconds: 0 });
    };
    const { results } = await engine.call('publish', { queue: 'q' }, { messages: [{ body: 'mine', dedupKey: 'k' }] });
    expect(results).toEqual([accepted]);
    // The other publish came second.
    expect(await driven().bodies('q')).toEqual(['other']);
    expect(await row()).toMatchObject({ accepted: [[expect.any(Number), expect.any(String)]] });
  });

  it('publish answers that it may have been published while its first request may still arrive', async () => {
    await create(60);
    const { another, spy, bodies } = driven();
    const { store } = spy;
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

  it('publish is accepted once it was applied, whatever fails then, and leaves no second body', async () => {
    await create(60, 'ignore', { retentionSeconds: null });
    const { another, spy, rows, clock } = driven();
    const { store } = spy;
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
