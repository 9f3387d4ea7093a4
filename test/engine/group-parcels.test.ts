/** Messages that were sent to a group one by one, and share the group's row: received together, and each with its own age and body. */
import { expect, it } from 'vitest';
import type { QueueSettings, ReceivedMessage } from '../../contract/contract.ts';
import { groupRowBytesMax, parcelSlotsMax } from '../../contract/limits.ts';
import { storedBytes } from '../../engine/port/row-limits.ts';
import { daySeconds, instant, secondMs } from '../support/durations.ts';
import { notFound, ok } from '../support/expected.ts';
import { noise } from '../support/noise.ts';
import { onEveryStore } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';
import { dyingAtWrite } from '../support/store-spy.ts';

const groups = { concurrency: 1, onFailure: 'block' as const, ratePerSecond: null, deadLetters: 'apart' as const };

onEveryStore('messages of a group that were sent one by one', (driven) => {
  const create = (settings: Partial<QueueSettings> = {}) => driven().create('q', { visibilityTimeoutSeconds: 30, ...settings });
  const send = async (...bodies: unknown[]) => {
    const ids: string[] = [];
    for (const body of bodies) ids.push(...(await driven().publish('q', { body: body as string, group: 'g' })));
    return ids;
  };
  const take = (max = parcelSlotsMax) => driven().receive('q', { max });
  const get = (id: string) => driven().engine.call('getMessage', { queue: 'q', id }, {});
  const cancel = (id: string, force = false) => driven().engine.call('cancelMessage', { queue: 'q', id }, { force });
  const release = (messages: readonly ReceivedMessage[], input: object = {}) =>
    driven().call('release', 'q', { receipts: messages.map(({ receipt }) => receipt), ...input });
  const ack = async (messages: readonly ReceivedMessage[]) => {
    expect(await driven().ack('q', messages)).toEqual(messages.map(() => ok));
  };
  const bodiesOf = (messages: readonly { body?: unknown }[]) => messages.map(({ body }) => body);
  const groupRow = async () => (await driven().rows('leases')).find(({ group }) => group !== undefined)!;

  it('one receive returns them together, in order and under their ids, and the next returns those behind them', async () => {
    await create();
    const ids = await send(...range(25));
    for (const first of [0, 10]) {
      const messages = await take();
      expect(messages.map(({ id, body }) => [id, body])).toEqual(range(10).map((index) => [ids[first + index], first + index]));
      expect(await take()).toEqual([]);
      await ack(messages);
    }
    expect(bodiesOf(await take(3))).toEqual([20, 21, 22]);
  });

  it('one receive loads them by one write of the row, and removes their parcels before it delivers', async () => {
    await create();
    await send(...range(10));
    driven().spy.takeCounts();
    await ack(await take());
    expect(driven().spy.takeCounts()).toMatchObject({ puts: 2, removals: 10 });
    expect(await driven().rows('messages')).toEqual([]);
  });

  it('a receive of fewer messages loads no more parcels than it needs', async () => {
    await create();
    await send(...range(10));
    await take(1);
    expect((await groupRow()).count).toBe(1);
    expect(await driven().rows('messages')).toHaveLength(9);
  });

  it('an acked part stays acked and the rest is delivered again, also by an ack that is repeated', async () => {
    await create();
    await send(...range(5));
    const messages = await take();
    await ack([messages[1]!, messages[3]!]);
    await ack([messages[1]!]);
    driven().clock.advance(30 * secondMs);
    const again = await take();
    expect(again.map(({ body, receives }) => [body, receives])).toEqual([0, 2, 4].map((body) => [body, 2]));
    expect(await driven().ack('q', [messages[0]!])).toMatchObject([{ code: 'lease_lost' }]);
    await ack([messages[1]!, ...again]);
    await send('next');
    expect(bodiesOf(await take())).toEqual(['next']);
    await ack(again);
  });

  it('a row holds as many of them as four kibibytes take, and bodies that do not fit into it as well', async () => {
    await create({ retentionSeconds: null });
    const bodies = [...range(9).map(() => noise(600)), ...range(12).map(() => noise(3000)), 'small'];
    await send(...bodies);
    const received: unknown[] = [];
    for (let messages = await take(); messages.length > 0; messages = await take()) {
      const row = await groupRow();
      expect(storedBytes(row)).toBeLessThanOrEqual(groupRowBytesMax);
      received.push(...bodiesOf(messages));
      await ack(messages);
    }
    expect(received).toEqual(bodies);
    driven().clock.advance(secondMs);
    await driven().sweep();
    expect(await driven().rows('messages')).toEqual([]);
  });

  it('a large body is not loaded behind others if one answer could not carry them', async () => {
    await create();
    const large = noise(250_000);
    await send('small', large, large);
    const messages = await take();
    expect(bodiesOf(messages)).toEqual(['small', large]);
    await ack(messages);
    expect(bodiesOf(await take())).toEqual([large]);
  });

  it('each keeps its own age: one that expires in the row is dropped or dead-lettered, and younger ones stay', async () => {
    for (const deadLetter of [null, { queue: 'dead', maxReceives: 5 }]) {
      const { clock, bodies } = driven();
      const queue = deadLetter ? 'dying' : 'dropping';
      await driven().create('dead');
      await driven().create(queue, { retentionSeconds: 60, visibilityTimeoutSeconds: 5, deadLetter });
      await driven().publish(queue, { body: 'old', group: 'g' });
      const published = clock.now();
      clock.advance(50 * secondMs);
      await driven().publish(queue, { body: 'young', group: 'g' });
      const both = await driven().receive(queue, { max: 10 });
      expect(bodiesOf(both)).toEqual(['old', 'young']);
      expect(both.map(({ publishedAt }) => publishedAt)).toEqual([instant(published), instant(published + 50_000)]);
      const { expiresAt } = await driven().engine.call('getMessage', { queue, id: both[1]!.id }, {});
      expect(expiresAt).toBe(instant(published + 110_000));
      clock.advance(11 * secondMs);
      expect(bodiesOf(await driven().receive(queue, { max: 10 }))).toEqual(['young']);
      expect(await bodies('dead')).toEqual(deadLetter ? ['old'] : []);
    }
  });

  it('one that has expired is not delivered with an older one that has not', async () => {
    const { call, clock } = driven();
    await create({ retentionSeconds: daySeconds });
    await send('lasting');
    await call('updateQueue', 'q', { retentionSeconds: 60 });
    clock.advance(3 * secondMs);
    await send('expired', 'also');
    clock.advance(61 * secondMs);
    const messages = await take();
    expect(bodiesOf(messages)).toEqual(['lasting']);
    await ack(messages);
    expect(await take()).toEqual([]);
    expect(await driven().rows('messages')).toEqual([]);
  });

  it('a purge drops those in the row and delivers what is published after it', async () => {
    await create();
    await send(1, 2);
    const held = await take();
    await driven().call('purge', 'q');
    driven().clock.advance(3 * secondMs);
    await send('after');
    expect(bodiesOf(await take())).toEqual(['after']);
    expect(await driven().ack('q', held)).toMatchObject([{ code: 'lease_lost' }, { code: 'lease_lost' }]);
  });

  it('each is found, listed and cancelled by its id, in the row and before its turn', async () => {
    await create();
    const ids = await send(...range(6));
    await cancel(ids[1]!);
    await cancel(ids[5]!);
    const held = await take(3);
    expect(bodiesOf(held)).toEqual([0, 2, 3]);
    expect(await get(ids[2]!)).toMatchObject({ id: ids[2], body: 2, state: 'leased' });
    expect(await get(ids[4]!)).toMatchObject({ id: ids[4], body: 4, state: 'ready' });
    await expect(get(ids[1]!)).rejects.toMatchObject(notFound);
    const { messages } = await driven().call('peek', 'q');
    expect(messages.map(({ id, body }) => [id, body])).toEqual([0, 2, 3, 4].map((index) => [ids[index], index]));
    expect((await driven().call('getQueue', 'q')).counts).toMatchObject({ ready: 1, leased: 3 });
    await expect(cancel(ids[2]!)).rejects.toMatchObject({ code: 'message_leased' });
    await cancel(ids[2]!, true);
    await cancel(ids[2]!, true);
    expect(await driven().ack('q', held)).toMatchObject([ok, { code: 'cancelled' }, ok]);
    expect(bodiesOf(await take())).toEqual([4]);
    await expect(get(ids[5]!)).rejects.toMatchObject(notFound);
  });

  it('each is found under its own id, and its id stays taken after it was received with the others', async () => {
    await create();
    const publish = (body: number, id?: string) => driven().publish('q', { body, group: 'g', ...(id ? { id } : {}) });
    await publish(0, 'zero');
    await publish(1);
    await publish(2, 'two');
    await publish(3, 'three');
    const messages = await take();
    expect(messages.map(({ body, id }) => [body, id])).toEqual([0, 1, 2, 3].map((at) => [at, messages[at]!.id]));
    expect(messages.flatMap(({ id }) => (id.includes('~') ? [] : [id]))).toEqual(['zero', 'two', 'three']);
    expect(await get('two')).toMatchObject({ body: 2, state: 'leased' });
    await cancel('two', true);
    expect(await driven().ack('q', messages)).toMatchObject([ok, ok, { code: 'cancelled' }, ok]);
    for (const id of ['zero', 'three']) {
      await expect(get(id)).rejects.toMatchObject(notFound);
      const { results } = await driven().call('publish', 'q', { messages: [{ body: 'again', group: 'g', id }] });
      expect(results).toEqual([{ ok: true, id, duplicate: true }]);
    }
    expect((await driven().rows('leases')).filter(({ marks, until }) => marks && until === undefined)).toEqual([]);
  });

  it('a delayed one and those behind it are not loaded with those before it', async () => {
    await create();
    await send(0, 1);
    await driven().publish('q', { body: 'late', group: 'g', delaySeconds: 20 });
    await send('behind');
    const messages = await take();
    expect(bodiesOf(messages)).toEqual([0, 1]);
    await ack(messages);
    expect(await take()).toEqual([]);
    driven().clock.advance(20 * secondMs);
    const late = await take();
    await ack(late);
    expect(bodiesOf([...late, ...(await take())])).toEqual(['late', 'behind']);
  });

  it('a failure in the middle holds those behind it', async () => {
    await create();
    await send(...range(3));
    await release(await take(), { failed: 'no', delaySeconds: 0 });
    const again = await take();
    await ack([again[0]!]);
    await release([again[1]!], { failed: 'no', delaySeconds: 20 });
    await release([again[2]!]);
    expect(await take()).toEqual([]);
    driven().clock.advance(20 * secondMs);
    expect(bodiesOf(await take())).toEqual([1, 2]);
  });

  it('a failed one leaves the group with its own id and age where onFailure is aside', async () => {
    await create({ groups: { ...groups, onFailure: 'aside' }, retentionSeconds: 100 });
    const [first] = await send('first');
    driven().clock.advance(10 * secondMs);
    const [second] = await send('second');
    const since = driven().clock.now();
    await send('third');
    const messages = await take();
    await release([messages[1]!], { failed: 'no', delaySeconds: 5 });
    expect(await get(second!)).toMatchObject({
      state: 'delayed',
      publishedAt: instant(since),
      expiresAt: instant(since + 100_000),
    });
    await ack([messages[0]!, messages[2]!]);
    driven().clock.advance(5 * secondMs);
    expect(await take()).toMatchObject([{ id: second, body: 'second', failures: 1 }]);
    await expect(get(first!)).rejects.toMatchObject(notFound);
  });

  it('rejected ones go to the dead-letter queue under their ids, with their bodies', async () => {
    await driven().create('dead');
    await create({ deadLetter: { queue: 'dead', maxReceives: 5 }, retentionSeconds: null });
    const bodies = ['a', noise(3000), 'c', noise(4000)];
    const ids = await send(...bodies);
    const messages = await take();
    await release([messages[1]!, messages[2]!], { deadLetter: true });
    await ack([messages[0]!, messages[3]!]);
    const dead = await driven().receive('dead', { max: 10 });
    expect(new Map(dead.map(({ id, body }) => [id, body]))).toEqual(new Map([1, 2].map((at) => [ids[at], bodies[at]])));
    expect(dead.map(({ deadLetter }) => deadLetter?.group)).toEqual(['g', 'g']);
  });

  it('done and cancelled ones are kept, each with its body and result, after the group has gone on', async () => {
    await create({ keep: { doneSeconds: daySeconds, deadSeconds: daySeconds }, retentionSeconds: null });
    const bodies = ['a', noise(3000), 'c', noise(3000)];
    const ids = await send(...bodies);
    const messages = await take();
    for (const [index, { receipt }] of messages.slice(0, 3).entries()) {
      expect((await driven().call('ack', 'q', { receipts: [receipt], result: index })).results).toEqual([ok]);
    }
    await cancel(ids[3]!, true);
    await send('next');
    expect(bodiesOf(await take())).toEqual(['next']);
    for (let hours = 0; hours < 23; hours += 11) {
      for (const [index, id] of ids.entries()) {
        const ended = index === 3 ? { state: 'cancelled' } : { state: 'done', result: index };
        expect(await get(id)).toMatchObject({ id, body: bodies[index], group: 'g', ...ended });
      }
      driven().clock.advance(11 * 3600 * secondMs);
      await driven().sweep();
    }
    driven().clock.advance(2 * 3600 * secondMs);
    for (const id of ids) await expect(get(id)).rejects.toMatchObject(notFound);
  });

  it('a receive takes no more of them than the rate of the group and the limits of the queue allow', async () => {
    await create({ groups: { ...groups, ratePerSecond: 3 }, limits: { concurrency: 5, ratePerSecond: null } });
    await send(...range(12));
    const first = await take();
    expect(bodiesOf(first)).toEqual([0, 1, 2]);
    await ack(first);
    driven().clock.advance(secondMs);
    await driven().call('updateQueue', 'q', { groups });
    driven().clock.advance(3 * secondMs);
    const second = await take();
    expect(bodiesOf(second)).toEqual([3, 4, 5, 6, 7]);
    await ack(second);
    expect(bodiesOf(await take())).toEqual([8, 9, 10, 11]);
  });

  it('a pause holds them, and a queue that is resumed delivers them in order', async () => {
    await create();
    await send(...range(4));
    await driven().call('updateQueue', 'q', { paused: true });
    driven().clock.advance(3 * secondMs);
    expect(await take()).toEqual([]);
    await driven().call('updateQueue', 'q', { paused: false });
    driven().clock.advance(3 * secondMs);
    expect(bodiesOf(await take())).toEqual(range(4));
  });

  it('one whose body is gone is set aside alone, and the others are delivered', async () => {
    await create();
    const bodies = ['a', noise(3000), 'c'];
    const ids = await send(...bodies);
    const chunk = (await driven().rows('messages')).find(({ bytes }) => bytes !== undefined)!;
    await driven().spy.store.write({
      key: { table: 'messages', shard: chunk.shard as string, id: chunk.id as string },
      then: { remove: true },
    });
    const messages = await take();
    expect(bodiesOf(messages)).toEqual(['a', 'c']);
    expect(await get(ids[1]!)).toMatchObject({ state: 'dead', deadLetter: { reason: 'unreadable' } });
    await ack(messages);
  });

  it('a receiver that dies between any two writes loses none of them and leaves nothing behind', async () => {
    for (let dies = 1; dies <= 3; dies++) {
      const { spy, clock, another } = driven();
      const queue = `dies-${dies}`;
      await driven().create(queue, { visibilityTimeoutSeconds: 5 });
      for (const body of range(4)) await driven().publish(queue, { body, group: 'g' });
      spy.before = dyingAtWrite(dies);
      await driven()
        .receive(queue, { max: 10 })
        .then((messages) => driven().ack(queue, messages))
        .catch(() => {});
      spy.before = () => undefined;
      clock.advance(6 * secondMs);
      const engine = await another();
      const { messages } = await engine.call('receive', { queue }, { max: 10 });
      expect(bodiesOf(messages)).toEqual(range(4));
      const receipts = messages.map(({ receipt }) => receipt);
      expect((await engine.call('ack', { queue }, { receipts })).results).toEqual(messages.map(() => ok));
      expect(await driven().rows('messages')).toEqual([]);
    }
  });
});
