/** A forced cancel, a purge or a shorter lease returns the permit of a dead worker, and the turn of its group. */
import { expect, it } from 'vitest';
import type { QueueSettings, ReceivedMessage } from '../../contract/contract.ts';
import { clockMarginMs, readToWriteMsMax } from '../../contract/limits.ts';
import { StoreError } from '../../engine/port/port.ts';
import { secondMs } from '../support/durations.ts';
import { isPermitRow } from '../support/limited-queue.ts';
import { onEveryStore } from '../support/on-both-stores.ts';
import { spyOnStore } from '../support/store-spy.ts';

const yearSeconds = 365 * 24 * 60 * 60;
const marginMs = 2 * clockMarginMs;
const groups = { concurrency: 1, ratePerSecond: null, onFailure: 'block' as const };

onEveryStore('the permit of a dead worker', (driven) => {
  const start = (settings: Partial<QueueSettings> = {}) =>
    driven().create('q', { visibilityTimeoutSeconds: 2, limits: { concurrency: 1, ratePerSecond: null }, groups, ...settings });
  const extend = async (held: ReceivedMessage, visibilityTimeoutSeconds: number) => {
    const { results } = await driven().call('extend', 'q', { receipts: [held.receipt], visibilityTimeoutSeconds });
    expect(results).toMatchObject([{ ok: true }]);
  };
  /** A worker that leased a message for a year and died. */
  const deadWorker = async (): Promise<ReceivedMessage> => {
    const [held] = await driven().receive('q');
    await extend(held!, yearSeconds);
    driven().clock.advance(60 * secondMs);
    expect(await driven().receive('q')).toEqual([]);
    return held!;
  };
  const cancel = (id: string) => driven().engine.call('cancelMessage', { queue: 'q', id }, { force: true });

  it.each([
    ['alone', [{ body: 1 }, { body: 2 }], {}],
    ['with an own id', [{ body: 1, id: 'own' }, { body: 2 }], {}],
    [
      'in a group',
      [
        { body: 1, group: 'g' },
        { body: 2, group: 'g' },
      ],
      {},
    ],
    ['in a queue that keeps messages', [{ body: 1 }, { body: 2 }], { keep: { doneSeconds: 60, deadSeconds: 60 } }],
  ])('a forced cancel returns the permit of a dead worker: %s', async (_, entries, settings) => {
    await start(settings as Partial<QueueSettings>);
    for (const entry of entries) {
      await driven().publish('q', entry);
      driven().clock.advance(1);
    }
    const held = await deadWorker();
    await cancel(held.id);
    expect(await driven().bodies('q')).toEqual([2]);
    expect(await driven().receive('q')).toEqual([]);
    expect((await driven().ack('q', [held]))[0]).toMatchObject({ ok: false, code: 'cancelled' });
    expect(await driven().receive('q')).toEqual([]);
  });

  it('a forced cancel made again returns a permit that the first one could not return', async () => {
    const { spy, another, send, bodies } = driven();
    await start();
    await send('q', 1);
    await send('q', 2);
    const held = await deadWorker();
    const inner = spyOnStore(spy.store);
    inner.before = ({ method, keys }) => {
      if (method === 'write' && keys.some(isPermitRow)) throw new StoreError('not now', 'no');
    };
    await another(inner.store).call('cancelMessage', { queue: 'q', id: held.id }, { force: true });
    expect(await bodies('q')).toEqual([]);
    await cancel(held.id);
    expect(await bodies('q')).toEqual([2]);
  });

  it('a purge returns the permits of dead workers, and none of messages received after it', async () => {
    const { call, send, bodies, another } = driven();
    await start();
    await send('q', 1, 2);
    await deadWorker();
    await call('purge', 'q');
    await send('q', 'new', 'newer');
    expect(await bodies('q')).toEqual(['new']);
    expect(await bodies('q')).toEqual([]);
    expect((await another().call('receive', { queue: 'q' }, {})).messages).toEqual([]);
  });

  it('a purge right after a receive returns its permit, and an extend of the purged message takes it at most once', async () => {
    const { call, send, receive, bodies } = driven();
    await start();
    await send('q', 1);
    const [held] = await receive('q');
    driven().clock.advance(1);
    await call('purge', 'q');
    await send('q', 2);
    expect(await bodies('q')).toEqual([2]);
    await call('extend', 'q', { receipts: [held!.receipt], visibilityTimeoutSeconds: 60 });
    await send('q', 3);
    expect(await bodies('q')).toEqual([]);
  });

  it('a shortened lease returns its permit when it ends, plus the margin of clocks', async () => {
    const { clock, send, bodies } = driven();
    await start();
    await send('q', 1);
    await send('q', 2);
    const held = await deadWorker();
    await extend(held, 3);
    clock.advance(3 * secondMs + marginMs - 1);
    expect(await bodies('q')).toEqual([]);
    clock.advance(1);
    expect((await bodies('q')).length).toBe(1);
  });

  it('a permit is held for the longer lease when one call shortens it and another lengthens it', async () => {
    const { spy, another, clock, send, receive, bodies } = driven();
    await start();
    await send('q', 1);
    await send('q', 2);
    const [held] = await receive('q');
    await extend(held!, 600);
    const call = (before: (permitWrites: number) => Promise<void>, visibilityTimeoutSeconds: number) => {
      const inner = spyOnStore(spy.store);
      let permitWrites = 0;
      inner.before = async ({ method, keys }) => {
        if (method === 'write' && keys.some(isPermitRow)) await before(++permitWrites);
      };
      return another(inner.store).call('extend', { queue: 'q' }, { receipts: [held!.receipt], visibilityTimeoutSeconds });
    };
    const shorterIsDone = Promise.withResolvers<void>();
    let longer: Promise<unknown> | undefined;
    // Each extend first lengthens the permit, then writes the lease, then shortens the permit.
    const runLonger = async (permitWrites: number) => {
      if (permitWrites !== 2) return;
      const isAtItsLast = Promise.withResolvers<void>();
      longer = call(async (writes) => {
        if (writes === 2) {
          isAtItsLast.resolve();
          await shorterIsDone.promise;
        }
      }, 300);
      await isAtItsLast.promise;
    };
    await call(runLonger, 1);
    shorterIsDone.resolve();
    expect(longer).toBeDefined();
    await longer;
    clock.advance(299 * secondMs);
    expect(await bodies('q')).toEqual([]);
    clock.advance(secondMs + marginMs + readToWriteMsMax);
    expect((await bodies('q')).length).toBe(1);
  });

  it('a purged group with a dead worker delivers what is published after, and the late ack is told lease_lost', async () => {
    const { call, publish, bodies, ack } = driven();
    await start({ limits: null });
    await publish('q', { body: 1, group: 'g' }, { body: 2, group: 'g' }, { body: 'other', group: 'h' });
    const [first] = await driven().receive('q', { max: 1 });
    await extend(first!, yearSeconds);
    await call('purge', 'q');
    await publish('q', { body: 3, group: first!.group! });
    await publish('q', { body: 4, group: first!.group! });
    expect(await ack('q', [first!])).toMatchObject([{ ok: false, code: 'lease_lost' }]);
    const next = await driven().receive('q');
    expect(next.map(({ body }) => body)).toEqual([3, 4]);
    await ack('q', next);
    expect(await bodies('q')).toEqual([]);
  });
});
