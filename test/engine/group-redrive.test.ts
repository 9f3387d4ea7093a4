/** Dead letters of groups, and what a redrive makes of them. */
import { expect, it } from 'vitest';
import type { PublishEntry, ReceivedMessage } from '../../contract/contract.ts';
import { settingsForgottenMs } from '../../engine/queues/shard-scaling.ts';
import { minuteMs, secondMs } from '../support/durations.ts';
import { noise } from '../support/noise.ts';
import { onEveryStore } from '../support/on-both-stores.ts';

onEveryStore('a redrive of a group', (driven) => {
  const create = async (more = {}, dead = {}) => {
    await driven().create('dead', dead);
    await driven().create('q', { deadLetter: { queue: 'dead', maxReceives: 5 }, ...more });
  };
  const publish = async (...messages: PublishEntry[]) => {
    const { results } = await driven().call('publish', 'q', { messages: messages.map((one) => ({ group: 'g', ...one })) });
    return results.map((result) => (result.ok ? result.id : ''));
  };
  /** Publishes each message and rejects it. */
  const die = async (...messages: PublishEntry[]) => {
    const ids: string[] = [];
    for (const message of messages) {
      ids.push(...(await publish(message)));
      const held = await driven().receive('q');
      driven().clock.advance(5);
      await driven().call('release', 'q', { receipts: held.map(({ receipt }) => receipt), deadLetter: true, failed: 'no' });
    }
    return ids;
  };
  const get = (id: string, queue = 'q') => driven().engine.call('getMessage', { queue, id }, {});
  const drain = async (queue = 'q') => {
    const taken: ReceivedMessage[] = [];
    for (let held = await driven().receive(queue); held.length > 0; held = await driven().receive(queue)) {
      taken.push(...held);
      await driven().ack(queue, held);
    }
    return taken;
  };
  const left = async () => (await driven().rows('leases')).filter(({ ttl, until }) => ttl === undefined && until === undefined);

  it('dead letters of a group come back to the end of their group, in their order and under their ids', async () => {
    await create();
    const ids = await die({ body: 1 }, { body: 2, id: 'two' }, { body: 3 });
    const [waiting] = await publish({ body: 4 });
    expect(await driven().redrive('dead')).toMatchObject({ moved: 3, skipped: 0 });
    expect(await get(ids[0]!)).toMatchObject({ id: ids[0], queue: 'q', state: 'ready', group: 'g', receives: 0, failures: 0 });
    const taken = await drain();
    expect(taken.map(({ id, body, group, receives }) => [id, body, group, receives])).toEqual([
      [waiting, 4, 'g', 1],
      [ids[0], 1, 'g', 1],
      ['two', 2, 'g', 1],
      [ids[2], 3, 'g', 1],
    ]);
    expect(taken.every(({ deadLetter }) => deadLetter === undefined)).toBe(true);
    expect(await driven().rows('messages')).toEqual([]);
    expect(await left()).toEqual([]);
  });

  for (const input of [{}, { ratePerSecond: 7 }]) {
    const how = 'ratePerSecond' in input ? ' at a rate' : '';
    it(`messages of groups that died together come back${how} in the order of their group, whatever their ids`, async () => {
      await create({ deadLetter: { queue: 'dead', maxReceives: 1 } });
      const die = async (groups: string[]) => {
        for (const group of groups) {
          const bodies = Array.from({ length: 10 }, (_, index) => index);
          await publish(...bodies.map((body) => ({ group, body, id: `${group}-${(body * 7) % 10}` })));
        }
        while ((await driven().receive('q')).length > 0);
        driven().clock.advance(10 * minuteMs);
        expect(await driven().receive('q')).toEqual([]);
      };
      // The first page of a redrive ends between those that died last, which are more than a page.
      await die(['a', 'b']);
      await die(['c', 'd', 'e']);
      driven().clock.advance(10 * minuteMs);
      const task = await driven().redrive('dead', input);
      expect(task).toMatchObject({ moved: 50, skipped: 0 });
      const taken = await drain();
      for (const group of ['a', 'b', 'c', 'd', 'e']) {
        expect(taken.filter((one) => one.group === group).map(({ body }) => body)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      }
    });
  }

  it('a redriven message of a group keeps its attributes, its body and the time of its publish', async () => {
    await create();
    const body = noise(5000);
    const [id] = await die({ body, attributes: { kind: 'a' } });
    const published = await get(id!, 'dead');
    driven().clock.advance(minuteMs);
    await driven().redrive('dead');
    expect(await get(id!)).toMatchObject({ id, body, attributes: { kind: 'a' }, publishedAt: published.publishedAt });
    expect(await drain()).toMatchObject([{ id, body, attributes: { kind: 'a' }, publishedAt: published.publishedAt }]);
  });

  it('a redriven message waits for the messages of its group that are leased', async () => {
    await create();
    await die({ body: 1 });
    await publish({ body: 2 });
    const [held] = await driven().receive('q');
    await driven().redrive('dead');
    expect(await driven().receive('q')).toEqual([]);
    await driven().ack('q', [held!]);
    expect((await drain()).map(({ body }) => body)).toEqual([1]);
  });

  it('a message of a group can die and come back several times, and be cancelled by its id', async () => {
    await create();
    const [id] = await die({ body: 1 });
    for (let round = 0; round < 2; round++) {
      await driven().redrive('dead');
      const [again] = await driven().receive('q');
      expect(again).toMatchObject({ id, group: 'g' });
      await driven().call('release', 'q', { receipts: [again!.receipt], deadLetter: true });
      expect(await get(id!, 'dead')).toMatchObject({ id, state: 'dead', group: 'g', deadLetter: { group: 'g' } });
    }
    await driven().redrive('dead');
    const cancel = () => driven().engine.call('cancelMessage', { queue: 'q', id: id! }, {});
    await cancel();
    await cancel();
    await expect(get(id!)).rejects.toMatchObject({ code: 'message_not_found' });
    expect(await drain()).toEqual([]);
    expect(await left()).toEqual([]);
  });

  it('a redrive to another queue puts a dead letter into its group there', async () => {
    await create();
    await driven().create('other');
    const ids = await die({ body: 1 }, { body: 2, id: 'two' });
    await driven().redrive('dead', { toQueue: 'other' });
    expect(await get(ids[0]!, 'other')).toMatchObject({ id: ids[0], queue: 'other', group: 'g' });
    expect(await get('two', 'other')).toMatchObject({ id: 'two', queue: 'other', group: 'g' });
    expect(await publish({ body: 3, id: 'two' })).toEqual(['two']);
    expect((await drain()).map(({ body }) => body)).toEqual([]);
    expect((await drain('other')).map(({ id, group }) => [id, group])).toEqual([
      [ids[0], 'g'],
      ['two', 'g'],
    ]);
    expect(await left()).toEqual([]);
  });

  it('a redrive of a group leaves no body behind, whatever the retention of the queues', async () => {
    for (const [more, dead] of [
      [{ retentionSeconds: null }, {}],
      [{}, { retentionSeconds: null }],
      [{ retentionSeconds: null }, { retentionSeconds: null }],
    ]) {
      await create(more, dead);
      await die({ body: noise(400_000) });
      await driven().redrive('dead');
      expect(await drain()).toHaveLength(1);
      driven().clock.advance(30 * minuteMs);
      await driven().sweep();
      expect((await driven().rows('messages')).filter(({ ttl }) => ttl === undefined)).toEqual([]);
      for (const name of ['q', 'dead']) await driven().call('deleteQueue', name, {});
      driven().clock.advance(settingsForgottenMs + 5 * secondMs);
      await driven().sweep();
    }
  });
});
