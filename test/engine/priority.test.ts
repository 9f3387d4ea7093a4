/** Priorities, paused queues and `deliverAt`. */
import { expect, it } from 'vitest';
import { priorityLevelsMax } from '../../contract/limits.ts';
import { secondMs } from '../support/durations.ts';
import { onEveryStore } from '../support/on-both-stores.ts';

onEveryStore('priority', (driven) => {
  const one = async (queue = 'q') => (await driven().receive(queue, { max: 1 }))[0]?.body;

  it('priority delivers the highest level first, and each level in its order', async () => {
    const { create, publish } = driven();
    await create('q', { priority: { levels: 3, order: 'strict' } });
    await publish('q', ...[0, 2, 1, 2, 0].map((priority, index) => ({ body: `${priority}: ${index}`, priority })));
    const bodies: unknown[] = [];
    for (let body = await one(); body !== undefined; body = await one()) bodies.push(body);
    expect(bodies).toEqual(['2: 1', '2: 3', '1: 2', '0: 0', '0: 4']);
  });

  it('priority holds for messages that are delayed, redelivered, dead-lettered or have an own id', async () => {
    const { create, publish, receive, sweep, clock } = driven();
    const priority = { levels: 2, order: 'strict' as const };
    await create('dead', { priority });
    await create('q', { priority, visibilityTimeoutSeconds: 5, deadLetter: { queue: 'dead', maxReceives: 2 } });
    await publish('q', { body: 'own', id: 'own', priority: 1 }, { body: 'delayed', delaySeconds: 6, priority: 1 });
    expect(await one()).toBe('own');
    clock.advance(6 * secondMs);
    await publish('q', { body: 'low' });
    expect(await one()).toBe('own');
    const [delayed, low] = await receive('q', { max: 2 });
    expect(delayed).toMatchObject({ body: 'delayed', priority: 1 });
    expect(low).toMatchObject({ body: 'low' });
    clock.advance(6 * secondMs);
    await sweep();
    await publish('dead', { body: 'low' });
    expect((await receive('dead'))[0]).toMatchObject({ body: 'own', priority: 1 });
  });

  it('priority is shown by getMessage and peek, except level 0', async () => {
    const { create, publish, call, engine } = driven();
    await create('q', { priority: { levels: priorityLevelsMax, order: 'strict' } });
    const ids = await publish('q', { body: 1, priority: priorityLevelsMax - 1 }, { body: 2 });
    expect(await engine.call('getMessage', { queue: 'q', id: ids[0]! }, {})).toMatchObject({ priority: priorityLevelsMax - 1 });
    expect(await engine.call('getMessage', { queue: 'q', id: ids[1]! }, {})).not.toHaveProperty('priority');
    const { messages } = await call('peek', 'q');
    expect(messages.map(({ priority }) => priority)).toEqual([priorityLevelsMax - 1, undefined]);
  });

  it('priority beyond the levels of the queue is refused for that message alone', async () => {
    const { create, call, bodies, engine } = driven();
    await create('q', { priority: { levels: 2, order: 'strict' } });
    const { results } = await call('publish', 'q', { messages: [{ body: 1 }, { body: 2, priority: 2 }] });
    expect(results).toMatchObject([{ ok: true }, { ok: false, code: 'invalid_input' }]);
    expect(results[1]).toMatchObject({ message: expect.stringMatching(/messages\[1\]\.priority: must be at most 1.*was 2/) });
    const [first] = results as { id: string }[];
    await expect(engine.call('updateMessage', { queue: 'q', id: first!.id }, { priority: 2 })).rejects.toMatchObject({
      code: 'invalid_input',
    });
    expect(await bodies('q')).toEqual([1]);
  });

  it('priority of a waiting message can be changed', async () => {
    const { create, publish, engine } = driven();
    await create('q', { priority: { levels: 3, order: 'strict' } });
    const ids = await publish(
      'q',
      { body: 'first', priority: 1 },
      { body: 'second', priority: 1 },
      { body: 'third', priority: 1 },
    );
    await engine.call('updateMessage', { queue: 'q', id: ids[2]! }, { priority: 2 });
    await engine.call('updateMessage', { queue: 'q', id: ids[0]! }, { priority: 0 });
    expect([await one(), await one(), await one()]).toEqual(['third', 'second', 'first']);
  });

  it('weighted priority starves no level and delivers the highest most often', async () => {
    const { create, publish } = driven();
    await create('q', { priority: { levels: 3, order: 'weighted' } });
    const each = 60;
    for (const priority of [0, 1, 2]) {
      for (let at = 0; at < each; at += 20) {
        await publish('q', ...Array.from({ length: 20 }, () => ({ body: priority, priority })));
      }
    }
    const seen = [0, 0, 0];
    for (let i = 0; i < each; i++) {
      const level = (await one()) as number;
      seen[level]!++;
    }
    // Of 60 draws, 10, 20 and 30 are expected. The seed is fixed.
    expect(seen[0]).toBeGreaterThan(2);
    expect(seen[2]).toBeGreaterThan(seen[0]!);
  });

  it('priority levels that the queue no longer has are still emptied', async () => {
    const { create, publish, call, bodies, clock, sweep } = driven();
    await create('q', { priority: { levels: 3, order: 'strict' } });
    await publish('q', { body: 'high', priority: 2 });
    await call('updateQueue', 'q', { priority: null });
    clock.advance(3 * secondMs);
    await sweep();
    expect(await bodies('q')).toEqual(['high']);
  });

  it('priority adds no write to the life of a message', async () => {
    const { create, publish, receive, ack, spy } = driven();
    await create('plain');
    await create('levels', { priority: { levels: 10, order: 'strict' } });
    const costs: object[] = [];
    for (const queue of ['plain', 'levels']) {
      spy.takeCounts();
      await publish(queue, { body: 1, ...(queue === 'levels' ? { priority: 5 } : {}) });
      await ack(queue, await receive(queue));
      const { gets: _, ranges: __, ...writes } = spy.takeCounts();
      costs.push(writes);
    }
    expect(costs[1]).toEqual(costs[0]);
  });
});

onEveryStore('a paused queue', (driven) => {
  it('a paused queue accepts messages and delivers none until it is resumed, and leases go on', async () => {
    const { create, send, receive, ack, call, clock, bodies } = driven();
    await create('q');
    await send('q', 1, 2);
    const held = await receive('q', { max: 1 });
    await call('updateQueue', 'q', { paused: true });
    clock.advance(2 * secondMs);
    await send('q', 3);
    driven().spy.takeCounts();
    expect(await receive('q', { waitSeconds: 5 })).toEqual([]);
    // It does not claim messages only to give them back.
    expect(driven().spy.takeCounts()).toMatchObject({ puts: 0, updates: 0, removals: 0, refused: 0 });
    expect((await ack('q', held))[0]).toEqual({ ok: true });
    await call('updateQueue', 'q', { paused: false });
    clock.advance(2 * secondMs);
    expect(await bodies('q')).toEqual([2, 3]);
  });
});

onEveryStore('deliverAt', (driven) => {
  it('deliverAt delivers a message at its instant, and at once if that is past', async () => {
    const { create, publish, receive, ack, bodies, clock } = driven();
    await create('q', { delaySeconds: 100 });
    const at = clock.now() + 90 * secondMs;
    await publish(
      'q',
      { body: 'past', deliverAt: '2020-01-01T00:00:00Z' },
      { body: 'then', deliverAt: new Date(at).toISOString() },
      { body: 'own', id: 'own', deliverAt: new Date(at).toISOString() },
    );
    await ack('q', await receive('q'));
    clock.advance(at - 1 - clock.now());
    expect(await bodies('q')).toEqual([]);
    clock.advance(1);
    expect(new Set(await bodies('q'))).toEqual(new Set(['then', 'own']));
  });

  it('deliverAt is refused together with delaySeconds, and more than ten years ahead', async () => {
    const { create, call } = driven();
    await create('q');
    const { results } = await call('publish', 'q', {
      messages: [
        { body: 1, delaySeconds: 1, deliverAt: '2027-01-01T00:00:00Z' },
        { body: 1, deliverAt: '2999-01-01T00:00:00Z' },
        { body: 1, deliverAt: 'tomorrow' },
      ],
    });
    expect(results).toHaveLength(3);
    for (const result of results) expect(result).toMatchObject({ ok: false, code: 'invalid_input' });
    expect(results[1]).toMatchObject({ message: expect.stringContaining('messages[1].deliverAt') });
  });
});
