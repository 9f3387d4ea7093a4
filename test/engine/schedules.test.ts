import { expect, it } from 'vitest';
import type { InputOf, ReceivedMessage, Schedule } from '../../contract/contract.ts';
import { clockMarginMs, everySecondsMin, scheduleTicksMax, settingsCacheMs, sweepPeriodMs } from '../../contract/limits.ts';
import type { Engine } from '../../engine/engine.ts';
import { StoreError } from '../../engine/port/port.ts';
import type { DrivenEngine } from '../support/driven-engine.ts';
import { hourMs, instant, minuteMs, secondMs } from '../support/durations.ts';
import { noise } from '../support/noise.ts';
import { onBothStores } from '../support/on-both-stores.ts';

const ticksOf = (messages: readonly ReceivedMessage[]) => messages.map(({ attributes }) => attributes.tick as string).sort();

/** Brings the clock to an instant. */
function travel({ clock }: DrivenEngine, to: string | number): void {
  clock.advance((typeof to === 'number' ? to : Date.parse(to)) - clock.now());
}

const schedules = (engine: Engine) => ({
  put: (name: string, input: Partial<InputOf<'putSchedule'>>) =>
    engine.call('putSchedule', { name }, { queue: 'q', message: { body: name }, ...input }),
  get: (name: string) => engine.call('getSchedule', { name }, {}),
  update: (name: string, input: InputOf<'updateSchedule'>) => engine.call('updateSchedule', { name }, input),
  delete: (name: string) => engine.call('deleteSchedule', { name }, {}),
  list: (input: InputOf<'listSchedules'> = {}) => engine.call('listSchedules', {}, input),
});

/** Receives and acks all that is due. */
async function take({ receive, ack }: DrivenEngine, queue = 'q'): Promise<ReceivedMessage[]> {
  const all: ReceivedMessage[] = [];
  for (let page = await receive(queue); page.length > 0; page = await receive(queue)) {
    await ack(queue, page);
    all.push(...page);
  }
  return all;
}

/** Cancels the message of a tick to come. */
async function cancel({ engine, call }: DrivenEngine, tick: string): Promise<void> {
  for (let cursor: string | undefined; ; ) {
    const page = await call('peek', 'q', cursor === undefined ? {} : { cursor });
    const found = page.messages.find(({ attributes }) => attributes.tick === tick);
    cursor = page.cursor;
    if (!found && cursor !== undefined) continue;
    await engine.call('cancelMessage', { queue: 'q', id: found!.id }, {});
    return;
  }
}

/** Lets time pass with a sweep each minute, and answers the ticks received. */
async function live(driven: DrivenEngine, minutes: number, queue = 'q'): Promise<string[]> {
  const ticks: string[] = [];
  for (let minute = 0; minute < minutes; minute++) {
    driven.clock.advance(sweepPeriodMs);
    await driven.sweep();
    ticks.push(...ticksOf(await take(driven, queue)));
  }
  return ticks;
}

const noon = '2027-05-03T12:00:00.000Z';
const afterNoon = (...minutes: number[]) => minutes.map((minute) => instant(Date.parse(noon) + minute * minuteMs));
const upTo = (minutes: number) => Array.from({ length: minutes }, (_, index) => index + 1);

onBothStores('schedules', (driven) => {
  it('publish one message at each tick of a cron expression, to the millisecond', async () => {
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
    for (let minute = 0; minute < 4; minute++) expect(await live(driven(), 1)).toEqual([]);
    clock.advance(minuteMs - 1);
    await sweep();
    expect(await take(driven())).toEqual([]);
    clock.advance(1);
    const [message, ...others] = await take(driven());
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
    expect(await live(driven(), 10)).toEqual(afterNoon(10, 15));
  });

  it('publish by rate: from startAt on, or from when they were put, and not at or after endAt', async () => {
    const { create, engine } = driven();
    for (const queue of ['q', 'from']) await create(queue);
    travel(driven(), noon);
    await schedules(engine).put('s', { everySeconds: 90 });
    const [startAt, endAt] = afterNoon(2, 6);
    await schedules(engine).put('bounded', { queue: 'from', everySeconds: 120, startAt: startAt!, endAt: endAt! });
    const ticks: string[] = [];
    const bounded: string[] = [];
    for (let minute = 0; minute < 9; minute++) {
      ticks.push(...(await live(driven(), 1)));
      bounded.push(...ticksOf(await take(driven(), 'from')));
    }
    expect(ticks).toEqual(afterNoon(1.5, 3, 4.5, 6, 7.5, 9));
    expect(bounded).toEqual(afterNoon(2, 4));
    expect(await schedules(engine).get('bounded')).toMatchObject({ nextAt: null, lastAt: afterNoon(4)[0] });
  });

  it('publish each tick once, however many sweep at the same time', async () => {
    const { create, engine, another, clock } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('s', { everySeconds: everySecondsMin });
    const sweepers = [engine, another(), another(), another()];
    const ticks: string[] = [];
    for (let minute = 0; minute < 3; minute++) {
      clock.advance(minuteMs);
      await Promise.all(sweepers.map((sweeper) => sweeper.sweep({ until: clock.now() + hourMs })));
      ticks.push(...ticksOf(await take(driven())));
    }
    expect(ticks).toEqual(afterNoon(...upTo(18).map((tick) => tick / 6)));
  });

  it('miss no tick while the sweep fails once', async () => {
    const { create, engine, clock } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('s', { cron: '* * * * *' });
    clock.advance(2 * minuteMs);
    expect(ticksOf(await take(driven()))).toEqual(afterNoon(1, 2));
  });

  it.each([
    ['one', 20, afterNoon(20)],
    ['all', 20, afterNoon(...upTo(20))],
    ['none', 20, []],
    ['none', 3, afterNoon(1, 2, 3)],
  ] as const)('publish of ticks that were missed %s, after %i minutes without a sweep', async (missed, minutes, expected) => {
    const { create, engine, clock, sweep } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('s', { cron: '* * * * *', missed });
    // Those published when it was put, ahead.
    clock.advance(2 * minuteMs);
    expect(ticksOf(await take(driven()))).toEqual(afterNoon(1, 2));
    clock.advance((minutes - 2) * minuteMs);
    await sweep();
    expect(ticksOf(await take(driven()))).toEqual(expected.filter((tick) => !afterNoon(1, 2).includes(tick)));
    expect(await live(driven(), 3)).toEqual(afterNoon(minutes + 1, minutes + 2, minutes + 3));
  });

  it('catch up on many missed ticks in several sweeps', async () => {
    const { create, engine, clock, sweep } = driven();
    await create('q');
    travel(driven(), noon);
    // Of this size one transaction carries some fifty.
    const message = { body: 'x'.repeat(100_000) };
    await schedules(engine).put('s', { everySeconds: everySecondsMin, missed: 'all', startAt: afterNoon(10)[0]!, message });
    clock.advance(hourMs);
    const sizes: number[] = [];
    const ticks: string[] = [];
    while (ticks.length < 301) {
      await sweep();
      const taken = ticksOf(await take(driven()));
      sizes.push(taken.length);
      ticks.push(...taken);
    }
    expect(Math.max(...sizes)).toBe(scheduleTicksMax);
    expect(ticks).toEqual(afterNoon(...Array.from({ length: 301 }, (_, index) => 10 + index / 6)));
  });

  it('catch up with large bodies, a few in a transaction', async () => {
    const { create, engine, clock, sweep } = driven();
    await create('q');
    travel(driven(), noon);
    const body = noise(900_000);
    await schedules(engine).put('s', { cron: '* * * * *', missed: 'all', startAt: afterNoon(5)[0]!, message: { body } });
    clock.advance(17 * minuteMs);
    expect((await sweep()).complete).toBe(true);
    expect(ticksOf(await take(driven()))).toEqual(afterNoon(...upTo(13).map((minute) => minute + 4)));
  });

  it('miss no tick of large bodies at a short interval', async () => {
    const { create, engine, clock, sweep } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('s', { everySeconds: everySecondsMin, message: { body: noise(900_000) } });
    await sweep();
    const ticks: string[] = [];
    for (let pass = 0; pass < 2; pass++) {
      clock.advance(2 * minuteMs);
      await sweep();
      ticks.push(...ticksOf(await take(driven())));
    }
    expect(ticks).toEqual(afterNoon(...upTo(24).map((tick) => tick / 6)));
  });

  it('go on with the next sweep where the time of one ends', async () => {
    const { create, engine, clock, watched, sweep } = driven();
    await create('q');
    travel(driven(), noon);
    const message = { body: noise(900_000) };
    await schedules(engine).put('s', { cron: '* * * * *', missed: 'all', startAt: afterNoon(5)[0]!, message });
    clock.advance(17 * minuteMs);
    watched.before = ({ method }) => {
      if (method === 'transact') clock.advance(secondMs);
    };
    expect((await engine.sweep({ until: clock.now() + 2 * secondMs })).complete).toBe(false);
    watched.before = () => {};
    expect(ticksOf(await take(driven()))).toEqual(afterNoon(...upTo(10).map((minute) => minute + 4)));
    expect((await sweep()).complete).toBe(true);
    expect(ticksOf(await take(driven()))).toEqual(afterNoon(15, 16, 17));
  });

  it('take back what was published ahead when they are paused, and go on from the next tick when they are resumed', async () => {
    const { create, engine, clock, sweep, call } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('s', { cron: '* * * * *' });
    expect(await live(driven(), 2)).toEqual(afterNoon(1, 2));
    clock.advance(30 * secondMs);
    expect(await schedules(engine).update('s', { paused: true })).toMatchObject({
      paused: true,
      nextAt: null,
      lastAt: afterNoon(2)[0],
    });
    expect((await call('getQueue', 'q')).counts).toMatchObject({ ready: 0, delayed: 0 });
    expect(await live(driven(), 5)).toEqual([]);
    expect(await schedules(engine).update('s', { paused: false })).toMatchObject({ paused: false, nextAt: afterNoon(8)[0] });
    await sweep();
    expect(await live(driven(), 3)).toEqual(afterNoon(8, 9, 10));
  });

  it('leave what was due, and what somebody has received, when they change', async () => {
    const { create, engine, clock, receive, ack } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('s', { cron: '* * * * *' });
    clock.advance(minuteMs);
    const [held] = await receive('q', { visibilityTimeoutSeconds: 600 });
    clock.advance(minuteMs);
    await schedules(engine).delete('s');
    expect(ticksOf(await take(driven()))).toEqual(afterNoon(2));
    expect(await ack('q', [held!])).toEqual([{ ok: true }]);
    expect(await live(driven(), 5)).toEqual([]);
    await expect(schedules(engine).get('s')).rejects.toMatchObject({ code: 'schedule_not_found' });
    await expect(schedules(engine).delete('s')).rejects.toMatchObject({ code: 'schedule_not_found' });
    await expect(schedules(engine).update('s', { paused: true })).rejects.toMatchObject({ code: 'schedule_not_found' });
  });

  it('take back what was ahead when they are replaced: each tick has the message that stood at its time', async () => {
    const { create, engine, clock } = driven();
    for (const queue of ['q', 'other']) await create(queue);
    travel(driven(), noon);
    await schedules(engine).put('s', { cron: '* * * * *', message: { body: 'old' } });
    clock.advance(minuteMs);
    const [first] = await take(driven());
    expect(first).toMatchObject({ body: 'old', attributes: { tick: afterNoon(1)[0] } });
    await schedules(engine).put('s', { cron: '* * * * *', message: { body: 'new' } });
    clock.advance(minuteMs);
    const [second, ...none] = await take(driven());
    expect(second).toMatchObject({ body: 'new', attributes: { tick: afterNoon(2)[0] } });
    expect(none).toEqual([]);
    await schedules(engine).update('s', { queue: 'other' });
    clock.advance(minuteMs);
    expect(await take(driven())).toEqual([]);
    expect(ticksOf(await take(driven(), 'other'))).toEqual(afterNoon(3));
    await schedules(engine).put('s', { queue: 'other', everySeconds: 3600 });
    expect(await live(driven(), 10, 'other')).toEqual([]);
  });

  it('take nothing back that somebody receives while they change', async () => {
    const { create, engine, another, clock, watched, receive, ack } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('s', { cron: '* * * * *' });
    travel(driven(), Date.parse(afterNoon(1)[0]!) - secondMs);
    let held: ReceivedMessage[] = [];
    // Between the look at what lies ahead, and the transaction that takes it back.
    watched.before = async ({ method }) => {
      if (method !== 'transact') return;
      watched.before = () => {};
      clock.advance(secondMs);
      held = await receive('q');
    };
    await schedules(another()).update('s', { message: { body: 'new' } });
    expect(ticksOf(held)).toEqual(afterNoon(1));
    expect(await ack('q', held)).toEqual([{ ok: true }]);
    expect(await live(driven(), 3)).toEqual(afterNoon(2, 3, 4));
  });

  it('publish each tick anew that was taken back, though one after it was cancelled', async () => {
    const { create, engine } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('s', { cron: '* * * * *', message: { body: 'old' } });
    await cancel(driven(), afterNoon(2)[0]!);
    expect(await schedules(engine).update('s', { message: { body: 'new' } })).toMatchObject({ nextAt: afterNoon(1)[0] });
    expect(await live(driven(), 4)).toEqual(afterNoon(1, 3, 4));
  });

  it('publish no tick again that was cancelled, though it takes several transactions to get there', async () => {
    const { create, engine, clock, sweep } = driven();
    await create('q');
    travel(driven(), noon);
    const body = noise(900_000);
    await schedules(engine).put('s', { everySeconds: 10, missed: 'all', message: { body } });
    for (let pass = 0; pass < 3; pass++) await sweep();
    const cancelled = afterNoon(11 / 6)[0]!;
    await cancel(driven(), cancelled);
    await schedules(engine).update('s', { message: { body: `new ${body}` } });
    clock.advance(55 * secondMs);
    expect(await schedules(engine).get('s')).toMatchObject({ lastAt: afterNoon(5 / 6)[0], nextAt: afterNoon(1)[0] });
    // That one is past when the sweep comes to those before it.
    clock.advance(minuteMs);
    for (let pass = 0; pass < 3; pass++) await sweep();
    clock.advance(5 * secondMs);
    expect(ticksOf(await take(driven()))).toEqual(
      afterNoon(...upTo(12).map((tick) => tick / 6)).filter((tick) => tick !== cancelled),
    );
  });

  it('have no ticks by a clock that is off', async () => {
    const { create, engine, another, clock, watched } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('s', { cron: '* * * * *' });
    clock.trusted = () => false;
    // A day ahead, all ticks of the day would have been missed.
    clock.advance(24 * hourMs);
    await another(watched.store).sweep({ until: clock.now() + hourMs });
    await expect(schedules(engine).update('s', { paused: true })).rejects.toMatchObject({ code: 'clock_skewed' });
    clock.advance(-24 * hourMs);
    clock.trusted = () => true;
    expect(await live(driven(), 3)).toEqual(afterNoon(1, 2, 3));
  });

  it('stay as they are when they are put again just so, also a rate that was put without a start', async () => {
    const { create, engine, clock, watched } = driven();
    await create('q');
    travel(driven(), noon);
    const input = { everySeconds: 100, message: { body: noise(3000), attributes: { a: 1 } } };
    const first = await schedules(engine).put('s', input);
    clock.advance(50 * secondMs);
    watched.take();
    expect(await schedules(engine).put('s', input)).toEqual(first);
    const { puts, removals, updates, transactions } = watched.take();
    expect({ puts, removals, updates, transactions }).toEqual({ puts: 0, removals: 0, updates: 0, transactions: 0 });
    // Another policy is a change; the ticks are where they were.
    const changed = await schedules(engine).put('s', { ...input, missed: 'none' });
    expect(changed).toEqual({ ...first, missed: 'none', updatedAt: instant(clock.now()) });
    expect(await live(driven(), 4)).toEqual(afterNoon(100 / 60, 200 / 60));
  });

  it('publish bodies of any size, bytes, and a priority; nothing of them is left over', async () => {
    const { create, engine, clock, call, rows } = driven();
    await create('q', { priority: { levels: 3, order: 'strict' }, retentionSeconds: null });
    travel(driven(), noon);
    const body = noise(600_000);
    const put = await schedules(engine).put('s', { cron: '* * * * *', message: { body, priority: 2 } });
    expect(put.message).toEqual({ body, attributes: {}, priority: 2 });
    await schedules(engine).put('bytes', { cron: '* * * * *', message: { bodyBase64: 'AAECAw==' } });
    clock.advance(minuteMs);
    const messages = await take(driven());
    expect(messages.map((message) => message.bodyBase64 ?? message.body).sort()).toEqual(['AAECAw==', body].sort());
    expect(messages.find((message) => message.body)?.priority).toBe(2);
    await schedules(engine).put('s', { cron: '* * * * *', message: { body: noise(5000) } });
    await schedules(engine).delete('s');
    await schedules(engine).delete('bytes');
    // Rows that had bodies beside them come due once more, and leave nothing then.
    for (let pass = 0; pass < 3; pass++) {
      clock.advance(hourMs);
      await driven().sweep();
    }
    expect(await rows('messages')).toEqual([]);
    expect((await call('getQueue', 'q')).counts).toMatchObject({ ready: 0, delayed: 0, leased: 0 });
  });

  it('publish no tick again that somebody received whose clock is a little ahead', async () => {
    const { create, engine, clock, receive, ack } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('s', { cron: '* * * * *' });
    travel(driven(), afterNoon(1)[0]!);
    const held = await receive('q');
    clock.advance(-2 * clockMarginMs);
    await schedules(engine).update('s', { message: { body: 'new' } });
    expect(await ack('q', held)).toEqual([{ ok: true }]);
    expect(await live(driven(), 3)).toEqual(afterNoon(2, 3));
  });

  it('publish no tick again that was due by the clock of a sweep a little ahead', async () => {
    const { create, engine, clock, sweep } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('s', { cron: '* * * * *' });
    travel(driven(), afterNoon(1)[0]!);
    await sweep();
    clock.advance(-2 * clockMarginMs);
    await schedules(engine).update('s', { message: { body: 'new' } });
    expect(await live(driven(), 3)).toEqual(afterNoon(1, 2, 3));
  });

  it('leave nothing of bodies that were not published after all', async () => {
    const { create, engine, another, clock, rows } = driven();
    await create('q', { retentionSeconds: null });
    travel(driven(), noon);
    const putters = [engine, another(), another()];
    const body = noise(5000);
    await Promise.all(
      putters.map((putter, index) => schedules(putter).put('s', { cron: '* * * * *', message: { body: [index, body] } })),
    );
    clock.advance(minuteMs);
    await Promise.all(putters.map((sweeper) => sweeper.sweep({ until: clock.now() + hourMs })));
    clock.advance(2 * minuteMs);
    expect(ticksOf(await take(driven()))).toEqual(afterNoon(1, 2, 3));
    await schedules(engine).delete('s');
    // Rows that had bodies beside them come due once more, and take them along.
    for (let pass = 0; pass < 3; pass++) {
      clock.advance(hourMs);
      await driven().sweep();
    }
    expect(await rows('messages')).toEqual([]);
  });

  it('are not disturbed by a purge: it removes what was due, not what is to come', async () => {
    const { create, engine, clock, call } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('s', { cron: '* * * * *' });
    clock.advance(90 * secondMs);
    await call('purge', 'q');
    expect(ticksOf(await take(driven()))).toEqual([]);
    travel(driven(), afterNoon(2)[0]!);
    expect(ticksOf(await take(driven()))).toEqual(afterNoon(2));
  });

  it('go on though the queue of one is gone: it says so, and goes on when the queue is back', async () => {
    const { create, engine, call, clock, events, sweep } = driven();
    for (const queue of ['q', 'other']) await create(queue);
    travel(driven(), noon);
    await schedules(engine).put('a', { queue: 'other', cron: '* * * * *' });
    await schedules(engine).put('b', { cron: '* * * * *' });
    await call('deleteQueue', 'other');
    clock.advance(settingsCacheMs);
    expect(await live(driven(), 10)).toEqual(afterNoon(...upTo(10)));
    const failed = await schedules(engine).get('a');
    expect(failed.lastError).toEqual({ at: expect.any(String), message: 'queue: there is no queue "other"' });
    const told = events.filter(({ kind }) => kind === 'schedule_failed');
    expect(told).toEqual([{ kind: 'schedule_failed', schedule: 'a', queue: 'other', reason: failed.lastError!.message }]);
    // It can be seen to without its queue.
    expect(await schedules(engine).update('a', { missed: 'all' })).toMatchObject({ missed: 'all' });
    await sweep();
    expect((await schedules(engine).get('a')).lastError).not.toBeNull();
    await create('other');
    await sweep();
    expect(ticksOf(await take(driven(), 'other'))).toEqual(afterNoon(...upTo(10)));
    expect((await schedules(engine).get('a')).lastError).toBeNull();
  });

  it.each([
    'one',
    'all',
    'none',
  ] as const)('publish again what lay ahead in a queue that was deleted and made again, each tick once (missed: %s)', async (missed) => {
    const { create, engine, call, clock, sweep, receive } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('a', { cron: '* * * * *', missed });
    await sweep();
    clock.advance(minuteMs + secondMs);
    // Received before the end of its queue: it is not published again.
    expect(ticksOf(await receive('q'))).toEqual(afterNoon(1));
    await call('deleteQueue', 'q');
    await create('q');
    clock.advance(settingsCacheMs);
    expect(await schedules(engine).get('a')).toMatchObject({ lastAt: afterNoon(1)[0], nextAt: afterNoon(2)[0] });
    expect((await schedules(engine).list()).schedules).toMatchObject([{ lastAt: afterNoon(1)[0], nextAt: afterNoon(2)[0] }]);
    expect(await live(driven(), 5)).toEqual(afterNoon(2, 3, 4, 5, 6));
  });

  it('publish again what lay ahead in a queue that was deleted, also those that fell due before the sweep that finds this', async () => {
    const { create, engine, call, clock, sweep, rows } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('a', { everySeconds: 10 });
    await sweep();
    await call('deleteQueue', 'q');
    clock.advance(settingsCacheMs);
    await create('q');
    clock.advance(35 * secondMs - settingsCacheMs);
    expect(await take(driven())).toEqual([]);
    expect(await schedules(engine).get('a')).toMatchObject({ lastAt: null });
    await sweep();
    expect((await take(driven())).length).toBe(3);
    // No receive that still has the settings of the deleted queue can have the former messages.
    const { incarnation } = (await rows('queues')).find(({ kind }) => kind === 'queue')!;
    const waiting = (await rows('leases')).filter(({ expiry }) => expiry !== undefined);
    expect(waiting.length).toBeGreaterThan(0);
    expect(waiting.filter(({ shard }) => !(shard as string).startsWith(incarnation as string))).toEqual([]);
    // A change does not lose them either.
    await call('deleteQueue', 'q');
    await create('q');
    await schedules(engine).update('a', { message: { body: 'changed' } });
    clock.advance(11 * secondMs);
    expect((await take(driven())).map(({ body }) => body)).toEqual(['changed']);
  });

  it('say what they published before a queue was deleted, once, and are left alone until their next tick', async () => {
    const { create, engine, call, clock, sweep, watched } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('daily', { cron: '1 12 * * *' });
    await sweep();
    clock.advance(2 * minuteMs);
    expect(ticksOf(await take(driven()))).toEqual(afterNoon(1));
    await call('deleteQueue', 'q');
    await create('q');
    clock.advance(minuteMs);
    await sweep();
    expect(await schedules(engine).get('daily')).toMatchObject({ lastAt: afterNoon(1)[0] });
    clock.advance(hourMs);
    watched.take();
    await sweep();
    expect(watched.take()).toMatchObject({ transactions: 0 });
    expect(await take(driven())).toEqual([]);
  });

  it('go on though the store is too busy for one of them', async () => {
    const { create, engine, clock, watched, sweep } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('a', { cron: '* * * * *' });
    await schedules(engine).put('b', { cron: '* * * * *' });
    clock.advance(2 * minuteMs);
    await take(driven());
    watched.before = ({ keys }) => {
      const isBusy = keys.some((key) => key.table === 'queues' && key.name === 'a');
      if (isBusy) throw new StoreError('too busy', 'no', undefined, 'throttled');
    };
    expect((await sweep()).complete).toBe(false);
    watched.before = () => {};
    clock.advance(minuteMs);
    expect((await take(driven())).map(({ body }) => body)).toEqual(['b']);
    expect((await sweep()).complete).toBe(true);
    expect((await take(driven())).map(({ body }) => body)).toEqual(['a']);
  });

  it.each([
    ['2027-03-28', [8, 32, 55, 79]],
    ['2027-10-31', [7, 31, 56, 80]],
  ])('keep to the time of day in Berlin where clocks are changed, on %s', async (day, hours) => {
    const { create, engine, clock, sweep } = driven();
    await create('q');
    const from = Date.parse(`${day}T00:00:00Z`) - 48 * hourMs;
    travel(driven(), from);
    await schedules(engine).put('s', { cron: '0 9 * * *', timeZone: 'Europe/Berlin', missed: 'all' });
    const ticks: string[] = [];
    for (let hour = 0; hour < 82; hour += 6) {
      clock.advance(6 * hourMs);
      await sweep();
      ticks.push(...ticksOf(await take(driven())));
    }
    expect(ticks).toEqual(hours.map((hour) => instant(from + hour * hourMs)));
  });

  it('are listed by name, in pages of what an answer carries', async () => {
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
    expect(found[0]).toEqual(await schedules(engine).get('0'));
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
    [{ everySeconds: 60, timeZone: 'UTC' }, 'timeZone: is for cron alone'],
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
  ])('are refused for bad input, which is named: %j', async (input, told) => {
    const { create, engine } = driven();
    await create('q');
    await expect(schedules(engine).put('s', input)).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining(told),
    });
    expect((await schedules(engine).list()).schedules).toEqual([]);
    await expect(schedules(engine).put('no/name', { everySeconds: 60 })).rejects.toMatchObject({ code: 'invalid_input' });
  });

  it('change from cron to rate and back, and keep what is not named', async () => {
    const { create, engine } = driven();
    await create('q');
    travel(driven(), noon);
    const { update } = schedules(engine);
    const [endAt] = afterNoon(600);
    await schedules(engine).put('s', { cron: '0 9 * * *', timeZone: 'Asia/Tokyo', endAt: endAt!, missed: 'all' });
    const kept = { missed: 'all', message: { body: 's', attributes: {} } };
    expect(await update('s', { cron: '0 10 * * *' })).toMatchObject({ ...kept, timeZone: 'Asia/Tokyo', endAt });
    expect(await update('s', { everySeconds: 60 })).toMatchObject({ ...kept, cron: null, timeZone: null, endAt });
    expect(await update('s', { endAt: null })).toMatchObject({ ...kept, everySeconds: 60, endAt: null });
    await expect(update('s', { timeZone: 'UTC' })).rejects.toMatchObject({ code: 'invalid_input' });
    expect(await update('s', { cron: '@daily' })).toMatchObject({ ...kept, cron: '@daily', timeZone: 'UTC', everySeconds: null });
    await expect(update('s', { cron: '0 0 31 2 *' })).rejects.toMatchObject({ code: 'invalid_input' });
    expect((await schedules(engine).get('s')).cron).toBe('@daily');
  });
});
