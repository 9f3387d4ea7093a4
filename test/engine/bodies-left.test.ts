/** Offloaded bodies whose row is not written, because the write was refused or lost a race: none stays without a TTL. */
import { expect, it } from 'vitest';
import type { PublishEntry, QueueSettings } from '../../contract/contract.ts';
import { endGraceMs, readToWriteMsMax, retryMsMax } from '../../contract/limits.ts';
import { type Key, type Store, StoreError } from '../../engine/port/port.ts';
import { secondMs } from '../support/durations.ts';
import { noise } from '../support/noise.ts';
import { onBothStores } from '../support/on-both-stores.ts';

const large = noise(5000);
const forever = { retentionSeconds: null };
const deduplication = { windowSeconds: 60, onDuplicate: 'ignore' as const };

onBothStores('offloaded bodies of writes that fail or lose a race', (driven) => {
  const chunks = async () => (await driven().rows('messages')).filter(({ shard }) => (shard as string).startsWith('body:'));

  /** Bodies without a TTL. */
  const withoutTtl = async () => (await chunks()).filter(({ ttl }) => ttl === undefined).map(({ shard }) => shard);

  /** Bodies without a TTL after all cleanup. */
  async function leftOver() {
    const { clock, sweep } = driven();
    for (let round = 0; round < 4; round++) {
      clock.advance(endGraceMs + secondMs);
      await sweep();
    }
    return withoutTtl();
  }

  /** Runs `then` before the next such call only. Returns whether it has run. */
  function beforeNext(method: keyof Store, table: Key['table'], then: () => Promise<unknown>) {
    const { spy } = driven();
    let isNext = true;
    spy.before = async (call) => {
      if (!isNext || call.method !== method || !call.keys.some((key) => key.table === table)) return;
      isNext = false;
      await then();
    };
    return () => !isNext;
  }

  async function drain(queue: string) {
    const { receive, ack } = driven();
    const messages = await receive(queue);
    if (messages.length > 0) await ack(queue, messages);
    return messages.map(({ body }) => body);
  }

  /** A queue with two offloaded messages in one row; the last lease of one is over. */
  async function withOneDead(entry: PublishEntry) {
    const { create, publish, receive, clock } = driven();
    await create('dead', forever);
    await create('q', { visibilityTimeoutSeconds: 1, deadLetter: { queue: 'dead', maxReceives: 1 } });
    await publish('q', { ...entry, body: large }, { ...entry, body: 'other' });
    const [dying] = await receive('q', { max: 1 });
    clock.advance(2 * secondMs);
    return dying!;
  }

  /** An offloaded message whose last lease is over, alone in its row; it is due to move to a queue without retention. */
  async function withLastLeaseOver(settings: Partial<QueueSettings> = {}) {
    const { create, publish, receive, clock } = driven();
    await create('dead', forever);
    await create('q', { visibilityTimeoutSeconds: 1, deadLetter: { queue: 'dead', maxReceives: 1 }, ...settings });
    await publish('q', { body: large });
    const messages = await receive('q');
    clock.advance(2 * secondMs);
    return messages;
  }

  it.each([
    ['one of a parcel', {}],
    ['one of a group', { group: 'a' }],
  ])('an offloaded body of a dead-lettering that lost a race is removed: %s', async (_, entry) => {
    const { receive } = driven();
    await withOneDead(entry);
    const lostRace = beforeNext('transact', 'leases', () => drain('q'));
    await receive('q');
    expect(lostRace()).toBe(true);
    expect(await drain('dead')).toEqual([large]);
    expect(await leftOver()).toEqual([]);
  });

  it('an offloaded body of a message that lost the race to leave its group is removed', async () => {
    const { create, publish, receive, clock } = driven();
    const groups = { concurrency: 1, onFailure: 'aside' as const, ratePerSecond: null };
    await create('q', { ...forever, visibilityTimeoutSeconds: 1, groups });
    await publish('q', { body: large, group: 'a' });
    await receive('q');
    clock.advance(2 * secondMs);
    const received: unknown[] = [];
    const lostRace = beforeNext('transact', 'leases', async () => received.push(...(await drain('q'))));
    received.push(...(await drain('q')));
    expect(lostRace()).toBe(true);
    expect(received).toEqual([large]);
    expect(await leftOver()).toEqual([]);
  });

  it('an offloaded body of a move that the store refused is removed', async () => {
    const { receive } = driven();
    await withOneDead({});
    const wasRefused = beforeNext('transact', 'leases', async () => {
      throw new StoreError('too busy', 'no');
    });
    await expect(receive('q')).rejects.toMatchObject({ code: 'unavailable' });
    expect(wasRefused()).toBe(true);
    expect(await withoutTtl()).toEqual([]);
  });

  it('an offloaded body stays with a move that was applied without an answer, even if its row has changed since', async () => {
    const { receive, spy, another } = driven();
    await withOneDead({});
    const { store } = spy;
    const losingAnswer = another({
      ...store,
      async transact(writes, options) {
        await store.transact(writes, options);
        expect(await drain('q')).toEqual(['other']);
        throw new StoreError('the answer was lost', 'unknown');
      },
    });
    await losingAnswer.call('receive', { queue: 'q' }, {});
    expect((await receive('dead')).map(({ body }) => body)).toEqual([large]);
  });

  it('an offloaded body stays with a move of unknown outcome that arrives late', async () => {
    const { receive, spy, another } = driven();
    await withOneDead({});
    const { store } = spy;
    let arrive: (() => Promise<void>) | undefined;
    const late = another({
      ...store,
      async transact(writes) {
        arrive = async () => void (await store.transact(writes));
        throw new StoreError('the answer was lost', 'unknown');
      },
      // The row cannot be read either.
      async get(keys) {
        if (arrive) throw new StoreError('too busy', 'no');
        return store.get(keys);
      },
    });
    await expect(late.call('receive', { queue: 'q' }, {})).rejects.toThrow();
    await arrive?.();
    expect((await receive('dead')).map(({ body }) => body)).toEqual([large]);
  });

  it.each<[string, Partial<QueueSettings>]>([
    ['not kept', {}],
    ['kept', { keep: { doneSeconds: 3600, deadSeconds: 0 } }],
  ])('an offloaded body is removed with a message that was acked during its move to a queue without retention: %s', async (_, settings) => {
    const { receive, ack, engine } = driven();
    const messages = await withLastLeaseOver(settings);
    const lostRace = beforeNext('write', 'leases', async () => expect(await ack('q', messages)).toEqual([{ ok: true }]));
    await receive('q');
    expect(lostRace()).toBe(true);
    const { id } = messages[0]!;
    if (settings.keep) expect(await engine.call('getMessage', { queue: 'q', id }, {})).toMatchObject({ body: large });
    expect(await leftOver()).toEqual([]);
  });

  it('an offloaded body is removed with a message that was acked after the store refused its move to a queue without retention', async () => {
    const { receive, ack } = driven();
    const messages = await withLastLeaseOver();
    const wasRefused = beforeNext('write', 'leases', async () => {
      throw new StoreError('too busy', 'no');
    });
    await expect(receive('q')).rejects.toMatchObject({ code: 'unavailable' });
    expect(wasRefused()).toBe(true);
    expect(await ack('q', messages)).toEqual([{ ok: true }]);
    expect(await leftOver()).toEqual([]);
  });

  it.each<[string, Partial<QueueSettings>]>([
    ['not kept', {}],
    ['kept', { keep: { doneSeconds: 3600, deadSeconds: 0 } }],
  ])('an offloaded body is removed with a message whose lease was extended during its move to a queue without retention: %s', async (_, settings) => {
    const { receive, ack, call } = driven();
    const messages = await withLastLeaseOver(settings);
    const lostRace = beforeNext('write', 'leases', () =>
      call('extend', 'q', { receipts: messages.map(({ receipt }) => receipt), visibilityTimeoutSeconds: 60 }),
    );
    await receive('q');
    expect(lostRace()).toBe(true);
    expect(await ack('q', messages)).toEqual([{ ok: true }]);
    expect(await leftOver()).toEqual([]);
  });

  it.each<[string, PublishEntry, Partial<QueueSettings>, Key['table']]>([
    ['ready', {}, {}, 'messages'],
    ['delayed', { delaySeconds: 5 }, {}, 'leases'],
    ['with an own id', { id: 'own' }, {}, 'leases'],
    ['with a deduplication key', { dedupKey: 'key' }, { deduplication }, 'leases'],
    ['prepared', { prepared: true }, { prepared: { timeoutSeconds: 60, checkBack: null } }, 'leases'],
    ['in a group', { group: 'a' }, {}, 'leases'],
  ])('an offloaded body of a refused publish is removed: %s', async (_, entry, settings, table) => {
    const { create, spy, another } = driven();
    await create('q', { ...forever, ...settings });
    let refused = 0;
    // The first refusal is transient, so the publish decides again.
    const refusal = () => new StoreError('too busy', 'no', undefined, refused++ === 0 ? 'throttled' : undefined);
    const isRow = (key: Key) => key.table === table && !(key.table === 'messages' && key.shard.startsWith('body:'));
    const { store } = spy;
    const busy = another({
      ...store,
      async write(write, options) {
        if (isRow(write.key)) throw refusal();
        return store.write(write, options);
      },
      async writeAll(writes, options) {
        return writes.some(({ key }) => isRow(key)) ? writes.map(refusal) : store.writeAll(writes, options);
      },
      async transact() {
        throw refusal();
      },
    });
    const { results } = await busy.call('publish', { queue: 'q' }, { messages: [{ body: large, ...entry }] });
    expect(results).toMatchObject([{ ok: false, code: 'unavailable' }]);
    expect(refused).toBe(2);
    expect(await chunks()).toEqual([]);
  });

  it.each<[string, PublishEntry, Partial<QueueSettings>]>([
    ['with an own id', { id: 'own' }, {}],
    ['with a deduplication key', { dedupKey: 'key' }, { deduplication }],
    ['prepared', { prepared: true }, { prepared: { timeoutSeconds: 60, checkBack: null } }],
  ])('an offloaded body of a publish that was paused for too long is removed: %s', async (_, entry, settings) => {
    const { create, call, clock } = driven();
    await create('q', { ...forever, ...settings });
    const hasPaused = beforeNext('write', 'leases', async () => clock.advance(retryMsMax + 1));
    const { results } = await call('publish', 'q', { messages: [{ body: large, ...entry }] });
    expect(hasPaused()).toBe(true);
    expect(results).toMatchObject([{ code: 'unavailable', message: expect.stringContaining('was not published') }]);
    expect(await withoutTtl()).toEqual([]);
  });

  it('an offloaded body stays with a keyed publish that was applied, although its row could not be read again', async () => {
    const { create, receive, spy, another, clock } = driven();
    await create('q', { ...forever, deduplication });
    const { store } = spy;
    let isMade = false;
    const slow = another({
      ...store,
      async write(write, options) {
        const written = await store.write(write, options);
        if (write.key.table !== 'leases') return written;
        isMade = true;
        clock.advance(readToWriteMsMax + secondMs);
        return written;
      },
      async get(keys) {
        if (isMade) throw new StoreError('too busy', 'no');
        return store.get(keys);
      },
    });
    await slow.call('publish', { queue: 'q' }, { messages: [{ body: large, dedupKey: 'key' }] });
    expect(isMade).toBe(true);
    expect((await receive('q')).map(({ body }) => body)).toEqual([large]);
  });
});
