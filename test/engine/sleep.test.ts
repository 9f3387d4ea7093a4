/** Idle queues that the sweep skips, and what wakes them. */
import { expect, it } from 'vitest';
import { awakeMs, sweepPeriodMs } from '../../contract/limits.ts';
import type { SweepReport } from '../../engine/engine.ts';
import { type QueueRecord, readQueue } from '../../engine/model/queue-record.ts';
import { StoreError } from '../../engine/port/port.ts';
import { arrivedMs } from '../../engine/queues/sleep.ts';
import { hourMs } from '../support/durations.ts';
import { onBothStores } from '../support/on-both-stores.ts';

onBothStores('an idle queue', (driven) => {
  async function record(name = 'q'): Promise<QueueRecord> {
    const rows = await driven().rows('queues');
    return readQueue(rows.find((row) => row.kind === 'queue' && row.queue === name)!);
  }

  /** Sweeps each minute for `ms`, and returns the last report. */
  async function sweepFor(ms: number): Promise<SweepReport> {
    let report = await driven().sweep();
    for (let swept = 0; swept < ms; swept += sweepPeriodMs) {
      driven().clock.advance(sweepPeriodMs);
      report = await driven().sweep();
    }
    return report;
  }

  /** Sweeps until all queues sleep, and asserts that they do. */
  async function fallAsleep(): Promise<void> {
    const { totals } = await sweepFor(awakeMs + arrivedMs + 5 * sweepPeriodMs);
    expect(totals.asleep).toBeGreaterThanOrEqual(totals.queues - 1);
    expect(await record()).toHaveProperty('asleepUntil');
  }

  const namesOf = ({ queues }: SweepReport) => queues.map(({ name }) => name);

  it('an idle queue is visited until no write can still arrive, and is skipped from then on', async () => {
    await driven().create('q');
    expect(namesOf(await sweepFor(awakeMs + arrivedMs - sweepPeriodMs))).toEqual(['q']);
    expect(await record()).not.toHaveProperty('asleepUntil');
    await fallAsleep();
    // Of a sleeping queue a sweep reads only the settings.
    const reports: SweepReport[] = [];
    for (let run = 0; run < 5; run++) reports.push(await driven().sweep());
    expect(reports.filter(({ queues }) => queues.length === 0).length).toBeGreaterThan(2);
    expect(reports.every(({ complete }) => complete)).toBe(true);
  });

  it('a queue is visited however long a message waits in it', async () => {
    await driven().create('q');
    await driven().send('q', 'waits');
    expect((await sweepFor(2 * hourMs)).queues).toMatchObject([{ name: 'q', waiting: 1 }]);
  });

  it('a publish wakes a sleeping queue with one write of its settings, and the next publishes of any process need none', async () => {
    const { create, send, spy, another, engine } = driven();
    await create('q');
    await fallAsleep();
    spy.takeCounts();
    await send('q', 'wakes it');
    expect(spy.takeCounts()).toMatchObject({ puts: 2, refused: 0 });
    expect(await record()).not.toHaveProperty('asleepUntil');
    await send('q', 'finds it awake');
    const other = another();
    await other.call('publish', { queue: 'q' }, { messages: [{ body: 'so does another process' }] });
    expect(spy.takeCounts()).toMatchObject({ puts: 2, refused: 0 });
    expect((await engine.sweep({ until: driven().clock.now() + hourMs })).queues).toMatchObject([{ name: 'q', waiting: 3 }]);
  });

  it('a queue sleeps until its first lease ends, and the message is dead-lettered within a minute of that', async () => {
    const { create, send, receive, clock, bodies } = driven();
    await create('dead');
    await create('q', { deadLetter: { queue: 'dead', maxReceives: 1 } });
    await send('q', 'used up');
    await receive('q', { visibilityTimeoutSeconds: 5 * 3600 });
    const leaseEnd = clock.now() + 5 * hourMs;
    await fallAsleep();
    expect((await record()).asleepUntil).toBe(leaseEnd);
    clock.advance(leaseEnd - clock.now() - 1);
    await driven().sweep();
    expect(await bodies('dead')).toEqual([]);
    clock.advance(sweepPeriodMs);
    await driven().sweep();
    expect((await driven().sweep()).queues).toContainEqual(expect.objectContaining({ name: 'dead', waiting: 1 }));
    expect(await bodies('dead')).toEqual(['used up']);
  });

  it('a release of a long lease wakes a sleeping queue', async () => {
    const { create, send, receive, call } = driven();
    await create('q');
    await send('q', 'given back');
    const [held] = await receive('q', { visibilityTimeoutSeconds: 5 * 3600 });
    await fallAsleep();
    await call('release', 'q', { receipts: [held!.receipt] });
    expect((await driven().sweep()).queues).toMatchObject([{ name: 'q', waiting: 1 }]);
  });

  it('a sleeping queue wakes for a prepared message that times out, and rolls it back within a minute', async () => {
    const { create, publish, events, clock } = driven();
    await create('q', { prepared: { timeoutSeconds: 3 * 3600, checkBack: null } });
    await publish('q', { body: 'perhaps', prepared: true });
    const timeoutAt = clock.now() + 3 * hourMs;
    await fallAsleep();
    clock.advance(timeoutAt - clock.now() + 1);
    await driven().sweep();
    expect(events).toContainEqual(expect.objectContaining({ kind: 'rolled_back' }));
  });

  it('a purge and a change of settings wake a sleeping queue', async () => {
    const { create, call, publish } = driven();
    await create('q');
    await publish('q', { body: 'later', delaySeconds: 50 * 3600 });
    await fallAsleep();
    await call('purge', 'q');
    expect(namesOf(await driven().sweep())).toEqual(['q']);
    await fallAsleep();
    await call('updateQueue', 'q', { visibilityTimeoutSeconds: 77 });
    expect(namesOf(await driven().sweep())).toEqual(['q']);
  });

  it('a queue that gave out transaction items never sleeps, because they may be committed at any time', async () => {
    const { create, call, commit, send, receive, clock } = driven();
    await create('q', { retentionSeconds: 3600 * 24 * 30 });
    await create('acked');
    await send('acked', 1);
    const [held] = await receive('acked', { visibilityTimeoutSeconds: 50 * 3600 });
    const { items } = await call('publishItems', 'q', { messages: [{ body: 'committed late' }] });
    await call('ackItems', 'acked', { receipts: [held!.receipt] });
    await sweepFor(awakeMs + arrivedMs + hourMs);
    clock.advance(10 * hourMs);
    expect(namesOf(await driven().sweep()).sort()).toEqual(['acked', 'q']);
    expect(await commit(items)).toEqual([]);
    expect((await driven().sweep()).queues).toContainEqual(expect.objectContaining({ name: 'q', waiting: 1 }));
  });

  it('a queue in use stays awake at the cost of one write every few minutes', async () => {
    const { create, spy, send, receive, ack, clock } = driven();
    await create('q');
    spy.takeCounts();
    let writes = 0;
    for (let minute = 0; minute < 60; minute++) {
      await send('q', minute);
      await ack('q', await receive('q'));
      clock.advance(sweepPeriodMs);
      const { puts, removals } = spy.takeCounts();
      // Without the parcel, its lease and its tombstone.
      writes += puts - 3;
      expect(removals).toBe(1);
    }
    expect(writes).toBeGreaterThan(0);
    expect(writes).toBeLessThanOrEqual(60 / 5);
  });

  it('a publish to a sleeping queue that cannot be woken answers unavailable and stores nothing', async () => {
    const { create, call, spy, rows } = driven();
    await create('q');
    await fallAsleep();
    spy.before = ({ method, keys }) => {
      if (method === 'write' && keys.some(({ table }) => table === 'queues')) {
        throw new StoreError('too busy', 'no', undefined, 'throttled');
      }
    };
    expect((await call('publish', 'q', { messages: [{ body: 1 }] })).results).toMatchObject([{ ok: false, code: 'unavailable' }]);
    expect(await rows('messages')).toEqual([]);
  });

  it('a queue stays awake when it is written to while a sweep puts it to sleep', async () => {
    const { create, send, spy, clock } = driven();
    await create('q');
    await sweepFor(awakeMs + arrivedMs - sweepPeriodMs);
    clock.advance(3 * sweepPeriodMs);
    let hasWritten = false;
    spy.before = async ({ method, keys }) => {
      if (hasWritten || method !== 'write' || keys[0]?.table !== 'queues') return;
      hasWritten = true;
      await send('q', 'just in time');
    };
    await driven().sweep();
    expect(hasWritten).toBe(true);
    expect(await record()).not.toHaveProperty('asleepUntil');
    expect((await driven().sweep()).queues).toMatchObject([{ name: 'q', waiting: 1 }]);
  });
});
