/** The order, deadline and report of a sweep. */
import { beforeEach, describe, expect, it } from 'vitest';
import { sweepPeriodMs } from '../../contract/limits.ts';
import { createEngine } from '../../engine/create.ts';
import type { Engine } from '../../engine/engine.ts';
import { createMemoryStore } from '../../engine/memory/store.ts';
import { queueKey, queueRow, readQueue } from '../../engine/model/queue-record.ts';
import { type Store, StoreError } from '../../engine/port/port.ts';
import { seededRandom } from '../../engine/port/random.ts';
import { scheduleKind } from '../../engine/schedules/schedule-record.ts';
import { createDrivenClock } from '../support/driven-clock.ts';
import { type StoreSpy, spyOnStore } from '../support/store-spy.ts';

const callMs = 50;

let clock: ReturnType<typeof createDrivenClock>;
let memory: ReturnType<typeof createMemoryStore>;
let spy: StoreSpy;
let engine: Engine;

beforeEach(() => {
  clock = createDrivenClock();
  memory = createMemoryStore({ now: clock.now });
  spy = spyOnStore(memory);
  const store: Store = spy.store;
  engine = createEngine({ store, clock, random: seededRandom(7) });
});

const create = (queue: string) => engine.call('createQueue', { queue }, {});
const sweepFor = (ms: number, signal?: AbortSignal) => engine.sweep({ until: clock.now() + ms, ...(signal ? { signal } : {}) });

/** From now on each call of the store takes `callMs`. */
function slowDown(): void {
  spy.before = () => clock.advance(callMs);
}

async function giveShards(queue: string, shards: number): Promise<void> {
  const [row] = await memory.get([queueKey(queue)]);
  const record = { ...readQueue(row!), shards, shardsVisited: shards, shardsEver: shards };
  await memory.write({ key: queueKey(queue), then: { put: queueRow(record) } });
}

describe('a sweep', () => {
  it('a sweep ends at its deadline within a wide queue, reports that it is incomplete, and retires no shard', async () => {
    await create('wide');
    await giveShards('wide', 256);
    clock.advance(sweepPeriodMs * 20);
    slowDown();
    const startedAt = clock.now();
    const report = await sweepFor(1_000);
    // Calls that began before the deadline still end: one for each shard that is visited in parallel.
    expect(clock.now() - startedAt).toBeLessThan(1_000 + 20 * callMs);
    expect(report.complete).toBe(false);
    expect(readQueue((await memory.get([queueKey('wide')]))[0]!).shards).toBe(256);
  });

  it('a damaged row of one queue keeps no other queue from the sweep, and is reported once', async () => {
    for (const queue of ['damaged', 'orders', 'mails']) await create(queue);
    const key = queueKey('damaged');
    const [row] = await memory.get([key]);
    await memory.write({ key, then: { put: { ...row!, levelsVisited: 1e10 } } });
    const failures: unknown[] = [];
    const onFailure = (thrown: unknown, queue: string | undefined) => failures.push([queue, thrown]);
    const { queues, totals, complete } = await engine.sweep({ until: clock.now() + 1_000, onFailure });
    expect(queues.map(({ name }) => name).sort()).toEqual(['mails', 'orders']);
    expect({ complete, failed: totals.failed }).toEqual({ complete: false, failed: 1 });
    expect(failures).toEqual([['damaged', expect.any(Error)]]);
    await expect(sweepFor(1_000)).rejects.toThrow();
  });

  it('a damaged schedule keeps no queue from the sweep', async () => {
    await create('orders');
    const put = { queue: 'orders', everySeconds: 60, message: { body: 1 } };
    for (const name of ['damaged', 'hourly']) await engine.call('putSchedule', { name }, put);
    const key = { table: 'queues', kind: scheduleKind, name: 'damaged' } as const;
    const [row] = await memory.get([key]);
    await memory.write({ key, then: { put: { ...row!, rule: 'none' } } });
    clock.advance(120_000);
    const failures: unknown[] = [];
    const onFailure = (...failure: unknown[]) => failures.push(failure);
    const { queues } = await engine.sweep({ until: clock.now() + 1_000, onFailure });
    expect(queues).toMatchObject([{ name: 'orders' }]);
    expect(failures).toEqual([[expect.any(Error), undefined]]);
  });

  it('a sweep ends soon after it is told to stop', async () => {
    await create('wide');
    await giveShards('wide', 256);
    const stop = new AbortController();
    let calls = 0;
    spy.before = () => {
      if (++calls === 40) stop.abort();
    };
    const report = await sweepFor(sweepPeriodMs, stop.signal);
    expect(report.complete).toBe(false);
    expect(calls).toBeLessThan(80);
  });

  it('a sweep visits the least recently visited queues first, so that several short sweeps visit all', async () => {
    const names = Array.from({ length: 100 }, (_, number) => `queue-${number}`);
    for (const name of names) await create(name);
    slowDown();
    const swept = new Set<string>();
    for (let visits = 0; visits < names.length; ) {
      const { queues, totals, complete } = await sweepFor(1_000);
      expect(complete).toBe(false);
      expect(totals).toMatchObject({ queues: 100, visited: queues.length, notReached: 100 - queues.length, failed: 0 });
      for (const { name } of queues) swept.add(name);
      visits += queues.length;
    }
    expect([...swept].sort()).toEqual([...names].sort());
  });

  it('a sweep reports how many queues it could not visit, and visits the others', async () => {
    for (const name of ['a', 'b', 'c']) await create(name);
    const failing: Store = {
      ...memory,
      range: async (range) => {
        const [row] = await memory.get([queueKey('b')]);
        if (range.partition.startsWith(row!.incarnation as string))
          throw new StoreError('too busy', 'no', undefined, 'throttled');
        return memory.range(range);
      },
    };
    const report = await createEngine({ store: failing, clock, random: seededRandom(8) }).sweep({ until: clock.now() + 1_000 });
    expect(report.totals).toMatchObject({ queues: 3, visited: 2, failed: 1, notReached: 0 });
    expect(report.complete).toBe(false);
  });

  it('a sweep reads the bookmarks of all queues in one query', async () => {
    const rangesFor = async () => {
      spy.takeCounts();
      await sweepFor(sweepPeriodMs);
      return spy.takeCounts();
    };
    const bare = await rangesFor();
    for (let number = 0; number < 10; number++) await create(`queue-${number}`);
    clock.advance(sweepPeriodMs);
    const { ranges, gets } = await rangesFor();
    expect(gets).toBe(0);
    expect(ranges - bare.ranges).toBe(20);
  });
});
