/** How the cache of topics reads, and how old what it returns may be. */
import { describe, expect, it } from 'vitest';
import { clockMarginMs, settingsCacheMs } from '../../../contract/limits.ts';
import { topicCacheMs } from '../../../engine/context/topics-cache.ts';
import { type SubscriptionRecord, subscriptionRow, type TopicRecord, topicRow } from '../../../engine/model/topic-record.ts';
import { StoreError } from '../../../engine/port/port.ts';
import { contextInMemory, start } from '../../support/context-in-memory.ts';

const topic = (more: Partial<TopicRecord> = {}): TopicRecord => ({
  name: 't',
  incarnation: 'abcdefgh',
  revision: 1,
  subscriptions: 1,
  filterBytes: 0,
  queueSettings: {},
  preparedTimeoutSeconds: null,
  createdAt: start,
  updatedAt: start,
  version: 'v',
  ...more,
});
const subscription = (name: string, fromRevision: number, topicIncarnation = 'abcdefgh'): SubscriptionRecord => ({
  topic: 't',
  topicIncarnation,
  name,
  subject: null,
  filter: { kind: [null] },
  filterScope: 'attributes',
  queue: `t~${name}`,
  queueIncarnation: 'queue',
  ownsQueue: true,
  expiresAfterSeconds: null,
  fromRevision,
  createdAt: start,
  updatedAt: start,
  version: 'v',
});

async function contextWithTopic() {
  const context = contextInMemory();
  const { ctx, put, spy } = context;
  const putTopic = (more: Partial<TopicRecord>) => put('queues', topicRow(topic(more)));
  const putSubscription = (...given: Parameters<typeof subscription>) => put('queues', subscriptionRow(subscription(...given)));
  await putTopic({});
  await putSubscription('a', 1);
  // Their names enclose those of the topic.
  await putSubscription('x', 1, 'abcdefgg');
  await putSubscription('x', 1, 'abcdefgi');
  const names = async () => (await ctx.topics.find('t'))?.subscriptions.map(({ name }) => name);
  const reads = () => {
    const { gets, ranges } = spy.takeCounts();
    return { gets, ranges };
  };
  return { ...context, putTopic, putSubscription, names, reads };
}

describe('the cache of topics', () => {
  it('a topic is read again after topicCacheMs, and its subscriptions only if its revision changed', async () => {
    const { ctx, clock, putTopic, putSubscription, names, reads } = await contextWithTopic();
    expect(await ctx.topics.find('t')).toEqual({ record: topic(), subscriptions: [subscription('a', 1)] });
    expect(reads()).toEqual({ gets: 1, ranges: 1 });
    clock.advance(topicCacheMs - 1);
    expect(await names()).toEqual(['a']);
    expect(reads()).toEqual({ gets: 0, ranges: 0 });
    clock.advance(1);
    await putTopic({ preparedTimeoutSeconds: 60 });
    expect(await ctx.topics.find('t')).toMatchObject({ record: { preparedTimeoutSeconds: 60 } });
    expect(reads()).toEqual({ gets: 1, ranges: 0 });
    await putTopic({ revision: 2 });
    await putSubscription('b', 2);
    clock.advance(topicCacheMs);
    expect(await names()).toEqual(['a', 'b']);
    expect(reads()).toEqual({ gets: 1, ranges: 1 });
  });

  it('a copy is used for less than settingsCacheMs, even if the clock is set back within its margin', async () => {
    const { putTopic, putSubscription, names, clock } = await contextWithTopic();
    expect(await names()).toEqual(['a']);
    await putTopic({ revision: 2 });
    await putSubscription('b', 2);
    // Set back by twice the margin while `settingsCacheMs` pass.
    clock.advance(settingsCacheMs - 2 * clockMarginMs);
    expect(await names()).toEqual(['a', 'b']);
  });

  it('a subscription that was added after the topic was read is left out', async () => {
    const { putTopic, putSubscription, names, clock } = await contextWithTopic();
    await putSubscription('b', 2);
    expect(await names()).toEqual(['a']);
    await putTopic({ revision: 2 });
    clock.advance(topicCacheMs);
    expect(await names()).toEqual(['a', 'b']);
  });

  it('a topic that is created again under its name has none of the former subscriptions', async () => {
    const { putTopic, names, clock } = await contextWithTopic();
    expect(await names()).toEqual(['a']);
    await putTopic({ incarnation: 'another8' });
    clock.advance(topicCacheMs);
    expect(await names()).toEqual([]);
  });

  it('calls that need a topic at the same time share one read, and a call after a change in this process reads again', async () => {
    const { ctx, names, reads } = await contextWithTopic();
    await Promise.all([names(), names(), names()]);
    expect(reads()).toEqual({ gets: 1, ranges: 1 });
    ctx.topics.forget('t');
    const before = names();
    ctx.topics.forget('t');
    await Promise.all([before, names()]);
    expect(await names()).toEqual(['a']);
    expect(reads()).toEqual({ gets: 2, ranges: 0 });
  });

  it('a call does not share a read that began more than topicCacheMs ago', async () => {
    const { spy, clock, names, putTopic, putSubscription } = await contextWithTopic();
    const [reached, slow] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    spy.before = ({ method }) => {
      if (method !== 'range') return undefined;
      reached.resolve();
      return slow.promise;
    };
    const first = names();
    await reached.promise;
    clock.advance(topicCacheMs);
    await putTopic({ revision: 2 });
    await putSubscription('b', 2);
    spy.before = () => {};
    expect(await names()).toEqual(['a', 'b']);
    slow.resolve();
    expect(await first).toEqual(['a']);
    expect(await names()).toEqual(['a', 'b']);
  });

  it('neither a missing topic nor a failed read is cached', async () => {
    const { ctx, spy, putTopic, names } = await contextWithTopic();
    expect(await ctx.topics.find('other')).toBeUndefined();
    await putTopic({ name: 'other', incarnation: 'another8' });
    expect(await ctx.topics.find('other')).toMatchObject({ record: { name: 'other' } });
    spy.before = () => {
      throw new StoreError('too busy', 'no', undefined, 'throttled');
    };
    await expect(names()).rejects.toThrow('too busy');
    spy.before = () => {};
    expect(await names()).toEqual(['a']);
  });
});
