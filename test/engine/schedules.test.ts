/** Ticks of schedules: when they are published, what happens to missed ones, and what input is refused. */
import { expect, it } from 'vitest';
import type { InputOf, Schedule } from '../../contract/contract.ts';
import { everySecondsMin, scheduleTicksMax } from '../../contract/limits.ts';
import { StoreError } from '../../engine/port/port.ts';
import { scheduleKey } from '../../engine/schedules/schedule-record.ts';
import { afterNoon, drain, noon, schedules, sweepFor, ticksOf, travel, upTo } from '../support/driven-schedules.ts';
import { hourMs, instant, minuteMs, secondMs } from '../support/durations.ts';
import { noise } from '../support/noise.ts';
import { onBothStores } from '../support/on-both-stores.ts';

onBothStores('schedules', (driven) => {
  it('a schedule publishes one message at each tick of a cron expression, to the millisecond', async () => {
    const { create, engine, clock, sweep } = driven();
    await create('q');
    travel(driven(), noon);
    const put = await schedules(engine).put('s', { cron: '*/5 * * * *', message: { body: 1, attributes: { of: 'mine' } } });
    expect(put).toEqual({
      name: 's',
      queue: 'q',
      cron: '*/5 * * * *',
      timeZone: 'UTC',
      everySeconds: null,
      startAt: null,
      endAt: null,
      missed: 'one',
      paused: false,
      message: { body: 1, attributes: { of: 'mine' } },
      nextAt: afterNoon(5)[0],
      lastAt: null,
      lastError: null,
      createdAt: noon,
      updatedAt: noon,
    });
    for (let minute = 0; minute < 4; minute++) expect(await sweepFor(driven(), 1)).toEqual([]);
    clock.advance(minuteMs - 1);
    await sweep();
    expect(await drain(driven())).toEqual([]);
    clock.advance(1);
    const [message, ...others] = await drain(driven());
    expect(others).toEqual([]);
    expect(message).toMatchObject({
      body: 1,
      attributes: { of: 'mine', schedule: 's', tick: afterNoon(5)[0] },
      publishedAt: afterNoon(5)[0],
      receives: 1,
    });
    expect(await schedules(engine).get('s')).toMatchObject({
      lastAt: afterNoon(5)[0],
      nextAt: afterNoon(10)[0],
      updatedAt: noon,
    });
    expect(await sweepFor(driven(), 10)).toEqual(afterNoon(10, 15));
  });

  it('a schedule by rate publishes from startAt, or from when it was put, and not at or after endAt', async () => {
    const { create, engine } = driven();
    for (const queue of ['q', 'from']) await create(queue);
    travel(driven(), noon);
    await schedules(engine).put('s', { everySeconds: 90 });
    const [startAt, endAt] = afterNoon(2, 6);
    await schedules(engine).put('bounded', { queue: 'from', everySeconds: 120, startAt: startAt!, endAt: endAt! });
    const ticks: string[] = [];
    const bounded: string[] = [];
    for (let minute = 0; minute < 9; minute++) {
      ticks.push(...(await sweepFor(driven(), 1)));
      bounded.push(...ticksOf(await drain(driven(), 'from')));
    }
    expect(ticks).toEqual(afterNoon(1.5, 3, 4.5, 6, 7.5, 9));
    expect(bounded).toEqual(afterNoon(2, 4));
    expect(await schedules(engine).get('bounded')).toMatchObject({ nextAt: null, lastAt: afterNoon(4)[0] });
  });

  it('a schedule publishes each tick once, however many processes sweep at the same time', async () => {
    const { create, engine, another, clock } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('s', { everySeconds: everySecondsMin });
    const sweepers = [engine, another(), another(), another()];
    const ticks: string[] = [];
    for (let minute = 0; minute < 3; minute++) {
      clock.advance(minuteMs);
      await Promise.all(sweepers.map((sweeper) => sweeper.sweep({ until: clock.now() + hourMs })));
      ticks.push(...ticksOf(await drain(driven())));
    }
    expect(ticks).toEqual(afterNoon(...upTo(18).map((tick) => tick / 6)));
  });

  it('a schedule misses no tick when one sweep fails', async () => {
    const { create, engine, clock } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('s', { cron: '* * * * *' });
    clock.advance(2 * minuteMs);
    expect(ticksOf(await drain(driven()))).toEqual(afterNoon(1, 2));
  });

  it.each([
    ['one', 20, afterNoon(20)],
    ['all', 20, afterNoon(...upTo(20))],
    ['none', 20, []],
    ['none', 3, afterNoon(1, 2, 3)],
  ] as const)('a schedule publishes of its missed ticks "%s" after %i minutes without a sweep', async (missed, minutes, expected) => {
    const { create, engine, clock, sweep } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('s', { cron: '* * * * *', missed });
    // These were published ahead, when the schedule was put.
    clock.advance(2 * minuteMs);
    expect(ticksOf(await drain(driven()))).toEqual(afterNoon(1, 2));
    clock.advance((minutes - 2) * minuteMs);
    await sweep();
    expect(ticksOf(await drain(driven()))).toEqual(expected.filter((tick) => !afterNoon(1, 2).includes(tick)));
    expect(await sweepFor(driven(), 3)).toEqual(afterNoon(minutes + 1, minutes + 2, minutes + 3));
  });

  it('a schedule catches up on many missed ticks over several sweeps', async () => {
    const { create, engine, clock, sweep } = driven();
    await create('q');
    travel(driven(), noon);
    // One transaction carries about fifty messages of this size.
    const message = { body: 'x'.repeat(100_000) };
    await schedules(engine).put('s', { everySeconds: everySecondsMin, missed: 'all', startAt: afterNoon(10)[0]!, message });
    clock.advance(hourMs);
    const sizes: number[] = [];
    const ticks: string[] = [];
    while (ticks.length < 301) {
      await sweep();
      const taken = ticksOf(await drain(driven()));
      sizes.push(taken.length);
      ticks.push(...taken);
    }
    expect(Math.max(...sizes)).toBe(scheduleTicksMax);
    expect(ticks).toEqual(afterNoon(...Array.from({ length: 301 }, (_, index) => 10 + index / 6)));
  });

  it('a schedule catches up on large bodies, a few in a transaction', async () => {
    const { create, engine, clock, sweep } = driven();
    await create('q');
    travel(driven(), noon);
    const body = noise(900_000);
    await schedules(engine).put('s', { cron: '* * * * *', missed: 'all', startAt: afterNoon(5)[0]!, message: { body } });
    clock.advance(17 * minuteMs);
    expect((await sweep()).complete).toBe(true);
    expect(ticksOf(await drain(driven()))).toEqual(afterNoon(...upTo(13).map((minute) => minute + 4)));
  });

  it('a schedule misses no tick of large bodies at a short interval', async () => {
    const { create, engine, clock, sweep } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('s', { everySeconds: everySecondsMin, message: { body: noise(900_000) } });
    await sweep();
    const ticks: string[] = [];
    for (let pass = 0; pass < 2; pass++) {
      clock.advance(2 * minuteMs);
      await sweep();
      ticks.push(...ticksOf(await drain(driven())));
    }
    expect(ticks).toEqual(afterNoon(...upTo(24).map((tick) => tick / 6)));
  });

  it('a schedule continues in the next sweep when the time of one ends', async () => {
    const { create, engine, clock, spy, sweep } = driven();
    await create('q');
    travel(driven(), noon);
    const message = { body: noise(900_000) };
    await schedules(engine).put('s', { cron: '* * * * *', missed: 'all', startAt: afterNoon(5)[0]!, message });
    clock.advance(17 * minuteMs);
    spy.before = ({ method }) => {
      if (method === 'transact') clock.advance(secondMs);
    };
    expect((await engine.sweep({ until: clock.now() + 2 * secondMs })).complete).toBe(false);
    spy.before = () => {};
    expect(ticksOf(await drain(driven()))).toEqual(afterNoon(...upTo(10).map((minute) => minute + 4)));
    expect((await sweep()).complete).toBe(true);
    expect(ticksOf(await drain(driven()))).toEqual(afterNoon(15, 16, 17));
  });

  it('a schedule has no ticks by a clock that is not trusted', async () => {
    const { create, engine, another, clock, spy } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('s', { cron: '* * * * *' });
    clock.trusted = () => false;
    // With a clock a day ahead, all ticks of the day would count as missed.
    clock.advance(24 * hourMs);
    await another(spy.store).sweep({ until: clock.now() + hourMs });
    await expect(schedules(engine).update('s', { paused: true })).rejects.toMatchObject({ code: 'clock_skewed' });
    clock.advance(-24 * hourMs);
    clock.trusted = () => true;
    expect(await sweepFor(driven(), 3)).toEqual(afterNoon(1, 2, 3));
  });

  it('a schedule goes on when the store is too busy for another one', async () => {
    const { create, engine, clock, spy, sweep } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('a', { cron: '* * * * *' });
    await schedules(engine).put('b', { cron: '* * * * *' });
    clock.advance(2 * minuteMs);
    await drain(driven());
    spy.before = ({ keys }) => {
      const isBusy = keys.some((key) => key.table === 'queues' && key.name === 'a');
      if (isBusy) throw new StoreError('too busy', 'no', undefined, 'throttled');
    };
    expect((await sweep()).complete).toBe(false);
    spy.before = () => {};
    clock.advance(minuteMs);
    expect((await drain(driven())).map(({ body }) => body)).toEqual(['b']);
    expect((await sweep()).complete).toBe(true);
    expect((await drain(driven())).map(({ body }) => body)).toEqual(['a']);
  });

  it.each([
    ['2027-03-28', [8, 32, 55, 79]],
    ['2027-10-31', [7, 31, 56, 80]],
  ])('a schedule keeps to the time of day in Berlin across the change of clocks on %s', async (day, hours) => {
    const { create, engine, clock, sweep } = driven();
    await create('q');
    const from = Date.parse(`${day}T00:00:00Z`) - 48 * hourMs;
    travel(driven(), from);
    await schedules(engine).put('s', { cron: '0 9 * * *', timeZone: 'Europe/Berlin', missed: 'all' });
    const ticks: string[] = [];
    for (let hour = 0; hour < 82; hour += 6) {
      clock.advance(6 * hourMs);
      await sweep();
      ticks.push(...ticksOf(await drain(driven())));
    }
    expect(ticks).toEqual(hours.map((hour) => instant(from + hour * hourMs)));
  });

  it('reading a schedule also answers its next five ticks, which keep the time of day in Berlin across a change of clocks', async () => {
    const { create, engine, sweep } = driven();
    await create('q');
    travel(driven(), '2027-03-26T12:00:00Z');
    await schedules(engine).put('s', { cron: '30 2 * * *', timeZone: 'Europe/Berlin' });
    const nextTicks = [
      '2027-03-27T01:30:00.000Z',
      // This day has no half past two: its tick comes when the clocks move forward.
      '2027-03-28T01:00:00.000Z',
      '2027-03-29T00:30:00.000Z',
      '2027-03-30T00:30:00.000Z',
      '2027-03-31T00:30:00.000Z',
    ];
    expect(await schedules(engine).get('s')).toMatchObject({ nextAt: nextTicks[0], nextTicks });
    // The sweep publishes the first one ahead. It is a coming tick until it is due.
    travel(driven(), Date.parse(nextTicks[0]!) - minuteMs);
    await sweep();
    expect(await schedules(engine).get('s')).toMatchObject({ nextAt: nextTicks[0], nextTicks });
    travel(driven(), nextTicks[0]!);
    expect(await schedules(engine).get('s')).toMatchObject({
      nextAt: nextTicks[1],
      nextTicks: [...nextTicks.slice(1), '2027-04-01T00:30:00.000Z'],
    });
  });

  it('reading a schedule answers the ticks that are left before it ends, and none while it is paused', async () => {
    const { create, engine } = driven();
    await create('q');
    travel(driven(), noon);
    const [startAt, endAt] = afterNoon(10, 40);
    await schedules(engine).put('s', { everySeconds: 600, startAt: startAt!, endAt: endAt! });
    expect(await schedules(engine).get('s')).toMatchObject({ nextTicks: afterNoon(10, 20, 30) });
    travel(driven(), afterNoon(25)[0]!);
    expect(await schedules(engine).get('s')).toMatchObject({ nextTicks: afterNoon(30) });
    await schedules(engine).update('s', { paused: true });
    expect(await schedules(engine).get('s')).toMatchObject({ nextAt: null, nextTicks: [] });
    await schedules(engine).update('s', { paused: false });
    travel(driven(), endAt!);
    expect(await schedules(engine).get('s')).toMatchObject({ nextTicks: [] });
  });

  it('a schedule in a time zone that this process does not know is read all the same, without its next ticks', async () => {
    const { create, engine, spy } = driven();
    await create('q');
    await schedules(engine).put('s', { cron: '0 9 * * *' });
    const [row] = await spy.store.get([scheduleKey('s')]);
    const rule = { cron: '0 9 * * *', timeZone: 'Mars/Olympus' };
    await spy.store.write({ key: scheduleKey('s'), then: { put: { ...row!, rule } } });
    expect(await schedules(engine).get('s')).toMatchObject({ ...rule, nextTicks: [] });
  });

  it('listSchedules lists schedules by name, in pages that an answer can carry', async () => {
    const { create, engine } = driven();
    await create('q');
    travel(driven(), noon);
    const names = ['b', 'a', 'Z', 'c-1', 'c_1', '0'];
    for (const name of names) await schedules(engine).put(name, { cron: '0 0 1 1 *', message: { body: noise(1_000_000) } });
    const read = async (input: InputOf<'listSchedules'>) => {
      const found: Schedule[] = [];
      let pages = 0;
      for (let cursor: string | undefined; ; pages++) {
        const page = await schedules(engine).list({ ...input, ...(cursor ? { cursor } : {}) });
        found.push(...page.schedules);
        cursor = page.cursor;
        if (!cursor) return { found, pages: pages + 1 };
      }
    };
    const { found, pages } = await read({});
    expect(found.map(({ name }) => name)).toEqual([...names].sort());
    const { nextTicks: _, ...first } = await schedules(engine).get('0');
    expect(found[0]).toEqual(first);
    expect(pages).toBe(2);
    expect((await read({ limit: 1 })).found.map(({ name }) => name)).toEqual([...names].sort());
    for (const cursor of ['x', 'e30', Buffer.from('{"name":""}').toString('base64url')])
      await expect(schedules(engine).list({ cursor })).rejects.toMatchObject({ code: 'invalid_input' });
  });

  it.each<[Partial<InputOf<'putSchedule'>>, string]>([
    [{}, 'exactly one of cron and everySeconds'],
    [{ cron: '* * * * *', everySeconds: 60 }, 'exactly one of cron and everySeconds'],
    [{ cron: '61 * * * *' }, 'cron: '],
    [{ cron: '* * * *' }, 'cron: '],
    [{ cron: '* * * * * *' }, 'cron: '],
    [{ cron: '2027-01-01T00:00:00' }, 'cron: '],
    [{ cron: '@reboot' }, 'cron: '],
    [{ cron: '0 0 31 2 *' }, 'cron: never falls due, was "0 0 31 2 *"'],
    [{ cron: '* * * * *', timeZone: 'Mars/Olympus' }, 'timeZone: must be the name of an IANA time zone'],
    [{ cron: '* * * * *', timeZone: '+02:00' }, 'timeZone: '],
    [{ everySeconds: 60, timeZone: 'UTC' }, 'timeZone: is allowed only with cron'],
    [{ everySeconds: everySecondsMin - 1 }, `everySeconds: must be a whole number of seconds from ${everySecondsMin}`],
    [{ everySeconds: 60, startAt: 'soon' }, 'startAt: '],
    [{ everySeconds: 60, startAt: noon, endAt: noon }, 'endAt: must be later than startAt'],
    [{ everySeconds: 60, missed: 'some' as never }, 'missed: must be one of one, all, none'],
    [{ everySeconds: 60, queue: 'nowhere' }, 'queue: there is no queue "nowhere"'],
    [{ everySeconds: 60, message: {} }, 'message: must have exactly one of body and bodyBase64'],
    [
      { everySeconds: 60, message: { body: 1, attributes: { tick: 'mine' } } },
      'message.attributes: must not have schedule or tick',
    ],
    [{ everySeconds: 60, message: { body: 1, id: 'mine' } as never }, 'message.id: unknown field'],
    [{ everySeconds: 60, message: { body: 1, priority: 1 } }, 'message.priority: must be at most 0'],
  ])('putSchedule refuses bad input and names it: %j', async (input, told) => {
    const { create, engine } = driven();
    await create('q');
    await expect(schedules(engine).put('s', input)).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining(told),
    });
    expect((await schedules(engine).list()).schedules).toEqual([]);
    await expect(schedules(engine).put('no/name', { everySeconds: 60 })).rejects.toMatchObject({ code: 'invalid_input' });
  });
});
