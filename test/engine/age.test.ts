/** Purge and retention: when messages end by age, and what remains of them. */
import { expect, it } from 'vitest';
import { endGraceMs, readToWriteMsMax } from '../../contract/limits.ts';
import { hourMs } from '../support/durations.ts';
import { noise } from '../support/noise.ts';
import { onBothStores } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';

onBothStores('purge', (driven) => {
  it('purge removes every message published before it, in any state, and none published after it', async () => {
    const { create, send, publish, receive, call, bodies, ack, clock, rows, sweep } = driven();
    await create('q', { visibilityTimeoutSeconds: 60 });
    await send('q', 'leased', 'released');
    const held = await receive('q');
    await call('release', 'q', { receipts: [held[1]!.receipt] });
    const ids = await publish('q', { body: 'own', id: 'own' }, { body: 'delayed', delaySeconds: 5 }, { body: noise(3000) });
    const { purgedBefore } = await call('purge', 'q');
    expect(Date.parse(purgedBefore)).toBeLessThan(clock.now());
    await send('q', 'new');
    await publish('q', { body: 'new own', id: 'new' });
    expect((await call('getQueue', 'q')).counts).toMatchObject({
      ready: 2,
      delayed: 0,
      leased: 0,
      dead: 0,
      oldestAgeSeconds: 0,
      atLeast: false,
    });
    expect((await call('peek', 'q', {})).messages.map(({ body }) => body)).toEqual(['new', 'new own']);
    for (const id of [held[0]!.id, held[1]!.id, ...ids]) {
      await expect(driven().engine.call('getMessage', { queue: 'q', id }, {})).rejects.toMatchObject({
        code: 'message_not_found',
      });
    }
    const news = await receive('q', { visibilityTimeoutSeconds: 1000 });
    expect(news.map(({ body }) => body)).toEqual(['new', 'new own']);
    clock.advance(60_000);
    expect(await bodies('q')).toEqual([]);
    await ack('q', news);
    await sweep();
    const left = await rows('leases');
    expect(left.filter(({ expiry }) => expiry !== undefined)).toEqual([]);
    expect((await rows('messages')).filter(({ ttl }) => ttl === undefined)).toEqual([]);
  });

  it('purge leaves unreceived rows to the sweep, which removes them without any receive', async () => {
    const { create, send, call, sweep, rows } = driven();
    await create('q');
    for (const body of range(25)) await send('q', body, body);
    await call('purge', 'q');
    await send('q', 'new');
    const report = await sweep();
    expect(report.queues).toMatchObject([{ name: 'q', removed: 25, waiting: 1 }]);
    expect((await rows('messages')).length).toBe(1);
  });

  it('a receive after a purge finds what was published after the purge', async () => {
    const { create, send, call, bodies } = driven();
    await create('q');
    for (const body of range(30)) await send('q', body);
    await call('purge', 'q');
    await send('q', 'new');
    expect(await bodies('q', { max: 1 })).toEqual(['new']);
  });

  it('purge takes effect in other processes by the time it answers', async () => {
    const { create, send, another, call } = driven();
    await create('q');
    const other = another();
    await send('q', 'old');
    await other.call('receive', { queue: 'q' }, { visibilityTimeoutSeconds: 0 });
    await call('purge', 'q');
    expect(await other.call('receive', { queue: 'q' }, {})).toEqual({ messages: [] });
  });

  it.each([
    'receive',
    'sweep',
  ] as const)('purge of a queue without retention leaves no offloaded body behind once a %s has met the messages', async (by) => {
    const { create, send, call, receive, sweep, rows, clock } = driven();
    await create('q', { retentionSeconds: null });
    await send('q', noise(3000));
    await call('purge', 'q');
    const meet = by === 'sweep' ? sweep : () => receive('q');
    await meet();
    clock.advance(endGraceMs);
    await meet();
    expect(await rows('messages')).toEqual([]);
  });

  it.each([
    ['an unreceived message', {}],
    ['a message of a group', { group: 'g' }],
  ])('purge removes no offloaded body that a receive from before the purge may still claim: %s', async (_, more) => {
    const { create, publish, call, sweep, another, spy, events, rows, clock } = driven();
    await create('dead', { retentionSeconds: null });
    const groups = { concurrency: 1, onFailure: 'block', ratePerSecond: null } as const;
    await create('q', { retentionSeconds: null, groups, deadLetter: { queue: 'dead', maxReceives: 1 } });
    await publish('q', { body: noise(3000), ...more });
    /** A process that pauses before its first write to `leases`, until `meanwhile` ends. */
    const pausing = (meanwhile: () => Promise<unknown>) => {
      let hasPaused = false;
      return another({
        ...spy.store,
        async write(write, options) {
          if (!hasPaused && write.key.table === 'leases') {
            hasPaused = true;
            await meanwhile();
          }
          return spy.store.write(write, options);
        },
      });
    };
    const [reached, purged] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const slow = pausing(() => {
      reached.resolve();
      return purged.promise;
    });
    const receiving = slow.call('receive', { queue: 'q' }, { visibilityTimeoutSeconds: 0 });
    await reached.promise;
    await call('purge', 'q');
    const resume = () => {
      purged.resolve();
      return receiving;
    };
    await pausing(resume).sweep({ until: clock.now() + hourMs });
    await resume();
    await slow.call('receive', { queue: 'q' }, {});
    clock.advance(endGraceMs);
    await sweep();
    await sweep();
    expect(events.filter(({ kind }) => kind === 'anomaly')).toEqual([]);
    expect(await driven().bodies('dead')).toEqual([]);
    expect(await rows('messages')).toEqual([]);
  });

  it('a sweep that is too slow to record the cleanup of a purged group parcel leaves the parcel to the next sweep', async () => {
    const { create, publish, call, another, spy, rows, sweep, clock } = driven();
    await create('q', { retentionSeconds: null });
    await publish('q', { body: noise(3000), group: 'g' });
    await call('purge', 'q');
    let late = 0;
    const slow = another({
      ...spy.store,
      async write(write, options) {
        if (write.key.table === 'leases' && late++ === 0) clock.advance(readToWriteMsMax + 1);
        return spy.store.write(write, options);
      },
    });
    await slow.sweep({ until: clock.now() + hourMs });
    clock.advance(endGraceMs);
    await sweep();
    clock.advance(endGraceMs);
    await sweep();
    expect(await rows('messages')).toEqual([]);
  });

  it('purge keeps leased and released messages out of the dead-letter queue', async () => {
    const { create, send, receive, call, clock, sweep } = driven();
    await create('dead');
    await create('q', { deadLetter: { queue: 'dead', maxReceives: 1 } });
    await send('q', 'released', 'held');
    const held = await receive('q');
    await call('purge', 'q');
    await call('release', 'q', { receipts: [held[0]!.receipt], failed: 'x' });
    clock.advance(60_000);
    await sweep();
    expect((await call('getQueue', 'dead')).counts).toMatchObject({ ready: 0, dead: 0 });
  });

  it('purge of a dead-letter queue keeps messages that are dead-lettered later', async () => {
    const { create, send, receive, call, clock, bodies } = driven();
    await create('dead');
    await create('q', { deadLetter: { queue: 'dead', maxReceives: 1 } });
    await send('q', 'one', 'two');
    const held = await receive('q');
    await call('release', 'q', { receipts: [held[0]!.receipt] });
    await call('purge', 'dead');
    clock.advance(30_000);
    await receive('q');
    expect(await bodies('dead')).toEqual(['two']);
  });
});

onBothStores('retention', (driven) => {
  it('an unreceived message expires to the millisecond, and the sweep removes it', async () => {
    const { create, send, bodies, clock, sweep, rows, call } = driven();
    await create('q', { retentionSeconds: 60 });
    const [id] = await send('q', 'a');
    clock.advance(59_999);
    expect(await bodies('q', { visibilityTimeoutSeconds: 0 })).toEqual(['a']);
    await send('q', 'b');
    clock.advance(1);
    expect(await bodies('q', { visibilityTimeoutSeconds: 0 })).toEqual(['b']);
    await expect(driven().engine.call('getMessage', { queue: 'q', id: id! }, {})).rejects.toMatchObject({
      code: 'message_not_found',
    });
    clock.advance(59_998);
    expect((await call('getQueue', 'q')).counts.ready).toBe(1);
    clock.advance(1);
    expect((await call('getQueue', 'q')).counts.ready).toBe(0);
    expect((await call('peek', 'q', {})).messages).toEqual([]);
    await sweep();
    expect(await rows('messages')).toEqual([]);
    expect((await rows('leases')).filter(({ expiry }) => expiry !== undefined)).toEqual([]);
  });

  it('an expired message that was never received is removed by a receive or by the sweep', async () => {
    const { create, send, clock, sweep, rows, bodies } = driven();
    await create('q', { retentionSeconds: 60 });
    await send('q', 'a');
    clock.advance(60_000);
    expect(await bodies('q')).toEqual([]);
    await send('q', 'b');
    clock.advance(60_000);
    await sweep();
    expect(await rows('messages')).toEqual([]);
  });

  it('retention of a delayed message starts when it is first ready', async () => {
    const { create, publish, bodies, clock } = driven();
    await create('q', { retentionSeconds: 60 });
    await publish('q', { body: 'a', delaySeconds: 600 }, { body: 'b', delaySeconds: 600 });
    clock.advance(600_000 + 59_999);
    expect(await bodies('q', { max: 1 })).toEqual(['a']);
    clock.advance(1);
    expect(await bodies('q')).toEqual([]);
  });

  it('ack of a lease that outlasts the retention succeeds until the lease ends, and the message is never delivered again', async () => {
    const { create, send, receive, ack, clock } = driven();
    await create('q', { retentionSeconds: 60 });
    await send('q', 'a', 'b');
    const held = await receive('q', { visibilityTimeoutSeconds: 100 });
    clock.advance(99_000);
    expect(await ack('q', held.slice(0, 1))).toEqual([{ ok: true }]);
    clock.advance(1_000);
    expect(await receive('q')).toEqual([]);
    expect(await ack('q', held.slice(1))).toMatchObject([{ ok: false, code: 'lease_lost' }]);
  });

  it('retention is fixed when a message is published', async () => {
    const { create, send, call, bodies, clock } = driven();
    await create('q', { retentionSeconds: 60 });
    await send('q', 'short');
    await call('updateQueue', 'q', { retentionSeconds: null });
    await send('q', 'forever');
    clock.advance(10 * 365 * 86_400_000);
    expect(await bodies('q')).toEqual(['forever']);
  });

  it.each([
    null,
    3600,
  ])('expired messages are reported as events and purged messages are not, with keep.doneSeconds %s', async (doneSeconds) => {
    const { create, publish, send, receive, call, clock, sweep, events, bodies } = driven();
    const keep = doneSeconds === null ? {} : { keep: { doneSeconds, deadSeconds: 0 } };
    await create('q', { retentionSeconds: 60, groups: { concurrency: 1, onFailure: 'block', ratePerSecond: null }, ...keep });
    await send('q', 'together', 'together');
    await publish('q', { body: 'own', id: 'own' });
    for (const body of range(3)) await publish('q', { body, group: 'g' });
    clock.advance(60_000);
    expect(await bodies('q')).toEqual([]);
    await sweep();
    const told = events.filter(({ kind }) => kind === 'expired') as { queue: string; messages: number }[];
    expect(told.every(({ queue }) => queue === 'q')).toBe(true);
    expect(told.reduce((sum, { messages }) => sum + messages, 0)).toBe(6);
    await send('q', 'leased', 'waiting');
    await receive('q', { max: 1, visibilityTimeoutSeconds: 1 });
    await publish('q', { body: 'grouped', group: 'g' });
    await call('purge', 'q');
    clock.advance(120_000);
    await sweep();
    expect(await bodies('q')).toEqual([]);
    expect(events.filter(({ kind }) => kind === 'expired').length).toBe(told.length);
  });
});

onBothStores('a sweep that is paused while the settings change', (driven) => {
  it('a sweep that is paused while a dead-letter queue is added moves messages that expire meanwhile to that queue', async () => {
    const { create, send, call, spy, clock, bodies, sweep } = driven();
    await create('dead');
    await create('q', { retentionSeconds: 60 });
    await send('q', 1);
    let hasPaused = false;
    spy.before = async ({ method, keys }) => {
      if (hasPaused || method !== 'get' || keys[0]?.table !== 'leases') return;
      hasPaused = true;
      await call('updateQueue', 'q', { deadLetter: { queue: 'dead', maxReceives: 3 } });
      clock.advance(60_000);
    };
    await sweep();
    expect(hasPaused).toBe(true);
    await sweep();
    expect(await bodies('dead')).toEqual([1]);
  });
});
