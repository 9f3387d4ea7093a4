/** The rate of a group while it is in use: raised, lowered or removed. */
import { expect, it } from 'vitest';
import type { QueueSettings } from '../../contract/contract.ts';
import { settingsCacheMs } from '../../contract/limits.ts';
import { secondMs } from '../support/durations.ts';
import { onBothStores } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';

const rate = (ratePerSecond: number | null) => ({
  groups: { concurrency: 1, ratePerSecond, onFailure: 'block' as const },
});

onBothStores('the rate of a group', (driven) => {
  const start = (ratePerSecond: number | null, settings: Partial<QueueSettings> = {}) =>
    driven().create('q', { ...rate(ratePerSecond), ...settings });
  const change = (ratePerSecond: number | null) => driven().call('updateQueue', 'q', rate(ratePerSecond));
  const publish = (group: string, ...bodies: number[]) =>
    bodies.reduce<Promise<unknown>>(
      (before, body) => before.then(() => driven().publish('q', { body, group })),
      Promise.resolve(),
    );
  const drain = async () => {
    const messages = await driven().receive('q');
    if (messages.length > 0) await driven().ack('q', messages);
    return messages.map(({ body }) => body);
  };

  it.each([
    ['removed', null, 0],
    ['raised', 0.05, 20],
    ['raised a little', 0.002, 500],
  ])('a group rate that is %s takes effect within two seconds, also for groups that wait by the former one', async (_, next, restSeconds) => {
    const { clock } = driven();
    await start(0.001);
    await publish('a', 1, 2);
    await publish('b', 3, 4);
    const from = clock.now();
    expect((await drain()).sort()).toEqual([1, 3]);
    clock.advance(secondMs);
    await change(next);
    clock.advance(settingsCacheMs);
    const other = driven().another();
    if (restSeconds > 0) {
      clock.advance(restSeconds * secondMs - (clock.now() - from) - 1);
      expect(await drain()).toEqual([]);
      expect((await other.call('receive', { queue: 'q' }, { max: 10 })).messages).toEqual([]);
      clock.advance(1);
    }
    const { messages } = await other.call('receive', { queue: 'q' }, { max: 10 });
    expect(messages.map(({ body }) => body).sort()).toEqual([2, 4]);
  });

  it('a removed group rate does not hold a group whose lease began before the removal and was acked long after', async () => {
    const { clock, receive, ack } = driven();
    await start(0.001, { visibilityTimeoutSeconds: 900 });
    await publish('a', 1, 2);
    const held = await receive('q');
    await change(null);
    clock.advance(300 * secondMs);
    await ack('q', held);
    expect(await drain()).toEqual([2]);
  });

  it('a removed group rate takes effect after a few receives, each of which reads a bounded number of rows', async () => {
    const { clock, spy, receive } = driven();
    await start(0.001, { visibilityTimeoutSeconds: 300 });
    for (const body of range(60)) await driven().send('q', body);
    await publish('a', 1000, 1001);
    const held = await receive('q');
    expect(held.length).toBe(61);
    await driven().ack(
      'q',
      held.filter(({ group }) => group === 'a'),
    );
    await change(null);
    clock.advance(settingsCacheMs);
    const found: unknown[] = [];
    for (let call = 0; call < 4; call++) {
      spy.takeCounts();
      found.push(...(await drain()));
      if (found.length === 0) expect(spy.takeCounts().ranges).toBeLessThanOrEqual(3);
    }
    expect(found).toEqual([1001]);
    clock.advance(1010 * secondMs);
    await driven().receive('q');
    spy.takeCounts();
    clock.advance(secondMs);
    await driven().receive('q');
    expect(spy.takeCounts().ranges).toBe(2);
  });

  it('a lowered group rate holds from then on, also for groups that wait by the former one', async () => {
    const { clock } = driven();
    await start(0.1);
    await publish('a', 1, 2);
    const from = clock.now();
    expect(await drain()).toEqual([1]);
    await change(0.01);
    clock.advance(settingsCacheMs);
    clock.advance(100 * secondMs - (clock.now() - from) - 1);
    expect(await drain()).toEqual([]);
    clock.advance(1);
    expect(await drain()).toEqual([2]);
  });

  it('a group rate holds for a group that was empty when its next message was published', async () => {
    const { clock } = driven();
    await start(0.5);
    await publish('a', 1);
    expect(await drain()).toEqual([1]);
    await publish('a', 2);
    expect(await drain()).toEqual([]);
    clock.advance(2 * secondMs - 1);
    expect(await drain()).toEqual([]);
    clock.advance(1);
    expect(await drain()).toEqual([2]);
  });

  it('a group rate does not count a message that was given back undelivered', async () => {
    const { spy, another } = driven();
    await start(0.001);
    await publish('a', 1);
    const gone = new AbortController();
    const { store } = spy;
    const slow = another({
      ...store,
      async write(write, options) {
        const written = await store.write(write, options);
        gone.abort();
        return written;
      },
    });
    expect((await slow.call('receive', { queue: 'q' }, {}, { signal: gone.signal })).messages).toEqual([]);
    expect(gone.signal.aborted).toBe(true);
    expect(await drain()).toEqual([1]);
  });
});
