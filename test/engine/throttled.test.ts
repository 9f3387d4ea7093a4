/** Calls on a shard that is throttled for a while. */
import { beforeEach, describe, expect, it } from 'vitest';
import { readToWriteMsMax, throttledMsMax } from '../../contract/limits.ts';
import { createEngine } from '../../engine/create.ts';
import type { Engine } from '../../engine/engine.ts';
import { createMemoryStore } from '../../engine/memory/store.ts';
import { queueKey, readQueue, shardKey } from '../../engine/model/queue-record.ts';
import { type Key, type Store, StoreError } from '../../engine/port/port.ts';
import { seededRandom } from '../../engine/port/random.ts';
import { createDrivenClock } from '../support/driven-clock.ts';
import { noise } from '../support/noise.ts';

const orders = { queue: 'orders' };
const busy = () => new StoreError('the partition is too hot', 'no', undefined, 'throttled');

let clock: ReturnType<typeof createDrivenClock>;
let memory: ReturnType<typeof createMemoryStore>;
let engine: Engine;
let tellThrottled: (shard: string, isPublish?: boolean) => void;
/** Whether a write to this key is throttled. */
let isHot: (key: Key) => boolean;
/** Whether a read of this shard is throttled. */
let isHotToRead: (shard: string) => boolean;

beforeEach(async () => {
  clock = createDrivenClock();
  memory = createMemoryStore({ now: clock.now });
  isHot = () => false;
  isHotToRead = () => false;
  const store: Store = {
    ...memory,
    onThrottled: (listener) => {
      tellThrottled = listener;
    },
    async range(range) {
      if (isHotToRead(range.partition)) throw busy();
      return memory.range(range);
    },
    async write(write, options) {
      if (isHot(write.key)) throw busy();
      return memory.write(write, options);
    },
    async writeAll(writes, options) {
      const taken = writes.filter(({ key }) => !isHot(key));
      const errors = await memory.writeAll(taken, options);
      return writes.map((write) => (taken.includes(write) ? errors[taken.indexOf(write)] : busy()));
    },
  };
  engine = createEngine({ store, clock, random: seededRandom(7) });
  await engine.call('createQueue', orders, {});
});

async function spreadOver(shards: number): Promise<void> {
  const set = [
    [['shards'], shards],
    [['shardsVisited'], shards],
  ] as const;
  await memory.write({ key: queueKey('orders'), then: { set } });
  clock.advance(60_000);
}

/** Returns a function that is true for `ms` from now. */
function during(ms: number): () => boolean {
  const until = clock.now() + ms;
  return () => clock.now() < until;
}

const publish = (entry: object) => engine.call('publish', orders, { messages: [{ body: 1, ...entry }] });
const bodies = async () => (await engine.call('receive', orders, { max: 10 })).messages.map(({ body }) => body);

describe('a throttled publish', () => {
  it('a throttled publish goes to another shard', async () => {
    await spreadOver(8);
    isHot = (key) => key.table === 'messages' && !key.shard.endsWith(':5');
    for (let call = 0; call < 8; call++) expect((await publish({})).results).toMatchObject([{ ok: true }]);
    expect(new Set(memory.rows('messages').map(({ shard }) => (shard as string).slice(-2)))).toEqual(new Set([':5']));
    expect(memory.rows('messages')).toHaveLength(8);
  });

  it.each([
    ['ready', {}],
    ['delayed', { delaySeconds: 5 }],
    ['with an own id', { id: 'mine' }],
    ['large', { body: 'x'.repeat(100_000) }],
  ])('a throttled publish is retried until it is accepted, and stored once: %s', async (_what, entry) => {
    const isBusy = during(throttledMsMax / 2);
    isHot = (key) => key.table !== 'queues' && isBusy();
    expect((await publish(entry)).results).toMatchObject([{ ok: true }]);
    clock.advance(5_000);
    expect(await bodies()).toHaveLength(1);
    expect(await bodies()).toEqual([]);
  });

  it('a throttled publish is retried even if the throttling outlasted what the publish had read', async () => {
    const isBusy = during(readToWriteMsMax);
    isHot = (key) => {
      if (key.table !== 'leases' || !isBusy()) return false;
      clock.advance(readToWriteMsMax + 1);
      return true;
    };
    expect((await publish({ delaySeconds: 5 })).results).toMatchObject([{ ok: true }]);
  });

  it('a throttled publish stores its offloaded body once, however often the row is refused', async () => {
    let refusals = 3;
    // The chunks of a body have a partition of their own.
    isHot = (key) => key.table === 'messages' && !key.shard.startsWith('body:') && refusals-- > 0;
    await publish({ body: noise(100_000) });
    expect(memory.rows('messages').filter(({ bytes }) => bytes !== undefined)).toHaveLength(1);
  });

  it('a throttled publish keeps the results of the other messages of its call', async () => {
    const isBusy = during(throttledMsMax * 2);
    isHot = (key) => key.table === 'messages' && isBusy();
    const { results } = await engine.call('publish', orders, { messages: [{ body: 1 }, { body: 2, delaySeconds: 1 }] });
    expect(results).toMatchObject([{ ok: false, code: 'unavailable' }, { ok: true }]);
  });

  it('a throttled publish answers unavailable after the maximum time', async () => {
    isHot = (key) => key.table !== 'queues';
    const startedAt = clock.now();
    expect((await publish({})).results).toMatchObject([{ ok: false, code: 'unavailable' }]);
    expect(clock.now() - startedAt).toBe(throttledMsMax);
  });
});

describe('a throttled receive', () => {
  it('a throttled receive takes messages from another shard, and asks no shard twice', async () => {
    await spreadOver(4);
    const messages = 32;
    isHot = (key) => key.table === 'messages' && !key.shard.endsWith(':3');
    for (let call = 0; call < messages; call++) await publish({});
    isHot = () => false;
    for (let call = 0; call < messages; call++) {
      const asked: string[] = [];
      isHotToRead = (shard) => {
        asked.push(shard);
        return !shard.endsWith(':3');
      };
      expect((await engine.call('receive', orders, {})).messages).toHaveLength(1);
      // Two reads for each shard: its head and its due rows.
      expect(asked).toHaveLength(2 * new Set(asked).size);
    }
  });

  it('a throttled receive looks again while the only shard with messages cannot be read', async () => {
    await spreadOver(4);
    const [row] = await memory.get([queueKey('orders')]);
    await publish({});
    const holding = memory.rows('messages')[0]!.shard as string;
    expect(holding).toContain(readQueue(row!).incarnation);
    const isBusy = during(throttledMsMax / 2);
    isHotToRead = (shard) => shard === holding && isBusy();
    expect(await bodies()).toEqual([1]);
  });

  it('a receive stops visiting shards once its caller is gone', async () => {
    await spreadOver(200);
    const gone = new AbortController();
    let looked = 0;
    isHotToRead = () => {
      looked++;
      gone.abort();
      return false;
    };
    await engine.call('receive', orders, { waitSeconds: 20 }, { signal: gone.signal });
    expect(looked).toBe(2);
  });

  it('a throttled receive is retried until its claim is accepted', async () => {
    await publish({});
    isHot = during(throttledMsMax / 2);
    expect(await bodies()).toEqual([1]);
  });

  it('a throttled receive is refused after the maximum time, and holds no message', async () => {
    await publish({});
    isHot = (key) => key.table === 'leases';
    await expect(bodies()).rejects.toMatchObject({ code: 'unavailable' });
    isHot = () => false;
    expect(await bodies()).toEqual([1]);
  });
});

describe('a throttled ack', () => {
  it('a throttled ack is retried until it is accepted', async () => {
    await publish({});
    const { messages } = await engine.call('receive', orders, {});
    isHot = during(throttledMsMax / 2);
    const { results } = await engine.call('ack', orders, { receipts: [messages[0]!.receipt] });
    expect(results).toEqual([{ ok: true }]);
  });
});

describe('a queue of four shards', () => {
  async function shardsAfter(number: number, isPublish: boolean): Promise<number> {
    await spreadOver(4);
    const [row] = await memory.get([queueKey('orders')]);
    const queue = readQueue(row!);
    tellThrottled(shardKey(queue, number), isPublish);
    await publish({});
    const [after] = await memory.get([queueKey('orders')]);
    return readQueue(after!).shards;
  }

  it('a queue of four shards grows when publishing to any of them is throttled', async () => {
    expect(await shardsAfter(0, true)).toBe(8);
  });

  it('a queue of four shards grows when any call on a newer shard is throttled', async () => {
    expect(await shardsAfter(2, false)).toBe(8);
  });

  it('a queue of four shards does not grow when draining an older shard is throttled', async () => {
    expect(await shardsAfter(1, false)).toBe(4);
  });

  it('a queue of four shards does not grow when a retired shard is throttled', async () => {
    expect(await shardsAfter(4, true)).toBe(4);
  });
});
