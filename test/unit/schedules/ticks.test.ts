import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scheduleAheadMs, scheduleLateMsMax, scheduleTicksMax } from '../../../contract/limits.ts';
import { cronTiming } from '../../../engine/schedules/cron.ts';
import { planTicks, type Recurrence, rateTiming, within } from '../../../engine/schedules/ticks.ts';
import { instant } from '../../support/durations.ts';

/** All ticks in between, each found from the previous one. */
function ticksBetween(timing: Recurrence, from: string, to: string): string[] {
  const ticks: string[] = [];
  for (let at = timing.next(Date.parse(from) - 1); at !== undefined && at < Date.parse(to); at = timing.next(at)) {
    ticks.push(instant(at));
  }
  return ticks;
}

describe('cron', () => {
  const springs = '2027-03-28';
  const falls = '2027-10-31';
  const on = (day: string, ...times: string[]) => times.map((time) => `${day}T${time}:00.000Z`);

  it.each([
    // 02:00 to 03:00 is skipped: a fixed time fires at the change, others are left out.
    ['30 2 * * *', springs, on(springs, '01:00')],
    ['0,30 2 * * *', springs, on(springs, '01:00')],
    ['30 2,4 * * *', springs, on(springs, '01:00', '02:30')],
    ['*/30 2 * * *', springs, []],
    ['30 */2 * * *', springs, on(springs, '02:30', '04:30')],
    ['0 3 * * *', springs, on(springs, '01:00')],
    // 02:00 to 03:00 comes twice: a fixed time fires the first time, others each time.
    ['30 2 * * *', falls, on(falls, '00:30')],
    ['0,30 2 * * *', falls, on(falls, '00:00', '00:30')],
    ['*/30 2 * * *', falls, on(falls, '00:00', '00:30', '01:00', '01:30')],
    ['0 * * * *', falls, on(falls, '00:00', '01:00', '02:00', '03:00', '04:00')],
    ['0 3 * * *', falls, on(falls, '02:00')],
  ])('the cron expression %s in Berlin has the right ticks on %s, a day with a clock change', async (cron, day, expected) => {
    const timing = await cronTiming(cron, 'Europe/Berlin');
    expect(ticksBetween(timing, `${day}T00:00:00Z`, `${day}T05:00:00Z`)).toEqual(expected);
  });

  it.each([
    ['@daily', ['2027-01-01T00:00:00.000Z', '2027-01-02T00:00:00.000Z']],
    ['0 0 * * 7', ['2027-01-03T00:00:00.000Z', '2027-01-10T00:00:00.000Z']],
    ['0 12 L * *', ['2027-01-31T12:00:00.000Z', '2027-02-28T12:00:00.000Z']],
    ['0 12 * * MON#2', ['2027-01-11T12:00:00.000Z', '2027-02-08T12:00:00.000Z']],
    // A day that matches either field fires, if both are given.
    ['0 0 5 * MON', ['2027-01-04T00:00:00.000Z', '2027-01-05T00:00:00.000Z']],
    ['0 0 29 2 *', ['2028-02-29T00:00:00.000Z', '2032-02-29T00:00:00.000Z']],
  ])('the cron expression %s has its usual meaning', async (cron, expected) => {
    const timing = await cronTiming(cron, 'UTC');
    expect(ticksBetween(timing, '2027-01-01T00:00:00Z', '2035-01-01T00:00:00Z').slice(0, 2)).toEqual(expected);
  });

  it('the previous tick agrees with the next one, in time zones of all kinds', async () => {
    const crons = ['30 2 * * *', '*/20 2 * * *', '15 2-3 * * *', '0 * * * *', '0 0 L * *', '59 1 * * MON'];
    const zones = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata', 'UTC'];
    for (const [cron, zone, from] of crons.flatMap((cron) =>
      zones.flatMap((zone) =>
        ['2027-03-12', '2027-03-27', '2027-04-03', '2027-10-02', '2027-10-30'].map((day) => [cron, zone, day]),
      ),
    )) {
      const timing = await cronTiming(cron!, zone!);
      const start = Date.parse(`${from}T00:00:00Z`);
      for (let at = start; at < start + 3 * 86_400_000; at += 2 * 3_600_000 + 1234) {
        const last = timing.last(at)!;
        expect(last, `${cron} ${zone} ${instant(at)}`).toBeLessThanOrEqual(at);
        expect(timing.next(last)!, `${cron} ${zone} ${instant(at)}`).toBeGreaterThan(at);
        expect(timing.last(last), `${cron} ${zone} ${instant(at)}`).toBe(last);
      }
    }
  });
});

describe('what is published of the ticks', () => {
  const now = Date.parse('2027-05-03T12:00:00Z');
  const everySeconds = fc.integer({ min: 10, max: 1000 });
  const offsetMs = fc.integer({ min: -5_000_000, max: 1_000_000 });

  it('a plan publishes each tick once, in order, and continues right after them', () => {
    fc.assert(
      fc.property(everySeconds, offsetMs, fc.constantFrom('one', 'all', 'none'), (seconds, offset, missed) => {
        const timing = rateTiming(seconds, now + offset);
        const plan = planTicks(timing, { nextAt: now + offset, missed }, now, scheduleTicksMax);
        const all = [...plan.ticks, plan.nextAt!];
        const isLate = offset < -scheduleLateMsMax;
        // The plan has no gap from its first tick on, except for missed ticks, of which the policy allows one or none.
        const coming = isLate && missed === 'one' ? all.slice(1) : all;
        for (const [index, tick] of coming.entries()) {
          if (index > 0) expect(tick - coming[index - 1]!).toBe(seconds * 1000);
        }
        if (isLate && missed === 'one') {
          expect(all[0]).toBe(timing.last(now));
          expect(all[1]).toBe(timing.next(now));
        } else expect(all[0]).toBe(isLate && missed === 'none' ? timing.next(now) : now + offset);
        expect(plan.ticks.length).toBeLessThanOrEqual(scheduleTicksMax);
        if (plan.nextAt! <= now + scheduleAheadMs) expect(plan.ticks.length).toBe(scheduleTicksMax);
      }),
    );
  });

  it.each(['one', 'all'] as const)('a plan leaves out ticks that are already published, ahead or missed (%s)', (missed) => {
    const timing = rateTiming(60, now);
    const publishedAt = [now, now + scheduleAheadMs];
    const ahead = publishedAt.map((tick) => ({ tick }));
    for (const nextAt of [now, now - 60_000 - scheduleLateMsMax]) {
      const without = planTicks(timing, { nextAt, missed }, now, scheduleTicksMax);
      const expected = without.ticks.filter((tick) => !publishedAt.includes(tick));
      expect(expected.length).toBe(without.ticks.length - publishedAt.length);
      expect(planTicks(timing, { nextAt, missed, ahead }, now, scheduleTicksMax)).toEqual({ ...without, ticks: expected });
    }
  });

  it('the ticks of a schedule lie from startAt on and before endAt', () => {
    const timing = within(rateTiming(60, now), { startAt: now + 90_000, endAt: now + 240_000 });
    expect(timing.next(now)).toBe(now + 120_000);
    expect(timing.next(now + 120_000)).toBe(now + 180_000);
    expect(timing.next(now + 180_000)).toBeUndefined();
    expect(timing.last(now + 9_000_000)).toBe(now + 180_000);
    expect(timing.last(now + 100_000)).toBeUndefined();
    expect(within(rateTiming(60, now), { startAt: now + 60_000 }).next(0)).toBe(now + 60_000);
  });
});
