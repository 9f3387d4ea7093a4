/** What a queue can take, on a model of DynamoDB's partitions a twentieth as strong, in virtual time: `npm run bench:capacity` in small. */
import { describe, expect, it } from 'vitest';
import { layCapacityGround, layQueue } from '../../bench/capacity/ground.ts';
import { partitionLimits } from '../../bench/capacity/partitions.ts';
import { beside, carry, grow, percentile, type Scale, surfaced } from '../../bench/capacity/scenarios.ts';

const limits = {
  ...partitionLimits,
  writeUnitsPerSecond: partitionLimits.writeUnitsPerSecond / 20,
  readUnitsPerSecond: partitionLimits.readUnitsPerSecond / 20,
};
const seed = 2;
/** What a shard takes, messages a second: two units of its partition of the index for each parcel of ten. */
const takes = (limits.writeUnitsPerSecond / 2) * 10;
const scale: Scale = { limits, seed, perShard: { perSecond: 0.9 * takes, publishers: 2, receivers: 3 } };
const seconds = { settle: 1, measure: 4 };

describe('the model of partitions', () => {
  it('charges ten messages together one unit to publish, three to receive and two to ack', async () => {
    const ground = layCapacityGround(partitionLimits, seed);
    await layQueue(ground, 'q', { shards: 1, fixed: true });
    const charged: number[] = [];
    const life = (async () => {
      const { engine } = ground.process();
      await engine.call('publish', { queue: 'q' }, { messages: Array.from({ length: 10 }, (_, body) => ({ body })) });
      charged.push(ground.counts.writeUnits);
      const { messages } = await engine.call('receive', { queue: 'q' }, { max: 10 });
      charged.push(ground.counts.writeUnits);
      await engine.call('ack', { queue: 'q' }, { receipts: messages.map(({ receipt }) => receipt) });
      charged.push(ground.counts.writeUnits);
    })();
    await ground.time.run();
    await life;
    expect(charged).toEqual([1, 4, 6]);
  });

  it('lets no more through than a partition takes, and throttles the rest', async () => {
    const tooMuch = { ...scale, perShard: { ...scale.perShard, perSecond: 1.5 * takes, receivers: 20 } };
    const { tally, throttled } = await carry(1, tooMuch, seconds);
    expect(throttled.key).toBeGreaterThan(0);
    // What a second's worth of units in hand, saved up while it settled, allows besides.
    expect(tally.acked).toBeLessThanOrEqual(takes * (seconds.measure + 1));
  });

  it('holds a table to its limit, whatever its partitions would take', async () => {
    const tableUnitsPerSecond = limits.writeUnitsPerSecond;
    const { tally, throttled } = await carry(2, { ...scale, limits: { ...limits, tableUnitsPerSecond } }, seconds);
    expect(throttled.table).toBeGreaterThan(0);
    expect(tally.acked).toBeLessThanOrEqual(takes * (seconds.measure + 1));
  });

  it('gives out what was kept for bursts before it throttles', async () => {
    const burstSeconds = 10;
    const tooMuch = {
      ...scale,
      limits: { ...limits, burstSeconds },
      perShard: { ...scale.perShard, perSecond: 1.5 * takes, receivers: 12 },
    };
    const { throttled } = await carry(1, tooMuch, seconds);
    expect(throttled.key).toBe(0);
  });
});

describe('a queue', () => {
  it.each([1, 2, 4])('of %i shards carries nine tenths of what they take, and no caller hears of throttling', async (shards) => {
    const { tally } = await carry(shards, scale, seconds);
    const offered = shards * scale.perShard.perSecond * seconds.measure;
    expect(tally.acked).toBeGreaterThan(0.9 * offered);
    expect(tally.acked).toBeLessThan(1.1 * offered);
    expect(surfaced(tally)).toBe(0);
  });

  it('grows under a sudden load until it carries it, no caller hears of throttling, and shrinks when it is idle', async () => {
    const sudden = { ...scale, perShard: { perSecond: 0.6 * takes, publishers: 10, receivers: 4 } };
    const shards = 4;
    const { loaded, idle } = await grow(shards, sudden, { loadSeconds: 30, stepSeconds: 5, idleMinutes: 60 });
    expect(loaded.map(({ tally }) => surfaced(tally))).toEqual(loaded.map(() => 0));
    expect(loaded[0]!.throttled.key).toBeGreaterThan(0);
    const last = loaded.at(-1)!;
    expect(last).toMatchObject({ shards });
    expect(last.tally.published / last.seconds).toBeGreaterThan(0.95 * shards * sudden.perShard.perSecond);
    expect(last.backlog).toBeLessThan(Math.max(...loaded.map(({ backlog }) => backlog)));
    expect(idle.at(-1)).toMatchObject({ shards: 1, visited: 1 });
  });

  it('is no slower beside one that is offered more than it takes', async () => {
    const alone = await beside(false, scale, seconds);
    const besideHot = await beside(true, scale, seconds);
    expect(besideHot.hot!.acked).toBeGreaterThan(0.5 * takes * seconds.measure);
    expect(besideHot.small.tally.acked).toBeGreaterThan(0.9 * alone.small.tally.acked);
    const p99 = ({ small }: typeof alone) => percentile(small.tally.publishMs, 0.99);
    expect(p99(besideHot)).toBeLessThan(2 * p99(alone));
    expect(surfaced(besideHot.small.tally)).toBe(0);
  });
});

describe('a receive', () => {
  const idle = { ...partitionLimits, tableUnitsPerSecond: null };

  /** A process over a queue of so many empty shards that has read the queue's settings. */
  async function processOver(shards: number, settings: object = {}) {
    const ground = layCapacityGround(idle, seed);
    await layQueue(ground, 'q', { shards, fixed: true });
    const { engine } = ground.process();
    const run = async <T>(work: () => Promise<T>): Promise<{ answer: T; tookMs: number; readUnits: number }> => {
      const [from, read] = [ground.time.now(), ground.counts.readUnits];
      let tookMs = 0;
      const answer = work().finally(() => {
        tookMs = ground.time.now() - from;
      });
      await ground.time.run();
      return { answer: await answer, tookMs, readUnits: ground.counts.readUnits - read };
    };
    await run(() => engine.call('updateQueue', { queue: 'q' }, settings));
    return { engine, run };
  }

  const priority = (levels: number) => ({ priority: { levels, order: 'strict' as const } });

  it.each([
    ['one level', {}],
    ['three levels of priority', priority(3)],
    ['ten levels of priority', priority(10)],
  ])('that finds nothing in 256 shards of %s takes at most five times as long as in one', async (_what, settings) => {
    const times: number[] = [];
    for (const shards of [1, 256]) {
      const { engine, run } = await processOver(shards, settings);
      const { answer, tookMs } = await run(() => engine.call('receive', { queue: 'q' }, {}));
      expect(answer.messages).toEqual([]);
      times.push(tookMs);
    }
    expect(times[1]! / times[0]!).toBeLessThanOrEqual(5);
  });

  it('that finds nothing in 256 shards reads one and a half units a shard', async () => {
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

  it('of 256 shards that waits three seconds answers when they are over', async () => {
    const { engine, run } = await processOver(256, priority(10));
    const { tookMs } = await run(() => engine.call('receive', { queue: 'q' }, { waitSeconds: 3 }));
    expect(tookMs).toBeGreaterThanOrEqual(3_000);
    expect(tookMs).toBeLessThan(3_100);
  });

  it('that waits beside others of its process lets one of them look for all, and each gets what another process publishes', async () => {
    const ground = layCapacityGround(idle, seed);
    await layQueue(ground, 'q', { shards: 1, fixed: true });
    const [{ engine }, other] = [ground.process(), ground.process()];
    const waiting = 200;
    const bodies: unknown[] = [];
    const all = Array.from({ length: waiting }, async () => {
      const { messages } = await engine.call('receive', { queue: 'q' }, { waitSeconds: 20 });
      bodies.push(...messages.map(({ body }) => body));
    });
    const from = ground.time.now();
    await ground.time.run(from + 1_000);
    const first = ground.counts.calls;
    await ground.time.run(from + 10_000);
    // Two queries a look of one, and the settings every two seconds.
    expect(ground.counts.calls - first).toBeLessThan(40);
    const published = other.engine.call('publish', { queue: 'q' }, { messages: [{ body: 1 }, { body: 2 }, { body: 3 }] });
    await ground.time.run(from + 11_500);
    await published;
    expect(bodies.sort()).toEqual([1, 2, 3]);
    await ground.time.run();
    await Promise.all(all);
    expect(ground.time.now() - from).toBeLessThan(20_100);
  });
});
