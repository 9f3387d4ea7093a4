/** A rate limit: when it lets messages through, how it changes and what it costs. */

import { expect, it } from 'vitest';
import type { QueueLimits } from '../../contract/contract.ts';
import { queueConcurrencyMax, queueRatePerSecondMax, settingsCacheMs } from '../../contract/limits.ts';
import { secondMs } from '../support/durations.ts';
import { isPermitRow, limitedQueue, rateOf } from '../support/limited-queue.ts';
import { onEveryStore } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';
import { noCalls, spyOnStore } from '../support/store-spy.ts';

onEveryStore('a rate limit', (driven) => {
  const { count } = limitedQueue(driven);
  const start = async (limits: QueueLimits, messages: number) => {
    await driven().create('q', { limits });
    for (let at = 0; at < messages; at += 100) await driven().send('q', ...range(Math.min(100, messages - at)));
  };

  it('a rate limit delivers one second of messages at once, then each at its time, to the millisecond', async () => {
    const { clock } = driven();
    await start(rateOf(3), 40);
    expect(await count()).toBe(3);
    const begun = clock.now();
    for (let index = 1; index < 10; index++) {
      clock.advance(begun + Math.ceil((index * secondMs) / 3) - 1 - clock.now());
      expect(await count()).toBe(0);
      clock.advance(1);
      expect(await count()).toBe(1);
    }
    clock.advance(10 * secondMs);
    expect(await count()).toBe(3);
  });

  it('a rate limit below one a second delivers one message at a time', async () => {
    const { clock } = driven();
    await start(rateOf(0.001), 3);
    expect(await count()).toBe(1);
    clock.advance(1000 * secondMs - 1);
    expect(await count()).toBe(0);
    clock.advance(1);
    expect(await count()).toBe(1);
  });

  it('a rate limit does not count what a receive could not use, unless another has received since', async () => {
    const { spy, another, clock, call, engine } = driven();
    await start(rateOf(1), 0);
    const inner = spyOnStore(spy.store);
    const slow = another(inner.store);
    /** A receive whose message is cancelled before it is claimed. */
    const receiveInVain = async (meanwhile: () => Promise<void>) => {
      await driven().send('q', 'cancelled');
      inner.before = async ({ method, keys }) => {
        if (method !== 'write' || keys.some(isPermitRow)) return;
        inner.before = () => {};
        const { messages } = await call('peek', 'q', { state: 'ready' });
        for (const { id } of messages) await engine.call('cancelMessage', { queue: 'q', id }, {});
        await meanwhile();
      };
      expect((await slow.call('receive', { queue: 'q' }, {})).messages).toEqual([]);
    };
    await receiveInVain(async () => {});
    await driven().send('q', 1, 2);
    expect(await count()).toBe(1);
    expect(await count()).toBe(0);
    clock.advance(secondMs);
    expect(await count()).toBe(1);
    clock.advance(secondMs);
    await receiveInVain(async () => {
      clock.advance(secondMs);
      await driven().send('q', 3, 4);
      expect(await count()).toBe(1);
    });
    expect(await count()).toBe(0);
    clock.advance(secondMs);
    expect(await count()).toBe(1);
  });

  it('a changed rate limit counts what was received before by the new rate', async () => {
    const { call, clock } = driven();
    await start(rateOf(0.001), 200);
    expect(await count()).toBe(1);
    await call('updateQueue', 'q', { limits: rateOf(100) });
    clock.advance(settingsCacheMs);
    expect(await count()).toBe(99);
    await call('updateQueue', 'q', { limits: rateOf(0.1) });
    clock.advance(settingsCacheMs);
    expect(await count()).toBe(1);
    expect(await count()).toBe(0);
  });

  it('a rate limit and a concurrency limit hold together', async () => {
    const { clock } = driven();
    await start({ concurrency: 5, ratePerSecond: 2 }, 20);
    const held = await driven().receive('q');
    expect(held.length).toBe(2);
    clock.advance(secondMs);
    expect(await count()).toBe(2);
    clock.advance(secondMs);
    expect(await count()).toBe(1);
    await driven().ack('q', held);
    expect(await count()).toBe(1);
    expect(await count()).toBe(0);
  });

  it('a rate limit costs one more write to receive and none to ack', async () => {
    const { spy, send } = driven();
    await start(rateOf(1000), 1);
    await driven().ack('q', await driven().receive('q'));
    await send('q', 1);
    spy.takeCounts();
    const held = await driven().receive('q', { max: 1 });
    expect(spy.takeCounts()).toEqual({ ...noCalls, ranges: 2, gets: 1, puts: 2, removals: 1 });
    await driven().ack('q', held);
    expect(spy.takeCounts()).toEqual({ ...noCalls, puts: 1 });
  });

  it('limits that are both null limit nothing and cost nothing', async () => {
    const { call, spy } = driven();
    await start({ concurrency: null, ratePerSecond: null }, 20);
    expect((await call('getQueue', 'q')).limits).toEqual({ concurrency: null, ratePerSecond: null });
    spy.takeCounts();
    expect(await count()).toBe(20);
    expect(spy.takeCounts()).toMatchObject({ puts: 2 });
  });

  it.each([
    [{ concurrency: 0, ratePerSecond: null }, 'limits.concurrency'],
    [{ concurrency: queueConcurrencyMax + 1, ratePerSecond: null }, 'limits.concurrency'],
    [{ concurrency: 1.5, ratePerSecond: null }, 'limits.concurrency'],
    [{ concurrency: null, ratePerSecond: 0 }, 'limits.ratePerSecond'],
    [{ concurrency: null, ratePerSecond: queueRatePerSecondMax + 1 }, 'limits.ratePerSecond'],
    [{ concurrency: '1', ratePerSecond: null }, 'limits.concurrency'],
    [{ concurrency: 1, ratePerSecond: null, burst: 1 }, 'burst'],
    [7, 'limits'],
  ])('bad limits are refused by the name of the field: %j', async (limits, field) => {
    const refused = driven().call('createQueue', 'q', { limits } as never);
    await expect(refused).rejects.toMatchObject({ code: 'invalid_input', message: expect.stringContaining(field) });
  });
});
