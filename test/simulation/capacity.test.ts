/** The throughput of a queue on a model of DynamoDB's partitions, with a twentieth of their capacity: a small `npm run bench:capacity`. */
import { describe, expect, it } from 'vitest';
import { partitionLimits } from '../../bench/capacity/partitions.ts';
import {
  measureFixedShards,
  measureGrowth,
  measureNeighbour,
  percentile,
  type Scale,
  surfaced,
} from '../../bench/capacity/scenarios.ts';
import { createCapacityTestBed, createQueue } from '../../bench/capacity/test-bed.ts';

const limits = {
  ...partitionLimits,
  writeUnitsPerSecond: partitionLimits.writeUnitsPerSecond / 20,
  readUnitsPerSecond: partitionLimits.readUnitsPerSecond / 20,
};
const seed = 2;
/** Messages per second that a shard can take: its partition of the index needs two units for each parcel of ten. */
const shardRate = (limits.writeUnitsPerSecond / 2) * 10;
const scale: Scale = { limits, seed, perShard: { perSecond: 0.9 * shardRate, publishers: 2, receivers: 3 } };
const seconds = { warmUp: 1, measure: 4 };

describe('the model of partitions', () => {
  it('charges one unit to publish ten messages together, three to receive them and two to ack them', async () => {
    const testBed = createCapacityTestBed(partitionLimits, seed);
    await createQueue(testBed, 'q', { shards: 1, fixed: true });
    const charged: number[] = [];
    const calls = (async () => {
      const { engine } = testBed.process();
      await engine.call('publish', { queue: 'q' }, { messages: Array.from({ length: 10 }, (_, body) => ({ body })) });
      charged.push(testBed.counts.writeUnits);
      const { messages } = await engine.call('receive', { queue: 'q' }, { max: 10 });
      charged.push(testBed.counts.writeUnits);
      await engine.call('ack', { queue: 'q' }, { receipts: messages.map(({ receipt }) => receipt) });
      charged.push(testBed.counts.writeUnits);
    })();
    await testBed.time.run();
    await calls;
    expect(charged).toEqual([1, 4, 6]);
  });

  it('accepts no more than the capacity of a partition, and throttles the rest', async () => {
    const tooMuch = { ...scale, perShard: { ...scale.perShard, perSecond: 1.5 * shardRate, receivers: 20 } };
    const { tally, throttled } = await measureFixedShards(1, tooMuch, seconds);
    expect(throttled.key).toBeGreaterThan(0);
    // Plus the second's worth of units that it saved during the warm-up.
    expect(tally.acked).toBeLessThanOrEqual(shardRate * (seconds.measure + 1));
  });

  it('throttles at the limit of the table even when its partitions have capacity left', async () => {
    const tableUnitsPerSecond = limits.writeUnitsPerSecond;
    const { tally, throttled } = await measureFixedShards(2, { ...scale, limits: { ...limits, tableUnitsPerSecond } }, seconds);
    expect(throttled.table).toBeGreaterThan(0);
    expect(tally.acked).toBeLessThanOrEqual(shardRate * (seconds.measure + 1));
  });

  it('uses the capacity saved for bursts before it throttles', async () => {
    const burstSeconds = 10;
    const tooMuch = {
      ...scale,
      limits: { ...limits, burstSeconds },
      perShard: { ...scale.perShard, perSecond: 1.5 * shardRate, receivers: 12 },
    };
    const { throttled } = await measureFixedShards(1, tooMuch, seconds);
    expect(throttled.key).toBe(0);
  });
});

describe('a queue under load', () => {
  it.each([
    1, 2, 4,
  ])('with %i shards delivers nine tenths of their capacity, and no call fails because of throttling', async (shards) => {
    const { tally } = await measureFixedShards(shards, scale, seconds);
    const offered = shards * scale.perShard.perSecond * seconds.measure;
    expect(tally.acked).toBeGreaterThan(0.9 * offered);
    expect(tally.acked).toBeLessThan(1.1 * offered);
    expect(surfaced(tally)).toBe(0);
  });

  it('grows under a sudden load until it keeps up, fails no call because of throttling, and shrinks when it is idle', async () => {
    const sudden = { ...scale, perShard: { perSecond: 0.6 * shardRate, publishers: 10, receivers: 4 } };
    const shards = 4;
    const { loaded, idle } = await measureGrowth(shards, sudden, { loadSeconds: 30, stepSeconds: 5, idleMinutes: 60 });
    expect(loaded.map(({ tally }) => surfaced(tally))).toEqual(loaded.map(() => 0));
    expect(loaded[0]!.throttled.key).toBeGreaterThan(0);
    const last = loaded.at(-1)!;
    expect(last).toMatchObject({ shards });
    expect(last.tally.published / last.seconds).toBeGreaterThan(0.95 * shards * sudden.perShard.perSecond);
    expect(last.backlog).toBeLessThan(Math.max(...loaded.map(({ backlog }) => backlog)));
    expect(idle.at(-1)).toMatchObject({ shards: 1, visited: 1 });
  });

  it('is no slower beside a queue that is offered more than it can take', async () => {
    const alone = await measureNeighbour(false, scale, seconds);
    const withHot = await measureNeighbour(true, scale, seconds);
    expect(withHot.hot!.acked).toBeGreaterThan(0.5 * shardRate * seconds.measure);
    expect(withHot.small.tally.acked).toBeGreaterThan(0.9 * alone.small.tally.acked);
    const p99 = ({ small }: typeof alone) => percentile(small.tally.publishMs, 0.99);
    expect(p99(withHot)).toBeLessThan(2 * p99(alone));
    expect(surfaced(withHot.small.tally)).toBe(0);
  });
});

describe('a receive', () => {
  const idle = { ...partitionLimits, tableUnitsPerSecond: null };

  /** A process that has read the settings of a queue with so many empty shards. */
  async function processOver(shards: number, settings: object = {}) {
    const testBed = createCapacityTestBed(idle, seed);
    await createQueue(testBed, 'q', { shards, fixed: true });
    const { engine } = testBed.process();
    const run = async <T>(work: () => Promise<T>): Promise<{ answer: T; tookMs: number; readUnits: number }> => {
      const [from, read] = [testBed.time.now(), testBed.counts.readUnits];
      let tookMs = 0;
      const answer = work().finally(() => {
        tookMs = testBed.time.now() - from;
      });
      await testBed.time.run();
      return { answer: await answer, tookMs, readUnits: testBed.counts.readUnits - read };
    };
    await run(() => engine.call('updateQueue', { queue: 'q' }, settings));
    return { engine, run };
  }

  const priority = (levels: number) => ({ priority: { levels, order: 'strict' as const } });

  it.each([
    ['one level', {}],
    ['three levels of priority', priority(3)],
    ['ten levels of priority', priority(10)],
  ])('that finds nothing in 256 shards of %s takes at most five times as long as in one shard', async (_what, settings) => {
    const times: number[] = [];
    for (const shards of [1, 256]) {
      const { engine, run } = await processOver(shards, settings);
      const { answer, tookMs } = await run(() => engine.call('receive', { queue: 'q' }, {}));
      expect(answer.messages).toEqual([]);
      times.push(tookMs);
    }
    expect(times[1]! / times[0]!).toBeLessThanOrEqual(5);
  });

  it('that finds nothing in 256 shards reads one and a half units per shard', async () => {
    const { engine, run } = await processOver(256);
    const { readUnits } = await run(() => engine.call('receive', { queue: 'q' }, {}));
    expect(readUnits).toBeLessThanOrEqual(256 * 1.5 + 1);
  });

  it.each([
    ['one level', {}],
    ['three levels of priority', priority(3)],
  ])('finds twenty messages spread over 256 shards of %s in three calls of ten', async (_what, settings) => {
    const { engine, run } = await processOver(256, settings);
    await run(async () => {
      for (let body = 0; body < 20; body++) {
        await engine.call('publish', { queue: 'q' }, { messages: [{ body }] });
      }
    });
    const bodies = new Set<unknown>();
    for (let call = 0; call < 3; call++) {
      const { answer } = await run(() => engine.call('receive', { queue: 'q' }, { max: 10 }));
      for (const { body } of answer.messages) bodies.add(body);
    }
    expect(bodies.size).toBe(20);
  });

  it('that waits three seconds for a message in 256 shards answers when they are over', async () => {
    const { engine, run } = await processOver(256, priority(10));
    const { tookMs } = await run(() => engine.call('receive', { queue: 'q' }, { waitSeconds: 3 }));
    expect(tookMs).toBeGreaterThanOrEqual(3_000);
    expect(tookMs).toBeLessThan(3_100);
  });

  it('that waits shares one polling loop with the other receives of its process, and they get what another process publishes', async () => {
    const testBed = createCapacityTestBed(idle, seed);
    await createQueue(testBed, 'q', { shards: 1, fixed: true });
    const [{ engine }, other] = [testBed.process(), testBed.process()];
    const waiting = 200;
    const bodies: unknown[] = [];
    const all = Array.from({ length: waiting }, async () => {
      const { messages } = await engine.call('receive', { queue: 'q' }, { waitSeconds: 20 });
      bodies.push(...messages.map(({ body }) => body));
    });
    const from = testBed.time.now();
    await testBed.time.run(from + 1_000);
    const first = testBed.counts.calls;
    await testBed.time.run(from + 10_000);
    // The one loop makes two queries per look, and reads the settings every two seconds.
    expect(testBed.counts.calls - first).toBeLessThan(40);
    const published = other.engine.call('publish', { queue: 'q' }, { messages: [{ body: 1 }, { body: 2 }, { body: 3 }] });
    await testBed.time.run(from + 11_500);
    await published;
    expect(bodies.sort()).toEqual([1, 2, 3]);
    await testBed.time.run();
    await Promise.all(all);
    expect(testBed.time.now() - from).toBeLessThan(20_100);
  });
});
