/** Offloaded bodies when an answer is lost, a move fails, or a message lives longer than it was published for. */
import { expect, it } from 'vitest';
import type { Json } from '../../contract/contract.ts';
import { retentionGraceMs, settingsCacheMs } from '../../contract/limits.ts';
import { type Row, type Store, StoreError } from '../../engine/port/port.ts';
import { settingsForgottenMs } from '../../engine/queues/shard-scaling.ts';
import { secondMs } from '../support/durations.ts';
import { noise } from '../support/noise.ts';
import { onEveryStore } from '../support/on-both-stores.ts';

const large = noise(5000);

onEveryStore('offloaded bodies', (driven) => {
  /** Another process: its next put into `leases` is applied, then `then` runs, and the answer is lost. */
  function losingAnswer(then: () => Promise<unknown>) {
    const { spy, another } = driven();
    const { store } = spy;
    let isNext = true;
    const losing: Store = {
      ...store,
      async write(write, options) {
        const written = await store.write(write, options);
        if (!isNext || write.key.table !== 'leases' || !('put' in write.then)) return written;
        isNext = false;
        await then();
        throw new StoreError('the answer was lost', 'unknown');
      },
    };
    return another(losing);
  }

  const chunks = async () => (await driven().rows('messages')).filter(({ shard }) => (shard as string).startsWith('body:'));
  const expiringBefore = async (atMs: number): Promise<Row[]> =>
    (await chunks()).filter(({ ttl }) => ttl !== undefined && (ttl as number) * 1000 < atMs);

  it.each([
    ['without retention', { retentionSeconds: null }, {}],
    ['prepared', { prepared: { timeoutSeconds: 60, checkBack: null } }, { prepared: true as const }],
  ])('an offloaded body stays when its publish learns late that it was applied: %s', async (_, settings, entry) => {
    const { create, engine, receive, clock } = driven();
    await create('q', { visibilityTimeoutSeconds: 10, ...settings });
    const publisher = losingAnswer(async () => {
      if ('prepared' in entry) await engine.call('commitMessage', { queue: 'q', id: 'own' }, {});
      else await receive('q');
    });
    const { results } = await publisher.call('publish', { queue: 'q' }, { messages: [{ id: 'own', body: large, ...entry }] });
    expect(results).toEqual([{ ok: true, id: 'own' }]);
    clock.advance(11 * secondMs);
    expect((await receive('q')).map(({ body }) => body)).toEqual([large]);
  });

  it('an offloaded body stays when its edit learns late that it was applied', async () => {
    const { create, publish, receive, clock } = driven();
    await create('q', { retentionSeconds: null, visibilityTimeoutSeconds: 10 });
    await publish('q', { id: 'own', body: 'small' });
    const received: Json[] = [];
    const editor = losingAnswer(async () => received.push(...(await receive('q')).map(({ body }) => body!)));
    await editor.call('updateMessage', { queue: 'q', id: 'own' }, { content: { body: large } }).catch(() => {});
    clock.advance(11 * secondMs);
    received.push(...(await receive('q')).map(({ body }) => body!));
    expect(received).toEqual([large, large]);
  });

  it('a redrive that loses a race sets no TTL on an offloaded body', async () => {
    const { create, publish, receive, call, engine, spy, clock } = driven();
    await create('dead', { retentionSeconds: null });
    await create('q', { retentionSeconds: 3600, deadLetter: { queue: 'dead', maxReceives: 1 } });
    await publish('q', { id: 'own', body: large });
    const [message] = await receive('q');
    await call('release', 'q', { receipts: [message!.receipt] });
    const { id } = await call('redrive', 'dead', {});
    let isTaken = false;
    spy.before = async ({ method, keys }) => {
      if (isTaken || method !== 'write' || keys[0]!.table !== 'leases') return;
      isTaken = true;
      await receive('dead', { visibilityTimeoutSeconds: 1 });
    };
    await engine.runRedrive('dead', id, { until: clock.now() + 3600 * secondMs });
    expect(isTaken).toBe(true);
    expect(await expiringBefore(clock.now() + 3 * retentionGraceMs)).toEqual([]);
  });

  it('an offloaded body outlives a message that left its group and waits longer than the retention', async () => {
    const { create, publish, receive, call, clock } = driven();
    await create('dead');
    await create('q', {
      retentionSeconds: 3600,
      deadLetter: { queue: 'dead', maxReceives: 5 },
      groups: { concurrency: 1, onFailure: 'aside', ratePerSecond: null },
    });
    await publish('q', { body: large, group: 'a' });
    const [message] = await receive('q');
    const delaySeconds = (3 * retentionGraceMs) / secondMs;
    await call('release', 'q', { receipts: [message!.receipt], failed: 'no', delaySeconds });
    const used = (await driven().rows('leases')).find(({ id }) => (id as string).includes('.'))!.beside;
    const ended = await expiringBefore(clock.now() + delaySeconds * secondMs);
    expect(ended.filter(({ shard }) => shard === `body:${used}`)).toEqual([]);
  });

  it('a publish that is retried after a change of the retention stores its body again with the new TTL', async () => {
    const { create, call, spy, another, rows, clock } = driven();
    await create('q', { retentionSeconds: 60 });
    const { store } = spy;
    let isNext = true;
    const publisher = another({
      ...store,
      async writeAll(writes, options) {
        if (!isNext) return store.writeAll(writes, options);
        isNext = false;
        await call('updateQueue', 'q', { retentionSeconds: null });
        clock.advance(settingsCacheMs);
        return writes.map(() => new StoreError('too busy', 'no', undefined, 'throttled'));
      },
    });
    await publisher.call('publish', { queue: 'q' }, { messages: [{ body: large }] });
    const [row] = (await rows('messages')).filter(({ beside }) => beside !== undefined);
    expect(row).not.toHaveProperty('expiresAt');
    const [chunk] = (await chunks()).filter(({ shard }) => shard === `body:${row!.beside}`);
    expect(chunk).not.toHaveProperty('ttl');
  });

  it.each([
    ['arrived again, without retention', false, null],
    ['arrived again', false, 60],
    ['was not removed by its receivers', true, 60],
  ])('an offloaded body stays with a dead letter whose queue is deleted, although its parcel %s', async (_, stays, retentionSeconds) => {
    const { create, call, spy, another, receive, clock, sweep } = driven();
    await create('dead');
    await create('q', { retentionSeconds, visibilityTimeoutSeconds: 1, deadLetter: { queue: 'dead', maxReceives: 1 } });
    const { store } = spy;
    const parcels: Parameters<Store['writeAll']>[0][number][] = [];
    // A process that dies gives nothing back.
    let isDead = false;
    const engine = another({
      ...store,
      async get(keys) {
        if (isDead) throw new StoreError('the process died', 'unknown');
        return store.get(keys);
      },
      async writeAll(writes, options) {
        if (stays && writes.some(({ then }) => 'remove' in then)) isDead = true;
        if (isDead) throw new StoreError('the process died', 'unknown');
        parcels.push(...writes.filter(({ then }) => 'put' in then));
        return store.writeAll(writes, options);
      },
    });
    await engine.call('publish', { queue: 'q' }, { messages: [{ body: large }] });
    for (let round = 0; round < 2; round++) {
      await engine.call('receive', { queue: 'q' }, {}).catch(() => {});
      isDead = false;
      clock.advance(2 * secondMs);
    }
    await call('deleteQueue', 'q');
    expect(parcels).toHaveLength(1);
    if (!stays) await store.writeAll(parcels);
    clock.advance(settingsForgottenMs + 1);
    await sweep();
    expect((await receive('dead')).map(({ body }) => body)).toEqual([large]);
  });

  it('deleting a queue removes its offloaded bodies, also those that a group was to remove', async () => {
    const { create, publish, receive, ack, call, clock, sweep } = driven();
    await create('q', { retentionSeconds: null });
    await publish('q', { body: large, group: 'a' });
    await ack('q', await receive('q'));
    await call('deleteQueue', 'q');
    clock.advance(settingsForgottenMs);
    await sweep();
    // A process that has not seen the deletion may still move the message to another queue.
    expect((await chunks()).length).toBe(1);
    clock.advance(1);
    await sweep();
    expect(await chunks()).toEqual([]);
  });
});

onEveryStore('a redrive of a group', (driven) => {
  it('a redrive leaves messages of a group in their place', async () => {
    const { create, publish, receive, call, redrive, bodies } = driven();
    await create('other');
    await create('q');
    await publish('q', ...[0, 1, 2].map((body) => ({ body, group: 'a' })));
    const [first] = await receive('q', { max: 1 });
    await call('release', 'q', { receipts: [first!.receipt] });
    expect(await redrive('q', { toQueue: 'other' })).toMatchObject({ state: 'done', moved: 0, skipped: 3 });
    expect(await redrive('q', { toQueue: 'other', ids: [first!.id] })).toMatchObject({ moved: 0 });
    expect(await bodies('q')).toEqual([0, 1, 2]);
    expect(await bodies('other')).toEqual([]);
  });
});
