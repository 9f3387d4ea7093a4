import { describe, expect, it } from 'vitest';
import { clockMarginMs, readToWriteMsMax } from '../../../contract/limits.ts';
import { createRetryBudget } from '../../../engine/context/retry.ts';
import { createLimiter, returnPermitsOf } from '../../../engine/permits/limiter.ts';
import { markOf, outAt, permitsRowId, readPermits } from '../../../engine/permits/permits.ts';
import { StoreError } from '../../../engine/port/port.ts';
import { contextInMemory, queueOf, start } from '../../support/context-in-memory.ts';

const visibilityTimeoutMs = 30_000;
const limited = queueOf({ limits: { concurrency: 3, ratePerSecond: null } });
const id = permitsRowId(limited);

function limiters(over?: Parameters<typeof contextInMemory>[0]) {
  const world = contextInMemory(over);
  const { ctx } = world;
  const limiter = (queue = limited) => createLimiter(ctx, { queue, visibilityTimeoutMs }, createRetryBudget(ctx));
  const out = () => outAt(readPermits(world.rows('leases').find((row) => row.id === id)), world.clock.now());
  return { ...world, limiter: () => limiter()!, limiterOf: limiter, out };
}

describe('permits of a receive', () => {
  it('a queue without limits has no limiter', () => {
    const { limiterOf } = limiters();
    expect(limiterOf(queueOf())).toBeUndefined();
    expect(limiterOf(queueOf({ limits: { concurrency: null, ratePerSecond: null } }))).toBeUndefined();
  });

  it('a receive takes permits by one read and one write, and returns unused ones by one write', async () => {
    const { limiter, spy, out } = limiters();
    const first = limiter();
    expect(await first.take('a', 10)).toBe(3);
    expect(spy.takeCounts()).toMatchObject({ gets: 1, puts: 1, updates: 0, refused: 0 });
    await first.returnUnused(1);
    await first.returnUnused(0);
    expect(spy.takeCounts()).toMatchObject({ gets: 0, puts: 1, updates: 0, refused: 0 });
    expect(out()).toBe(1);
    await first.take('b', 2);
    await first.returnUnused(2);
    expect(out()).toBe(3);
    expect(spy.takeCounts()).toMatchObject({ gets: 1, puts: 1 });
  });

  it('a receive without a free permit gets none, writes nothing and knows it', async () => {
    const { limiter, spy } = limiters();
    await limiter().take('a', 3);
    spy.takeCounts();
    const second = limiter();
    expect(await second.take('b', 1)).toBe(0);
    expect(second.isSpent).toBe(true);
    expect(spy.takeCounts()).toMatchObject({ gets: 1, puts: 0, updates: 0, refused: 0 });
  });

  it('a receive that loses a conflict takes what the other has left', async () => {
    const { limiter, spy, out } = limiters();
    spy.before = async ({ method }) => {
      if (method !== 'write') return;
      spy.before = () => {};
      expect(await limiter().take('b', 2)).toBe(2);
    };
    expect(await limiter().take('a', 2)).toBe(1);
    expect(spy.takeCounts()).toMatchObject({ puts: 2, refused: 1 });
    expect(out()).toBe(3);
  });

  it('permits cover only leases that end before they do, on messages that are not newer than they are', async () => {
    const { limiter } = limiters();
    const one = limiter();
    const latest = start + readToWriteMsMax + visibilityTimeoutMs;
    expect(one.covers(latest, start)).toBe(false);
    await one.take('a', 1);
    expect(one.covers(latest, start + 2 * clockMarginMs)).toBe(true);
    expect(one.covers(latest + 1, start)).toBe(false);
    expect(one.covers(latest, start + 2 * clockMarginMs + 1)).toBe(false);
  });
});

describe('permits that are returned', () => {
  it('a return of unused permits that may have been applied is not repeated', async () => {
    let writes = 0;
    const { limiter } = limiters((store) => ({
      write: (write, options) =>
        ++writes === 1 ? store.write(write, options) : Promise.reject(new StoreError('lost', 'unknown')),
    }));
    const one = limiter();
    await one.take('a', 3);
    await one.returnUnused(0);
    expect(writes).toBe(2);
  });

  it('messages return their permits by one update, and a repeated return changes nothing', async () => {
    const { ctx, limiter, spy, out } = limiters();
    await limiter().take('a', 3);
    spy.takeCounts();
    const over = [0, 1].map((slot) => markOf({ rowId: 'row', slot, token: 'a' }));
    await returnPermitsOf(ctx, limited, over);
    expect(spy.takeCounts()).toMatchObject({ gets: 0, updates: 1, refused: 0 });
    await returnPermitsOf(ctx, limited, over);
    expect(spy.takeCounts()).toMatchObject({ gets: 0, updates: 0, refused: 1 });
    expect(out()).toBe(1);
    await returnPermitsOf(ctx, queueOf(), over);
    expect(spy.takeCounts()).toMatchObject({ updates: 0, refused: 0 });
  });
});
