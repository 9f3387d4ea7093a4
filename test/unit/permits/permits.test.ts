import { describe, expect, it } from 'vitest';
import {
  type Grant,
  granted,
  lengthened,
  markOf,
  type Permits,
  permitsRow,
  readPermits,
  usedOnly,
} from '../../../engine/permits/permits.ts';

const start = 1_800_000_000_000;

describe('the rate of permits', () => {
  const taking = (ratePerSecond: number) => {
    let permits: Permits = { held: {} };
    return (want: number, now: number): Grant => {
      const ask = { token: 't', want, now, until: now };
      const { permits: next, grant } = granted(permits, { concurrency: null, ratePerSecond }, ask);
      if (grant.count > 0) permits = next;
      return grant;
    };
  };

  it('the rate of permits is exact to the millisecond, for every fraction and for any duration', () => {
    for (const rate of [0.003, 0.7, 1, 3, 7, 11, 13, 29, 97, 333, 701]) {
      const take = taking(rate);
      const first = take(1000, start).count;
      expect(first, `${rate}`).toBe(Math.max(1, Math.floor(rate)));
      const behind = first - Math.max(1, rate);
      for (let index = 1; index <= 2000; index++) {
        // Rounded where the numbers themselves have a fraction. A bucket of one is full and gains nothing until it is used.
        const msOf = (messages: number) => Math.ceil(Math.round((messages * 1e9) / rate) / 1e6);
        const at = start + (rate <= 1 ? index * msOf(1) : msOf(index + behind));
        expect(take(1, at - 1).count, `${rate}: ${index}, a ms before`).toBe(0);
        expect(take(1, at).count, `${rate}: ${index}`).toBe(1);
      }
    }
  });

  it('a used rate is not returned after another receive has used some, because its remainder is unknown', () => {
    const limits = { concurrency: null, ratePerSecond: 5 };
    const ask = (token: string, now: number) => ({ token, want: 5, now, until: now });
    const first = granted({ held: {} }, limits, ask('first', start));
    expect(usedOnly(first.permits, first.grant, 0)?.flow?.taken).toBe(0);
    const second = granted(first.permits, limits, ask('second', start + 900));
    expect(second.grant.count).toBe(4);
    expect(usedOnly(second.permits, first.grant, 0)).toBeUndefined();
  });

  it('a rate above one a millisecond grants at once what has accumulated', () => {
    const take = taking(10_000);
    expect(take(20_000, start).count).toBe(10_000);
    for (let ms = 1; ms < 1000; ms++) expect(take(1000, start + ms).count).toBe(10);
  });
});

describe('permits', () => {
  const limits = { concurrency: 3, ratePerSecond: 5 };
  const receipt = { incarnation: 'x', rowId: 'row', slot: 0, count: 2, token: 'held' };

  it('permits are decoded from their row as they were encoded', () => {
    const { permits, grant } = granted({ held: {} }, limits, { token: 'held', want: 2, now: start, until: start + 500 });
    const { permits: longer } = lengthened(permits, 3, [markOf(receipt)], { now: start, until: start + 5000 });
    const row = permitsRow('id', 'version', longer, start);
    expect(readPermits(row)).toEqual(longer);
    expect(readPermits(undefined)).toEqual({ held: {} });
    expect(row.ttl).toBeGreaterThan((start + 5000) / 1000);
    expect(usedOnly(longer, grant, 1)?.held.held).toMatchObject({ count: 1 });
  });

  it('permits are distinguished by row, slot and token', () => {
    const { mark, token } = markOf(receipt);
    expect(markOf({ ...receipt })).toEqual({ mark, token });
    expect(markOf({ ...receipt, slot: 1 }).mark).not.toBe(mark);
    expect(markOf({ ...receipt, rowId: 'row2' }).mark).not.toBe(mark);
    expect(markOf({ ...receipt, token: 'other' }).token).not.toBe(token);
  });
});
