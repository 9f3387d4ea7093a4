/** How the number of shards of a queue grows and shrinks. */
import { beforeEach, describe, expect, it } from 'vitest';
import { readToWriteMsMax, shardsGrowPauseMs, shardsIdleMs, shardsLightWaitingMax, shardsMax } from '../../contract/limits.ts';
import { createEngine } from '../../engine/create.ts';
import type { Engine } from '../../engine/engine.ts';
import { createMemoryStore } from '../../engine/memory/store.ts';
import { readQueue } from '../../engine/model/queue-record.ts';
import type { Store } from '../../engine/port/port.ts';
import { seededRandom } from '../../engine/port/random.ts';
import { createDrivenClock } from '../support/driven-clock.ts';
import { minuteMs } from '../support/durations.ts';
import { type StoreSpy, spyOnStore } from '../support/store-spy.ts';

const orders = { queue: 'orders' };

let clock: ReturnType<typeof createDrivenClock>;
let memory: ReturnType<typeof createMemoryStore>;
let spy: StoreSpy;
let engine: Engine;
let throttle: (shard: string) => void;

beforeEach(async () => {
  clock = createDrivenClock();
  memory = createMemoryStore({ now: clock.now });
  spy = spyOnStore(memory);
  const store: Store = {
    ...spy.store,
    onThrottled: (listener) => {
      throttle = listener;
    },
  };
  engine = createEngine({ store, clock, random: seededRandom(7) });
  await engine.call('createQueue', orders, {});
});

async function shards(): Promise<{ shards: number; visited: number }> {
  const [row] = await memory.get([{ table: 'queues', kind: 'queue', name: 'orders' }]);
  const { shards, shardsVisited } = readQueue(row!);
  return { shards, visited: shardsVisited };
}

async function throttleOnce(): Promise<void> {
  const [row] = await memory.get([{ table: 'queues', kind: 'queue', name: 'orders' }]);
  const { incarnation, shards } = readQueue(row!);
  throttle(`${incarnation}:${shards - 1}`);
}

const publish = (...bodies: number[]) => engine.call('publish', orders, { messages: bodies.map((body) => ({ body })) });

async function growTo(count: number): Promise<void> {
  while ((await shards()).shards < count) {
    clock.advance(shardsGrowPauseMs);
    await throttleOnce();
    await publish(0);
  }
}

async function drain(): Promise<unknown[]> {
  const bodies: unknown[] = [];
  for (;;) {
    const { messages } = await engine.call('receive', orders, { max: 100 });
    if (messages.length === 0) return bodies;
    bodies.push(...messages.map(({ body }) => body));
    await engine.call('ack', orders, { receipts: messages.map(({ receipt }) => receipt) });
  }
}

describe('the shards of a queue', () => {
  it('shards double on the call after a throttled write, and not again during the pause after that', async () => {
    clock.advance(shardsGrowPauseMs);
    await throttleOnce();
    await publish(1);
    expect(await shards()).toEqual({ shards: 2, visited: 2 });
    await throttleOnce();
    await publish(2);
    expect(await shards()).toEqual({ shards: 2, visited: 2 });
    clock.advance(shardsGrowPauseMs);
    await throttleOnce();
    await publish(3);
    expect(await shards()).toEqual({ shards: 4, visited: 4 });
  });

  it('shards stay as they are while nothing is throttled', async () => {
    clock.advance(shardsGrowPauseMs);
    await publish(1);
    expect(await shards()).toEqual({ shards: 1, visited: 1 });
  });

  it('shards never exceed their maximum', async () => {
    await growTo(shardsMax);
    clock.advance(shardsGrowPauseMs);
    await throttleOnce();
    await publish(1);
    expect(await shards()).toEqual({ shards: shardsMax, visited: shardsMax });
  });

  it('shards are all published to and all received from', async () => {
    await growTo(8);
    await drain();
    for (let body = 1; body <= 64; body++) await publish(body);
    const used = new Set(memory.rows('messages').map((row) => row.shard));
    expect(used.size).toBe(8);
    expect((await drain()).sort((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 64 }, (_, i) => i + 1));
  });

  it('the sweep of an idle queue halves its shards, and retired shards are visited until they are surely empty', async () => {
    await growTo(4);
    await drain();
    clock.advance(shardsIdleMs + minuteMs);
    await engine.sweep({ until: clock.now() + minuteMs });
    expect(await shards()).toEqual({ shards: 2, visited: 4 });
    // Too soon: a publish under the former settings may still be in flight.
    clock.advance(minuteMs);
    await engine.sweep({ until: clock.now() + minuteMs });
    expect(await shards()).toEqual({ shards: 2, visited: 4 });
    clock.advance(30 * minuteMs);
    await engine.sweep({ until: clock.now() + minuteMs });
    expect(await shards()).toEqual({ shards: 2, visited: 2 });
  });

  it('retired shards are visited as long as a message in them waits for its time', async () => {
    await growTo(2);
    await drain();
    clock.advance(shardsIdleMs + minuteMs);
    // A process that has not seen the retirement publishes delayed messages to both shards.
    const delayed = Array.from({ length: 40 }, (_, body) => ({ body, delaySeconds: 7200 }));
    await engine.sweep({ until: clock.now() + minuteMs });
    expect(await shards()).toEqual({ shards: 1, visited: 2 });
    const stale = createEngine({ store: staleSettings(), clock, random: seededRandom(3) });
    for (const message of delayed) await stale.call('publish', orders, { messages: [message] });
    const used = new Set(memory.rows('leases').flatMap((row) => (row.expiry === undefined ? [] : [row.shard])));
    expect(used.size).toBe(2);
    clock.advance(30 * minuteMs);
    await engine.sweep({ until: clock.now() + minuteMs });
    expect(await shards()).toEqual({ shards: 1, visited: 2 });
    clock.advance(120 * minuteMs);
    expect((await drain()).length).toBe(40);
  });

  it('a receive visits all retired shards before it answers with nothing', async () => {
    await growTo(2);
    await drain();
    clock.advance(shardsIdleMs + minuteMs);
    await engine.sweep({ until: clock.now() + minuteMs });
    expect(await shards()).toEqual({ shards: 1, visited: 2 });
    const stale = createEngine({ store: staleSettings(), clock, random: seededRandom(3) });
    const bodies = Array.from({ length: 40 }, (_, body) => body);
    for (const body of bodies) {
      await stale.call('publish', orders, { messages: [{ body }] });
      expect(await drain()).toEqual([body]);
    }
  });

  it('a publisher that is paused after it read the settings is refused, because its shard may be forgotten', async () => {
    await growTo(2);
    await drain();
    clock.advance(minuteMs);
    spy.before = ({ method, keys }) => {
      if (method === 'get' && keys[0]!.table === 'queues') clock.advance(readToWriteMsMax + 1);
    };
    const { results } = await publish(1);
    expect(results).toMatchObject([{ ok: false, code: 'unavailable' }]);
    expect(await drain()).toEqual([]);
  });

  it('shards added while their queue is deleted leave nothing behind', async () => {
    clock.advance(shardsGrowPauseMs);
    let hasGrown = false;
    spy.before = async ({ method }) => {
      if (method !== 'transact' || hasGrown) return;
      hasGrown = true;
      await throttleOnce();
      for (let body = 1; body <= 20; body++) await publish(body);
    };
    await engine.call('deleteQueue', orders, {});
    expect(new Set(memory.rows('messages').map((row) => row.shard)).size).toBe(2);
    for (let hour = 1; hour <= 2; hour++) {
      clock.advance(60 * minuteMs);
      await engine.sweep({ until: clock.now() + minuteMs });
    }
    expect([...memory.rows('messages'), ...memory.rows('queues')]).toEqual([]);
  });

  it('shards are halved while few messages wait, and none that holds a message is forgotten', async () => {
    await growTo(4);
    const waiting = memory.rows('messages').length;
    expect(waiting).toBeGreaterThan(0);
    clock.advance(shardsIdleMs + minuteMs);
    await engine.sweep({ until: clock.now() + minuteMs });
    expect(await shards()).toEqual({ shards: 2, visited: 4 });
    clock.advance(60 * minuteMs);
    await engine.sweep({ until: clock.now() + minuteMs });
    expect(await drain()).toHaveLength(waiting);
  });

  it('shards are not retired while many messages wait', async () => {
    await growTo(2);
    const some = Array.from({ length: 100 }, (_, body) => body);
    for (let call = 0; call <= shardsLightWaitingMax / 100; call++) await publish(...some);
    clock.advance(shardsIdleMs + minuteMs);
    await engine.sweep({ until: clock.now() + minuteMs });
    expect(await shards()).toEqual({ shards: 2, visited: 2 });
  });

  it('shards that come back after they were retired stay twice as long', async () => {
    await growTo(2);
    clock.advance(shardsIdleMs + minuteMs);
    await engine.sweep({ until: clock.now() + minuteMs });
    expect(await shards()).toMatchObject({ shards: 1 });
    await growTo(2);
    clock.advance(shardsIdleMs + minuteMs);
    await engine.sweep({ until: clock.now() + minuteMs });
    expect(await shards()).toMatchObject({ shards: 2 });
    clock.advance(shardsIdleMs);
    await engine.sweep({ until: clock.now() + minuteMs });
    expect(await shards()).toMatchObject({ shards: 1 });
  });
});

/** The store as seen by a process that still reads the settings from before the retirement. */
function staleSettings(): Store {
  return {
    ...memory,
    async get(keys) {
      const rows = await memory.get(keys);
      return rows.map((row, index) => {
        const key = keys[index]!;
        return row && key.table === 'queues' && key.kind === 'queue' ? { ...row, shards: row.shardsVisited! } : row;
      });
    },
  };
}
