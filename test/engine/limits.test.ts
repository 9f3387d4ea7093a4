import { expect, it } from 'vitest';
import type { QueueLimits, ReceivedMessage } from '../../contract/contract.ts';
import {
  clockMarginMs,
  queueConcurrencyMax,
  queueRatePerSecondMax,
  readToWriteMsMax,
  settingsCacheMs,
} from '../../contract/limits.ts';
import { type Key, StoreError } from '../../engine/port/port.ts';
import { secondMs } from '../support/durations.ts';
import { eventually } from '../support/eventually.ts';
import { onBothStores } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';
import { noCalls, watchStore } from '../support/watched-store.ts';

/** How long after its lease a dead consumer's permit may stand. */
const afterLeaseMs = readToWriteMsMax + 2 * clockMarginMs;
const isPermits = (key: Key) => 'id' in key && key.id.includes('!');
const atOnce = (concurrency: number): QueueLimits => ({ concurrency, ratePerSecond: null });
const aSecond = (ratePerSecond: number): QueueLimits => ({ concurrency: null, ratePerSecond });

onBothStores('a queue of limited concurrency', (driven) => {
  const receive = async (input: object = {}) => driven().receive('q', input);
  const count = async () => (await receive()).length;
  const ack = async (messages: readonly ReceivedMessage[]) => {
    for (const result of await driven().ack('q', messages)) expect(result).toEqual({ ok: true });
  };
  const start = async (limits: QueueLimits, messages = 10, settings: object = {}) => {
    await driven().create('q', { visibilityTimeoutSeconds: 10, limits, ...settings });
    for (const body of range(messages)) await driven().send('q', body);
  };

  it('gives so many at a time, in one receive or several, to one process or several', async () => {
    await start(atOnce(3));
    const two = await receive({ max: 2 });
    expect(two.length).toBe(2);
    const other = driven().another();
    const { messages: third } = await other.call('receive', { queue: 'q' }, { max: 5 });
    expect(third.length).toBe(1);
    expect(await count()).toBe(0);
    await ack(two);
    expect(await count()).toBe(2);
    expect(await count()).toBe(0);
  });

  it('counts messages, not parcels: what one receive gets of them, and what is left', async () => {
    await start(atOnce(4), 0);
    await driven().send('q', ...range(10));
    const first = await receive();
    expect(first.length).toBe(4);
    await ack(first.slice(0, 1));
    await ack(first.slice(0, 1));
    expect(await count()).toBe(1);
    await ack(first.slice(1));
    expect(await count()).toBe(3);
  });

  it('gives again for what is released, whether to come again at once, later, or dead', async () => {
    const { call, create } = driven();
    await create('dead');
    await start(atOnce(1), 3, { deadLetter: { queue: 'dead', maxReceives: 1 } });
    for (const more of [{}, { delaySeconds: 100 }, { failed: 'no' }]) {
      const [held] = await receive();
      expect(await count()).toBe(0);
      const { results } = await call('release', 'q', { receipts: [held!.receipt], ...more });
      expect(results[0]).toMatchObject({ ok: true });
    }
    expect((await driven().receive('dead')).length).toBe(3);
  });

  it('frees what a dead consumer held when its lease is over, with the time that the claim had and the margin of clocks', async () => {
    const { clock } = driven();
    await start(atOnce(2));
    expect(await count()).toBe(2);
    clock.advance(10 * secondMs + afterLeaseMs - 1);
    expect(await count()).toBe(0);
    clock.advance(1);
    expect(await count()).toBe(2);
  });

  it('stays held through extend, to the end of the longer lease; the others of its receive end by themselves', async () => {
    const { call, clock } = driven();
    await start(atOnce(2));
    const [one] = await receive({ max: 2 });
    clock.advance(9 * secondMs);
    for (let times = 0; times < 3; times++) {
      const { results } = await call('extend', 'q', { receipts: [one!.receipt], visibilityTimeoutSeconds: 20 });
      expect(results[0]).toMatchObject({ ok: true, leasedUntil: new Date(clock.now() + 20 * secondMs).toISOString() });
      clock.advance(19 * secondMs);
      const [other, ...more] = await receive();
      expect(more).toEqual([]);
      if (other) await ack([other]);
    }
    const [other] = await receive();
    expect(await count()).toBe(0);
    await ack([one!]);
    expect(await count()).toBe(1);
    await ack([other!]);
  });

  it('tells who extends too late that the lease is lost, while others are under way in its place', async () => {
    const { call, clock } = driven();
    await start(atOnce(1), 1, { priority: { levels: 2, order: 'strict' } });
    const [late] = await receive();
    clock.advance(10 * secondMs + afterLeaseMs);
    await driven().publish('q', { body: 'urgent', priority: 1 });
    const [other] = await receive();
    expect(other).toMatchObject({ body: 'urgent' });
    const extend = async () => (await call('extend', 'q', { receipts: [late!.receipt] })).results[0];
    expect(await extend()).toMatchObject({ code: 'lease_lost' });
    await ack([other!]);
    expect(await extend()).toMatchObject({ ok: true });
    await driven().publish('q', { body: 'more', priority: 1 });
    expect(await count()).toBe(0);
    await ack([late!]);
    expect(await count()).toBe(1);
  });

  it('keeps no permit of an extend that came too late, however long it asked for', async () => {
    const { call, clock } = driven();
    await start(atOnce(2), 1);
    const [late] = await receive();
    clock.advance(10 * secondMs + afterLeaseMs);
    const [taken] = await receive();
    const { results } = await call('extend', 'q', { receipts: [late!.receipt], visibilityTimeoutSeconds: 1000 });
    expect(results[0]).toMatchObject({ code: 'lease_lost' });
    await driven().send('q', 1, 2);
    expect(await count()).toBe(1);
    await ack([taken!]);
    expect(await count()).toBe(1);
  });

  it('is extended to no later than its permit, though the process stood still in between', async () => {
    const { clock, watched, another } = driven();
    await start(atOnce(1), 1);
    const [held] = await receive();
    const inner = watchStore(watched.store);
    const { write } = inner.store;
    const slow = another(inner.store);
    let permittedAt = 0;
    inner.store.write = async (...call) => {
      const written = await write(...call);
      if (isPermits(call[0].key)) {
        permittedAt = clock.now();
        clock.advance(readToWriteMsMax + 3 * secondMs);
      }
      return written;
    };
    clock.advance(secondMs);
    const { results } = await slow.call('extend', { queue: 'q' }, { receipts: [held!.receipt], visibilityTimeoutSeconds: 60 });
    const leasedUntil = new Date(permittedAt + readToWriteMsMax + 60 * secondMs).toISOString();
    expect(results[0]).toEqual({ ok: true, leasedUntil });
  });

  it('holds until its end what was acked in a transaction, or until it is acked once more', async () => {
    const { call, commit, clock } = driven();
    await start(atOnce(2), 4);
    const two = await receive();
    expect(await commit((await call('ackItems', 'q', { receipts: two.map(({ receipt }) => receipt) })).items)).toEqual([]);
    expect(await count()).toBe(0);
    await ack(two.slice(0, 1));
    expect(await count()).toBe(1);
    clock.advance(10 * secondMs + afterLeaseMs);
    expect(await count()).toBe(2);
  });

  it('is changed while in use: a lower one lets leases end, a higher one and none hold from then', async () => {
    const { call, clock } = driven();
    await start(atOnce(4), 20);
    const four = await receive();
    const change = async (limits: QueueLimits | null) => {
      await call('updateQueue', 'q', { limits });
      clock.advance(settingsCacheMs);
    };
    await change(atOnce(2));
    await ack(four.slice(0, 2));
    expect(await count()).toBe(0);
    await ack(four.slice(2, 3));
    expect(await count()).toBe(1);
    await change(atOnce(5));
    const held = await receive();
    expect(held.length).toBe(3);
    await change(null);
    const all = await receive({ visibilityTimeoutSeconds: 100 });
    expect(all.length).toBeGreaterThan(5);
    await change(atOnce(1));
    // Leases from before there was a limit go on.
    const { results } = await call('extend', 'q', { receipts: all.map(({ receipt }) => receipt), visibilityTimeoutSeconds: 100 });
    expect(results.every(({ ok }) => ok)).toBe(true);
    await ack([...held, ...four.slice(3), ...all]);
  });

  it('lets a receive that waits go on when a permit comes free', async () => {
    const { clock } = driven();
    await start(atOnce(1), 2);
    const [held] = await receive();
    clock.leaping = false;
    const waiting = receive({ waitSeconds: 20 });
    await eventually(() => clock.sleepers() === 1);
    await ack([held!]);
    expect((await waiting).length).toBe(1);
  });

  it('gives back what it could not use', async () => {
    const { clock, watched, another } = driven();
    await start(atOnce(3), 2);
    const [first] = await receive({ max: 1 });
    const inner = watchStore(watched.store);
    const slow = another(inner.store);
    // Another takes the message that this one has just been permitted.
    inner.before = async ({ method, keys }) => {
      if (method !== 'write' || keys.some(isPermits)) return;
      inner.before = () => {};
      expect(await count()).toBe(1);
    };
    expect((await slow.call('receive', { queue: 'q' }, {})).messages).toEqual([]);
    await driven().send('q', 1, 2);
    expect(await count()).toBe(1);
    await ack([first!]);
    clock.advance(1);
    expect(await count()).toBe(1);
  });

  it('gives back a lease that ran out while a receive returned permits, and does not count that receive', async () => {
    const { clock, watched, another } = driven();
    await start(atOnce(5), 2);
    const inner = watchStore(watched.store);
    let taken: Promise<number> | undefined;
    let returns = 0;
    inner.before = async ({ method, keys }) => {
      if (method !== 'write') return;
      taken ??= keys.some(isPermits) ? undefined : receive({ max: 1 }).then(({ length }) => length);
      if (!keys.some(isPermits)) await taken;
      else if (taken && ++returns === 1) clock.advance(10 * secondMs);
    };
    const { messages } = await another(inner.store).call('receive', { queue: 'q' }, { max: 2 });
    expect(await taken).toBe(1);
    expect(returns).toBeGreaterThan(0);
    expect(messages.map(({ receives, leasedUntil }) => [receives, Date.parse(leasedUntil) - clock.now()])).toEqual([
      [1, 10 * secondMs],
      [2, 10 * secondMs],
    ]);
  });

  it('gives back undelivered what was claimed so late that its permit may end before its lease', async () => {
    const { clock, watched, another } = driven();
    await start(atOnce(1), 0);
    await driven().publish('q', { body: 'due', id: 'own' });
    const inner = watchStore(watched.store);
    const { write } = inner.store;
    inner.store.write = async (...call) => {
      const written = await write(...call);
      if (isPermits(call[0].key)) clock.advance(readToWriteMsMax + 1);
      return written;
    };
    expect((await another(inner.store).call('receive', { queue: 'q' }, {})).messages).toEqual([]);
    expect(await receive()).toMatchObject([{ receives: 1, failures: 0 }]);
  });

  it('finds nothing, rather than an error, where the row of its permits is contended for too long', async () => {
    const { watched, another } = driven();
    await start(atOnce(1000), 3);
    const inner = watchStore(watched.store);
    const unlucky = another(inner.store);
    let tries = 0;
    inner.before = ({ method, keys }) => {
      if (method !== 'write' || !keys.some(isPermits)) return;
      tries++;
      throw new StoreError('another has it', 'no', undefined, 'throttled');
    };
    expect((await unlucky.call('receive', { queue: 'q' }, {})).messages).toEqual([]);
    expect(tries).toBeGreaterThan(5);
    expect(await count()).toBe(3);
  });

  it('loses no ack that comes between what a receive reads of permits and what it writes', async () => {
    const { watched, another } = driven();
    await start(atOnce(2));
    const [held] = await receive({ max: 1 });
    const inner = watchStore(watched.store);
    inner.before = async ({ method, keys }) => {
      if (method !== 'write' || !keys.some(isPermits)) return;
      inner.before = () => {};
      await ack([held!]);
    };
    expect((await another(inner.store).call('receive', { queue: 'q' }, { max: 1 })).messages.length).toBe(1);
    expect(await count()).toBe(1);
  });

  it('takes once though it can not be told at first whether it has', async () => {
    const { watched, another } = driven();
    await start(atOnce(2));
    const inner = watchStore(watched.store);
    const { write } = inner.store;
    inner.store.write = async (...call) => {
      await write(...call);
      inner.store.write = write;
      expect((await receive({ max: 1 })).length).toBe(1);
      throw new StoreError('the answer was lost', 'unknown');
    };
    expect((await another(inner.store).call('receive', { queue: 'q' }, { max: 1 })).messages.length).toBe(1);
    expect(await count()).toBe(0);
  });

  it('frees by one ack as many as a receive gives', async () => {
    await start(atOnce(100), 0);
    for (let parcel = 0; parcel < 20; parcel++) await driven().send('q', ...range(10));
    const hundred = await receive();
    expect(hundred.length).toBe(100);
    await ack(hundred);
    expect(await count()).toBe(100);
  });

  it('frees by an ack what it can, where other messages of it have lost their permits with their leases', async () => {
    const { clock } = driven();
    await start(atOnce(1), 1, { priority: { levels: 2, order: 'strict' } });
    const late = await receive({ visibilityTimeoutSeconds: 1 });
    clock.advance(secondMs + afterLeaseMs);
    await driven().publish('q', { body: 'urgent', priority: 1 });
    const urgent = await receive();
    expect(urgent).toMatchObject([{ body: 'urgent' }]);
    await ack([...late, ...urgent]);
    await driven().send('q', 1, 2);
    expect(await count()).toBe(1);
  });

  it('holds what was to be extended to less for as long as before: who was to shorten its lease may be dead', async () => {
    const { call, clock, watched, another } = driven();
    await start(atOnce(1));
    const [held] = await receive({ visibilityTimeoutSeconds: 100 });
    const inner = watchStore(watched.store);
    inner.before = ({ method, keys }) => {
      if (method === 'write' && !keys.some(isPermits)) throw new Error('died');
    };
    const input = { receipts: [held!.receipt], visibilityTimeoutSeconds: 1 };
    await expect(another(inner.store).call('extend', { queue: 'q' }, input)).rejects.toThrow('died');
    clock.advance(50 * secondMs);
    expect(await count()).toBe(0);
    expect((await call('extend', 'q', { ...input, visibilityTimeoutSeconds: 10 })).results[0]).toMatchObject({ ok: true });
  });

  it('is asked for once a receive, however many shards and levels have something', async () => {
    const { publish, watched } = driven();
    await start(atOnce(1), 0, { priority: { levels: 3, order: 'strict' } });
    for (const priority of [0, 1, 2, 2]) await publish('q', { body: 1, priority });
    expect((await receive({ max: 1 })).length).toBe(1);
    watched.take();
    expect(await count()).toBe(0);
    expect(watched.take()).toEqual({ ...noCalls, ranges: 2, gets: 1 });
  });

  it('is the same with groups, priorities and own ids', async () => {
    const { publish } = driven();
    await start(atOnce(3), 0, { priority: { levels: 3, order: 'strict' } });
    await publish('q', { body: 1, id: 'own' }, { body: 2, priority: 2 });
    await publish('q', ...range(5).map((body) => ({ body, group: 'a' })));
    const seen: ReceivedMessage[] = [];
    for (let messages = await receive(); messages.length > 0; messages = await receive()) {
      expect(messages.length).toBeLessThanOrEqual(3);
      seen.push(...messages);
      await ack(messages);
    }
    expect(seen.length).toBe(7);
    expect(seen.filter(({ group }) => group).map(({ body }) => body)).toEqual(range(5));
  });

  it('costs two writes of a message, and nothing where there is none', async () => {
    const { watched, create, send } = driven();
    await create('free');
    await start(atOnce(5), 1);
    await ack(await receive());
    for (const [queue, receiving, acking] of [
      ['free', { ranges: 2, puts: 1, removals: 1 }, { puts: 1 }],
      ['q', { ranges: 2, gets: 1, puts: 2, removals: 1 }, { puts: 1, updates: 1 }],
    ] as const) {
      await send(queue, 1);
      watched.take();
      const held = await driven().receive(queue, { max: 1 });
      expect(watched.take(), queue).toEqual({ ...noCalls, ...receiving });
      await driven().ack(queue, held);
      expect(watched.take(), queue).toEqual({ ...noCalls, ...acking });
      expect(await driven().receive(queue)).toEqual([]);
      expect(watched.take(), queue).toEqual({ ...noCalls, ranges: 2 });
    }
  });

  it('costs an extend a write more, and one that comes after the ack none but to say so', async () => {
    const { watched, call, clock } = driven();
    await start(atOnce(5), 1);
    const [held] = await receive();
    const extend = () => call('extend', 'q', { receipts: [held!.receipt] });
    clock.advance(1);
    watched.take();
    await extend();
    expect(watched.take()).toEqual({ ...noCalls, gets: 2, puts: 2 });
    await ack([held!]);
    watched.take();
    expect((await extend()).results[0]).toMatchObject({ code: 'lease_lost' });
    expect(watched.take()).toEqual({ ...noCalls, gets: 2, refused: 1 });
  });

  it('of a deleted queue leaves nothing behind', async () => {
    const { call, clock, rows, sweep } = driven();
    await start(atOnce(5), 3);
    await receive();
    await call('deleteQueue', 'q');
    clock.advance(24 * 3600 * secondMs);
    await sweep();
    expect((await rows('leases')).filter(({ id }) => (id as string).includes('!'))).toEqual([]);
  });
});

onBothStores('a queue of limited rate', (driven) => {
  const start = async (limits: QueueLimits, messages: number) => {
    await driven().create('q', { limits });
    for (let at = 0; at < messages; at += 100) await driven().send('q', ...range(Math.min(100, messages - at)));
  };
  const count = async (max = 100) => (await driven().receive('q', { max })).length;

  it('gives a second of messages at once, then each when its time has come, to the millisecond', async () => {
    const { clock } = driven();
    await start(aSecond(3), 40);
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

  it('slower than one a second gives one at a time', async () => {
    const { clock } = driven();
    await start(aSecond(0.001), 3);
    expect(await count()).toBe(1);
    clock.advance(1000 * secondMs - 1);
    expect(await count()).toBe(0);
    clock.advance(1);
    expect(await count()).toBe(1);
  });

  it('does not count what it could not use, unless another has taken since', async () => {
    const { watched, another, clock, call, engine } = driven();
    await start(aSecond(1), 0);
    const inner = watchStore(watched.store);
    const slow = another(inner.store);
    /** A receive whose message is cancelled before it is claimed. */
    const receiveInVain = async (meanwhile: () => Promise<void>) => {
      await driven().send('q', 'cancelled');
      inner.before = async ({ method, keys }) => {
        if (method !== 'write' || keys.some(isPermits)) return;
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

  it('is changed while in use: what was taken counts by the new rate', async () => {
    const { call, clock } = driven();
    await start(aSecond(0.001), 200);
    expect(await count()).toBe(1);
    await call('updateQueue', 'q', { limits: aSecond(100) });
    clock.advance(settingsCacheMs);
    expect(await count()).toBe(99);
    await call('updateQueue', 'q', { limits: aSecond(0.1) });
    clock.advance(settingsCacheMs);
    expect(await count()).toBe(1);
    expect(await count()).toBe(0);
  });

  it('holds beside a limit of concurrency: the narrower of both', async () => {
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

  it('costs a write more to receive, and none to ack', async () => {
    const { watched, send } = driven();
    await start(aSecond(1000), 1);
    await driven().ack('q', await driven().receive('q'));
    await send('q', 1);
    watched.take();
    const held = await driven().receive('q', { max: 1 });
    expect(watched.take()).toEqual({ ...noCalls, ranges: 2, gets: 1, puts: 2, removals: 1 });
    await driven().ack('q', held);
    expect(watched.take()).toEqual({ ...noCalls, puts: 1 });
  });

  it('of both null is none', async () => {
    const { call, watched } = driven();
    await start({ concurrency: null, ratePerSecond: null }, 20);
    expect((await call('getQueue', 'q')).limits).toEqual({ concurrency: null, ratePerSecond: null });
    watched.take();
    expect(await count()).toBe(20);
    expect(watched.take()).toMatchObject({ puts: 2 });
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
  ])('is refused by the name of its field: %j', async (limits, field) => {
    const refused = driven().call('createQueue', 'q', { limits } as never);
    await expect(refused).rejects.toMatchObject({ code: 'invalid_input', message: expect.stringContaining(field) });
  });
});
