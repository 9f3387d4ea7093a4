/** Creating, changing, listing and deleting queues. */
import { expect, it } from 'vitest';
import type { ParamsOf } from '../../contract/contract.ts';
import { settingsCacheMs, signedRequestMsMax } from '../../contract/limits.ts';
import { settingsDefaults } from '../../contract/settings-defaults.ts';
import type { QueueOperation } from '../../engine/engine.ts';
import { hourMs } from '../support/durations.ts';
import { noise } from '../support/noise.ts';
import { onEveryStore } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';

onEveryStore('queues', (driven) => {
  it('createQueue applies the settings given and defaults for the others', async () => {
    const { create, call, clock } = driven();
    await create('dead');
    const given = {
      visibilityTimeoutSeconds: 7,
      delaySeconds: 1,
      retentionSeconds: null,
      deadLetter: { queue: 'dead', maxReceives: 3 },
      backoff: { minSeconds: 1, maxSeconds: 9, factor: 1.5, jitter: 0.5 },
    };
    const at = new Date(clock.now()).toISOString();
    expect(await create('q', given)).toEqual({
      name: 'q',
      ...settingsDefaults,
      ...given,
      createdAt: at,
      updatedAt: at,
    });
    expect(await call('getQueue', 'q')).toMatchObject({ name: 'q', ...given });
    expect(await call('getQueue', 'dead')).toMatchObject({
      visibilityTimeoutSeconds: 30,
      delaySeconds: 0,
      retentionSeconds: 14 * 86_400,
      deadLetter: null,
      backoff: null,
    });
  });

  it('createQueue repeated with the same settings changes nothing, and with others is refused', async () => {
    const { create, call, clock, send } = driven();
    const first = await create('q', { delaySeconds: 5 });
    await send('q', 1);
    clock.advance(1_000);
    expect(await create('q', { delaySeconds: 5 })).toEqual(first);
    await expect(create('q', {})).rejects.toMatchObject({
      code: 'queue_exists',
      message: expect.stringContaining('delaySeconds'),
    });
    await expect(
      create('q', { delaySeconds: 5, backoff: { minSeconds: 1, maxSeconds: 1, factor: 1, jitter: 0 } }),
    ).rejects.toMatchObject({
      code: 'queue_exists',
    });
    expect(await call('getQueue', 'q')).toMatchObject({ delaySeconds: 5, counts: { delayed: 1 } });
  });

  it('createQueue by several callers at once succeeds for one', async () => {
    const { another } = driven();
    const results = await Promise.allSettled(
      range(6).map((delaySeconds) => another().call('createQueue', { queue: 'q' }, { delaySeconds })),
    );
    expect(results.filter(({ status }) => status === 'fulfilled').length).toBe(1);
  });

  it('updateQueue changes only the settings given, everywhere within two seconds', async () => {
    const { create, call, another, clock, send } = driven();
    await create('q', { visibilityTimeoutSeconds: 5, delaySeconds: 1 });
    const other = another();
    await other.call('publish', { queue: 'q' }, { messages: [{ body: 1 }] });
    clock.advance(1_000);
    expect(await call('updateQueue', 'q', { delaySeconds: 0, retentionSeconds: null })).toMatchObject({
      visibilityTimeoutSeconds: 5,
      delaySeconds: 0,
      retentionSeconds: null,
      updatedAt: new Date(clock.now()).toISOString(),
    });
    clock.advance(settingsCacheMs);
    await other.call('publish', { queue: 'q' }, { messages: [{ body: 2 }] });
    await send('q', 3);
    expect((await driven().bodies('q')).sort()).toEqual([1, 2, 3]);
    expect(await call('updateQueue', 'q', { retentionSeconds: 60, deadLetter: null, backoff: null })).toMatchObject({
      retentionSeconds: 60,
    });
  });

  it('updateQueue calls at the same time all keep their changes', async () => {
    const { create, call, another } = driven();
    await create('q');
    await Promise.all([
      another().call('updateQueue', { queue: 'q' }, { delaySeconds: 9 }),
      another().call('updateQueue', { queue: 'q' }, { visibilityTimeoutSeconds: 9 }),
      another().call('updateQueue', { queue: 'q' }, { retentionSeconds: 99 }),
    ]);
    expect(await call('getQueue', 'q')).toMatchObject({ delaySeconds: 9, visibilityTimeoutSeconds: 9, retentionSeconds: 99 });
  });

  it('listQueues lists queues by name, in pages', async () => {
    const { create, engine } = driven();
    const names = ['b', 'a', 'Z', 'c-1', 'c_1', '0'];
    for (const name of names) await create(name);
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await engine.call('listQueues', {}, { limit: 2, ...(cursor ? { cursor } : {}) });
      found.push(...page.queues.map(({ name }) => name));
      cursor = page.cursor;
    } while (cursor);
    expect(found).toEqual([...names].sort());
    expect((await engine.call('listQueues', {}, {})).queues.length).toBe(names.length);
  });

  it('listQueues selects queues by the beginning of their names, and counts their messages if asked', async () => {
    const { create, engine } = driven();
    for (const name of ['a', 'a-1', 'a-2', 'a-3', 'b']) await create(name);
    await engine.call('publish', { queue: 'a-2' }, { messages: [{ body: 1 }, { body: 2 }] });
    const first = await engine.call('listQueues', {}, { prefix: 'a-', limit: 2, counts: true });
    const shown = first.queues.map(({ name, counts }) => [name, counts?.ready]);
    expect(shown).toEqual([
      ['a-1', 0],
      ['a-2', 2],
    ]);
    const rest = await engine.call('listQueues', {}, { prefix: 'a-', limit: 2, cursor: first.cursor! });
    expect(rest.queues.map(({ name, counts }) => [name, counts])).toEqual([['a-3', undefined]]);
    expect((await engine.call('listQueues', {}, { prefix: 'c' })).queues).toEqual([]);
    await expect(engine.call('listQueues', {}, { prefix: 'a*' })).rejects.toMatchObject({ code: 'invalid_input' });
  });

  it('every operation on a missing queue is refused with queue_not_found', async () => {
    const { engine } = driven();
    const queue = 'nowhere';
    const inputs: {
      [Name in Exclude<QueueOperation, 'createQueue'> as ParamsOf<Name> extends { queue: string } ? Name : never]: [
        object,
        object,
      ];
    } = {
      getQueue: [{ queue }, {}],
      updateQueue: [{ queue }, {}],
      deleteQueue: [{ queue }, {}],
      publish: [{ queue }, { messages: [{ body: 1 }] }],
      receive: [{ queue }, {}],
      ack: [{ queue }, { receipts: ['x'] }],
      release: [{ queue }, { receipts: ['x'] }],
      publishItems: [{ queue }, { messages: [{ body: 1 }] }],
      ackItems: [{ queue }, { receipts: ['x'] }],
      extend: [{ queue }, { receipts: ['x'] }],
      purge: [{ queue }, {}],
      peek: [{ queue }, {}],
      getMessage: [{ queue, id: 'x' }, {}],
      updateMessage: [{ queue, id: 'x' }, { delaySeconds: 1 }],
      cancelMessage: [{ queue, id: 'x' }, {}],
      releaseMessage: [{ queue, id: 'x' }, {}],
      commitMessage: [{ queue, id: 'x' }, {}],
      rollbackMessage: [{ queue, id: 'x' }, {}],
      redrive: [{ queue }, {}],
      getRedrive: [{ queue, task: 'x' }, {}],
      cancelRedrive: [{ queue, task: 'x' }, {}],
    };
    for (const [name, [params, input]] of Object.entries(inputs)) {
      const call = engine.call(name as QueueOperation, params as never, input as never);
      await expect(call, name).rejects.toMatchObject({ code: 'queue_not_found', message: expect.stringContaining(queue) });
    }
  });

  it('a dead-letter queue that is missing, the queue itself or part of a cycle is refused', async () => {
    const { create, call } = driven();
    const deadLetter = (queue: string) => ({ deadLetter: { queue, maxReceives: 1 } });
    await expect(create('a', deadLetter('missing'))).rejects.toMatchObject({ code: 'invalid_input' });
    await expect(create('a', deadLetter('a'))).rejects.toMatchObject({ code: 'invalid_input' });
    await create('a');
    await create('b', deadLetter('a'));
    await create('c', deadLetter('b'));
    for (const queue of ['a', 'b', 'c', 'missing']) {
      await expect(call('updateQueue', 'a', deadLetter(queue)), queue).rejects.toMatchObject({
        code: 'invalid_input',
        message: expect.stringContaining('deadLetter.queue'),
      });
    }
    expect(await call('getQueue', 'a')).toMatchObject({ deadLetter: null });
  });

  it('deleteQueue is refused while another queue names it as its dead-letter queue', async () => {
    const { create, call } = driven();
    await create('dead');
    await create('q', { deadLetter: { queue: 'dead', maxReceives: 1 } });
    await expect(call('deleteQueue', 'dead')).rejects.toMatchObject({
      code: 'queue_in_use',
      message: expect.stringContaining('"q"'),
    });
    await call('updateQueue', 'q', { deadLetter: null });
    expect(await call('deleteQueue', 'dead')).toEqual({});
    await expect(call('deleteQueue', 'dead')).rejects.toMatchObject({ code: 'queue_not_found' });
  });

  it('a queue created again after its deletion is empty', async () => {
    const { create, publish, receive, call, bodies, clock, sweep, engine } = driven();
    await create('q');
    const ids = await publish('q', { body: 1 }, { body: 2 }, { body: 3, id: 'own' }, { body: 4, delaySeconds: 1 });
    await receive('q', { max: 1 });
    await call('deleteQueue', 'q');
    await create('q');
    clock.advance(60_000);
    await sweep();
    expect(await bodies('q')).toEqual([]);
    expect((await call('getQueue', 'q')).counts).toMatchObject({ ready: 0, delayed: 0, leased: 0, dead: 0 });
    for (const id of ids) {
      await expect(engine.call('getMessage', { queue: 'q', id }, {})).rejects.toMatchObject({ code: 'message_not_found' });
    }
    await publish('q', { body: 'new', id: 'own' });
    expect(await bodies('q')).toEqual(['new']);
  });

  it('a deleted queue leaves nothing behind after the sweep', async () => {
    const { create, publish, send, receive, ack, call, clock, sweep, rows, spy } = driven();
    await create('q', { retentionSeconds: null });
    await create('other');
    await send('other', 'stays');
    for (const body of range(30)) await send('q', body, noise(3000 + body));
    await publish('q', { body: noise(4000), id: 'own' }, { body: noise(5000), delaySeconds: 100_000 });
    const held = await receive('q', { max: 20 });
    await ack('q', held.slice(0, 6));
    // A receiver that dies between its two writes leaves both rows.
    spy.before = ({ method }) => {
      if (method === 'writeAll') throw new Error('the receiver died');
    };
    await expect(receive('q', { max: 4 })).rejects.toThrow();
    spy.before = () => {};
    await call('deleteQueue', 'q');
    for (const _ of range(3)) {
      clock.advance(hourMs);
      await sweep();
    }
    expect((await rows('messages')).map(({ count }) => count)).toEqual([1]);
    expect((await rows('leases')).filter(({ ttl }) => ttl === undefined)).toEqual([]);
    expect((await rows('queues')).map(({ kind, name }) => [kind, name])).toEqual([['queue', 'other']]);
  });

  it('calls on a queue that is deleted while in use are refused with queue_not_found', async () => {
    const { create, send, receive, call, clock, another } = driven();
    await create('q');
    await send('q', 1);
    const [held] = await receive('q');
    const other = another();
    await other.call('receive', { queue: 'q' }, {});
    await call('deleteQueue', 'q');
    clock.advance(settingsCacheMs);
    for (const one of [other, driven().engine]) {
      await expect(one.call('ack', { queue: 'q' }, { receipts: [held!.receipt] })).rejects.toMatchObject({
        code: 'queue_not_found',
      });
      await expect(one.call('receive', { queue: 'q' }, { waitSeconds: 5 })).rejects.toMatchObject({ code: 'queue_not_found' });
    }
  });

  it('a queue whose messages are all done holds only tombstones with a TTL', async () => {
    const { create, publish, receive, ack, rows, clock, sweep, call } = driven();
    await create('dead');
    await create('q', { deadLetter: { queue: 'dead', maxReceives: 3 } });
    await publish('q', ...range(23).map((body) => ({ body })), { body: 1, id: 'own' }, { body: 2, delaySeconds: 5 });
    clock.advance(5_000);
    for (;;) {
      const messages = await receive('q', { max: 7 });
      if (messages.length === 0) break;
      await call('release', 'q', { receipts: messages.slice(0, 2).map(({ receipt }) => receipt), failed: 'x' });
      if (messages.length > 2) await ack('q', messages.slice(2));
    }
    await ack('dead', await receive('dead'));
    await sweep();
    expect(await rows('messages')).toEqual([]);
    const leases = await rows('leases');
    expect(leases).not.toEqual([]);
    for (const row of leases) {
      expect(row).toMatchObject({ until: expect.any(Number), ttl: expect.any(Number) });
      expect(row).not.toHaveProperty('expiry');
      expect(row.ttl as number).toBeLessThanOrEqual(Math.ceil((clock.now() + hourMs + signedRequestMsMax) / 1000));
    }
  });
});

onEveryStore('a queue that is recreated while its settings are being read', (driven) => {
  it('a publish to a queue that was recreated while its settings were being read is delivered', async () => {
    const { create, another, spy, bodies, clock } = driven();
    await create('q');
    const { store } = spy;
    let engine: ReturnType<typeof another> | undefined;
    const recreate = async () => {
      const made = engine!;
      engine = undefined;
      await made.call('deleteQueue', { queue: 'q' }, {});
      await made.call('createQueue', { queue: 'q' }, {});
    };
    const own = another({
      ...store,
      async range(range) {
        const page = await store.range(range);
        if (engine && range.table === 'queues' && range.partition === 'queue') await recreate();
        return page;
      },
      async get(keys) {
        const rows = await store.get(keys);
        if (engine && keys.some(({ table }) => table === 'queues')) await recreate();
        return rows;
      },
    });
    for (const read of [() => own.sweep({ until: clock.now() + hourMs }), () => own.call('getQueue', { queue: 'q' }, {})]) {
      clock.advance(settingsCacheMs);
      engine = own;
      await read();
      expect(engine).toBe(undefined);
      await own.call('publish', { queue: 'q' }, { messages: [{ body: 1 }] });
      clock.advance(settingsCacheMs);
      expect(await bodies('q')).toEqual([1]);
    }
  });
});
