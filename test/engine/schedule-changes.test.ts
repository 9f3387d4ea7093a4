/** Schedules that are paused, changed, replaced or deleted: what is taken back, and what is published again. */
import { expect, it } from 'vitest';
import type { ReceivedMessage } from '../../contract/contract.ts';
import { clockMarginMs } from '../../contract/limits.ts';
import type { DrivenEngine } from '../support/driven-engine.ts';
import { afterNoon, drain, noon, schedules, sweepFor, ticksOf, travel, upTo } from '../support/driven-schedules.ts';
import { hourMs, instant, minuteMs, secondMs } from '../support/durations.ts';
import { noise } from '../support/noise.ts';
import { onBothStores } from '../support/on-both-stores.ts';

/** Cancels the message of a tick that is not due yet. */
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

onBothStores('changes of schedules', (driven) => {
  it('a paused schedule takes back what it published ahead, and a resumed one goes on from the next tick', async () => {
    const { create, engine, clock, sweep, call } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('s', { cron: '* * * * *' });
    expect(await sweepFor(driven(), 2)).toEqual(afterNoon(1, 2));
    clock.advance(30 * secondMs);
    expect(await schedules(engine).update('s', { paused: true })).toMatchObject({
      paused: true,
      nextAt: null,
      lastAt: afterNoon(2)[0],
    });
    expect((await call('getQueue', 'q')).counts).toMatchObject({ ready: 0, delayed: 0 });
    expect(await sweepFor(driven(), 5)).toEqual([]);
    expect(await schedules(engine).update('s', { paused: false })).toMatchObject({ paused: false, nextAt: afterNoon(8)[0] });
    await sweep();
    expect(await sweepFor(driven(), 3)).toEqual(afterNoon(8, 9, 10));
  });

  it('a deleted schedule leaves due and received messages', async () => {
    const { create, engine, clock, receive, ack } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('s', { cron: '* * * * *' });
    clock.advance(minuteMs);
    const [held] = await receive('q', { visibilityTimeoutSeconds: 600 });
    clock.advance(minuteMs);
    await schedules(engine).delete('s');
    expect(ticksOf(await drain(driven()))).toEqual(afterNoon(2));
    expect(await ack('q', [held!])).toEqual([{ ok: true }]);
    expect(await sweepFor(driven(), 5)).toEqual([]);
    await expect(schedules(engine).get('s')).rejects.toMatchObject({ code: 'schedule_not_found' });
    await expect(schedules(engine).delete('s')).rejects.toMatchObject({ code: 'schedule_not_found' });
    await expect(schedules(engine).update('s', { paused: true })).rejects.toMatchObject({ code: 'schedule_not_found' });
  });

  it('a replaced schedule takes back what it published ahead, so that each tick has the message of its time', async () => {
    const { create, engine, clock } = driven();
    for (const queue of ['q', 'other']) await create(queue);
    travel(driven(), noon);
    await schedules(engine).put('s', { cron: '* * * * *', message: { body: 'old' } });
    clock.advance(minuteMs);
    const [first] = await drain(driven());
    expect(first).toMatchObject({ body: 'old', attributes: { tick: afterNoon(1)[0] } });
    await schedules(engine).put('s', { cron: '* * * * *', message: { body: 'new' } });
    clock.advance(minuteMs);
    const [second, ...none] = await drain(driven());
    expect(second).toMatchObject({ body: 'new', attributes: { tick: afterNoon(2)[0] } });
    expect(none).toEqual([]);
    await schedules(engine).update('s', { queue: 'other' });
    clock.advance(minuteMs);
    expect(await drain(driven())).toEqual([]);
    expect(ticksOf(await drain(driven(), 'other'))).toEqual(afterNoon(3));
    await schedules(engine).put('s', { queue: 'other', everySeconds: 3600 });
    expect(await sweepFor(driven(), 10, 'other')).toEqual([]);
  });

  it('a changed schedule takes back nothing that is received during the change', async () => {
    const { create, engine, another, clock, spy, receive, ack } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('s', { cron: '* * * * *' });
    travel(driven(), Date.parse(afterNoon(1)[0]!) - secondMs);
    let held: ReceivedMessage[] = [];
    // Between the read of the ticks ahead and the transaction that takes them back.
    spy.before = async ({ method }) => {
      if (method !== 'transact') return;
      spy.before = () => {};
      clock.advance(secondMs);
      held = await receive('q');
    };
    await schedules(another()).update('s', { message: { body: 'new' } });
    expect(ticksOf(held)).toEqual(afterNoon(1));
    expect(await ack('q', held)).toEqual([{ ok: true }]);
    expect(await sweepFor(driven(), 3)).toEqual(afterNoon(2, 3, 4));
  });

  it('a changed schedule publishes again each tick that it took back, except a cancelled one', async () => {
    const { create, engine } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('s', { cron: '* * * * *', message: { body: 'old' } });
    await cancel(driven(), afterNoon(2)[0]!);
    expect(await schedules(engine).update('s', { message: { body: 'new' } })).toMatchObject({ nextAt: afterNoon(1)[0] });
    expect(await sweepFor(driven(), 4)).toEqual(afterNoon(1, 3, 4));
  });

  it('a changed schedule does not publish a cancelled tick again, even over several transactions', async () => {
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
    // The cancelled tick is past when the sweep reaches the ticks before it.
    clock.advance(minuteMs);
    for (let pass = 0; pass < 3; pass++) await sweep();
    clock.advance(5 * secondMs);
    expect(ticksOf(await drain(driven()))).toEqual(
      afterNoon(...upTo(12).map((tick) => tick / 6)).filter((tick) => tick !== cancelled),
    );
  });

  it('a schedule put again with the same input stays as it is, also a rate without a start', async () => {
    const { create, engine, clock, spy } = driven();
    await create('q');
    travel(driven(), noon);
    const input = { everySeconds: 100, message: { body: noise(3000), attributes: { a: 1 } } };
    const first = await schedules(engine).put('s', input);
    clock.advance(50 * secondMs);
    spy.takeCounts();
    expect(await schedules(engine).put('s', input)).toEqual(first);
    const { puts, removals, updates, transactions } = spy.takeCounts();
    expect({ puts, removals, updates, transactions }).toEqual({ puts: 0, removals: 0, updates: 0, transactions: 0 });
    // Another policy is a change, but the ticks stay.
    const changed = await schedules(engine).put('s', { ...input, missed: 'none' });
    expect(changed).toEqual({ ...first, missed: 'none', updatedAt: instant(clock.now()) });
    expect(await sweepFor(driven(), 4)).toEqual(afterNoon(100 / 60, 200 / 60));
  });

  it('a schedule publishes large bodies, bytes and a priority, and leaves nothing of them behind', async () => {
    const { create, engine, clock, call, rows } = driven();
    await create('q', { priority: { levels: 3, order: 'strict' }, retentionSeconds: null });
    travel(driven(), noon);
    const body = noise(600_000);
    const put = await schedules(engine).put('s', { cron: '* * * * *', message: { body, priority: 2 } });
    expect(put.message).toEqual({ body, attributes: {}, priority: 2 });
    await schedules(engine).put('bytes', { cron: '* * * * *', message: { bodyBase64: 'AAECAw==' } });
    clock.advance(minuteMs);
    const messages = await drain(driven());
    expect(messages.map((message) => message.bodyBase64 ?? message.body).sort()).toEqual(['AAECAw==', body].sort());
    expect(messages.find((message) => message.body)?.priority).toBe(2);
    await schedules(engine).put('s', { cron: '* * * * *', message: { body: noise(5000) } });
    await schedules(engine).delete('s');
    await schedules(engine).delete('bytes');
    // Rows with offloaded bodies come due once more and are cleaned up then.
    for (let pass = 0; pass < 3; pass++) {
      clock.advance(hourMs);
      await driven().sweep();
    }
    expect(await rows('messages')).toEqual([]);
    expect((await call('getQueue', 'q')).counts).toMatchObject({ ready: 0, delayed: 0, leased: 0 });
  });

  it('a changed schedule does not publish again a tick that was received by a clock slightly ahead', async () => {
    const { create, engine, clock, receive, ack } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('s', { cron: '* * * * *' });
    travel(driven(), afterNoon(1)[0]!);
    const held = await receive('q');
    clock.advance(-2 * clockMarginMs);
    await schedules(engine).update('s', { message: { body: 'new' } });
    expect(await ack('q', held)).toEqual([{ ok: true }]);
    expect(await sweepFor(driven(), 3)).toEqual(afterNoon(2, 3));
  });

  it('a changed schedule does not publish again a tick that was due by the clock of a sweep slightly ahead', async () => {
    const { create, engine, clock, sweep } = driven();
    await create('q');
    travel(driven(), noon);
    await schedules(engine).put('s', { cron: '* * * * *' });
    travel(driven(), afterNoon(1)[0]!);
    await sweep();
    clock.advance(-2 * clockMarginMs);
    await schedules(engine).update('s', { message: { body: 'new' } });
    expect(await sweepFor(driven(), 3)).toEqual(afterNoon(1, 2, 3));
  });

  it('schedules put at the same time leave no body of those that were not stored', async () => {
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
    expect(ticksOf(await drain(driven()))).toEqual(afterNoon(1, 2, 3));
    await schedules(engine).delete('s');
    // Rows with offloaded bodies come due once more and are cleaned up then.
    for (let pass = 0; pass < 3; pass++) {
      clock.advance(hourMs);
      await driven().sweep();
    }
    expect(await rows('messages')).toEqual([]);
  });

  it('updateSchedule changes cron to rate and back, and keeps what is not named', async () => {
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
