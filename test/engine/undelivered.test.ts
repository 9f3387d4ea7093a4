/** Messages that are claimed but cannot be delivered. */
import { expect, it } from 'vitest';
import type { QueueSettings } from '../../contract/contract.ts';
import { readToWriteMsMax, settingsCacheMs, signedRequestMsMax, tombstoneMs } from '../../contract/limits.ts';
import { type Store, StoreError } from '../../engine/port/port.ts';
import { hourMs, secondMs } from '../support/durations.ts';
import { noise } from '../support/noise.ts';
import { onBothStores } from '../support/on-both-stores.ts';

onBothStores('a message that is claimed and not delivered', (driven) => {
  const start = async (settings: Partial<QueueSettings> = {}) => {
    await driven().create('dead');
    await driven().create('q', { deadLetter: { queue: 'dead', maxReceives: 1 }, ...settings });
  };
  const receive = async (over: Partial<Store>, input: object = {}, signal?: AbortSignal) => {
    const slow = driven().another({ ...driven().spy.store, ...over });
    const { messages } = await slow.call('receive', { queue: 'q' }, input, signal ? { signal } : {});
    return messages.map(({ body, receives }) => [body, receives]);
  };
  /** A store in which each answer takes `ms`. */
  const slowStore = (ms: number): Store => {
    const { clock, spy } = driven();
    const slowly = async <Answer>(answer: Promise<Answer>) => {
      const answered = await answer;
      clock.advance(ms);
      return answered;
    };
    const inner = spy.store;
    return {
      get: (keys) => slowly(inner.get(keys)),
      range: (range) => slowly(inner.range(range)),
      write: (write, options) => slowly(inner.write(write, options)),
      writeAll: (writes, options) => slowly(inner.writeAll(writes, options)),
      transact: (writes, options) => slowly(inner.transact(writes, options)),
    };
  };

  it.each([
    ['a message alone in its row', {}],
    ['a message of a group', { group: 'g' }],
    ['a message with an own id', { id: 'own' }],
  ])('a message whose lease ends before it can be delivered is ready at once, and its receive is not counted: %s', async (_, entry) => {
    const { clock, publish, spy } = driven();
    await start({
      visibilityTimeoutSeconds: 1,
      groups: { concurrency: 1, ratePerSecond: null, onFailure: 'block', deadLetters: 'apart' },
      limits: { concurrency: 1, ratePerSecond: null },
    });
    await publish('q', { body: noise(2_000), ...entry });
    let isSlow = true;
    const slowOnce = async <Answer>(answer: Promise<Answer>) => {
      const answered = await answer;
      // After the claim, only bodies are read.
      if (isSlow) clock.advance(2 * secondMs);
      isSlow = false;
      return answered;
    };
    const over: Partial<Store> = {
      get: (keys) =>
        keys.some((key) => key.table === 'messages' && key.shard.includes('body'))
          ? slowOnce(spy.store.get(keys))
          : spy.store.get(keys),
    };
    expect(await receive(over)).toEqual([[noise(2_000), 1]]);
    expect(isSlow).toBe(false);
    expect(await driven().receive('dead')).toEqual([]);
  });

  it('a store slower than the visibility timeout delivers a message instead of dead-lettering it', async () => {
    const { clock, send, call } = driven();
    for (const ms of [100, 300, 600, 1_000]) {
      await driven().call('createQueue', `q-${ms}`, { visibilityTimeoutSeconds: 1, backoff: null });
      await send(`q-${ms}`, 'slow');
      const began = clock.now();
      const slow = driven().another(slowStore(ms));
      const { messages } = await slow.call('receive', { queue: `q-${ms}` }, {});
      expect(messages).toMatchObject([{ body: 'slow', receives: 1 }]);
      const end = Date.parse(messages[0]!.leasedUntil);
      expect(end - clock.now()).toBeGreaterThan(secondMs / 2);
      expect(end).toBeLessThanOrEqual(began + ms + readToWriteMsMax + secondMs);
      clock.advance(end - clock.now() - 1);
      expect((await call('receive', `q-${ms}`)).messages).toEqual([]);
      clock.advance(1);
      expect((await call('receive', `q-${ms}`)).messages).toMatchObject([{ receives: 2 }]);
    }
  });

  it('a claimed message is given back when its body cannot be read, or the claim gets no answer', async () => {
    const { publish, spy } = driven();
    await start();
    await publish('q', { body: noise(5_000) });
    const { store } = spy;
    const bodiesFail: Partial<Store> = {
      get(keys) {
        if (keys.every((key) => key.table === 'messages')) throw new StoreError('no bodies', 'no');
        return store.get(keys);
      },
    };
    await expect(receive(bodiesFail)).rejects.toMatchObject({ code: 'unavailable' });
    let lost = 0;
    const claimLost: Partial<Store> = {
      async write(write, options) {
        const written = await store.write(write, options);
        if (lost++ === 0) throw new StoreError('no word of it', 'unknown');
        return written;
      },
      async get(keys) {
        if (lost === 1 && keys.every((key) => key.table === 'leases')) {
          lost++;
          throw new StoreError('unread', 'no');
        }
        return store.get(keys);
      },
    };
    await expect(receive(claimLost)).rejects.toMatchObject({ code: 'unavailable' });
    expect(lost).toBeGreaterThan(2);
    expect(await driven().receive('q')).toMatchObject([{ receives: 1 }]);
  });

  const changes = {
    purged: () => driven().call('purge', 'q'),
    paused: () => driven().call('updateQueue', 'q', { paused: true }),
    deleted: () => driven().call('deleteQueue', 'q'),
  };
  it.each(
    Object.keys(changes) as (keyof typeof changes)[],
  )('a message stays where it is when its queue is %s during a slow read or a slow claim', async (change) => {
    for (const slowCall of ['range', 'writeAll'] as const) {
      const { clock, send, spy, call } = driven();
      await start({ visibilityTimeoutSeconds: 30 });
      await send('q', 'old');
      let isChanged = false;
      const { store } = spy;
      const changing = async <Answer>(answer: Promise<Answer>) => {
        const answered = await answer;
        if (isChanged) return answered;
        isChanged = true;
        await changes[change]();
        clock.advance(settingsCacheMs + 1);
        return answered;
      };
      const over: Partial<Store> =
        slowCall === 'range'
          ? { range: (range) => changing(store.range(range)) }
          : { writeAll: (writes, options) => changing(store.writeAll(writes, options)) };
      expect(await receive(over)).toEqual([]);
      expect(isChanged).toBe(true);
      if (change === 'paused') {
        await call('updateQueue', 'q', { paused: false });
        clock.advance(settingsCacheMs);
        expect(await driven().receive('q')).toMatchObject([{ body: 'old', receives: 1 }]);
      }
      if (change !== 'deleted') {
        expect(await driven().receive('dead')).toEqual([]);
        await call('deleteQueue', 'q');
      }
      clock.advance(settingsCacheMs);
    }
  });

  /** How a message ends. No sweep and no receive follow for hours. */
  const endings: [how: string, bodies: string[], end: (ids: string[]) => Promise<void>][] = [
    [
      'is cancelled',
      ['a', 'b'],
      async (ids) => {
        for (const id of ids) await driven().engine.call('cancelMessage', { queue: 'q', id }, { force: true });
      },
    ],
    [
      'is dead-lettered after the other message of its parcel was cancelled',
      ['a', 'b'],
      async ([_, other]) => {
        await driven().engine.call('cancelMessage', { queue: 'q', id: other! }, { force: true });
        driven().clock.advance(60 * secondMs);
        expect(await driven().receive('q', { max: 10 })).toEqual([]);
        expect(await driven().bodies('dead')).toEqual(['a']);
      },
    ],
    [
      'is dead-lettered and the dead-letter queue is purged',
      ['a'],
      async () => {
        driven().clock.advance(60 * secondMs);
        expect(await driven().receive('q', { max: 10 })).toEqual([]);
        await driven().call('purge', 'dead');
        driven().clock.advance(settingsCacheMs);
        expect(await driven().receive('dead')).toEqual([]);
      },
    ],
  ];
  it.each(endings)('a message whose parcel could not be removed does not come back when it %s', async (_, bodies, end) => {
    const { clock, send, spy, rows } = driven();
    await start({ visibilityTimeoutSeconds: 30, keep: { doneSeconds: 0, deadSeconds: 7200 } });
    const ids = await send('q', ...bodies);
    // The process of this receive dies before it removes the parcel, so its claim stays.
    await new Promise<void>((claimed) => {
      void receive({
        writeAll(writes, options) {
          if (writes.some(({ key }) => key.table !== 'messages')) return spy.store.writeAll(writes, options);
          claimed();
          return new Promise(() => {});
        },
      });
    });
    expect(await rows('messages')).toHaveLength(1);
    await end(ids);
    clock.advance(2 * hourMs + tombstoneMs + signedRequestMsMax);
    expect(await driven().receive('q', { max: 10 })).toEqual([]);
  });

  it('a message is not reported as unreadable when the sweep removes its body with its queue', async () => {
    const { clock, publish, spy, call, events, sweep, rows } = driven();
    await start();
    await publish('q', { body: noise(5_000) });
    const { store } = spy;
    let isDeleted = false;
    const over: Partial<Store> = {
      async get(keys) {
        if (isDeleted || !keys.every((key) => key.table === 'messages' && key.shard.includes('body'))) return store.get(keys);
        isDeleted = true;
        await call('deleteQueue', 'q');
        clock.advance(hourMs);
        // The sweep removes bodies before their row.
        for (const key of keys) await store.write({ key, then: { remove: true } });
        return store.get(keys);
      },
    };
    expect(await receive(over)).toEqual([]);
    expect(isDeleted).toBe(true);
    await sweep();
    expect(events.filter(({ kind }) => kind === 'anomaly')).toEqual([]);
    expect([...(await rows('messages')), ...(await rows('leases'))]).toEqual([]);
  });

  it('a claim leaves no row when the sweep removes the message with its queue in between', async () => {
    const { clock, send, spy, call, sweep, rows } = driven();
    await start();
    await send('q', 'a');
    const { store } = spy;
    let isDeleted = false;
    let isRemoved = false;
    const over: Partial<Store> = {
      async get(keys) {
        const rows = await store.get(keys);
        if (isDeleted || !keys.some(({ table }) => table === 'queues')) return rows;
        isDeleted = true;
        await call('deleteQueue', 'q');
        clock.advance(hourMs);
        return rows;
      },
      async range(range) {
        const answer = await store.range(range);
        if (isRemoved || range.table !== 'messages') return answer;
        isRemoved = true;
        expect(answer.rows).toHaveLength(1);
        await sweep();
        return answer;
      },
    };
    expect(await receive(over)).toEqual([]);
    expect(isRemoved).toBe(true);
    await sweep();
    expect([...(await rows('messages')), ...(await rows('leases'))]).toEqual([]);
  });

  it('a claimed message is given back when reading the settings takes too long, and the call answers unavailable', async () => {
    const { clock, send, spy } = driven();
    await start({ visibilityTimeoutSeconds: 60 });
    await send('q', 'a');
    const { store } = spy;
    const over: Partial<Store> = {
      async get(keys) {
        const rows = await store.get(keys);
        if (keys.some((key) => key.table === 'queues')) clock.advance(settingsCacheMs);
        return rows;
      },
    };
    await expect(receive(over)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await driven().receive('q')).toMatchObject([{ receives: 1 }]);
  });

  it.each([
    ['a message alone in its row', {}],
    ['a message of a group', { group: 'g' }],
    ['a message with a deduplication key', { dedupKey: 'k' }],
  ])('a claimed message is ready at once, with its receive and its permit returned, when its caller is gone: %s', async (_, entry) => {
    const { publish, spy, call, clock } = driven();
    await start({
      visibilityTimeoutSeconds: 600,
      deduplication: { windowSeconds: null, onDuplicate: 'ignore' },
      groups: { concurrency: 1, ratePerSecond: null, onFailure: 'block', deadLetters: 'apart' },
      limits: { concurrency: 1, ratePerSecond: 1 },
    });
    await publish('q', { body: 'a', ...entry });
    const gone = new AbortController();
    const { store } = spy;
    const over: Partial<Store> = {
      async write(write, options) {
        const written = await store.write(write, options);
        if ('put' in write.then && write.then.put.slots) gone.abort();
        return written;
      },
    };
    expect(await receive(over, { waitSeconds: 20 }, gone.signal)).toEqual([]);
    expect(gone.signal.aborted).toBe(true);
    expect((await call('getQueue', 'q')).counts).toMatchObject({ ready: 1, leased: 0 });
    clock.advance(1);
    expect(await driven().receive('q')).toMatchObject([{ body: 'a', receives: 1 }]);
  });
});
