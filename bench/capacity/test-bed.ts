/** The test bed of capacity measurements: one memory store behind a model of DynamoDB's partitions, virtual time, and queue processes. */

import { DumbwaiterError } from '../../contract/errors.ts';
import { createEngine } from '../../engine/create.ts';
import type { Engine } from '../../engine/engine.ts';
import { createMemoryStore, type MemoryStore } from '../../engine/memory/store.ts';
import { queueKey, readQueue } from '../../engine/model/queue-record.ts';
import type { Clock, Random } from '../../engine/port/port.ts';
import { seededRandom } from '../../engine/port/random.ts';
import { createVirtualTime, type VirtualTime } from '../../engine/simulation/virtual-time.ts';
import type { CapacityCounts } from './attempts.ts';
import { createCapacityStore } from './capacity-store.ts';
import { createPartitions, type PartitionLimits } from './partitions.ts';

const start = Date.UTC(2026, 0, 1);

export interface CapacityTestBed {
  memory: MemoryStore;
  time: VirtualTime;
  random: Random;
  counts: CapacityCounts;
  /** Creates a process with its own engine. */
  process(): { engine: Engine; clock: Clock };
  /** How many shards a queue has, and how many of them receives visit. */
  shards(queue: string): Promise<{ shards: number; visited: number }>;
}

export function createCapacityTestBed(limits: PartitionLimits, seed: number): CapacityTestBed {
  const random = seededRandom(seed);
  const time = createVirtualTime(random, start);
  const memory = createMemoryStore({ now: time.now });
  const partitions = createPartitions(limits, time.now);
  const counts: CapacityCounts = { calls: 0, throttled: { key: 0, table: 0 }, refused: 0, writeUnits: 0, readUnits: 0 };
  const clock: Clock = {
    now: () => Math.round(time.now()),
    trusted: () => true,
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      await new Promise<void>((resolve, reject) => {
        time.at(time.now() + ms, resolve);
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    },
  };

  return {
    memory,
    time,
    random,
    counts,
    process() {
      const store = createCapacityStore({ memory, partitions, time, random, clock, counts });
      return { engine: createEngine({ store, clock, random }), clock };
    },
    async shards(queue) {
      const [row] = await memory.get([queueKey(queue)]);
      const { shards, shardsVisited } = readQueue(row!);
      return { shards, visited: shardsVisited };
    },
  };
}

/** Creates a queue with `shards` shards. `fixed`: the number of shards never changes. */
export async function createQueue(
  { memory, time, random }: CapacityTestBed,
  queue: string,
  { shards, fixed }: { shards: number; fixed: boolean },
) {
  const engine = createEngine({
    store: memory,
    clock: { now: () => Math.round(time.now()), trusted: () => true, sleep: (ms) => time.after(ms) },
    random,
  });
  await engine.call('createQueue', { queue }, {});
  // For `fixed`, the time of the last change is far in the future, so the next change is never due.
  const changedAt = fixed ? time.now() * 2 : time.now() - 1_000_000;
  await memory.write({
    key: queueKey(queue),
    then: {
      set: [
        [['shards'], shards],
        [['shardsVisited'], shards],
        [['shardsChangedAt'], changedAt],
      ],
    },
  });
}

/** Whether a call failed for lack of capacity, as seen by its caller. */
export function isSurfaced(error: unknown): boolean {
  return error instanceof DumbwaiterError && error.code === 'unavailable';
}
