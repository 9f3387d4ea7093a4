/**
 * The scenarios of `bench/capacity.ts`: a fixed number of shards under load, a queue that grows and shrinks, and two queues side by side.
 * This folder holds the model of DynamoDB and the load; the engine is the real one.
 */
import { sweepPeriodMs } from '../../contract/limits.ts';
import { createTally, type LoadPlan, type Running, startLoad, type Tally } from './load.ts';
import type { PartitionLimits } from './partitions.ts';
import { type CapacityTestBed, createCapacityTestBed, createQueue } from './test-bed.ts';

export interface Scale {
  limits: PartitionLimits;
  seed: number;
  /** Messages per second offered to each shard, and the number of publisher and receiver processes per shard. */
  perShard: { perSecond: number; publishers: number; receivers: number };
}

export interface Measured {
  seconds: number;
  tally: Tally;
  writeUnits: number;
  readUnits: number;
  refused: number;
  throttled: { key: number; table: number };
}

const queue = 'orders';
const bodyBytes = 40;

/** Runs the virtual time for `seconds` and returns what happened in it. */
async function measure(testBed: CapacityTestBed, load: Running, seconds: number): Promise<Measured> {
  const before = structuredClone(testBed.counts);
  const tally = createTally();
  load.tally = tally;
  await testBed.time.run(testBed.time.now() + seconds * 1000);
  load.tally = createTally();
  const { counts } = testBed;
  return {
    seconds,
    tally,
    writeUnits: counts.writeUnits - before.writeUnits,
    readUnits: counts.readUnits - before.readUnits,
    refused: counts.refused - before.refused,
    throttled: { key: counts.throttled.key - before.throttled.key, table: counts.throttled.table - before.throttled.table },
  };
}

function planOf(name: string, shards: number, { perShard }: Scale): LoadPlan {
  return {
    queue: name,
    publishers: perShard.publishers * shards,
    receivers: perShard.receivers * shards,
    perSecond: perShard.perSecond * shards,
    bodyBytes,
  };
}

/** Measures a queue with a fixed number of shards under the same load per shard, after a warm-up. */
export async function measureFixedShards(
  shards: number,
  scale: Scale,
  seconds: { warmUp: number; measure: number },
): Promise<Measured> {
  const testBed = createCapacityTestBed(scale.limits, scale.seed);
  await createQueue(testBed, queue, { shards, fixed: true });
  const load = startLoad(testBed, planOf(queue, shards, scale));
  await testBed.time.run(testBed.time.now() + seconds.warmUp * 1000);
  return measure(testBed, load, seconds.measure);
}

export interface Moment extends Measured {
  /** Seconds since the load began. */
  at: number;
  shards: number;
  visited: number;
  /** Messages that are published but not acked. */
  backlog: number;
}

/** Measures an idle queue of one shard that suddenly gets the load of `shards` shards for `loadSeconds`, then drains and idles. */
export async function measureGrowth(
  shards: number,
  scale: Scale,
  { loadSeconds, stepSeconds, idleMinutes }: { loadSeconds: number; stepSeconds: number; idleMinutes: number },
): Promise<{ loaded: Moment[]; idle: { minutes: number; shards: number; visited: number }[]; drainedSeconds: number }> {
  const testBed = createCapacityTestBed(scale.limits, scale.seed);
  await createQueue(testBed, queue, { shards: 1, fixed: false });
  const load = startLoad(testBed, planOf(queue, shards, scale));
  const startedAt = testBed.time.now();
  const loaded: Moment[] = [];
  const seconds = () => (testBed.time.now() - startedAt) / 1000;
  while (seconds() < loadSeconds) {
    const measured = await measure(testBed, load, stepSeconds);
    loaded.push({ ...measured, at: seconds(), ...(await testBed.shards(queue)), backlog: load.backlog() });
  }
  load.stopPublishing();
  const stoppedAt = seconds();
  do await testBed.time.run(testBed.time.now() + 1000);
  while (load.backlog() > 0);
  const drainedSeconds = seconds() - stoppedAt;
  load.stop();

  const idle: { minutes: number; shards: number; visited: number }[] = [];
  const idleFrom = testBed.time.now();
  const { engine, clock } = testBed.process();
  for (let minute = 1; minute <= idleMinutes; minute++) {
    void engine.sweep({ until: clock.now() + sweepPeriodMs });
    await testBed.time.run(idleFrom + minute * sweepPeriodMs);
    const now = await testBed.shards(queue);
    const last = idle.at(-1);
    if (last?.shards !== now.shards || last.visited !== now.visited) idle.push({ minutes: minute, ...now });
  }
  return { loaded, idle, drainedSeconds };
}

/** Measures a small queue, alone or beside a hot queue of one shard that is offered more than it can take. */
export async function measureNeighbour(
  isHot: boolean,
  scale: Scale,
  seconds: { warmUp: number; measure: number },
): Promise<{ small: Measured; hot: Tally | undefined }> {
  const testBed = createCapacityTestBed(scale.limits, scale.seed);
  await createQueue(testBed, 'small', { shards: 1, fixed: true });
  const tenth = { ...scale, perShard: { ...scale.perShard, perSecond: scale.perShard.perSecond / 10 } };
  const small = startLoad(testBed, planOf('small', 1, tenth));
  let hot: Running | undefined;
  if (isHot) {
    await createQueue(testBed, 'hot', { shards: 1, fixed: true });
    hot = startLoad(testBed, { ...planOf('hot', 2, scale), backlogMax: scale.perShard.perSecond });
  }
  await testBed.time.run(testBed.time.now() + seconds.warmUp * 1000);
  if (hot) hot.tally = createTally();
  return { small: await measure(testBed, small, seconds.measure), hot: hot?.tally };
}

export function surfaced({ surfaced: { publish, receive, ack } }: Tally): number {
  return publish + receive + ack;
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
