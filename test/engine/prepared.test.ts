/** Prepared messages: commit, rollback and what becomes of the message. */

import { expect, it } from 'vitest';
import { endGraceMs, readToWriteMsMax, tombstoneMs } from '../../contract/limits.ts';
import { type Store, StoreError, type Write } from '../../engine/port/port.ts';
import { hourMs, secondMs } from '../support/durations.ts';
import { withCode } from '../support/expected.ts';
import { noise } from '../support/noise.ts';
import { onEveryStore } from '../support/on-both-stores.ts';
import { preparedQueue, timeoutSeconds } from '../support/prepared-queue.ts';
import { noCalls } from '../support/store-spy.ts';

onEveryStore('a prepared message', (driven) => {
  const { bodies, callWith, commit, create, get, prepare, rollBack } = preparedQueue(driven);

  it('a prepared publish is refused without the setting, with a key, in a group and in a transaction', async () => {
    await driven().create('plain', { deduplication: { windowSeconds: 1, onDuplicate: 'ignore' } });
    await create({ deduplication: { windowSeconds: 1, onDuplicate: 'ignore' } });
    const refusal = async (queue: string, more: object) =>
      (await driven().call('publish', queue, { messages: [{ body: 1, prepared: true, ...more }] })).results[0];
    expect(await refusal('plain', {})).toMatchObject({ code: 'invalid_input', message: expect.stringContaining('"prepared"') });
    for (const more of [{ dedupKey: 'k' }, { group: 'g' }, { prepared: 1 }]) {
      expect(await refusal('q', more), JSON.stringify(more)).toEqual(withCode('invalid_input'));
    }
    const items = driven().call('publishItems', 'q', { messages: [{ body: 1, prepared: true }] });
    await expect(items).rejects.toEqual(withCode('invalid_input'));
    expect(await refusal('plain', { prepared: false })).toMatchObject({ ok: true });
  });

  it('a prepared message is not received and shows as prepared until it is committed', async () => {
    const { call, clock } = driven();
    await create({ retentionSeconds: 60, priority: { levels: 2, order: 'strict' } });
    const [low, own, large] = await prepare(
      { body: 'low', attributes: { a: 1 } },
      { body: 'own', id: 'own', priority: 1 },
      { body: noise(5000) },
    );
    clock.advance(timeoutSeconds * secondMs - 1);
    expect(await bodies()).toEqual([]);
    for (const id of [low!, own!, large!]) expect(await get(id)).toMatchObject({ id, state: 'prepared', expiresAt: null });
    expect((await call('getQueue', 'q')).counts).toMatchObject({ prepared: 3, ready: 0, delayed: 0, oldestAgeSeconds: null });
    expect((await call('peek', 'q', { state: 'prepared' })).messages.length).toBe(3);
    for (const id of [low!, own!]) expect(await commit(id)).toEqual({});
    expect(await get(own!)).toMatchObject({ state: 'ready', priority: 1 });
    const messages = [...(await driven().receive('q')), ...(await driven().receive('q'))];
    expect(messages).toMatchObject([
      { id: 'own', body: 'own', priority: 1, receives: 1 },
      { id: low, body: 'low', attributes: { a: 1 }, publishedAt: expect.any(String) },
    ]);
    await driven().ack('q', messages);
    await commit(large!);
    expect(await bodies()).toEqual([noise(5000)]);
    expect((await call('getQueue', 'q')).counts).toMatchObject({ prepared: 0, leased: 1 });
  });

  it('a committed message comes after its delay, counted from the commit, or at its instant, and its retention begins then', async () => {
    const { clock } = driven();
    await create({ retentionSeconds: 60, delaySeconds: 5 });
    const deliverAt = new Date(clock.now() + 300 * secondMs).toISOString();
    const [delayed, usual, at] = await prepare({ body: 1, delaySeconds: 20 }, { body: 2 }, { body: 3, deliverAt });
    clock.advance(200 * secondMs);
    for (const id of [delayed!, usual!, at!]) await commit(id);
    clock.advance(5 * secondMs - 1);
    expect(await bodies()).toEqual([]);
    clock.advance(1);
    expect(await bodies()).toEqual([2]);
    clock.advance(15 * secondMs - 1);
    expect(await bodies()).toEqual([]);
    clock.advance(1);
    expect(await bodies()).toEqual([1]);
    clock.advance(80 * secondMs - 1);
    expect(await get(at!)).toMatchObject({ state: 'delayed', visibleAt: deliverAt });
    clock.advance(60 * secondMs);
    expect(await bodies()).toEqual([3]);
  });

  it('a rolled back message is never delivered', async () => {
    const { clock, sweep, rows } = driven();
    await create({ retentionSeconds: null });
    const ids = await prepare({ body: 1 }, { body: noise(5000) }, { body: 2, id: 'own' });
    for (const id of ids) {
      expect(await rollBack(id)).toEqual({});
      await expect(get(id)).rejects.toEqual(withCode('message_not_found'));
    }
    expect(await bodies()).toEqual([]);
    clock.advance(endGraceMs + secondMs);
    await sweep();
    expect(await rows('messages')).toEqual([]);
    const leases = await rows('leases');
    expect(leases).not.toEqual([]);
    for (const row of leases) expect(row).toMatchObject({ ttl: expect.any(Number) });
    clock.advance(hourMs);
    expect(await bodies()).toEqual([]);
  });

  it('commit repeated succeeds whatever became of the message, and rollback is refused', async () => {
    const { clock, ack, receive } = driven();
    await create();
    const ids = await prepare({ body: 1 }, { body: 2, id: 'own' });
    const check = async () => {
      for (const id of ids) {
        expect(await commit(id)).toEqual({});
        await expect(rollBack(id)).rejects.toEqual(withCode('message_committed'));
      }
    };
    for (const id of ids) await commit(id);
    await check();
    const messages = await receive('q');
    expect(messages.length).toBe(2);
    await check();
    await ack('q', messages);
    await check();
    expect(await bodies()).toEqual([]);
    clock.advance(tombstoneMs + 1);
    for (const id of ids) await expect(commit(id)).rejects.toEqual(withCode('message_not_found'));
  });

  it('rollback repeated succeeds, and commit is refused', async () => {
    const { clock } = driven();
    await create();
    const ids = [...(await prepare({ body: 1 }, { body: 2, id: 'own' }))];
    await rollBack(ids[0]!);
    await callWith('cancelMessage')(ids[1]!);
    for (const id of ids) {
      expect(await rollBack(id)).toEqual({});
      await expect(commit(id)).rejects.toEqual(withCode('message_rolled_back'));
    }
    clock.advance(tombstoneMs + 1);
    for (const id of ids) {
      await expect(rollBack(id)).rejects.toEqual(withCode('message_not_found'));
      await expect(commit(id)).rejects.toEqual(withCode('message_not_found'));
    }
  });

  it('a prepared message belongs to its own queue only, and an ordinary message counts as committed', async () => {
    const { send, publish } = driven();
    await create();
    await driven().create('other', { prepared: { timeoutSeconds, checkBack: null } });
    const ids = await prepare({ body: 1 }, { body: 2, id: 'own' });
    for (const id of [...ids, 'nobody']) {
      await expect(commit(id, 'other')).rejects.toEqual(withCode('message_not_found'));
      await expect(rollBack(id, 'other')).rejects.toEqual(withCode('message_not_found'));
    }
    const plain = [...(await send('q', 1)), ...(await send('q', 2, 3)), ...(await publish('q', { body: 4, delaySeconds: 9 }))];
    for (const id of plain) {
      await commit(id);
      await expect(rollBack(id)).rejects.toEqual(withCode('message_committed'));
    }
    await callWith('cancelMessage')(plain[1]!);
    await expect(commit(plain[1]!)).rejects.toEqual(withCode('message_rolled_back'));
  });

  it('a large prepared message leaves no body without a TTL, committed or not', async () => {
    const { clock, sweep, rows, ack, receive } = driven();
    for (const [index, retentionSeconds] of [60, null].entries()) {
      const name = `q${index}`;
      await driven().create(name, { retentionSeconds, prepared: { timeoutSeconds, checkBack: null } });
      const large = noise(6000);
      const ids = await driven().publish(name, { body: large, prepared: true }, { body: large, prepared: true });
      const chunks = await rows('messages');
      expect(chunks).not.toEqual([]);
      expect(chunks.filter(({ ttl }) => ttl !== undefined)).toEqual([]);
      await commit(ids[0]!, name);
      await ack(name, await receive(name));
      clock.advance(timeoutSeconds * secondMs);
      await sweep();
      clock.advance(endGraceMs + secondMs);
      await sweep();
      expect((await rows('messages')).filter(({ ttl }) => ttl === undefined)).toEqual([]);
      expect((await rows('leases')).filter(({ ttl }) => ttl === undefined)).toEqual([]);
      for (const { shard, id } of await rows('messages'))
        await driven().spy.store.write({ key: { table: 'messages', shard, id } as never, then: { remove: true } });
    }
  });

  it('publish with the own id of a prepared message is a duplicate', async () => {
    await create();
    await prepare({ body: 1, id: 'own' });
    const { results } = await driven().call('publish', 'q', { messages: [{ body: 2, id: 'own', prepared: true }] });
    expect(results).toEqual([{ ok: true, id: 'own', duplicate: true }]);
    await commit('own');
    expect(await bodies()).toEqual([1]);
  });

  it('a prepared message cannot be changed or redriven before it is committed', async () => {
    const { engine, redrive } = driven();
    await create();
    await driven().create('other');
    const [id] = await prepare({ body: 1 });
    const change = () => engine.call('updateMessage', { queue: 'q', id: id! }, { content: { body: 2 } });
    await expect(change()).rejects.toEqual(withCode('message_prepared'));
    await redrive('q', { toQueue: 'other' });
    await redrive('q', { ids: [id!], toQueue: 'other' });
    expect(await get(id!)).toMatchObject({ state: 'prepared', queue: 'q' });
    await commit(id!);
    await change();
    expect(await bodies()).toEqual([2]);
  });

  it('a purge and a deletion of the queue remove prepared messages', async () => {
    const { call, sweep, clock, rows } = driven();
    await create({ retentionSeconds: null });
    const [first] = await prepare({ body: noise(3000) });
    await call('purge', 'q');
    await expect(commit(first!)).rejects.toEqual(withCode('message_not_found'));
    expect((await call('getQueue', 'q')).counts.prepared).toBe(0);
    clock.advance(timeoutSeconds * secondMs);
    await sweep();
    await expect(commit(first!)).rejects.toEqual(withCode('message_not_found'));
    await expect(rollBack(first!)).rejects.toEqual(withCode('message_not_found'));
    const [later] = await prepare({ body: 'later' });
    expect((await call('getQueue', 'q')).counts.prepared).toBe(1);
    clock.advance(timeoutSeconds * secondMs);
    await sweep();
    await expect(commit(later!)).rejects.toEqual(withCode('message_rolled_back'));
    await prepare({ body: noise(4000) });
    await call('deleteQueue', 'q');
    for (let minute = 0; minute < 2; minute++) {
      clock.advance(hourMs);
      await sweep();
    }
    expect(await rows('messages')).toEqual([]);
    expect((await rows('leases')).filter(({ ttl }) => ttl === undefined)).toEqual([]);
  });

  it('commit and rollback at the same time agree on one outcome and tell it to all callers', async () => {
    const { clock, another } = driven();
    for (let round = 0; round < 5; round++) {
      const name = `q${round}`;
      await driven().create(name, { prepared: { timeoutSeconds, checkBack: null } });
      const [id] = await driven().publish(name, { body: round, prepared: true });
      clock.advance(timeoutSeconds * secondMs);
      const outcomes = await Promise.allSettled([
        callWith('commitMessage', another())(id!, name),
        callWith('rollbackMessage', another())(id!, name),
        another().sweep({ until: clock.now() + hourMs }),
        callWith('commitMessage', another())(id!, name),
      ]);
      const [first, back, , again] = outcomes.map(({ status }) => status === 'fulfilled');
      expect(first).toBe(again);
      expect(back).toBe(!first);
      expect(await driven().bodies(name)).toEqual(first ? [round] : []);
    }
  });

  it.each([
    false,
    true,
  ])('a commit is applied once although an answer is lost or a request is late (retried by the client: %s)', async (isRetried) => {
    const { spy, another, clock, ack, receive } = driven();
    await create();
    const inner = spy.store;
    const sent: Write[] = [];
    let lose = false;
    const store: Store = {
      ...inner,
      async write(write, options) {
        sent.push(write);
        const answer = await inner.write(write, options);
        if (!lose) return answer;
        lose = false;
        await ack('q', await receive('q'));
        if (isRetried) return { ...(await inner.write(write, options)), ok: false, maybeApplied: true };
        throw new StoreError('the answer was lost', 'unknown');
      },
    };
    const engine = another(store);
    const { results } = await engine.call('publish', { queue: 'q' }, { messages: [{ body: 1, prepared: true, id: 'own' }] });
    expect(results).toEqual([{ ok: true, id: 'own' }]);
    lose = true;
    expect(await callWith('commitMessage', engine)('own')).toEqual({});
    expect(sent).not.toEqual([]);
    for (const write of sent) expect(await inner.write(write)).toMatchObject({ ok: false });
    clock.advance(60 * secondMs);
    expect(await bodies()).toEqual([]);
  });

  it('a prepared message keeps its retired shard visited', async () => {
    const { clock, sweep, call, spy, rows } = driven();
    await create({}, { timeoutSeconds: 30 * 24 * 3600 });
    const row = async () => (await rows('queues')).find(({ kind }) => kind === 'queue')!;
    const queue = await row();
    await spy.store.write({
      key: { table: 'queues', kind: 'queue', name: 'q' },
      then: { put: { ...queue, shards: 4, shardsVisited: 4, shardsEver: 4 } },
    });
    clock.advance(10 * secondMs);
    const ids = await prepare(...Array.from({ length: 12 }, (_, body) => ({ body })));
    for (let minute = 0; minute < 8; minute++) {
      clock.advance(hourMs);
      await sweep();
    }
    // Shards are retired while few messages wait, and visited as long as they hold any.
    expect(await row()).toMatchObject({ shards: 2, shardsVisited: 4 });
    expect((await call('getQueue', 'q')).counts.prepared).toBe(12);
    const shown: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await call('peek', 'q', { state: 'prepared', limit: 5, ...(cursor ? { cursor } : {}) });
      shown.push(...page.messages.map(({ id }) => id));
      cursor = page.cursor;
    } while (cursor);
    expect(shown.sort()).toEqual([...ids].sort());
    for (const id of ids) await commit(id);
    const received: unknown[] = [];
    for (let shard = 0; shard < 12; shard++) received.push(...(await bodies()));
    expect(received.length).toBe(12);
  });

  it('a prepared message costs one write to prepare, one to commit, and then as much as a delayed one', async () => {
    const { spy, receive, ack } = driven();
    await create();
    await driven().call('peek', 'q', {});
    spy.takeCounts();
    const [id] = await prepare({ body: 1 });
    expect(spy.takeCounts()).toEqual({ ...noCalls, puts: 1 });
    await commit(id!);
    expect(spy.takeCounts()).toEqual({ ...noCalls, gets: 1, puts: 1 });
    const messages = await receive('q');
    expect(spy.takeCounts()).toMatchObject({ puts: 1, removals: 0, refused: 0 });
    await ack('q', messages);
    expect(spy.takeCounts()).toEqual({ ...noCalls, puts: 1 });
  });

  it('a prepared publish of unknown outcome is not published a second time', async () => {
    const { another, spy, clock, call } = driven();
    await create();
    const { store: inner } = spy;
    const late: Write[] = [];
    const store: Store = {
      ...inner,
      write(write, options) {
        if (late.length > 0 || write.key.table !== 'leases') return inner.write(write, options);
        late.push(write);
        clock.advance(readToWriteMsMax);
        throw new StoreError('the request is under way yet', 'unknown');
      },
    };
    const { results } = await another(store).call('publish', { queue: 'q' }, { messages: [{ body: 1, prepared: true }] });
    expect(results).toEqual([withCode('unavailable')]);
    for (const write of late) expect(await inner.write(write)).toMatchObject({ ok: true });
    expect((await call('peek', 'q')).messages.length).toBe(1);
  });
});
