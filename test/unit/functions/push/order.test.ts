/** What dispatchers keep apart or in order: messages of groups, terms that change during a delivery, and batches at the end of its time. */
import { describe, expect, it } from 'vitest';
import type { QueueSettingsInput, TargetInput } from '../../../../contract/contract.ts';
import { StoreError } from '../../../../engine/port/port.ts';
import { secondMs } from '../../../support/durations.ts';
import { eventually } from '../../../support/eventually.ts';
import { createPushBed, type PushBed, type PushProcess } from '../../../support/push-bed.ts';

const queue = { queue: 'q' };
const failed = () => Object.assign(new Error('failed'), { name: 'FunctionError', answer: '{}' });
const bodiesOf = (bed: PushBed) => bed.events.map(({ Records }) => Records.map(({ body }) => Number(body)));

async function startBed(target: TargetInput, settings: QueueSettingsInput = {}): Promise<{ bed: PushBed; one: PushProcess }> {
  const bed = createPushBed();
  const one = bed.process();
  await one.engine.call('createQueue', queue, settings);
  await one.targets.put('q', 'f', target);
  return { bed, one };
}

const publish = (one: PushProcess, bodies: number[], more: { group?: string } = {}) =>
  one.engine.call('publish', queue, { messages: bodies.map((body) => ({ body, ...more })) });

/** Answers each invocation a few turns later, and counts how many run at once. */
function slowly(bed: PushBed, answer: (payload: string) => string = () => ''): { most: number } {
  const count = { now: 0, most: 0 };
  bed.invoke = async (_, payload) => {
    count.most = Math.max(count.most, ++count.now);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    count.now--;
    return answer(payload);
  };
  return count;
}

describe('messages of a group', () => {
  it('messages of a group that one receive returned are delivered in batches one after the other', async () => {
    const { bed, one } = await startBed({ functionName: 'fn', batchSize: 2, maxConcurrency: 3 });
    const count = slowly(bed);
    await publish(one, [1, 2, 3, 4, 5, 6], { group: 'g' });
    expect(await one.drain()).toBe('empty');
    expect(bodiesOf(bed)).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    expect(count.most).toBe(1);
  });

  it('messages of a group wait, uncounted, until the one before them is delivered again', async () => {
    const backoff = { minSeconds: 5, maxSeconds: 5, factor: 1, jitter: 0 };
    const { bed, one } = await startBed({ functionName: 'fn', batchSize: 1, maxConcurrency: 3 }, { backoff });
    slowly(bed, () => {
      if (bed.events.length === 2) throw failed();
      return '';
    });
    await publish(one, [1, 2, 3], { group: 'g' });
    expect(await one.drain()).toBe('empty');
    expect(bodiesOf(bed)).toEqual([[1], [2]]);
    await bed.pass(5 * secondMs);
    expect(await one.drain()).toBe('empty');
    expect(bodiesOf(bed)).toEqual([[1], [2], [2], [3]]);
    expect(bed.events.at(-1)!.Records[0]!.attributes.ApproximateReceiveCount).toBe('1');
  });

  it('messages of different groups, and of a group that gives up its order, are delivered at the same time', async () => {
    const { bed, one } = await startBed(
      { functionName: 'fn', batchSize: 1, maxConcurrency: 4 },
      { groups: { concurrency: 2, onFailure: 'aside', ratePerSecond: null } },
    );
    const count = slowly(bed);
    await publish(one, [1, 2, 3, 4], { group: 'g' });
    await one.drain();
    expect(count.most).toBeGreaterThan(1);
  });

  it('a paused target gets no further message of a group whose delivery was in progress', async () => {
    const { bed, one } = await startBed({ functionName: 'fn', batchSize: 1 });
    bed.invoke = async () => {
      await one.targets.put('q', 'f', { functionName: 'fn', batchSize: 1, paused: true });
      return '';
    };
    await publish(one, [1, 2, 3], { group: 'g' });
    expect(await one.drain()).toBe('resting');
    expect(bodiesOf(bed)).toEqual([[1]]);
    expect((await one.engine.call('getQueue', queue, {})).counts).toMatchObject({ ready: 2, leased: 0 });
  });
});

it('a batching window as long as the time of the process delivers what it has before that time is over', async () => {
  const { bed, one } = await startBed({ functionName: 'fn', batchSize: 10, maxBatchingWindowSeconds: 300 });
  await publish(one, [1]);
  const draining = one.drain({ until: bed.clock.now() + 60 * secondMs });
  await bed.pass(61 * secondMs);
  expect(bodiesOf(bed)).toEqual([[1]]);
  await draining;
});

it('a failure at an earlier URL says nothing about the target that was put since', async () => {
  const { bed, one } = await startBed({ functionName: 'old', batchSize: 1, maxConcurrency: 1 });
  bed.invoke = async (name) => {
    if (name === 'new') return '';
    await one.targets.put('q', 'f', { functionName: 'new', batchSize: 1, maxConcurrency: 1 });
    await publish(one, [2]);
    // The dispatcher reads the new terms while the old function still runs.
    await bed.pass(20 * secondMs);
    throw Object.assign(new Error('gone'), { name: 'ResourceNotFoundException' });
  };
  await publish(one, [1]);
  const draining = one.drain();
  await eventually(() => bed.events.length > 1);
  await draining;
  expect(bed.lines).toEqual([]);
  expect(await one.targets.get('q', 'f')).toMatchObject({ state: 'active', functionName: 'new', failures: 0 });
});

it('a target whose requests cannot be signed rests, instead of being tried without end', async () => {
  const { one } = await startBed({ url: 'http://127.0.0.1:1/', maxConcurrency: 1 });
  await publish(one, [1]);
  let reads = 0;
  one.spy.before = ({ keys }) => {
    const [key] = keys;
    if (key?.table !== 'queues' || key.kind !== 'signing') return;
    if (++reads > 20) throw new Error('tried without end');
    throw new StoreError('no access', 'no');
  };
  expect(await one.drain()).toBe('resting');
  expect(await one.targets.get('q', 'f')).toMatchObject({ state: 'broken', failures: 5 });
});

it('large messages are delivered so many at a time that they fit into the memory of the process', async () => {
  const { bed, one } = await startBed({ functionName: 'fn', batchSize: 1, maxConcurrency: 100 });
  const [body, count] = ['x'.repeat(1_000_000), 24];
  for (let n = 0; n < count; n++) await one.engine.call('publish', queue, { messages: [{ body }] });
  const release = Promise.withResolvers<string>();
  bed.invoke = () => release.promise;
  const draining = one.drain();
  await eventually(() => bed.events.length >= 10);
  await bed.pass(secondMs);
  expect(bed.events.length).toBeLessThan(count);
  release.resolve('');
  expect(await draining).toBe('empty');
  expect(bed.events).toHaveLength(count);
});
