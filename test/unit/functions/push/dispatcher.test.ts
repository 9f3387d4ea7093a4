import { describe, expect, it } from 'vitest';
import type { QueueSettingsInput, TargetInput } from '../../../../contract/contract.ts';
import { pushLeaseSecondsMin, targetHeldMs } from '../../../../contract/limits.ts';
import { StoreError } from '../../../../engine/port/port.ts';
import { secondMs } from '../../../support/durations.ts';
import { eventually } from '../../../support/eventually.ts';
import { createPushBed, type PushBed, type PushProcess } from '../../../support/push-bed.ts';

const queue = { queue: 'q' };
const keep = { doneSeconds: 3600, deadSeconds: 0 };

/** A bed with one process, its queue `q`, and the target `f`, a function. */
async function startBed(
  target: Omit<TargetInput, 'functionName'> = {},
  settings: QueueSettingsInput = {},
): Promise<{
  bed: PushBed;
  one: PushProcess;
  publish: (...bodies: unknown[]) => Promise<string[]>;
  state: (id: string) => Promise<string>;
}> {
  const bed = createPushBed();
  const one = bed.process();
  await one.engine.call('createQueue', queue, { keep, ...settings });
  await one.targets.put('q', 'f', { functionName: 'fn', ...target });
  return {
    bed,
    one,
    async publish(...bodies) {
      const { results } = await one.engine.call('publish', queue, { messages: bodies.map((body) => ({ body: body as never })) });
      return results.map((result) => (result as { id: string }).id);
    },
    state: async (id) => (await one.engine.call('getMessage', { ...queue, id }, {})).state,
  };
}

const bodiesOf = (bed: PushBed) => bed.events.map(({ Records }) => Records.map(({ body }) => JSON.parse(body)));
const awsError = (name: string) => Object.assign(new Error(`it answered ${name}`), { name });
const functionError = (answer: object) => Object.assign(awsError('FunctionError'), { answer: JSON.stringify(answer) });

describe('a dispatcher', () => {
  it('a dispatcher delivers what waits in batches, acks it, and ends when the queue is empty', async () => {
    const { bed, one, publish, state } = await startBed({ batchSize: 4 });
    const ids = await publish(1, 2, 3, 4, 5, 6);
    expect(await one.drain()).toBe('empty');
    expect(bodiesOf(bed).map(({ length }) => length)).toEqual([4, 2]);
    expect(bodiesOf(bed).flat().sort()).toEqual([1, 2, 3, 4, 5, 6]);
    for (const id of ids) expect(await state(id)).toBe('done');
  });

  it('a dispatcher extends the leases of messages as long as their function runs', async () => {
    const { bed, one, publish, state } = await startBed();
    const running = Promise.withResolvers<string>();
    bed.invoke = () => running.promise;
    const [id] = await publish(1);
    const draining = one.drain();
    await eventually(() => bed.events.length === 1);
    await bed.pass(10 * pushLeaseSecondsMin * secondMs);
    expect(await state(id!)).toBe('leased');
    running.resolve('');
    expect(await draining).toBe('empty');
    expect(await state(id!)).toBe('done');
    expect(bed.events).toHaveLength(1);
  });

  it('a dispatcher delivers a message again if the process dies between delivery and ack', async () => {
    const { bed, one, publish } = await startBed();
    const [id] = await publish(1);
    bed.invoke = async () => {
      one.die();
      return '';
    };
    void one.drain().catch(() => undefined);
    await eventually(() => bed.events.length === 1);
    await bed.pass(60 * secondMs);
    bed.invoke = async () => '';
    const other = bed.process();
    expect(await other.drain()).toBe('empty');
    expect(bed.events).toHaveLength(2);
    expect(bed.events[1]!.Records[0]).toMatchObject({ messageId: id, attributes: { ApproximateReceiveCount: '2' } });
    const { state: last } = await other.engine.call('getMessage', { ...queue, id: id! }, {});
    expect(last).toBe('done');
  });

  it('a dispatcher begins nothing after its time, and leaves the rest to the next', async () => {
    const { bed, one, publish } = await startBed({ batchSize: 1, maxConcurrency: 1 });
    await publish(1, 2, 3);
    bed.invoke = async () => {
      bed.clock.advance(10);
      return '';
    };
    expect(await one.drain({ until: bed.clock.now() + 15 })).toBe('over');
    expect(bed.events).toHaveLength(2);
    const { counts } = await one.engine.call('getQueue', queue, {});
    expect(counts).toMatchObject({ ready: 1, leased: 0 });
    expect(await one.drain()).toBe('empty');
  });

  it('a dispatcher gives back what is not answered when its process must end, without counting the receive', async () => {
    const { bed, one, publish } = await startBed();
    const [id] = await publish(1);
    bed.invoke = (_, __, signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const now = bed.clock.now();
    const draining = one.drain({ until: now + secondMs, endsAt: now + 5 * secondMs });
    await eventually(() => bed.events.length === 1);
    await bed.pass(6 * secondMs);
    expect(await draining).toBe('over');
    const message = await one.engine.call('getMessage', { ...queue, id: id! }, {});
    expect(message).toMatchObject({ state: 'ready', failures: 0, receives: 0 });
  });

  it('a dispatcher that is stopped lets deliveries in progress end', async () => {
    const { bed, one, publish, state } = await startBed();
    const running = Promise.withResolvers<string>();
    bed.invoke = () => running.promise;
    const [id] = await publish(1);
    const stopping = new AbortController();
    const draining = one.drain({ signal: stopping.signal });
    await eventually(() => bed.events.length === 1);
    stopping.abort();
    await bed.pass(2 * secondMs);
    running.resolve('');
    expect(await draining).toBe('over');
    expect(await state(id!)).toBe('done');
  });

  it('a dispatcher that is stopped gives back what its target does not answer in time', async () => {
    const { bed, one, publish } = await startBed();
    bed.invoke = (_, __, signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const [id] = await publish(1);
    const stopping = new AbortController();
    const draining = one.drain({ signal: stopping.signal });
    await eventually(() => bed.events.length === 1);
    stopping.abort();
    await bed.pass(6 * secondMs);
    expect(await draining).toBe('over');
    expect(await one.engine.call('getMessage', { ...queue, id: id! }, {})).toMatchObject({
      state: 'ready',
      receives: 0,
      failures: 0,
    });
  });
});

describe('several processes', () => {
  it('only one of several processes delivers to a target at a time, and another continues when it has ended', async () => {
    const { bed, one, publish } = await startBed({ maxConcurrency: 1, batchSize: 1 });
    const other = bed.process();
    const running = Promise.withResolvers<string>();
    bed.invoke = () => running.promise;
    await publish(1, 2);
    const draining = one.drain();
    await eventually(() => bed.events.length === 1);
    expect(await other.drain()).toBe('held');
    await bed.pass(2 * targetHeldMs);
    expect(await other.drain()).toBe('held');
    expect(bed.events).toHaveLength(1);
    running.resolve('');
    expect(await draining).toBe('empty');
    expect(bed.events).toHaveLength(2);
    await publish(3);
    expect(await other.drain()).toBe('empty');
    expect(bed.events).toHaveLength(3);
  });

  it('a message whose dispatcher was woken while another was ending is delivered by the other', async () => {
    const { bed, one, publish } = await startBed();
    const other = bed.process();
    await publish(1);
    let woken: Promise<string> | undefined;
    let targetWrites = 0;
    one.spy.before = async ({ method, keys }) => {
      // The second write of the target's row ends the hold.
      if (method !== 'write' || keys[0]?.table !== 'queues' || keys[0].kind !== 'target' || ++targetWrites !== 2) return;
      await other.engine.call('publish', queue, { messages: [{ body: 2 }] });
      woken = other.drain();
      expect(await woken).toBe('held');
    };
    expect(await one.drain()).toBe('empty');
    expect(woken).toBeDefined();
    expect(bodiesOf(bed)).toEqual([[1], [2]]);
  });

  it('a process that lost its hold while it was suspended delivers nothing more', async () => {
    const { bed, one, publish } = await startBed({ batchSize: 1, maxConcurrency: 1 });
    const other = bed.process();
    const first = Promise.withResolvers<string>();
    const second = Promise.withResolvers<string>();
    bed.invoke = () => (bed.events.length === 1 ? first.promise : second.promise);
    await publish(1, 2, 3);
    const draining = one.drain();
    await eventually(() => bed.events.length === 1);
    const suspended = Promise.withResolvers<void>();
    one.spy.before = () => suspended.promise;
    bed.clock.advance(targetHeldMs + secondMs);
    const drainingOther = other.drain();
    await eventually(() => bed.events.length === 2);
    suspended.resolve();
    first.resolve('');
    expect(await draining).toBe('lost');
    second.resolve('');
    expect(await drainingOther).toBe('empty');
    expect([...new Set(bodiesOf(bed).flat())].sort()).toEqual([1, 2, 3]);
  });
});

it('a target whose row cannot be written ends no delivery to another target of its queue', async () => {
  const { bed, one, publish, state } = await startBed();
  await one.targets.put('q', 'g', { functionName: 'fn' });
  const running = Promise.withResolvers<string>();
  bed.invoke = () => running.promise;
  const [id] = await publish(1);
  one.spy.before = ({ method, keys: [key] }) => {
    const isOfG = key?.table === 'queues' && key.kind === 'target' && key.name.endsWith('/g');
    if (method === 'write' && isOfG) throw new StoreError('throttled', 'no');
  };
  const options = { until: Number.MAX_SAFE_INTEGER, signal: new AbortController().signal, keepsWaiting: false };
  let ended = false;
  const draining = one.dispatcher.drainQueue('q', options).finally(() => {
    ended = true;
  });
  const refused = expect(draining).rejects.toThrow('throttled');
  await eventually(() => bed.events.length === 1);
  await bed.pass(secondMs);
  expect(ended).toBe(false);
  running.resolve('');
  await refused;
  expect(await state(id!)).toBe('done');
});

describe('a function that fails', () => {
  it('a function that throws fails its batch with its error, and the messages wait for the backoff', async () => {
    const backoff = { minSeconds: 60, maxSeconds: 60, factor: 1, jitter: 0 };
    const { bed, one, publish } = await startBed({ batchSize: 2 }, { backoff });
    bed.invoke = async (_, payload) => {
      if (payload.includes('poison')) throw functionError({ errorType: 'TypeError', errorMessage: 'x is undefined' });
      return '';
    };
    const [poison, beside, good] = await publish('poison', 'beside', 'good');
    expect(await one.drain()).toBe('empty');
    for (const id of [poison!, beside!]) {
      expect(await one.engine.call('getMessage', { ...queue, id }, {})).toMatchObject({
        state: 'delayed',
        failures: 1,
        lastFailure: 'TypeError: x is undefined',
      });
    }
    expect(await one.engine.call('getMessage', { ...queue, id: good! }, {})).toMatchObject({ state: 'done' });
    expect(bed.lines).toEqual([]);
  });

  it('a message that fails in a queue without a backoff waits a growing time, so that it keeps no target busy', async () => {
    const { bed, one, publish } = await startBed();
    bed.invoke = async () => {
      throw functionError({});
    };
    const [id] = await publish('poison');
    expect(await one.drain()).toBe('empty');
    expect(bed.events).toHaveLength(1);
    expect(await one.engine.call('getMessage', { ...queue, id: id! }, {})).toMatchObject({ state: 'delayed', failures: 1 });
  });

  it.each([
    'ResourceNotFoundException',
    'TooManyRequestsException',
    'AccessDeniedException',
    'CredentialsProviderError',
  ])('a function that cannot be invoked (%s) breaks its target at once, and its messages count no receive', async (name) => {
    const { bed, one, publish } = await startBed({ batchSize: 1, maxConcurrency: 1 });
    bed.invoke = async () => {
      throw awsError(name);
    };
    const ids = await publish(1, 2);
    expect(await one.drain()).toBe('resting');
    expect(bed.events).toHaveLength(1);
    for (const id of ids) {
      expect(await one.engine.call('getMessage', { ...queue, id }, {})).toMatchObject({
        state: 'ready',
        receives: 0,
        failures: 0,
      });
    }
    expect(bed.lines).toEqual([
      { kind: 'target_failed', queue: 'q', target: 'f', state: 'broken', failures: 1, reason: `it answered ${name}` },
    ]);
    expect(await one.targets.get('q', 'f')).toMatchObject({ state: 'broken', failures: 1 });
  });

  it('a function that is out of reach breaks its target after five failures, and its messages count no receive', async () => {
    const { bed, one, publish } = await startBed({ maxConcurrency: 1 });
    bed.invoke = async () => {
      throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    };
    const [id] = await publish(1);
    expect(await one.drain()).toBe('resting');
    expect(bed.events).toHaveLength(5);
    expect(await one.engine.call('getMessage', { ...queue, id: id! }, {})).toMatchObject({
      state: 'ready',
      receives: 0,
      failures: 0,
    });
  });

  it('a broken target is probed with one message, later each time, and its recovery is logged once', async () => {
    const { bed, one, publish } = await startBed({ batchSize: 10 });
    bed.invoke = async () => {
      throw awsError('TooManyRequestsException');
    };
    await publish(1, 2, 3);
    await one.drain();
    expect(bed.events[0]!.Records).toHaveLength(3);
    expect(await one.drain()).toBe('resting');
    await bed.pass(10 * secondMs);
    expect(await one.drain()).toBe('resting');
    await bed.pass(19 * secondMs);
    expect(await one.drain()).toBe('resting');
    expect(bed.events.map(({ Records }) => Records.length)).toEqual([3, 1]);
    bed.invoke = async () => '';
    await bed.pass(secondMs);
    expect(await one.drain()).toBe('empty');
    expect(bed.events.map(({ Records }) => Records.length)).toEqual([3, 1, 1, 2]);
    expect(bed.lines.map(({ kind }) => kind)).toEqual(['target_failed', 'target_recovered']);
    expect(await one.targets.get('q', 'f')).toMatchObject({ state: 'active', failures: 0, lastError: null });
  });

  it('a target without failures is written only when it is held', async () => {
    const { one, publish } = await startBed({ batchSize: 1 });
    await publish(1, 2, 3, 4, 5);
    let writes = 0;
    one.spy.before = ({ method, keys }) => {
      if (method === 'write' && keys[0]?.table === 'queues' && keys[0].kind === 'target') writes++;
    };
    await one.drain();
    expect(writes).toBe(2);
  });
});

describe('batchItemFailures', () => {
  const cases: [string, unknown, 'all' | 'none' | 'first'][] = [
    ['an empty answer', '', 'all'],
    ['null', 'null', 'all'],
    ['an empty object', '{}', 'all'],
    ['a list that is null', '{"batchItemFailures":null}', 'all'],
    ['an empty list', '{"batchItemFailures":[]}', 'all'],
    ['the second message', (ids: string[]) => ({ batchItemFailures: [{ itemIdentifier: ids[1] }] }), 'first'],
    ['text that is not JSON', 'oops', 'none'],
    ['a list', '[]', 'none'],
    ['a text', '"done"', 'none'],
    ['a list that is no list', '{"batchItemFailures":{}}', 'none'],
    ['an empty identifier', '{"batchItemFailures":[{"itemIdentifier":""}]}', 'none'],
    ['an identifier that is null', '{"batchItemFailures":[{"itemIdentifier":null}]}', 'none'],
    ['another key', (ids: string[]) => ({ batchItemFailures: [{ id: ids[1] }] }), 'none'],
    ['a null entry', '{"batchItemFailures":[null]}', 'none'],
    ['a message of no record', '{"batchItemFailures":[{"itemIdentifier":"another"}]}', 'none'],
  ];

  it.each(cases)('a function that answers %s acks as Lambda does for SQS', async (_, answer, acked) => {
    const { bed, one, publish, state } = await startBed({ reportBatchItemFailures: true });
    const ids = await publish('a', 'b');
    bed.invoke = async () =>
      typeof answer === 'function' ? JSON.stringify(answer(bed.events[0]!.Records.map((r) => r.messageId))) : String(answer);
    await one.drain();
    const order = bed.events[0]!.Records.map(({ messageId }) => messageId);
    const states = await Promise.all(order.map(state));
    expect(states).toEqual({ all: ['done', 'done'], none: ['delayed', 'delayed'], first: ['done', 'delayed'] }[acked]);
    expect(order.sort()).toEqual(ids.sort());
  });

  it('a target that does not report failures acks the batch whatever the function answers', async () => {
    const { bed, one, publish, state } = await startBed();
    const [id] = await publish('a');
    bed.invoke = async () => JSON.stringify({ batchItemFailures: [{ itemIdentifier: id }] });
    await one.drain();
    expect(await state(id!)).toBe('done');
  });
});

describe('a batching window', () => {
  it('a batching window gathers messages until the batch is full', async () => {
    const { bed, one, publish } = await startBed({ batchSize: 3, maxBatchingWindowSeconds: 300 });
    await publish(1);
    const draining = one.drain();
    await bed.pass(5 * secondMs);
    expect(bed.events).toEqual([]);
    await publish(2);
    await bed.pass(60 * secondMs);
    expect(bed.events).toEqual([]);
    await publish(3);
    await bed.pass(5 * secondMs);
    expect(bodiesOf(bed).map((bodies) => bodies.sort())).toEqual([[1, 2, 3]]);
    await bed.pass(15 * secondMs);
    expect(await draining).toBe('empty');
  });

  it('a batching window that ends delivers what it has', async () => {
    const { bed, one, publish } = await startBed({ batchSize: 10, maxBatchingWindowSeconds: 30 });
    await publish(1, 2);
    const draining = one.drain();
    await bed.pass(29 * secondMs);
    expect(bed.events).toEqual([]);
    await bed.pass(5 * secondMs);
    expect(bodiesOf(bed).map((bodies) => bodies.sort())).toEqual([[1, 2]]);
    await bed.pass(15 * secondMs);
    expect(await draining).toBe('empty');
  });
});

describe('a queue or target that changes meanwhile', () => {
  it('a queue that is deleted and created again gives none of its messages to an earlier target', async () => {
    const { bed, one } = await startBed();
    const { targets } = (await one.records.ofQueue('q'))!;
    await one.engine.call('deleteQueue', queue, {});
    await one.engine.call('createQueue', queue, {});
    await one.engine.call('publish', queue, { messages: [{ body: 'new' }] });
    const options = { until: Number.MAX_SAFE_INTEGER, signal: new AbortController().signal, keepsWaiting: false };
    expect(await one.dispatcher.drain(targets[0]!, options)).toBe('gone');
    expect(bed.events).toEqual([]);
    expect((await one.engine.call('getQueue', queue, {})).counts).toMatchObject({ ready: 1 });
  });

  it('a queue that is created again while its earlier target waits gives it nothing, however soon', async () => {
    const { bed, one } = await startBed();
    const draining = one.drain({ keepsWaiting: true });
    await bed.pass(0);
    await one.engine.call('deleteQueue', queue, {});
    await one.engine.call('createQueue', queue, {});
    await one.engine.call('publish', queue, { messages: [{ body: 'new' }] });
    await bed.pass(secondMs);
    expect(await draining).toBe('gone');
    expect(bed.events).toEqual([]);
    const { messages } = await one.engine.call('receive', queue, {});
    expect(messages).toMatchObject([{ body: 'new', receives: 1 }]);
  });

  it('a target that is deleted while it waits gets no further message', async () => {
    const { bed, one, publish } = await startBed();
    const draining = one.drain({ keepsWaiting: true });
    await bed.pass(2 * secondMs);
    const other = bed.process();
    await other.targets.remove('q', 'f');
    await bed.pass(3 * secondMs);
    await publish(1);
    await bed.pass(2 * secondMs);
    expect(await draining).toMatch(/gone|lost/);
    expect(bed.events).toEqual([]);
    expect((await other.engine.call('getQueue', queue, {})).counts).toMatchObject({ ready: 1, leased: 0 });
  });
});
