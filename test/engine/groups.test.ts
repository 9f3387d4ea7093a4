/** Groups: order, one lease at a time, failures, cancel and purge. */
import { expect, it } from 'vitest';
import type { ReceivedMessage } from '../../contract/contract.ts';
import { groupCancelledMax, parcelSlotsMax, tombstoneMs } from '../../contract/limits.ts';
import { settingsForgottenMs } from '../../engine/queues/shard-scaling.ts';
import { secondMs } from '../support/durations.ts';
import { noise } from '../support/noise.ts';
import { onBothStores } from '../support/on-both-stores.ts';
import { dyingAtWrite } from '../support/store-spy.ts';

onBothStores('a group', (driven) => {
  const publish = (group: string, ...bodies: (string | number)[]) =>
    driven().publish('q', ...bodies.map((body) => ({ body, group })));
  /** Publishes one message of the group in each call. */
  const publishApart = async (group: string, ...bodies: (string | number)[]) => {
    const ids: string[] = [];
    for (const body of bodies) ids.push(...(await publish(group, body)));
    return ids;
  };
  const receive = (max = 1) => driven().receive('q', { max });
  const bodiesOf = (messages: readonly ReceivedMessage[]) => messages.map(({ body }) => body);
  const ackAll = async (messages: readonly ReceivedMessage[]) => {
    expect(await driven().ack('q', messages)).toEqual(messages.map(() => ({ ok: true })));
  };
  const drain = async (max = 1) => {
    const bodies: unknown[] = [];
    for (let messages = await receive(max); messages.length > 0; messages = await receive(max)) {
      bodies.push(...bodiesOf(messages));
      await ackAll(messages);
    }
    return bodies;
  };

  it('a group delivers its messages in the order of publishing, one lease at a time', async () => {
    await driven().create('q');
    await publishApart('a', 1, 2, 3);
    const [first] = await receive();
    expect(first).toMatchObject({ body: 1, group: 'a', receives: 1 });
    expect(await receive(100)).toEqual([]);
    await ackAll([first!]);
    const [next] = await receive();
    expect(next).toMatchObject({ body: 2, group: 'a' });
    expect(await receive(100)).toEqual([]);
    await ackAll([next!]);
    expect(await drain()).toEqual([3]);
  });

  it('a group delivers messages published together under one lease, as many as are asked for', async () => {
    await driven().create('q');
    await publish('a', 1, 2, 3, 4);
    const three = await receive(3);
    expect(bodiesOf(three)).toEqual([1, 2, 3]);
    expect(await receive()).toEqual([]);
    await ackAll(three.slice(1));
    expect(await receive()).toEqual([]);
    await ackAll(three.slice(0, 1));
    expect(bodiesOf(await receive(3))).toEqual([4]);
  });

  it('a group delivers nothing while one of its messages is leased, nor past one that is delayed', async () => {
    const { call, clock } = driven();
    await driven().create('q', { visibilityTimeoutSeconds: 60 });
    await publish('a', 1, 2, 3);
    const [first, middle, last] = await receive(3);
    await call('release', 'q', { receipts: [first!.receipt] });
    await call('release', 'q', { receipts: [middle!.receipt], delaySeconds: 5 });
    expect(await receive(3)).toEqual([]);
    await call('release', 'q', { receipts: [last!.receipt] });
    const again = await receive(3);
    expect(bodiesOf(again)).toEqual([1]);
    await ackAll(again);
    expect(await receive(3)).toEqual([]);
    clock.advance(5 * secondMs);
    expect(bodiesOf(await receive(3))).toEqual([2, 3]);
  });

  it('a group is not leased twice when a holder extends an expired lease', async () => {
    const { call, clock } = driven();
    await driven().create('q', { visibilityTimeoutSeconds: 10 });
    await publish('a', 1, 2);
    const [, late] = await receive(2);
    clock.advance(11 * secondMs);
    const [first] = await receive();
    expect(first).toMatchObject({ body: 1, receives: 2 });
    expect((await call('extend', 'q', { receipts: [late!.receipt] })).results[0]).toMatchObject({ code: 'lease_lost' });
    await ackAll([first!]);
    expect(await receive()).toMatchObject([{ body: 2, receives: 2, failures: 1 }]);
  });

  it('a group does not block other groups, nor messages without a group', async () => {
    await driven().create('q');
    await publishApart('a', 'a1', 'a2');
    await publishApart('b', 'b1', 'b2');
    await driven().send('q', 'alone');
    const received = [...(await receive()), ...(await receive()), ...(await receive())];
    expect(new Set(bodiesOf(received))).toEqual(new Set(['a1', 'b1', 'alone']));
  });

  it('a long group delays a group of one message by at most one turn', async () => {
    const { clock } = driven();
    await driven().create('q');
    for (let i = 0; i < 5; i++) await publish('long', ...Array.from({ length: 20 }, (_, body) => body));
    clock.advance(1);
    await publish('short', 'short');
    const seen: unknown[] = [];
    for (let turn = 0; turn < 3 && !seen.includes('short'); turn++) {
      clock.advance(1);
      const messages = await receive();
      seen.push(...bodiesOf(messages));
      await ackAll(messages);
    }
    expect(seen).toContain('short');
    expect(seen.length).toBeLessThanOrEqual(2);
  });

  it('a long group of many lanes delays a message of another group by at most one turn, and its own messages do not starve', async () => {
    const { clock, create } = driven();
    await create('q', { groups: { concurrency: 8, onFailure: 'aside', ratePerSecond: null } });
    for (let i = 0; i < 4; i++) await publish('long', ...Array.from({ length: 100 }, (_, body) => body));
    for (let i = 0; i < 32; i++) await publish('long', 'single');
    // The lanes are in use: each has been served.
    for (let turn = 0; turn < 16; turn++) {
      clock.advance(1);
      await ackAll(await receive());
    }
    clock.advance(1);
    await publish('short', 'short');
    clock.advance(1);
    expect(bodiesOf(await receive())).toEqual(['short']);
    const seen: unknown[] = [];
    // New groups come all the time, faster than messages are received.
    for (let i = 0; seen.length === 0 && i < 1_000; i++) {
      clock.advance(secondMs);
      await publish(`new-${i}`, 'new');
      await publish(`other-${i}`, 'new');
      const messages = await receive();
      seen.push(...bodiesOf(messages).filter((body) => body !== 'new'));
      await ackAll(messages);
    }
    expect(seen).toHaveLength(1);
  });

  it('a group delivers an unacked message again in its place', async () => {
    const { clock } = driven();
    await driven().create('q', { visibilityTimeoutSeconds: 10 });
    await publishApart('a', 1, 2);
    const [first] = await receive();
    clock.advance(11 * secondMs);
    const [again] = await receive();
    expect(again).toMatchObject({ body: 1, receives: 2, failures: 1 });
    expect((await driven().ack('q', [first!]))[0]).toMatchObject({ code: 'lease_lost' });
    await ackAll([again!]);
    expect(await drain()).toEqual([2]);
  });

  it('a failing message blocks its group until it is done', async () => {
    const { call, clock } = driven();
    await driven().create('q');
    await publishApart('a', 1, 2);
    const [first] = await receive();
    await call('release', 'q', { receipts: [first!.receipt], failed: 'no', delaySeconds: 5 });
    clock.advance(4 * secondMs);
    expect(await receive(100)).toEqual([]);
    clock.advance(secondMs);
    expect(await drain()).toEqual([1, 2]);
  });

  it('a group goes on when one of its messages is dead-lettered', async () => {
    const { call, create } = driven();
    await create('dead');
    await create('q', { deadLetter: { queue: 'dead', maxReceives: 1 } });
    await publish('a', 1, 2);
    await publish('a', 3);
    const [first] = await receive();
    await call('release', 'q', { receipts: [first!.receipt], failed: 'bad' });
    expect(await drain()).toEqual([2, 3]);
    const [dead] = await driven().receive('dead');
    expect(dead).toMatchObject({ id: first!.id, body: 1, deadLetter: { text: 'bad', group: 'a', receives: 1 } });
    expect(dead).toMatchObject({ group: 'a' });
  });

  it('a failing message leaves its group where onFailure is aside, and the group goes on', async () => {
    const { call, clock, create } = driven();
    await create('q', {
      visibilityTimeoutSeconds: 10,
      groups: { concurrency: 1, onFailure: 'aside', ratePerSecond: null },
      backoff: { minSeconds: 100, maxSeconds: 100, factor: 1, jitter: 0 },
    });
    await publish('a', 'fails', 2);
    await publishApart('a', 'expires', 4);
    const [fails] = await receive();
    await call('release', 'q', { receipts: [fails!.receipt], failed: 'no' });
    const [following] = await receive();
    expect(following).toMatchObject({ body: 2 });
    await ackAll([following!]);
    expect(bodiesOf(await receive())).toEqual(['expires']);
    clock.advance(10 * secondMs);
    expect(await drain()).toEqual([4]);
    clock.advance(100 * secondMs);
    const back = await receive(10);
    expect(new Map(back.map(({ body, receives, failures, group }) => [body, [receives, failures, group]]))).toEqual(
      new Map([
        ['fails', [2, 1, undefined]],
        ['expires', [2, 1, undefined]],
      ]),
    );
    expect(back.find(({ body }) => body === 'fails')!.id).toBe(fails!.id);
  });

  it('a group has as many leases at a time as its queue allows', async () => {
    await driven().create('q', { groups: { concurrency: 3, onFailure: 'block', ratePerSecond: null } });
    const all = Array.from({ length: 30 }, (_, body) => body);
    await publishApart('a', ...all);
    const held = [];
    for (let messages = await receive(); messages.length > 0; messages = await receive()) held.push(...messages);
    expect(held.length).toBe(3);
    await ackAll(held);
    const rest = (await drain()) as number[];
    expect([...bodiesOf(held), ...rest].sort((a, b) => (a as number) - (b as number))).toEqual(all);
  });

  it('a group delivers no faster than its rate', async () => {
    const { clock } = driven();
    await driven().create('q', { groups: { concurrency: 1, onFailure: 'block', ratePerSecond: 0.5 } });
    await publishApart('a', 1, 2, 3);
    const taken: number[] = [];
    const start = clock.now();
    for (let step = 0; step < 50 && taken.length < 3; step++) {
      const messages = await receive();
      if (messages.length > 0) {
        await ackAll(messages);
        taken.push(clock.now() - start);
      }
      clock.advance(100);
    }
    expect(taken).toEqual([0, 2000, 4000]);
  });

  it('ack repeated in a group succeeds, also after the group has gone on', async () => {
    await driven().create('q');
    await publishApart('a', 1, 2, 3);
    const [first] = await receive();
    await ackAll([first!]);
    await ackAll([first!]);
    const [next] = await receive();
    await ackAll([first!]);
    await ackAll([next!]);
    await ackAll([first!, next!]);
    expect(await drain()).toEqual([3]);
    await ackAll([next!]);
  });

  it('a message of a group is found and cancelled by its id wherever it is, and cannot be delayed', async () => {
    const { engine } = driven();
    await driven().create('q');
    const ids = [...(await publish('a', 1, 2, 3)), ...(await publishApart('a', 4, 5)), ...(await publish('a', 6, 7))];
    const of = (index: number) => ({ queue: 'q', id: ids[index]! });
    expect(await engine.call('getMessage', of(4), {})).toMatchObject({ id: ids[4], body: 5, state: 'ready', group: 'a' });
    await engine.call('cancelMessage', of(3), {});
    await engine.call('cancelMessage', of(3), {});
    await engine.call('cancelMessage', of(5), {});
    await expect(engine.call('getMessage', of(3), {})).rejects.toMatchObject({ code: 'message_not_found' });
    await expect(engine.call('updateMessage', of(4), { delaySeconds: 5 })).rejects.toMatchObject({ code: 'invalid_input' });
    const [first] = await receive();
    expect(await engine.call('getMessage', of(0), {})).toMatchObject({ body: 1, state: 'leased', group: 'a' });
    await expect(engine.call('cancelMessage', of(0), {})).rejects.toMatchObject({ code: 'message_leased' });
    await engine.call('cancelMessage', of(1), {});
    await ackAll([first!]);
    expect(await drain()).toEqual([3, 5, 7]);
    await expect(engine.call('getMessage', of(0), {})).rejects.toMatchObject({ code: 'message_not_found' });
  });

  it('the holder of a message of a group that was cancelled by force is told, even after the group has gone on', async () => {
    const { engine, call, ack } = driven();
    await driven().create('q');
    const [id] = await publishApart('a', 1, 2);
    const [held] = await receive();
    await engine.call('cancelMessage', { queue: 'q', id: id! }, { force: true });
    expect(await drain()).toEqual([2]);
    expect((await ack('q', [held!]))[0]).toMatchObject({ code: 'cancelled' });
    expect((await call('release', 'q', { receipts: [held!.receipt] })).results[0]).toMatchObject({ code: 'cancelled' });
  });

  it('a group accepts a bounded number of cancels of messages whose turn has not come', async () => {
    const { engine } = driven();
    await driven().create('q');
    const ids = await publish('a', ...Array.from({ length: groupCancelledMax + 1 }, (_, body) => body));
    for (const id of ids.slice(0, -1)) await engine.call('cancelMessage', { queue: 'q', id }, {});
    await expect(engine.call('cancelMessage', { queue: 'q', id: ids.at(-1)! }, {})).rejects.toMatchObject({
      code: 'unavailable',
    });
    expect(await drain()).toEqual([groupCancelledMax]);
  });

  it('a purged group goes on with what is published after the purge', async () => {
    const { call, clock } = driven();
    await driven().create('q');
    for (let i = 0; i < 12; i++) await publish('a', ...Array.from({ length: 10 }, (_, body) => body));
    await call('purge', 'q');
    clock.advance(3 * secondMs);
    await publish('a', 'after');
    expect(await drain()).toEqual(['after']);
    const waiting = (await driven().rows('messages')).length;
    expect(waiting).toBe(0);
  });

  it('a group skips expired messages, or dead-letters them', async () => {
    const { clock, create, bodies } = driven();
    await create('dead');
    for (const deadLetter of [null, { queue: 'dead', maxReceives: 5 }]) {
      await create('q', { retentionSeconds: 60 });
      await driven().call('updateQueue', 'q', { deadLetter });
      clock.advance(3 * secondMs);
      await publish('a', 'old', 'too old');
      clock.advance(50 * secondMs);
      await publish('a', 'young');
      clock.advance(11 * secondMs);
      expect(await drain()).toEqual(['young']);
    }
    expect(new Set(await bodies('dead'))).toEqual(new Set(['old', 'too old']));
  });

  it('a group carries large bodies, and as many messages as one call publishes', async () => {
    await driven().create('q', { retentionSeconds: null });
    const large = [noise(5000), noise(400_000), noise(300)];
    await publish('a', ...large);
    expect(await drain(10)).toEqual(large);
    const many = Array.from({ length: 100 }, (_, body) => body);
    await publish('b', ...many);
    expect(await drain(7)).toEqual(many);
  });

  it('a group is counted and peeked with the messages that wait in it', async () => {
    const { call } = driven();
    await driven().create('q');
    await publish('a', 1, 2);
    await publishApart('a', 3, 4);
    await receive();
    expect((await call('getQueue', 'q')).counts).toMatchObject({ ready: 3, leased: 1 });
    const { messages } = await call('peek', 'q');
    expect(messages.map(({ body, group }) => [body, group])).toEqual([1, 2, 3, 4].map((body) => [body, 'a']));
  });

  it('a group row stays for an hour after its last message, and the group can go on before and after that', async () => {
    const { clock, rows } = driven();
    await driven().create('q');
    for (const wait of [0, tombstoneMs / 2, 2 * tombstoneMs]) {
      await publishApart('a', 1, 2);
      expect(await drain()).toEqual([1, 2]);
      const [row] = await rows('leases');
      expect(row!.expiry).toBeUndefined();
      expect(row!.ttl).toBe(Math.ceil((clock.now() + tombstoneMs) / 1000));
      clock.advance(wait);
    }
    expect(await rows('messages')).toEqual([]);
  });

  it('a group keeps all messages and their order when several processes publish to it at once', async () => {
    const { another, spy } = driven();
    await driven().create('q');
    const publishers = Array.from({ length: 4 }, () => another(spy.store));
    const each = 5;
    await Promise.all(
      publishers.map(async (engine, publisher) => {
        for (let n = 0; n < each; n++) {
          const { results } = await engine.call('publish', { queue: 'q' }, { messages: [{ body: [publisher, n], group: 'a' }] });
          expect(results[0]).toMatchObject({ ok: true });
        }
      }),
    );
    const bodies = (await drain()) as [number, number][];
    expect(bodies.length).toBe(publishers.length * each);
    for (const publisher of publishers.keys()) {
      expect(bodies.filter(([from]) => from === publisher).map(([, n]) => n)).toEqual([0, 1, 2, 3, 4]);
    }
  });

  it('a slow publish to a group comes after a faster one that was published and received meanwhile', async () => {
    const { clock, spy, another } = driven();
    await driven().create('q', { visibilityTimeoutSeconds: 600 });
    await publish('a', 'waits');
    const slow = another(spy.store);
    let isUnderWay = false;
    spy.before = async ({ method }) => {
      if (method !== 'transact' || isUnderWay) return;
      isUnderWay = true;
      clock.advance(5);
      await publish('a', 'overtakes');
      await ackAll(await receive());
      expect(bodiesOf(await receive())).toEqual(['overtakes']);
    };
    const { results } = await slow.call('publish', { queue: 'q' }, { messages: [{ body: 'slow', group: 'a' }] });
    expect(results).toMatchObject([{ ok: true }]);
    clock.advance(600 * secondMs);
    expect(await drain()).toEqual(['overtakes', 'slow']);
  });

  it('a group whose receiver died between any two writes delivers the same messages again and leaves nothing behind', async () => {
    const { clock, spy, another } = driven();
    await driven().create('q', { visibilityTimeoutSeconds: 10 });
    for (let dies = 1; dies < 12; dies++) {
      await publishApart('a', 'one', 'two');
      const doomed = another(spy.store);
      spy.before = dyingAtWrite(dies);
      const life = async () => {
        for (;;) {
          const { messages } = await doomed.call('receive', { queue: 'q' }, {});
          if (messages.length === 0) return;
          await doomed.call('ack', { queue: 'q' }, { receipts: messages.map(({ receipt }) => receipt) });
        }
      };
      await life().catch((error: Error) => expect(error.message).toBe('died'));
      spy.before = () => {};
      clock.advance(11 * secondMs);
      const rest = await drain();
      expect([[], ['two'], ['one', 'two']]).toContainEqual(rest);
      expect(await driven().rows('messages')).toEqual([]);
    }
  });

  it('a group that was idle accepts and delivers messages again', async () => {
    const { call } = driven();
    await driven().create('q');
    await publish('a', 1);
    expect(await drain()).toEqual([1]);
    await publish('a', 2);
    await publish('a', 3);
    expect((await call('getQueue', 'q')).counts.ready).toBe(2);
    expect(await drain()).toEqual([2, 3]);
  });

  it('publish to a group refuses what would break its order and names the field', async () => {
    const { call, create } = driven();
    await create('q');
    const group = 'a';
    const { results } = await call('publish', 'q', {
      messages: [
        { body: 1, group, prepared: true },
        { body: 1, group, priority: 1 },
        { body: 1, group: '' },
        { body: 1, group: 'x'.repeat(129) },
        { body: 1, group: '\ud800' },
      ],
    });
    expect(results).toHaveLength(5);
    for (const [index, result] of results.entries()) {
      const message = expect.stringContaining(`messages[${index}].group`);
      expect(result).toMatchObject({ ok: false, code: 'invalid_input', message });
    }
  });

  it('a group costs one row more to publish, one row to receive and one row to ack', async () => {
    const { spy } = driven();
    await driven().create('q');
    spy.takeCounts();
    await publish('a', 1);
    expect(spy.takeCounts()).toMatchObject({ transactions: 1, puts: 2, updates: 0, removals: 0, refused: 0 });
    const held = await receive();
    expect(spy.takeCounts()).toMatchObject({ transactions: 0, puts: 1, removals: 1, refused: 0 });
    await ackAll(held);
    expect(spy.takeCounts()).toMatchObject({ transactions: 0, puts: 1, removals: 0, refused: 0 });
    await publish('a', ...Array.from({ length: parcelSlotsMax }, (_, body) => body));
    expect(spy.takeCounts()).toMatchObject({ transactions: 1, puts: 1, updates: 1 });
  });

  it('a group of a deleted queue leaves nothing behind', async () => {
    const { call, clock, sweep, rows } = driven();
    await driven().create('q');
    await publishApart('a', 1, 2, 3);
    await publish('b', noise(5000));
    await receive();
    await call('deleteQueue', 'q');
    clock.advance(settingsForgottenMs + 1);
    await sweep();
    expect(await rows('messages')).toEqual([]);
    expect((await rows('leases')).filter(({ ttl }) => ttl === undefined)).toEqual([]);
  });
});
