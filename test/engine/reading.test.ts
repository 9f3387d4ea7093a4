/** peek, getQueue and getMessage: reading without receiving. */
import { expect, it } from 'vitest';
import type { Message, MessageState } from '../../contract/contract.ts';
import { bodyBytesMax, callBytesMax, countRowsMax } from '../../contract/limits.ts';
import { noise } from '../support/noise.ts';
import { onBothStores } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';

const states: MessageState[] = ['ready', 'delayed', 'leased', 'dead', 'prepared'];

onBothStores('reading without receiving', (driven) => {
  /** Creates a queue `dead` with messages in every state. Returns the bodies by state. */
  async function everyState(): Promise<Record<MessageState, string[]>> {
    const { create, send, publish, receive, call } = driven();
    await create('dead', { prepared: { timeoutSeconds: 3600, checkBack: null } });
    await create('q', { deadLetter: { queue: 'dead', maxReceives: 1 } });
    await send('q', 'x1', 'x2', 'x3');
    const receipts = (await receive('q')).map(({ receipt }) => receipt);
    await call('release', 'q', { receipts, failed: 'x' });
    await send('dead', 'l1', 'l2', 'r1', 'r2');
    await receive('dead', { max: 1, visibilityTimeoutSeconds: 60 });
    const taken = await receive('dead', { max: 6, visibilityTimeoutSeconds: 60 });
    const back = taken.filter(({ body }) => !['l1', 'l2'].includes(body as string));
    await call('release', 'dead', { receipts: back.map(({ receipt }) => receipt) });
    await send('dead', 'r3');
    await publish(
      'dead',
      { body: 'd1', delaySeconds: 9 },
      { body: 'd2', delaySeconds: 99 },
      { body: 'd3', id: 'own', delaySeconds: 9 },
      { body: 'p1', prepared: true },
      { body: 'p2', id: 'own-prepared', prepared: true, delaySeconds: 9 },
    );
    const held = await receive('dead', { max: 100, visibilityTimeoutSeconds: 5 });
    await call('release', 'dead', {
      receipts: held.filter(({ body }) => body !== 'x1').map(({ receipt }) => receipt),
    });
    const leased = ['l1', 'l2', 'x1'].filter((body) => body !== 'x1' || held.some((message) => message.body === 'x1'));
    return {
      leased,
      dead: ['x1', 'x2', 'x3'].filter((body) => !leased.includes(body)),
      ready: ['r1', 'r2', 'r3'],
      delayed: ['d1', 'd2', 'd3'],
      prepared: ['p1', 'p2'],
    };
  }

  async function pages(queue: string, limit: number, state?: MessageState): Promise<Message[][]> {
    const found: Message[][] = [];
    let cursor: string | undefined;
    do {
      const page = await driven().call('peek', queue, { limit, ...(state ? { state } : {}), ...(cursor ? { cursor } : {}) });
      expect(page.messages.length).toBeLessThanOrEqual(limit);
      found.push(page.messages);
      expect(found.length, 'pages without end').toBeLessThan(100);
      cursor = page.cursor;
    } while (cursor !== undefined);
    return found;
  }

  it.each([1, 2, 3, 100])('peek lists messages of each state exactly once, %d a page', async (limit) => {
    const expected = await everyState();
    for (const state of states) {
      const messages = (await pages('dead', limit, state)).flat();
      expect(messages.map(({ body }) => body).sort(), state).toEqual(expected[state]);
      expect(messages.every((message) => message.state === state)).toBe(true);
    }
    const all = (await pages('dead', limit)).flat();
    expect(all.map(({ body }) => body).sort()).toEqual(Object.values(expected).flat().sort());
  });

  it('getQueue counts messages of each state, and getMessage reads each of them', async () => {
    const expected = await everyState();
    driven().clock.advance(2_500);
    const { counts } = await driven().call('getQueue', 'dead');
    expect(counts).toMatchObject(Object.fromEntries(states.map((state) => [state, expected[state].length])));
    expect(counts).toMatchObject({ atLeast: false, oldestAgeSeconds: 2.5 });
    const messages = (await pages('dead', 100)).flat();
    expect(messages).not.toEqual([]);
    for (const message of messages) {
      expect(await driven().engine.call('getMessage', { queue: 'dead', id: message.id }, {})).toEqual(message);
    }
  });

  it('getMessage shows a message as it is at each step of its life', async () => {
    const { create, publish, receive, ack, clock, engine, call } = driven();
    await create('q', { retentionSeconds: 60, backoff: { minSeconds: 5, maxSeconds: 5, factor: 1, jitter: 0 } });
    const at = clock.now();
    const instant = (ms: number) => new Date(at + ms).toISOString();
    const [id] = await publish('q', { bodyBase64: 'AAEC', attributes: { a: 1 }, delaySeconds: 10 });
    const get = () => engine.call('getMessage', { queue: 'q', id: id! }, {});
    const shown = {
      id,
      queue: 'q',
      bodyBase64: 'AAEC',
      attributes: { a: 1 },
      publishedAt: instant(0),
      expiresAt: instant(70_000),
    };
    expect(await get()).toEqual({ ...shown, state: 'delayed', receives: 0, failures: 0, visibleAt: instant(10_000) });
    clock.advance(10_000);
    expect(await get()).toEqual({ ...shown, state: 'ready', receives: 0, failures: 0, visibleAt: instant(10_000) });
    const held = await receive('q', { visibilityTimeoutSeconds: 20 });
    expect(await get()).toEqual({
      ...shown,
      state: 'leased',
      receives: 1,
      failures: 0,
      visibleAt: instant(35_000),
      firstReceivedAt: instant(10_000),
    });
    await call('release', 'q', { receipts: [held[0]!.receipt], failed: 'no', delaySeconds: 0 });
    expect(await get()).toEqual({
      ...shown,
      state: 'ready',
      receives: 1,
      failures: 1,
      visibleAt: instant(10_000),
      firstReceivedAt: instant(10_000),
      lastFailure: 'no',
    });
    await ack('q', await receive('q'));
    await expect(get()).rejects.toMatchObject({ code: 'message_not_found' });
  });

  it('getMessage finds a message through its dead-letter queue and through its origin', async () => {
    const { create, publish, receive, call, engine, redrive, clock } = driven();
    await create('other');
    await create('dead');
    await create('q', { deadLetter: { queue: 'dead', maxReceives: 1 } });
    const ids = await publish('q', { body: 'slot' }, { body: 'stays' }, { body: 'own', id: 'own' });
    for (const id of ids)
      expect(await engine.call('getMessage', { queue: 'q', id }, {})).toMatchObject({ queue: 'q', state: 'ready' });
    const died = (await receive('q')).filter(({ body }) => body !== 'stays');
    await call('release', 'q', { receipts: died.map(({ receipt }) => receipt) });
    for (const queue of ['q', 'dead']) {
      for (const id of [ids[0]!, ids[2]!]) {
        const found = await engine.call('getMessage', { queue, id }, {});
        expect(found).toMatchObject({ id, queue: 'dead', state: 'dead', receives: 0 });
      }
    }
    for (const id of ids) {
      await expect(engine.call('getMessage', { queue: 'other', id }, {})).rejects.toMatchObject({ code: 'message_not_found' });
    }
    clock.advance(1);
    await redrive('dead');
    for (const id of [ids[0]!, ids[2]!]) {
      expect(await engine.call('getMessage', { queue: 'q', id }, {})).toMatchObject({ queue: 'q', state: 'ready' });
      await expect(engine.call('getMessage', { queue: 'dead', id }, {})).rejects.toMatchObject({ code: 'message_not_found' });
    }
  });

  it('getMessage does not find ids that are no message', async () => {
    const { create, send, engine } = driven();
    await create('q');
    const [id] = await send('q', 1, 2);
    const parcel = id!.slice(0, -2);
    for (const wrong of [`${parcel}.2`, `${parcel}.9`, 'x', 'constructor', '0'.repeat(24), `${'0'.repeat(24)}.0`, `${id}.0`]) {
      await expect(engine.call('getMessage', { queue: 'q', id: wrong }, {}), wrong).rejects.toMatchObject({
        code: 'message_not_found',
      });
    }
  });

  it('peek shows a message once if its receiver died between its two writes', async () => {
    const { create, send, receive, call, spy } = driven();
    await create('q');
    await send('q', 1, 2);
    spy.before = ({ method }) => {
      if (method === 'writeAll') throw new Error('the receiver died');
    };
    await expect(receive('q', { max: 1 })).rejects.toThrow('the receiver died');
    spy.before = () => {};
    expect((await call('getQueue', 'q')).counts).toMatchObject({ ready: 1, leased: 1 });
    expect((await pages('q', 100)).flat().map(({ body, state }) => [body, state])).toEqual([
      [1, 'leased'],
      [2, 'ready'],
    ]);
  });

  it('peek limits its pages by bytes too', async () => {
    const { create, send } = driven();
    await create('q');
    const body = '"'.repeat(bodyBytesMax / 2 - 1);
    for (const _ of range(4)) await send('q', body);
    for (const _ of range(4)) await send('q', noise(bodyBytesMax - 2));
    const found = await pages('q', 100);
    expect(found.flat().length).toBe(8);
    for (const messages of found) {
      expect(Buffer.byteLength(JSON.stringify(JSON.stringify({ messages })))).toBeLessThanOrEqual(callBytesMax);
    }
  });

  it('peek and listQueues refuse cursors that they did not issue', async () => {
    const { create, send, call } = driven();
    await create('q');
    await send('q', 1, 2);
    const { cursor } = await call('peek', 'q', { limit: 1 });
    const made = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const wrong = [
      'x',
      made(null),
      made([]),
      made({}),
      made({ table: 'queues', shard: 0, skip: 0 }),
      made({ table: 'messages', shard: -1, skip: 0 }),
      made({ table: 'messages', shard: 0.5, skip: 0 }),
      made({ table: 'messages', shard: 0, skip: -1 }),
      made({ table: 'messages', shard: 0, skip: 0, id: 7 }),
      made({ table: 'messages', shard: 0, skip: 0, id: '' }),
      made({ table: 'leases', shard: 0, skip: 0, id: 'x' }),
      made({ table: { a: 1 }, shard: 0, skip: 0 }),
      made({ table: 'messages', shard: 0, skip: 0, id: 'x'.repeat(2000) }),
      made({ table: 'leases', shard: 0, skip: 0, id: 'x', expiry: 1e300 }),
      cursor!.slice(0, -3),
    ];
    for (const text of wrong) {
      await expect(call('peek', 'q', { cursor: text }), text).rejects.toMatchObject({ code: 'invalid_input' });
    }
    for (const text of ['x', made(null), made({ name: 7 }), made({}), made({ name: '' }), made({ name: 'x'.repeat(2000) })]) {
      await expect(driven().engine.call('listQueues', {}, { cursor: text }), text).rejects.toMatchObject({
        code: 'invalid_input',
      });
    }
  });

  it('getQueue counts exactly while it may read all rows, and atLeast says when it may not', async () => {
    const { create, send, call, receive } = driven();
    await create('q');
    for (let rows = 0; rows < countRowsMax - 1; rows += 37) {
      await Promise.all(range(37).map(() => send('q', 1, 2)));
    }
    expect((await call('getQueue', 'q')).counts).toMatchObject({ ready: 2 * (countRowsMax - 1), atLeast: false });
    await send('q', 1, 2);
    await send('q', 1, 2);
    expect((await call('getQueue', 'q')).counts).toMatchObject({ ready: 2 * countRowsMax, atLeast: true });
    await receive('q', { max: 4 });
    expect((await call('getQueue', 'q')).counts).toMatchObject({ ready: 2 * countRowsMax - 2, atLeast: false, leased: 4 });
  });
});
