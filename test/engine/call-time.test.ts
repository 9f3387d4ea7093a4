/** Calls with a deadline: when they stop waiting and retrying. */
import { expect, it } from 'vitest';
import type { InputOf } from '../../contract/contract.ts';
import { lastTryMs } from '../../engine/create.ts';
import type { QueueOperation } from '../../engine/engine.ts';
import { StoreError } from '../../engine/port/port.ts';
import { secondMs } from '../support/durations.ts';
import { onBothStores } from '../support/on-both-stores.ts';

const unavailable = { code: 'unavailable' };

onBothStores('a call with a deadline', (driven) => {
  const callBy = <Name extends QueueOperation>(endsAt: number, operation: Name, input: InputOf<Name>, more: object = {}) =>
    driven().engine.call(operation, { queue: 'q', ...more } as never, input, { endsAt });
  const busy = () => {
    throw new StoreError('too busy', 'no', undefined, 'throttled');
  };

  it('receive with a deadline stops waiting in time for a last try', async () => {
    const { create, clock } = driven();
    await create('q');
    const endsAt = clock.now() + 10 * secondMs;
    expect(await callBy(endsAt, 'receive', { waitSeconds: 20 })).toEqual({ messages: [] });
    expect(clock.now()).toBe(endsAt - lastTryMs);
  });

  it('getMessage with a deadline stops waiting for the end of a message in time for a last try', async () => {
    const { create, clock, send } = driven();
    await create('q', { keep: { doneSeconds: 60, deadSeconds: 60 } });
    const [id] = await send('q', 'waiting');
    const endsAt = clock.now() + 10 * secondMs;
    expect(await callBy(endsAt, 'getMessage', { waitSeconds: 20 }, { id })).toMatchObject({ id, state: 'ready' });
    expect(clock.now()).toBe(endsAt - lastTryMs);
  });

  it.each<[QueueOperation, object]>([
    ['publish', { messages: [{ body: 1 }] }],
    ['publish', { messages: [{ body: 1, group: 'g' }] }],
    ['receive', { waitSeconds: 20 }],
  ])('%s of %j with a deadline begins no retry after the time of the last try while the store is throttled', async (operation, input) => {
    const { create, clock, spy, call } = driven();
    await create('q');
    const endsAt = clock.now() + 8 * secondMs;
    let lastAsked = 0;
    spy.before = () => {
      lastAsked = clock.now();
      busy();
    };
    const answer = callBy(endsAt, operation, input as never);
    if (operation === 'publish') await answer.catch((error) => expect(error).toMatchObject(unavailable));
    else await expect(answer).rejects.toMatchObject(unavailable);
    expect(lastAsked).toBeGreaterThan(0);
    expect(lastAsked).toBeLessThanOrEqual(endsAt - lastTryMs);
    spy.before = () => {};
    expect((await call('peek', 'q', {})).messages).toEqual([]);
  });

  it('a call past its deadline makes no store call of its own', async () => {
    const { create, clock, spy } = driven();
    await create('q');
    clock.advance(60 * secondMs);
    let asked = 0;
    spy.before = () => {
      asked++;
      // Each answer takes a second.
      clock.advance(secondMs);
    };
    const messages = Array.from({ length: 20 }, (_, index) => ({ body: index, group: `g${index}` }));
    await callBy(clock.now() + 5 * secondMs, 'publish', { messages }).catch((error) => expect(error).toMatchObject(unavailable));
    const before = asked;
    await callBy(clock.now() - 1, 'publish', { messages }).catch((error) => expect(error).toMatchObject(unavailable));
    expect(before).toBeGreaterThan(0);
    // Reading the settings is shared by calls and not bound to the deadline of one.
    expect(asked - before).toBeLessThanOrEqual(1);
  });

  it('purge with too little time left is refused before it changes anything', async () => {
    const { create, clock, send, call } = driven();
    await create('q');
    await send('q', 'stays');
    const purging = callBy(clock.now() + lastTryMs + secondMs, 'purge', {});
    await expect(purging).rejects.toMatchObject({ ...unavailable, message: expect.stringContaining('Nothing was changed') });
    expect((await call('peek', 'q', {})).messages).toHaveLength(1);
    await callBy(clock.now() + 30 * secondMs, 'purge', {});
    expect((await call('peek', 'q', {})).messages).toEqual([]);
  });
});
