/** Release of a leased message by its id, without its receipt. */
import { expect, it } from 'vitest';
import type { InputOf, PublishEntry } from '../../contract/contract.ts';
import { type Store, StoreError } from '../../engine/port/port.ts';
import { secondMs } from '../support/durations.ts';
import { withCode } from '../support/expected.ts';
import { onEveryStore } from '../support/on-both-stores.ts';
import { spyOnStore } from '../support/store-spy.ts';

const places: [string, Partial<PublishEntry>, object][] = [
  ['alone in its row', {}, {}],
  ['under its own id', { id: 'own' }, {}],
  ['under a key', { dedupKey: 'k' }, { deduplication: { onDuplicate: 'ignore', windowSeconds: 60 } }],
  ['in a group', { group: 'g' }, {}],
  ['in a group, under its own id', { group: 'g', id: 'own' }, {}],
];

onEveryStore('a release by id', (driven) => {
  const releaseById = (id: string, input: InputOf<'releaseMessage'> = {}, queue = 'q') =>
    driven().engine.call('releaseMessage', { queue, id }, input);
  const get = (id: string, queue = 'q') => driven().engine.call('getMessage', { queue, id }, {});
  const now = () => new Date(driven().clock.now()).toISOString();

  it.each(places)('a release by id makes a message ready at once and ends its lease: %s', async (_, place, settings) => {
    const { create, publish, receive, ack, call, clock } = driven();
    await create('q', settings);
    const [id] = await publish('q', { body: 1, ...place });
    const [held] = await receive('q');
    clock.advance(secondMs);
    expect(await releaseById(id!)).toEqual({ visibleAt: now() });
    expect(await get(id!)).toMatchObject({ state: 'ready', receives: 1, failures: 0, visibleAt: now() });
    const receipts = [held!.receipt];
    expect((await ack('q', [held!]))[0]).toEqual(withCode('lease_lost'));
    expect((await call('extend', 'q', { receipts })).results[0]).toEqual(withCode('lease_lost'));
    expect((await call('release', 'q', { receipts, failed: 'no' })).results[0]).toEqual(withCode('lease_lost'));
    const [again] = await receive('q');
    expect(again).toMatchObject({ id, receives: 2, failures: 0 });
    expect(await ack('q', [again!])).toEqual([{ ok: true }]);
  });

  it('a release by id leaves the leases of the other messages of its row', async () => {
    const { create, send, receive, ack, bodies } = driven();
    await create('q');
    const ids = await send('q', 0, 1, 2);
    const held = await receive('q');
    await releaseById(ids[1]!);
    expect((await ack('q', held)).map(({ ok }) => ok)).toEqual([true, false, true]);
    expect(await bodies('q')).toEqual([1]);
  });

  it('a release by id hides the message for as long as it says, also in place of the backoff of its queue', async () => {
    const { create, send, receive, clock } = driven();
    await create('q', { backoff: { minSeconds: 100, maxSeconds: 100, factor: 1, jitter: 0 } });
    const [id] = await send('q', 1);
    await receive('q');
    const { visibleAt } = (await releaseById(id!, { delaySeconds: 5 })) as { visibleAt: string };
    expect(Date.parse(visibleAt) - clock.now()).toBe(5 * secondMs);
    expect(await receive('q')).toEqual([]);
    expect(await releaseById(id!)).toEqual({ visibleAt });
    clock.advance(5 * secondMs);
    expect(await receive('q')).toMatchObject([{ receives: 2, failures: 0 }]);
  });

  it('a release by id leaves a message that is not leased as it is, and its late holder may still ack', async () => {
    const { create, send, publish, receive, ack, clock } = driven();
    await create('q', { visibilityTimeoutSeconds: 10 });
    const [held] = await send('q', 1);
    const messages = await receive('q');
    const [ready] = await send('q', 2);
    const [delayed] = await publish('q', { body: 3, delaySeconds: 60 });
    const [ofGroup] = await publish('q', { body: 4, group: 'g' });
    clock.advance(10 * secondMs);
    for (const id of [held!, ready!, delayed!, ofGroup!]) {
      const before = await get(id);
      expect(await releaseById(id, { delaySeconds: 100 })).toEqual({ visibleAt: before.visibleAt });
      expect(await get(id)).toEqual(before);
    }
    expect(await ack('q', messages)).toEqual([{ ok: true }]);
  });

  it('a release by id of one receive leaves the lease of a later one', async () => {
    const { create, send, receive, ack } = driven();
    await create('q');
    const [id] = await send('q', 1);
    await receive('q');
    expect(await releaseById(id!, { receives: 1 })).toEqual({ visibleAt: now() });
    const [second] = await receive('q');
    const leased = await get(id!);
    expect(await releaseById(id!, { receives: 1 })).toEqual({ visibleAt: leased.visibleAt });
    expect(await ack('q', [second!])).toEqual([{ ok: true }]);
  });

  it('a release by id is refused for a message that is unknown, acked, in another queue, or prepared', async () => {
    const { create, send, publish, receive, ack } = driven();
    await create('other');
    await create('q', { prepared: { timeoutSeconds: 60, checkBack: null }, keep: { doneSeconds: 60, deadSeconds: 60 } });
    const [id] = await send('q', 1);
    await ack('q', await receive('q'));
    await publish('q', { body: 2, id: 'prepared', prepared: true });
    await expect(releaseById(id!)).rejects.toEqual(withCode('message_not_found'));
    await expect(releaseById('nobody')).rejects.toEqual(withCode('message_not_found'));
    await expect(releaseById(id!, {}, 'other')).rejects.toEqual(withCode('message_not_found'));
    await expect(releaseById('prepared')).rejects.toEqual(withCode('message_prepared'));
  });

  it('a release by id dead-letters a message whose receives are used up', async () => {
    const { create, send, receive } = driven();
    await create('dead');
    await create('q', { deadLetter: { queue: 'dead', maxReceives: 1 } });
    const [id] = await send('q', 1);
    await receive('q');
    expect(await releaseById(id!)).toEqual({ deadLettered: true });
    const [dead] = await receive('dead');
    expect(dead).toMatchObject({ id, deadLetter: { reason: 'max_receives', receives: 1, failures: 0 } });
    expect(await releaseById(id!, {}, 'dead')).toEqual({ visibleAt: now() });
  });

  it('a release by id returns the permit of its lease, and only once', async () => {
    const { create, send, receive, ack, bodies } = driven();
    await create('q', { limits: { concurrency: 1, ratePerSecond: null } });
    const [id] = await send('q', 1);
    await send('q', 2);
    const [held] = await receive('q');
    expect(await receive('q')).toEqual([]);
    await releaseById(id!);
    await releaseById(id!);
    expect((await ack('q', [held!]))[0]).toMatchObject({ ok: false });
    expect(await bodies('q', { max: 10 })).toHaveLength(1);
    expect(await receive('q')).toEqual([]);
  });

  it('a release by id in a group keeps the order, and the messages behind wait while others of the group are leased', async () => {
    const { create, publish, receive, bodies } = driven();
    await create('q');
    const ids = await publish('q', ...[1, 2, 3].map((body) => ({ body, group: 'g' })));
    await receive('q', { max: 2 });
    await releaseById(ids[0]!);
    expect(await receive('q')).toEqual([]);
    await releaseById(ids[1]!);
    expect(await bodies('q', { max: 3 })).toEqual([1, 2, 3]);
  });

  it('a release by id in a group does not touch the message that takes the place of one acked meanwhile', async () => {
    const { spy, another, create, publish, receive, ack } = driven();
    await create('q');
    const [id] = await publish('q', { body: 1, group: 'g' });
    await publish('q', { body: 2, group: 'g' });
    const [first] = await receive('q', { max: 1 });
    const inner = spyOnStore(spy.store);
    let second: Awaited<ReturnType<typeof receive>> = [];
    inner.before = async ({ method }) => {
      if (method !== 'write' || second.length > 0) return;
      await ack('q', [first!]);
      second = await receive('q', { max: 1 });
    };
    const released = another(inner.store).call('releaseMessage', { queue: 'q', id: id! }, {});
    await expect(released).rejects.toEqual(withCode('message_not_found'));
    expect(second).toMatchObject([{ body: 2 }]);
    expect(await ack('q', second)).toEqual([{ ok: true }]);
  });

  it('a release by id whose answer from the store is lost succeeds, and ends one lease only', async () => {
    const { spy, another, create, send, receive, ack } = driven();
    await create('q');
    const [id] = await send('q', 1);
    await receive('q');
    let isLost = false;
    const losing: Store = {
      ...spy.store,
      async write(write, options) {
        const written = await spy.store.write(write, options);
        if (isLost) return written;
        isLost = true;
        throw new StoreError('the answer was lost', 'unknown');
      },
    };
    expect(await another(losing).call('releaseMessage', { queue: 'q', id: id! }, {})).toEqual({ visibleAt: now() });
    expect(isLost).toBe(true);
    expect(await ack('q', await receive('q'))).toEqual([{ ok: true }]);
  });
});
