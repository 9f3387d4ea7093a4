/** Schedules whose queue is purged, deleted or created again. */
import { expect, it } from 'vitest';
import { settingsCacheMs } from '../../contract/limits.ts';
import { afterNoon, drain, noon, schedules, sweepFor, ticksOf, travel, upTo } from '../support/driven-schedules.ts';
import { hourMs, minuteMs, secondMs } from '../support/durations.ts';
import { onBothStores } from '../support/on-both-stores.ts';

onBothStores('the queue of a schedule', (driven) => {
  it('a purge removes ticks that were due and none to come', async () => {
    const { create, engine, clock, call } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('s', { cron: '* * * * *' });
    clock.advance(90 * secondMs);
    await call('purge', 'q');
    expect(ticksOf(await drain(driven()))).toEqual([]);
    travel(driven(), afterNoon(2)[0]!);
    expect(ticksOf(await drain(driven()))).toEqual(afterNoon(2));
  });

  it('a schedule whose queue is gone reports it, blocks no other schedule, and goes on when the queue is back', async () => {
    const { create, engine, call, clock, events, sweep } = driven();
    for (const queue of ['q', 'other']) await create(queue);
    travel(driven(), noon);
    await schedules(engine).put('a', { queue: 'other', cron: '* * * * *' });
    await schedules(engine).put('b', { cron: '* * * * *' });
    await call('deleteQueue', 'other');
    clock.advance(settingsCacheMs);
    expect(await sweepFor(driven(), 10)).toEqual(afterNoon(...upTo(10)));
    const failed = await schedules(engine).get('a');
    expect(failed.lastError).toEqual({ at: expect.any(String), message: 'queue: there is no queue "other"' });
    const told = events.filter(({ kind }) => kind === 'schedule_failed');
    expect(told).toEqual([{ kind: 'schedule_failed', schedule: 'a', queue: 'other', reason: failed.lastError!.message }]);
    // The schedule can be changed while its queue is gone.
    expect(await schedules(engine).update('a', { missed: 'all' })).toMatchObject({ missed: 'all' });
    await sweep();
    expect((await schedules(engine).get('a')).lastError).not.toBeNull();
    await create('other');
    await sweep();
    expect(ticksOf(await drain(driven(), 'other'))).toEqual(afterNoon(...upTo(10)));
    expect((await schedules(engine).get('a')).lastError).toBeNull();
  });

  it.each([
    'one',
    'all',
    'none',
  ] as const)('a schedule publishes again what lay ahead in a queue that was deleted and created again, each tick once, with missed %s', async (missed) => {
    const { create, engine, call, clock, sweep, receive } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('a', { cron: '* * * * *', missed });
    await sweep();
    clock.advance(minuteMs + secondMs);
    // This tick is received before the queue is deleted, so it is not published again.
    expect(ticksOf(await receive('q'))).toEqual(afterNoon(1));
    await call('deleteQueue', 'q');
    await create('q');
    clock.advance(settingsCacheMs);
    expect(await schedules(engine).get('a')).toMatchObject({ lastAt: afterNoon(1)[0], nextAt: afterNoon(2)[0] });
    expect((await schedules(engine).list()).schedules).toMatchObject([{ lastAt: afterNoon(1)[0], nextAt: afterNoon(2)[0] }]);
    expect(await sweepFor(driven(), 5)).toEqual(afterNoon(2, 3, 4, 5, 6));
  });

  it('a schedule publishes again what lay ahead in a deleted queue, also ticks that fell due before the next sweep', async () => {
    const { create, engine, call, clock, sweep, rows } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('a', { everySeconds: 10 });
    await sweep();
    await call('deleteQueue', 'q');
    clock.advance(settingsCacheMs);
    await create('q');
    clock.advance(35 * secondMs - settingsCacheMs);
    expect(await drain(driven())).toEqual([]);
    expect(await schedules(engine).get('a')).toMatchObject({ lastAt: null });
    await sweep();
    expect((await drain(driven())).length).toBe(3);
    // A receive with the settings of the deleted queue cannot get the new messages, nor the other way round.
    const { incarnation } = (await rows('queues')).find(({ kind }) => kind === 'queue')!;
    const waiting = (await rows('leases')).filter(({ expiry }) => expiry !== undefined);
    expect(waiting.length).toBeGreaterThan(0);
    expect(waiting.filter(({ shard }) => !(shard as string).startsWith(incarnation as string))).toEqual([]);
    // A change of the schedule does not lose them either.
    await call('deleteQueue', 'q');
    await create('q');
    await schedules(engine).update('a', { message: { body: 'changed' } });
    clock.advance(11 * secondMs);
    expect((await drain(driven())).map(({ body }) => body)).toEqual(['changed']);
  });

  it('a schedule shows what it published before its queue was deleted, and is left alone until its next tick', async () => {
    const { create, engine, call, clock, sweep, spy } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('daily', { cron: '1 12 * * *' });
    await sweep();
    clock.advance(2 * minuteMs);
    expect(ticksOf(await drain(driven()))).toEqual(afterNoon(1));
    await call('deleteQueue', 'q');
    await create('q');
    clock.advance(minuteMs);
    await sweep();
    expect(await schedules(engine).get('daily')).toMatchObject({ lastAt: afterNoon(1)[0] });
    clock.advance(hourMs);
    spy.takeCounts();
    await sweep();
    expect(spy.takeCounts()).toMatchObject({ transactions: 0 });
    expect(await drain(driven())).toEqual([]);
  });
});
