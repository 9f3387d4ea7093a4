/** Creating, changing, listing and deleting topics. */
import { expect, it } from 'vitest';
import type { OperationName, ParamsOf } from '../../contract/contract.ts';
import { settingsCacheMs } from '../../contract/limits.ts';
import type { QueueOperation } from '../../engine/engine.ts';
import { onBothStores } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';
import { expectConsistent, topicRows } from '../support/topic-rows.ts';

const topic = 't';
const subscribed = { topic, subscription: 's' };

onBothStores('topics', (driven) => {
  it('createTopic applies the settings given and defaults for the others, and a repeat changes nothing', async () => {
    const { engine, clock } = driven();
    const at = new Date(clock.now()).toISOString();
    const bare = { name: topic, queueSettings: {}, preparedTimeoutSeconds: null, subscriptions: 0, createdAt: at, updatedAt: at };
    expect(await engine.call('createTopic', { topic }, {})).toEqual(bare);
    clock.advance(1000);
    expect(await engine.call('createTopic', { topic }, {})).toEqual(bare);
    const queueSettings = { retentionSeconds: null, backoff: null, limits: { concurrency: 3, ratePerSecond: null } };
    const other = await engine.call('createTopic', { topic: 'other' }, { queueSettings, preparedTimeoutSeconds: 60 });
    expect(other).toMatchObject({ queueSettings, preparedTimeoutSeconds: 60 });
    expect(await engine.call('getTopic', { topic: 'other' }, {})).toEqual(other);
  });

  it.each([
    ['queueSettings', { queueSettings: { delaySeconds: 1 } }],
    ['preparedTimeoutSeconds', { preparedTimeoutSeconds: 5 }],
  ])('createTopic of a topic that has other %s is refused with its name', async (field, input) => {
    const { engine } = driven();
    await engine.call('createTopic', { topic }, {});
    await expect(engine.call('createTopic', { topic }, input)).rejects.toMatchObject({
      code: 'topic_exists',
      message: expect.stringContaining(field),
    });
  });

  it('createTopic by several callers at once succeeds for those with equal settings', async () => {
    const { another } = driven();
    const results = await Promise.allSettled(
      range(6).map((at) => another().call('createTopic', { topic }, { preparedTimeoutSeconds: 1 + (at % 2) })),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
  });

  it('updateTopic changes only the settings given, and no queue that a subscription already owns', async () => {
    const { engine, call, clock } = driven();
    await engine.call('createTopic', { topic }, { queueSettings: { delaySeconds: 7 }, preparedTimeoutSeconds: 60 });
    await engine.call('subscribe', subscribed, {});
    clock.advance(1000);
    const updatedAt = new Date(clock.now()).toISOString();
    const changed = await engine.call('updateTopic', { topic }, { queueSettings: { retentionSeconds: 600 } });
    expect(changed).toMatchObject({ queueSettings: { retentionSeconds: 600 }, preparedTimeoutSeconds: 60, updatedAt });
    expect(await engine.call('updateTopic', { topic }, { preparedTimeoutSeconds: null })).toMatchObject({
      queueSettings: { retentionSeconds: 600 },
      preparedTimeoutSeconds: null,
      subscriptions: 1,
    });
    expect(await call('getQueue', 't~s')).toMatchObject({ delaySeconds: 7 });
    await engine.call('subscribe', { topic, subscription: 'later' }, {});
    expect(await call('getQueue', 't~later')).toMatchObject({ delaySeconds: 0, retentionSeconds: 600 });
  });

  it('a topic whose subscriptions would have no dead-letter queue is refused with the place of the setting', async () => {
    const { engine } = driven();
    const input = { queueSettings: { deadLetter: { queue: 'missing', maxReceives: 3 } } };
    const refused = { code: 'invalid_input', message: expect.stringMatching(/^queueSettings\.deadLetter\.queue: /) };
    await expect(engine.call('createTopic', { topic }, input)).rejects.toMatchObject(refused);
    await engine.call('createTopic', { topic }, {});
    await expect(engine.call('updateTopic', { topic }, input)).rejects.toMatchObject(refused);
  });

  it('listTopics shows all topics by name, page by page', async () => {
    const { engine } = driven();
    const names = ['b', 'a', 'Z', 'c-1', 'c_1', '0'];
    for (const name of names) await engine.call('createTopic', { topic: name }, {});
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await engine.call('listTopics', {}, { limit: 2, ...(cursor ? { cursor } : {}) });
      found.push(...page.topics.map(({ name }) => name));
      cursor = page.cursor;
    } while (cursor);
    expect(found).toEqual([...names].sort());
  });

  it('deleteTopic is refused while the topic has subscriptions, and answers when no process has it cached', async () => {
    const { engine, clock } = driven();
    await engine.call('createTopic', { topic }, {});
    await engine.call('subscribe', subscribed, {});
    await expect(engine.call('deleteTopic', { topic }, {})).rejects.toMatchObject({ code: 'topic_in_use' });
    await engine.call('unsubscribe', subscribed, {});
    const before = clock.now();
    expect(await engine.call('deleteTopic', { topic }, {})).toEqual({});
    expect(clock.now() - before).toBe(settingsCacheMs);
    await expect(engine.call('getTopic', { topic }, {})).rejects.toMatchObject({ code: 'topic_not_found' });
  });

  it('a topic deleted with force leaves no subscription and no queue of theirs after the sweep, and keeps other queues', async () => {
    const { engine, create, sweep, rows } = driven();
    await engine.call('createTopic', { topic }, {});
    await create('existing');
    for (const subscription of ['a', 'b']) await engine.call('subscribe', { topic, subscription }, {});
    await engine.call('subscribe', { topic, subscription: 'c' }, { queue: 'existing' });
    await engine.call('deleteTopic', { topic }, { force: true });
    expect((await topicRows(driven())).subscriptions).toHaveLength(3);
    expect(await sweep()).toMatchObject({ complete: true });
    expect(await expectConsistent(driven())).toEqual([]);
    const left = (await rows('queues')).map(({ kind }) => kind);
    expect(left).not.toContain('deleted-topic');
    expect(left.filter((kind) => kind === 'queue')).toHaveLength(1);
    await engine.call('deleteQueue', { queue: 'existing' }, {});
  });

  it('a topic is not deleted with force while a queue that stays dead-letters into a queue of its subscriptions', async () => {
    const { engine, call, create, sweep } = driven();
    await engine.call('createTopic', { topic }, {});
    await engine.call('subscribe', { topic, subscription: 'dead' }, {});
    const deadLetter = { queue: 't~dead', maxReceives: 1 };
    await engine.call('subscribe', { topic, subscription: 's' }, { settings: { deadLetter } });
    await create('user', { deadLetter });
    await expect(engine.call('deleteTopic', { topic }, { force: true })).rejects.toMatchObject({
      code: 'queue_in_use',
      message: expect.stringMatching(/"t~dead" of its subscriptions is the dead-letter queue of "user"/),
    });
    expect(await engine.call('getTopic', { topic }, {})).toMatchObject({ subscriptions: 2 });
    await call('updateQueue', 'user', { deadLetter: null });
    await engine.call('deleteTopic', { topic }, { force: true });
    await sweep();
    expect(await expectConsistent(driven())).toEqual([]);
  });

  it('a queue can be deleted once the topic that delivered into it is deleted, before the sweep', async () => {
    const { engine, create, sweep } = driven();
    await create('existing');
    await engine.call('createTopic', { topic }, {});
    await engine.call('subscribe', subscribed, { queue: 'existing' });
    await engine.call('deleteTopic', { topic }, { force: true });
    // A topic of the same name is another one.
    await engine.call('createTopic', { topic }, {});
    expect(await engine.call('deleteQueue', { queue: 'existing' }, {})).toEqual({});
    await create('existing');
    await sweep();
    expect((await topicRows(driven())).subscriptions).toEqual([]);
    expect(await engine.call('getQueue', { queue: 'existing' }, {})).toMatchObject({ name: 'existing' });
  });

  it('a topic created again before the sweep has none of its former subscriptions, and their names are free', async () => {
    const { engine, send, bodies, sweep } = driven();
    await engine.call('createTopic', { topic }, {});
    for (const subscription of ['s', 'other']) await engine.call('subscribe', { topic, subscription }, {});
    await send('t~s', 'old');
    await engine.call('deleteTopic', { topic }, { force: true });
    await engine.call('createTopic', { topic }, {});
    expect((await engine.call('listSubscriptions', { topic }, {})).subscriptions).toEqual([]);
    expect(await engine.call('subscribe', subscribed, { subject: 'a' })).toMatchObject({ queue: 't~s', subject: 'a' });
    expect(await bodies('t~s')).toEqual([]);
    await sweep();
    expect(await expectConsistent(driven())).toEqual(['t~s']);
    expect(await engine.call('getTopic', { topic }, {})).toMatchObject({ subscriptions: 1 });
  });

  it('the subscriptions of a deleted topic are removed over several sweeps if the time of one is short', async () => {
    const { engine, clock, spy, rows } = driven();
    await engine.call('createTopic', { topic }, {});
    for (const at of range(20)) await engine.call('subscribe', { topic, subscription: `s${at}` }, {});
    await engine.call('deleteTopic', { topic }, { force: true });
    // The time of a sweep is over after its first transactions.
    spy.before = ({ method }) => {
      if (method === 'transact') clock.advance(1000);
    };
    const left: number[] = [];
    while (left.at(-1) !== 0 && left.length < 20) {
      const { complete } = await engine.sweep({ until: clock.now() + 1000 });
      left.push((await topicRows(driven())).subscriptions.length);
      if (left.at(-1) !== 0) expect({ left, complete }).toMatchObject({ complete: false });
    }
    expect(left[0]).toBeGreaterThan(0);
    expect(left.at(-1)).toBe(0);
    await engine.sweep({ until: clock.now() + 60_000 });
    expect((await rows('queues')).filter(({ kind }) => kind === 'deleted-topic')).toEqual([]);
    expect(await expectConsistent(driven())).toEqual([]);
  });

  it('every operation on a missing topic is refused with topic_not_found', async () => {
    const { engine } = driven();
    const inputs: { [Name in QueueOperation as ParamsOf<Name> extends { topic: string } ? Name : never]?: object } = {
      getTopic: {},
      updateTopic: {},
      deleteTopic: {},
      subscribe: {},
      getSubscription: {},
      updateSubscription: {},
      unsubscribe: {},
      listSubscriptions: {},
      testSubscription: { body: 1 },
    };
    for (const [name, input] of Object.entries(inputs)) {
      const params = {
        topic: 'nowhere',
        ...(/[sS]ubscri/.test(name) && name !== 'listSubscriptions' ? { subscription: 's' } : {}),
      };
      const call = engine.call(name as OperationName & QueueOperation, params as never, input as never);
      await expect(call, name).rejects.toMatchObject({ code: 'topic_not_found', message: expect.stringContaining('nowhere') });
    }
  });
});
