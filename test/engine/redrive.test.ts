/** Redrive tasks: what they move, how fast, and what stops them. */
import { expect, it } from 'vitest';
import type { MessageFilter } from '../../contract/contract.ts';
import { endGraceMs, headRowsMax, settingsCacheMs, sweepPeriodMs, tombstoneMs } from '../../contract/limits.ts';
import { type Key, StoreError } from '../../engine/port/port.ts';
import { noise } from '../support/noise.ts';
import { onBothStores } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';

onBothStores('redrive', (driven) => {
  /** Creates `q` and `p` with the dead-letter queue `dead`. */
  async function queues() {
    await driven().create('dead');
    for (const queue of ['q', 'p']) await driven().create(queue, { deadLetter: { queue: 'dead', maxReceives: 1 } });
  }
  /** Publishes bodies and dead-letters them with this failure text. Returns their ids. */
  async function die(queue: string, failed: string, ...bodies: (string | number)[]) {
    const { send, receive, call } = driven();
    const ids = await send(queue, ...bodies);
    const receipts = (await receive(queue)).map(({ receipt }) => receipt);
    await call('release', queue, { receipts, failed, ...(failed === 'rejected' && { deadLetter: true }) });
    return ids;
  }
  const sorted = (bodies: unknown[]) => bodies.sort((a, b) => Number(a) - Number(b));

  it('redrive moves all messages back to the queues they came from, alive, with their ids', async () => {
    await queues();
    const { redrive, receive, call, ack, clock } = driven();
    const publishedAt = new Date(clock.now()).toISOString();
    const ids = await die('q', 'x', ...range(12));
    await die('p', 'x', 100, 101);
    clock.advance(1);
    expect(await redrive('dead')).toMatchObject({
      state: 'done',
      moved: 14,
      skipped: 0,
      endedAt: expect.any(String),
      error: null,
    });
    const back = await receive('q');
    expect(new Set(back.map(({ id }) => id))).toEqual(new Set(ids));
    expect(back.every((message) => message.receives === 1 && message.publishedAt === publishedAt)).toBe(true);
    expect(back.some((message) => 'deadLetter' in message)).toBe(false);
    expect(sorted((await receive('p')).map(({ body }) => body))).toEqual([100, 101]);
    expect((await call('getQueue', 'dead')).counts).toMatchObject({ ready: 0, dead: 0 });
    expect(await ack('q', back)).toEqual(range(12).map(() => ({ ok: true })));
  });

  it('redrive moves only the messages of the given ids out of their parcels', async () => {
    await queues();
    const { redrive, bodies, publish, receive, call } = driven();
    const ids = await die('q', 'x', 0, 1, 2, 3);
    await publish('q', { body: 'own', id: 'own' });
    await call('release', 'q', { receipts: (await receive('q')).map(({ receipt }) => receipt), failed: 'x' });
    const task = await redrive('dead', { ids: [ids[1]!, ids[3]!, 'own', 'nothing', ids[1]!] });
    expect(task).toMatchObject({ state: 'done', moved: 3 });
    expect((await bodies('q')).map(String).sort()).toEqual(['1', '3', 'own']);
    expect(sorted(await bodies('dead'))).toEqual([0, 2]);
  });

  it.each<[filter: MessageFilter, moved: string[]]>([
    [{ attribute: ['kind=red'] }, ['a', 'c', 'g']],
    [{ attribute: ['kind=red'], group: 'g' }, ['g']],
    [{ text: '"b' }, ['b']],
    [{ key: 'k' }, ['keyed']],
    [{ priority: 1 }, ['urgent']],
    [{ id: 'own-' }, ['own']],
    [{ text: 'none' }, []],
  ])('redrive moves the dead letters that peek selects by %j, out of their parcels, and skips the others', async (filter, moved) => {
    const { create, publish, receive, call, redrive, bodies } = driven();
    const priority = { levels: 2, order: 'strict' as const };
    const settings = { priority, deduplication: { windowSeconds: 60, onDuplicate: 'ignore' as const } };
    await create('dead', settings);
    await create('q', { ...settings, deadLetter: { queue: 'dead', maxReceives: 1 } });
    const red = { attributes: { kind: 'red' } };
    await publish('q', { body: 'a', ...red }, { body: 'b', attributes: { kind: 'blue' } }, { body: 'c', ...red });
    await publish('q', { body: 'g', group: 'g', ...red }, { body: 'keyed', dedupKey: 'k' });
    await publish('q', { body: 'urgent', priority: 1 }, { body: 'own', id: 'own-1' });
    await call('release', 'q', { receipts: (await receive('q')).map(({ receipt }) => receipt), deadLetter: true });
    const { messages } = await call('peek', 'dead', { ...filter, state: 'dead' });
    expect(messages.map(({ body }) => body).sort()).toEqual(moved);
    expect(await redrive('dead', filter)).toMatchObject({ state: 'done', moved: moved.length, skipped: 7 - moved.length });
    expect((await bodies('q')).sort()).toEqual(moved);
  });

  it('redrive to another queue leaves a parcel of which no message fits the filter where it is', async () => {
    const { create, send, redrive, rows, bodies } = driven();
    await create('from');
    await create('to');
    await send('from', 'a', 'b');
    await send('from', 'c', 'd');
    expect(await redrive('from', { toQueue: 'to', text: 'e' })).toMatchObject({ moved: 0, skipped: 4 });
    expect((await rows('messages')).length).toBe(2);
    expect(await redrive('from', { toQueue: 'to', text: 'd' })).toMatchObject({ moved: 1, skipped: 3 });
    expect((await rows('messages')).length).toBe(1);
    expect(await bodies('to')).toEqual(['d']);
  });

  it('redrive moves only messages of the given reason or time range, and counts the others as skipped', async () => {
    await queues();
    const { redrive, bodies, clock } = driven();
    await die('q', 'rejected', 0, 1);
    clock.advance(10_000);
    const from = new Date(clock.now()).toISOString();
    await die('q', 'middle', 2, 3);
    clock.advance(10_000);
    const until = new Date(clock.now()).toISOString();
    await die('q', 'rejected', 4, 5, 6);
    clock.advance(1);
    expect(await redrive('dead', { from, until })).toMatchObject({ moved: 2, skipped: 5 });
    expect(sorted(await bodies('q'))).toEqual([2, 3]);
    expect(await redrive('dead', { reason: 'rejected', from })).toMatchObject({ moved: 3, skipped: 2 });
    expect(sorted(await bodies('q'))).toEqual([4, 5, 6]);
    expect(await redrive('dead', { reason: 'expired' })).toMatchObject({ moved: 0, skipped: 2 });
  });

  it('redrive to another queue also moves messages that never died', async () => {
    await queues();
    const { create, redrive, send, publish, bodies, clock, rows } = driven();
    await create('other', { retentionSeconds: null });
    await die('q', 'x', noise(3000));
    await send('dead', 'published', 'here');
    await publish('dead', { body: 'by id', id: 'own' });
    clock.advance(1);
    expect(await redrive('dead', { toQueue: 'other' })).toMatchObject({ moved: 4, skipped: 0, toQueue: 'other' });
    expect((await bodies('other')).sort()).toEqual([noise(3000), 'by id', 'here', 'published'].sort());
    expect(await bodies('dead')).toEqual([]);
    // The offloaded body must not expire before a message without retention.
    expect((await rows('messages')).map(({ ttl }) => ttl)).toEqual([undefined]);
    const found = await driven().engine.call('getMessage', { queue: 'other', id: 'own' }, {});
    expect(found).toMatchObject({ queue: 'other', state: 'leased' });
  });

  it('redrive loses no message whose write got no answer', async () => {
    const { create, send, call, engine, bodies, clock, spy } = driven();
    await create('from');
    await create('to');
    await send('from', 'waits');
    clock.advance(1);
    const { id } = await call('redrive', 'from', { toQueue: 'to' });
    let isLost = false;
    spy.before = ({ method, keys }) => {
      if (method !== 'write' || keys[0]!.table !== 'leases' || isLost) return;
      isLost = true;
      throw new StoreError('no answer', 'unknown');
    };
    const run = () => engine.runRedrive('from', id, { until: clock.now() + 60_000 });
    await expect(run()).rejects.toMatchObject({ code: 'unavailable' });
    expect(await run()).toBe('done');
    expect(await bodies('to')).toEqual(['waits']);
  });

  it('redrive of a message behind the head of its shard does not bring it back when a copy of its publish arrives late', async () => {
    const { create, send, redrive, receive, ack, bodies, sweep, rows, clock, spy } = driven();
    await create('from', { retentionSeconds: null });
    await create('to', { retentionSeconds: null });
    // More rows than any receive or sweep reads at the head of a shard, so none reads the rows behind them.
    for (const body of range(headRowsMax + 1)) await send('from', body);
    const [id] = await send('from', 'last');
    const [row] = (await rows('messages')).filter(({ id: own }) => id!.startsWith(own as string));
    const key: Key = { table: 'messages', shard: row!.shard as string, id: row!.id as string };
    clock.advance(1);
    expect(await redrive('from', { ids: [id!], toQueue: 'to' })).toMatchObject({ moved: 1 });
    expect(await ack('to', await receive('to'))).toEqual([{ ok: true }]);
    await spy.store.write({ key, then: { put: row! } });
    for (const wait of [endGraceMs, tombstoneMs]) {
      clock.advance(wait + 1);
      await sweep();
    }
    expect([...(await bodies('from')), ...(await bodies('from'))].length).toBe(headRowsMax + 1);
  });

  it('redrive skips leased messages and those without a queue to return to', async () => {
    await queues();
    const { redrive, send, receive, call, clock } = driven();
    await die('q', 'x', 'leased', 'dead');
    await die('p', 'x', 'of a queue that is gone');
    await receive('dead', { max: 1 });
    await send('dead', 'never died', 'nor this');
    await call('deleteQueue', 'p');
    clock.advance(1);
    expect(await redrive('dead')).toMatchObject({ state: 'done', moved: 1, skipped: 4 });
  });

  it('redrive moves no faster than its rate', async () => {
    await queues();
    const { redrive, call, clock } = driven();
    for (const body of range(30)) await die('q', 'x', body);
    clock.advance(1);
    const from = clock.now();
    const { id } = await call('redrive', 'dead', { ratePerSecond: 5 });
    expect(await driven().engine.runRedrive('dead', id, { until: from + 2_000 })).toBe('more');
    const halfway = await driven().engine.call('getRedrive', { queue: 'dead', task: id }, {});
    expect(halfway).toMatchObject({ state: 'running', moved: 10 });
    expect(await driven().engine.runRedrive('dead', id, { until: from + 60_000 })).toBe('done');
    expect(clock.now() - from).toBeGreaterThanOrEqual(5_000);
    expect(clock.now() - from).toBeLessThanOrEqual(7_000);
    expect(await redrive('dead')).toMatchObject({ moved: 0 });
  });

  it.each([
    1, 3, 10, 14, 25,
  ])('redrive at %d messages a second counts messages, not rows, and moves at most one second of them at once', async (ratePerSecond) => {
    await queues();
    const { call, engine, clock, bodies, send, receive } = driven();
    const all = range(30);
    await send('q', ...all);
    const receipts = (await receive('q')).map(({ receipt }) => receipt);
    await call('release', 'q', { receipts, failed: 'x' });
    await send('dead', 'waits', 'too');
    clock.advance(1);
    const { id } = await call('redrive', 'dead', { ratePerSecond, toQueue: 'q' });
    const from = clock.now();
    const came: unknown[] = [];
    let state = 'more';
    while (state === 'more') {
      state = await engine.runRedrive('dead', id, { until: clock.now() + 1 });
      const now = await bodies('q', { visibilityTimeoutSeconds: 3600 });
      expect(now.length).toBeLessThanOrEqual(ratePerSecond);
      came.push(...now);
      expect(came.length).toBeLessThanOrEqual(ratePerSecond * (1 + (clock.now() - from) / 1000));
    }
    expect(came.length).toBe(all.length + 2);
    expect(new Set(came)).toEqual(new Set([...all, 'waits', 'too']));
    const task = await engine.call('getRedrive', { queue: 'dead', task: id }, {});
    expect(task).toMatchObject({ state: 'done', moved: all.length + 2, skipped: 0 });
    expect(clock.now() - from).toBeLessThanOrEqual((1 + Math.ceil((all.length + 2) / ratePerSecond)) * 1000);
  });

  it.each([
    ['dead', false, 'the queue "dead" was deleted while the task ran'],
    ['dead', true, 'the queue "dead" was deleted while the task ran; another was made under its name'],
    ['other', false, 'the queue "other", to which messages were moved, was deleted while the task ran'],
    [
      'other',
      true,
      'the queue "other", to which messages were moved, was deleted while the task ran; another was made under its name',
    ],
  ])('redrive fails with a reason when one of its queues is deleted while it runs: "%s", created again: %s', async (gone, isMadeAgain, error) => {
    await queues();
    const { call, engine, clock, create, sweep, started } = driven();
    await create('other');
    for (const body of range(4)) await die('q', 'x', body);
    clock.advance(1);
    const { id } = await call('redrive', 'dead', { ratePerSecond: 1, toQueue: 'other' });
    expect(await engine.runRedrive('dead', id, { until: clock.now() + 1 })).toBe('more');
    for (const queue of ['q', 'p']) await call('updateQueue', queue, { deadLetter: null });
    clock.advance(settingsCacheMs);
    await call('deleteQueue', gone);
    if (isMadeAgain) await create(gone);
    clock.advance(2 * sweepPeriodMs + 1);
    await sweep();
    expect(started.at(-1)).toEqual({ queue: 'dead', task: id });
    expect(await engine.runRedrive('dead', id, { until: clock.now() + 60_000 })).toBe('done');
    const task = await driven().another().call('getRedrive', { queue: 'dead', task: id }, {});
    expect(task).toMatchObject({ state: 'failed', error, moved: 1, endedAt: expect.any(String) });
    const runs = started.length;
    clock.advance(2 * sweepPeriodMs + 1);
    await sweep();
    expect(started.length).toBe(runs);
  });

  it('redrive uses the queue that exists now, although its process remembers the queue before it', async () => {
    await queues();
    const { call, engine, clock, create, another } = driven();
    const other = another();
    await create('other');
    for (const queue of ['dead', 'other']) await call('getQueue', queue);
    for (const body of range(2)) await die('q', 'x', body);
    for (const queue of ['q', 'p']) await call('updateQueue', queue, { deadLetter: null });
    for (const queue of ['dead', 'other']) {
      await other.call('deleteQueue', { queue }, {});
      await other.call('createQueue', { queue }, {});
    }
    const { id } = await call('redrive', 'dead', { toQueue: 'other' });
    expect(await engine.runRedrive('dead', id, { until: clock.now() + 60_000 })).toBe('done');
    expect(await engine.call('getRedrive', { queue: 'dead', task: id }, {})).toMatchObject({ state: 'done', moved: 0 });
  });

  it('redrive stops when it is cancelled, and counts what it has moved', async () => {
    await queues();
    const { call, engine, clock, bodies } = driven();
    for (const body of range(12)) await die('q', 'x', body);
    clock.advance(1);
    clock.leaping = false;
    const { id } = await call('redrive', 'dead', { ratePerSecond: 4 });
    expect(await engine.runRedrive('dead', id, { until: clock.now() })).toBe('more');
    clock.leaping = true;
    expect(await engine.runRedrive('dead', id, { until: clock.now() + 1_000 })).toBe('more');
    const cancelled = await engine.call('cancelRedrive', { queue: 'dead', task: id }, {});
    expect(cancelled).toMatchObject({ state: 'cancelled', moved: 4, endedAt: expect.any(String) });
    expect(await engine.runRedrive('dead', id, { until: clock.now() + 60_000 })).toBe('done');
    expect(await engine.call('cancelRedrive', { queue: 'dead', task: id }, {})).toEqual(cancelled);
    expect((await bodies('q')).length).toBe(4);
  });

  it('redrive counts what a page moved even if it was cancelled during that page', async () => {
    await queues();
    const { call, engine, clock, spy, bodies } = driven();
    for (const body of range(3)) await die('q', 'x', body);
    clock.advance(1);
    const { id } = await call('redrive', 'dead', {});
    let isCancelled = false;
    spy.before = async ({ method, keys }) => {
      const moves = method === 'write' && keys[0]!.table === 'leases';
      if (!moves || isCancelled) return;
      isCancelled = true;
      await engine.call('cancelRedrive', { queue: 'dead', task: id }, {});
    };
    expect(await engine.runRedrive('dead', id, { until: clock.now() + 60_000 })).toBe('done');
    const { length: moved } = await bodies('q');
    expect(moved).toBeGreaterThan(0);
    expect(await engine.call('getRedrive', { queue: 'dead', task: id }, {})).toMatchObject({ state: 'cancelled', moved });
  });

  it('redrive is started again by the sweep when its runner died, and goes on', async () => {
    await queues();
    const { call, engine, clock, spy, sweep, started, bodies, events } = driven();
    for (const body of range(30)) await die('q', 'x', body);
    clock.advance(1);
    const { id } = await call('redrive', 'dead', {});
    expect(started).toEqual([{ queue: 'dead', task: id }]);
    let writes = 0;
    spy.before = ({ method }) => {
      if (method === 'write' && ++writes > 10) throw new Error('the runner died');
    };
    await expect(engine.runRedrive('dead', id, { until: clock.now() + 60_000 })).rejects.toThrow();
    spy.before = () => {};
    await sweep();
    expect(started.length).toBe(1);
    clock.advance(2 * sweepPeriodMs + 1);
    await sweep();
    expect(started.length).toBe(2);
    expect(events).toContainEqual({ kind: 'redrive_stalled', queue: 'dead', task: id });
    expect(await engine.runRedrive('dead', id, { until: clock.now() + 60_000 })).toBe('done');
    expect(sorted(await bodies('q', { visibilityTimeoutSeconds: 1000 }))).toEqual(range(30));
  });

  it('redrive does not move a message twice that dies again meanwhile', async () => {
    await queues();
    const { call, engine, clock } = driven();
    for (const body of range(8)) await die('q', 'x', body);
    clock.advance(1);
    const { id } = await call('redrive', 'dead', { ratePerSecond: 2 });
    for (let round = 0; round < 20; round++) {
      await engine.runRedrive('dead', id, { until: clock.now() + 500 });
      const receipts = (await driven().receive('q')).map(({ receipt }) => receipt);
      if (receipts.length > 0) await call('release', 'q', { receipts, failed: 'again' });
    }
    expect(await engine.call('getRedrive', { queue: 'dead', task: id }, {})).toMatchObject({ state: 'done', moved: 8 });
    expect((await call('peek', 'dead', {})).messages.map(({ deadLetter }) => deadLetter?.text)).toEqual(
      range(8).map(() => 'again'),
    );
  });

  it('redrive refuses missing queues, and tasks that do not exist', async () => {
    await queues();
    const { call, engine } = driven();
    await expect(call('redrive', 'dead', { toQueue: 'dead' })).rejects.toMatchObject({ code: 'invalid_input' });
    await expect(call('redrive', 'dead', { toQueue: 'nowhere' })).rejects.toMatchObject({ code: 'invalid_input' });
    const { id } = await call('redrive', 'dead', {});
    for (const [queue, task] of [
      ['dead', 'nothing'],
      ['q', id],
    ] as const) {
      await expect(engine.call('getRedrive', { queue, task }, {})).rejects.toMatchObject({ code: 'task_not_found' });
      await expect(engine.call('cancelRedrive', { queue, task }, {})).rejects.toMatchObject({ code: 'task_not_found' });
    }
  });
});
