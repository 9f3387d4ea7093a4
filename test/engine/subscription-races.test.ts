/**
 * Changes of a topic's subscriptions that meet, that fail halfway, and that other processes must see in time. `expectConsistent`
 * compares the topics with their subscriptions and queues after each.
 */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { settingsCacheMs } from '../../contract/limits.ts';
import { createContext } from '../../engine/context/context.ts';
import type { Engine } from '../../engine/engine.ts';
import { type Store, StoreError } from '../../engine/port/port.ts';
import { seededRandom } from '../../engine/port/random.ts';
import { onBothStores } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';
import { expectConsistent, topicRows } from '../support/topic-rows.ts';

const topic = 't';
const named = (subscription: string) => ({ topic, subscription });
const subscribed = named('s');

const faults = {
  'the answer is lost': { isMade: true, applied: 'unknown' },
  'the request is lost': { isMade: false, applied: 'unknown' },
  'the request is refused': { isMade: false, applied: 'no' },
} as const;

/** A store that fails once, at the call of this number. */
function failingStore(store: Store, at: number, { isMade, applied }: (typeof faults)[keyof typeof faults]) {
  const seen = { calls: 0 };
  const failing = async <T>(run: () => Promise<T>): Promise<T> => {
    if (seen.calls++ !== at) return run();
    if (isMade) await run();
    throw new StoreError('the store failed', applied, undefined, applied === 'no' ? 'throttled' : undefined);
  };
  const over: Store = {
    get: (keys) => failing(() => store.get(keys)),
    range: (asked) => failing(() => store.range(asked)),
    write: (write) => failing(() => store.write(write)),
    writeAll: (writes) => failing(() => store.writeAll(writes)),
    transact: (writes) => failing(() => store.transact(writes)),
  };
  return { over, seen };
}

onBothStores('subscriptions of one topic', (driven) => {
  const createTopic = () => driven().engine.call('createTopic', { topic }, {});
  const codes = (results: PromiseSettledResult<unknown>[]) =>
    results.map((one) => (one.status === 'fulfilled' ? 'ok' : (one.reason.code ?? one.reason)));

  it('many processes that subscribe at once under names of their own all succeed', async () => {
    const { another, engine, clock } = driven();
    await createTopic();
    const names = range(20).map((at) => `s${at}`);
    clock.leaping = false;
    let pending = names.length;
    const calls = names.map((name) =>
      another()
        .call('subscribe', named(name), {})
        .finally(() => pending--),
    );
    // Time passes only while all of them wait, so that the store may be as slow as it is.
    while (pending > 0) {
      await setImmediate();
      if (clock.sleepers() === pending) clock.advance(10);
    }
    const results = await Promise.allSettled(calls);
    clock.leaping = true;
    expect(codes(results)).toEqual(names.map(() => 'ok'));
    expect(await expectConsistent(driven())).toEqual(names.map((name) => `t~${name}`).sort());
    expect(await engine.call('getTopic', { topic }, {})).toMatchObject({ subscriptions: 20 });
    const revisions = (await topicRows(driven())).subscriptions.map(({ fromRevision }) => fromRevision as number);
    expect(revisions.sort((a, b) => a - b)).toEqual(range(20).map((at) => at + 1));
  });

  it('calls that subscribe at once under one name make one subscription, and other terms are refused', async () => {
    const { another } = driven();
    await createTopic();
    const subjects = ['a', 'a', 'b', 'b'];
    const results = await Promise.allSettled(subjects.map((subject) => another().call('subscribe', subscribed, { subject })));
    expect(codes(results).sort()).toEqual(['ok', 'ok', 'subscription_exists', 'subscription_exists']);
    expect(await expectConsistent(driven())).toEqual(['t~s']);
  });

  it('of two subscriptions that come to one queue at once, one is refused', async () => {
    const { another, create } = driven();
    await createTopic();
    await create('existing');
    const results = await Promise.allSettled(
      ['a', 'b'].map((name) => another().call('subscribe', named(name), { queue: 'existing' })),
    );
    expect(codes(results).sort()).toEqual(['ok', 'subscription_exists']);
    await expectConsistent(driven());
  });

  it.each([
    'unsubscribe',
    'deleteTopic',
    'deleteQueue',
  ] as const)('subscribe and %s at once, with any call of one between two of the other, leave no half of either', async (operation) => {
    const { spy, another, engine, create, sweep } = driven();
    const input = operation === 'deleteQueue' ? { queue: 'existing' } : {};
    let found = true;
    for (let at = 0; found; at++) {
      await createTopic();
      await create('existing');
      if (operation === 'unsubscribe') await engine.call('subscribe', subscribed, input);
      let calls = 0;
      found = false;
      const other = another();
      spy.before = async () => {
        if (calls++ !== at || found) return;
        found = true;
        const params = { unsubscribe: subscribed, deleteTopic: { topic }, deleteQueue: { queue: 'existing' } }[operation];
        const force = operation === 'deleteTopic' ? { force: true } : {};
        await other.call(operation, params as never, force as never).catch(() => {});
      };
      await engine.call('subscribe', subscribed, input).catch(() => {});
      spy.before = () => {};
      await expectConsistentAfterSweep();
      await engine.call('deleteTopic', { topic }, { force: true }).catch(() => {});
      await sweep();
      await engine.call('deleteQueue', { queue: 'existing' }, {}).catch(() => {});
    }
    async function expectConsistentAfterSweep() {
      await sweep();
      await expectConsistent(driven());
    }
  });

  it.each([
    ['updateQueue', { queue: 'existing' }, { delaySeconds: 9 }],
    ['updateTopic', { topic }, { preparedTimeoutSeconds: 60 }],
  ] as const)('a change by %s between the reads of a subscribe and its transaction is kept', async (operation, params, changes) => {
    const { spy, another, engine, create } = driven();
    await createTopic();
    await create('existing');
    const other = another();
    spy.before = async ({ method }) => {
      if (method !== 'transact') return;
      spy.before = () => {};
      await other.call(operation, params as never, changes as never);
    };
    await engine.call('subscribe', subscribed, { queue: 'existing' });
    const read = operation === 'updateQueue' ? 'getQueue' : 'getTopic';
    expect(await engine.call(read, params as never, {})).toMatchObject(changes);
    await expectConsistent(driven());
  });

  it('a topic is not deleted without force if a subscription comes to it first', async () => {
    const { spy, another, engine } = driven();
    await createTopic();
    const other = another();
    spy.before = async ({ method }) => {
      if (method !== 'transact') return;
      spy.before = () => {};
      await other.call('subscribe', subscribed, {});
    };
    await expect(engine.call('deleteTopic', { topic }, {})).rejects.toMatchObject({ code: 'topic_in_use' });
    expect(await expectConsistent(driven())).toEqual(['t~s']);
  });

  it('of two calls that unsubscribe at once, one succeeds, and the topic counts one less', async () => {
    const { another, engine } = driven();
    await createTopic();
    for (const name of ['s', 'other']) await engine.call('subscribe', named(name), {});
    const results = await Promise.allSettled(range(2).map(() => another().call('unsubscribe', subscribed, {})));
    expect(codes(results).sort()).toEqual(['ok', 'subscription_not_found']);
    expect(await expectConsistent(driven())).toEqual(['t~other']);
  });

  const changes: { [name: string]: (engine: Engine) => Promise<unknown> } = {
    subscribe: (engine) => engine.call('subscribe', named('new'), { subject: 'a' }),
    'subscribe on an existing queue': (engine) => engine.call('subscribe', named('new'), { queue: 'free' }),
    updateSubscription: (engine) => engine.call('updateSubscription', subscribed, { expiresAfterSeconds: 60 }),
    unsubscribe: (engine) => engine.call('unsubscribe', subscribed, {}),
    'unsubscribe from an existing queue': (engine) => engine.call('unsubscribe', named('feeding'), {}),
    createTopic: (engine) => engine.call('createTopic', { topic: 'another' }, {}),
    updateTopic: (engine) => engine.call('updateTopic', { topic }, { preparedTimeoutSeconds: 60 }),
    deleteTopic: (engine) => engine.call('deleteTopic', { topic }, { force: true }),
  };
  const cases = Object.keys(changes).flatMap((change) =>
    (Object.keys(faults) as (keyof typeof faults)[]).map((fault) => [change, fault] as const),
  );

  it.each(cases)('%s is done or undone as a whole if, at any of its calls of the store, %s', async (change, fault) => {
    const { spy, engine, another, create, sweep } = driven();
    const outcomes = new Set<string>();
    let reached = true;
    for (let at = 0; reached; at++) {
      await createTopic();
      for (const queue of ['existing', 'free']) await create(queue);
      await engine.call('subscribe', subscribed, {});
      await engine.call('subscribe', named('feeding'), { queue: 'existing' });
      const { over, seen } = failingStore(spy.store, at, faults[fault]);
      const outcome = await changes[change]!(another(over)).then(
        () => 'done',
        (error) => error.code,
      );
      reached = seen.calls > at;
      outcomes.add(outcome);
      // Where the call failed, it can be repeated, unless it was applied after all.
      const again = await changes[change]!(engine).then(
        () => 'done',
        (error) => error.code,
      );
      expect({ at, again }).toMatchObject({ again: expect.stringMatching(/^done$|_not_found$/) });
      if (outcome !== 'done') expect({ at, outcome }).toMatchObject({ outcome: 'unavailable' });
      await sweep();
      await expectConsistent(driven());
      for (const name of [topic, 'another']) await engine.call('deleteTopic', { topic: name }, { force: true }).catch(() => {});
      await sweep();
      for (const queue of ['existing', 'free']) await engine.call('deleteQueue', { queue }, {});
      expect(await topicRows(driven())).toEqual({ topics: [], subscriptions: [], owned: [] });
    }
    expect([...outcomes]).toContain('done');
  });
});

describe('what other processes see', () => {
  onBothStores('a cached topic', (driven) => {
    /** The names that a publish finds which begins now in another process. */
    function anotherProcess() {
      const { spy, clock } = driven();
      const ctx = createContext({ store: spy.store, clock, random: seededRandom(99) });
      return async () => (await ctx.topics.find(topic))?.subscriptions.map(({ name }) => name);
    }

    it.each([
      ['subscribe', ['s', 'new']],
      ['unsubscribe', []],
      ['deleteTopic', undefined],
    ] as const)('once %s has answered, a publish that begins in another process acts on it, however late that one read', async (operation, seen) => {
      const { engine, spy, clock } = driven();
      await engine.call('createTopic', { topic }, {});
      await engine.call('subscribe', subscribed, {});
      const find = anotherProcess();
      // The other process reads just before the change is written, so that it may use what it read for as long as possible.
      let before: readonly string[] | undefined;
      spy.before = async ({ method }) => {
        if (method !== 'transact') return;
        spy.before = () => {};
        before = await find();
      };
      const input = operation === 'deleteTopic' ? { force: true } : {};
      const params = { subscribe: named('new'), unsubscribe: subscribed, deleteTopic: { topic } }[operation];
      await engine.call(operation, params as never, input as never);
      expect(before).toEqual(['s']);
      expect((await find())?.toSorted()).toEqual(seen?.toSorted());
      clock.advance(settingsCacheMs);
      expect((await find())?.toSorted()).toEqual(seen?.toSorted());
    });

    it('a change of a subscription is in force in another process within settingsCacheMs', async () => {
      const { engine, spy, clock } = driven();
      await engine.call('createTopic', { topic }, {});
      await engine.call('subscribe', subscribed, {});
      const ctx = createContext({ store: spy.store, clock, random: seededRandom(99) });
      const subject = async () => (await ctx.topics.find(topic))?.subscriptions[0]?.subject;
      expect(await subject()).toBeNull();
      await engine.call('updateSubscription', subscribed, { subject: 'a' });
      clock.advance(settingsCacheMs);
      expect(await subject()).toBe('a');
    });
  });
});
