/** What a receive delivers, hides and waits for. */
import { expect, it } from 'vitest';
import { bodyBytesMax, callBytesMax, readToWriteMsMax, visibilityTimeoutSecondsMax } from '../../contract/limits.ts';
import { eventually } from '../support/eventually.ts';
import { noise } from '../support/noise.ts';
import { onBothStores } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';

onBothStores('receive', (driven) => {
  it('receive answers one message unless more are asked for', async () => {
    const { create, send, call } = driven();
    await create('q');
    await send('q', 1, 2);
    const { messages } = await call('receive', 'q', {});
    expect(messages.map(({ body }) => body)).toEqual([1]);
  });

  it('receive answers as many messages as asked for, from partly taken parcels, each message once', async () => {
    const { create, send, receive } = driven();
    await create('q');
    await send('q', ...range(40));
    const sizes = [3, 1, 10, 12, 9, 100];
    const calls: unknown[][] = [];
    for (const max of sizes) calls.push((await receive('q', { max })).map(({ body }) => body));
    expect(calls.map(({ length }) => length)).toEqual([3, 1, 10, 12, 9, 5]);
    expect(calls.flat().sort((a, b) => Number(a) - Number(b))).toEqual(range(40));
  });

  it('receive answers a hundred messages that were published one by one', async () => {
    const { create, send, bodies } = driven();
    await create('q');
    for (const body of range(100)) await send('q', body);
    expect(await bodies('q')).toEqual(range(100));
  });

  it('receive answers the oldest message first, received before or not', async () => {
    const { create, send, publish, bodies, clock } = driven();
    await create('q');
    await publish('q', { body: 'first', delaySeconds: 1 });
    clock.advance(500);
    await send('q', 'second');
    clock.advance(600);
    await send('q', 'fourth');
    clock.advance(100);
    await publish('q', { body: 'fifth', id: 'own' });
    expect(await bodies('q')).toEqual(['second', 'first', 'fourth', 'fifth']);
  });

  it('receive shows all fields of a message', async () => {
    const { create, publish, receive, clock } = driven();
    await create('q');
    const publishedAt = new Date(clock.now()).toISOString();
    const [id] = await publish('q', { body: { a: 1 }, attributes: { n: 1 } });
    clock.advance(700);
    const [message] = await receive('q', { visibilityTimeoutSeconds: 9 });
    expect(message).toEqual({
      id,
      body: { a: 1 },
      attributes: { n: 1 },
      receipt: expect.any(String),
      receives: 1,
      failures: 0,
      publishedAt,
      firstReceivedAt: new Date(clock.now()).toISOString(),
      leasedUntil: new Date(clock.now() + 9_000).toISOString(),
    });
  });

  it('receive hides a message for the visibility timeout of the queue, to the millisecond, and then counts a failure', async () => {
    const { create, send, receive, clock } = driven();
    await create('q', { visibilityTimeoutSeconds: 7 });
    await send('q', 'a');
    await receive('q');
    clock.advance(6_999);
    expect(await receive('q')).toEqual([]);
    clock.advance(1);
    expect(await receive('q')).toMatchObject([{ body: 'a', receives: 2, failures: 1 }]);
  });

  it.each([1, visibilityTimeoutSecondsMax])('receive hides a message for %d s when the call says so', async (seconds) => {
    const { create, send, receive, clock, sweep } = driven();
    await create('q', { retentionSeconds: null });
    await send('q', noise(3000));
    await receive('q', { visibilityTimeoutSeconds: seconds });
    clock.advance(seconds * 1000 - 1);
    await sweep();
    expect(await receive('q')).toEqual([]);
    clock.advance(1);
    expect(await receive('q')).toMatchObject([{ body: noise(3000), receives: 2 }]);
  });

  it('receive with a visibility timeout of 0 s leaves the message visible, and its ack succeeds until another receive takes it', async () => {
    const { create, send, receive, ack } = driven();
    await create('q');
    await send('q', 'a');
    const first = await receive('q', { visibilityTimeoutSeconds: 0 });
    const second = await receive('q', { visibilityTimeoutSeconds: 0 });
    expect([first, second]).toMatchObject([[{ receives: 1 }], [{ receives: 2 }]]);
    expect(await ack('q', first)).toMatchObject([{ ok: false, code: 'lease_lost' }]);
    expect(await ack('q', second)).toEqual([{ ok: true }]);
    expect(await receive('q')).toEqual([]);
  });

  it('receive with a visibility timeout of 0 s claims again after a pause, because the message may have ended, and counts one receive', async () => {
    const { create, send, clock, another, spy } = driven();
    await create('q');
    const slowBy = async (ms: number) => {
      const slow = another({
        ...spy.store,
        async writeAll(writes, options) {
          clock.advance(ms);
          return spy.store.writeAll(writes, options);
        },
      });
      const { messages } = await slow.call('receive', { queue: 'q' }, { visibilityTimeoutSeconds: 0 });
      return messages.map(({ body, receives }) => [body, receives]);
    };
    await send('q', 'slow');
    expect(await slowBy(readToWriteMsMax)).toEqual([['slow', 1]]);
    await driven().ack('q', await driven().receive('q'));
    await send('q', 'too slow');
    expect(await slowBy(readToWriteMsMax + 1)).toEqual([['too slow', 1]]);
  });

  it('receive delivers each message of a parcel again when its own lease ends', async () => {
    const { create, send, receive, bodies, clock } = driven();
    await create('q');
    await send('q', ...range(3));
    await receive('q', { max: 1, visibilityTimeoutSeconds: 30 });
    await receive('q', { max: 1, visibilityTimeoutSeconds: 10 });
    expect(await bodies('q', { visibilityTimeoutSeconds: 20 })).toEqual([2]);
    const back: unknown[] = [];
    for (const seconds of [10, 10, 10]) {
      clock.advance(seconds * 1000);
      back.push(await bodies('q', { visibilityTimeoutSeconds: 1000 }));
    }
    expect(back).toEqual([[1], [2], [0]]);
  });

  it('receive answers fewer messages rather than more bytes than one call may carry', async () => {
    const { create, send, receive } = driven();
    await create('q');
    // A quote takes four bytes in the answer of API Gateway, so half as many fill a body.
    const body = '"'.repeat(bodyBytesMax / 2 - 1);
    for (const _ of range(3)) await send('q', body);
    for (const _ of range(8)) await send('q', noise(bodyBytesMax - 2));
    const calls: number[] = [];
    for (let left = 11; left > 0; left -= calls.at(-1)!) {
      const messages = await receive('q');
      expect(Buffer.byteLength(JSON.stringify(JSON.stringify({ messages })))).toBeLessThanOrEqual(callBytesMax);
      expect(messages.length).toBeGreaterThan(0);
      calls.push(messages.length);
    }
    expect(calls.length).toBeGreaterThan(2);
    expect(Math.max(...calls)).toBeGreaterThan(1);
  });

  it('receive limits an answer of binary bodies in the same way', async () => {
    const { create, publish, receive } = driven();
    await create('q');
    const bodyBase64 = Buffer.alloc(bodyBytesMax, 1).toString('base64');
    for (const _ of range(5)) await publish('q', { bodyBase64 });
    expect((await receive('q')).length).toBe(3);
    expect((await receive('q')).length).toBe(2);
  });

  it('receive looks again until its wait is over, and finds what another process published', async () => {
    const { create, another, bodies, clock } = driven();
    await create('q');
    const from = clock.now();
    expect(await bodies('q', { waitSeconds: 20 })).toEqual([]);
    expect(clock.now() - from).toBe(20_000);
    clock.leaping = false;
    const waiting = bodies('q', { waitSeconds: 20 });
    await eventually(() => clock.sleepers() === 1);
    await another().call('publish', { queue: 'q' }, { messages: [{ body: 'found' }] });
    expect(clock.sleepers()).toBe(1);
    clock.advance(1_000);
    expect(await waiting).toEqual(['found']);
  });

  it('a waiting receive is woken at once by a publish and by a release in its own process', async () => {
    const { create, send, receive, call, bodies, clock } = driven();
    await create('q');
    clock.leaping = false;
    const from = clock.now();
    const waiting = bodies('q', { waitSeconds: 20 });
    await eventually(() => clock.sleepers() === 1);
    await send('q', 'hello');
    expect(await waiting).toEqual(['hello']);
    await send('q', 'again');
    const [held] = await receive('q');
    const waitingAgain = bodies('q', { waitSeconds: 20 });
    await eventually(() => clock.sleepers() === 1);
    await call('release', 'q', { receipts: [held!.receipt] });
    expect(await waitingAgain).toEqual(['again']);
    expect(clock.now()).toBe(from);
  });

  it('a waiting receive ends when its caller leaves', async () => {
    const { create, engine, clock } = driven();
    await create('q');
    clock.leaping = false;
    const leaving = new AbortController();
    const waiting = engine.call('receive', { queue: 'q' }, { waitSeconds: 20 }, { signal: leaving.signal });
    await eventually(() => clock.sleepers() === 1);
    leaving.abort();
    expect(await waiting).toEqual({ messages: [] });
  });

  it('receive answers a ready message behind many rows with nothing to deliver', async () => {
    const { create, send, bodies, receive, ack, clock } = driven();
    await create('q');
    for (const body of range(20)) await send('q', [body, 'a'], [body, 'b']);
    // Of each parcel, one message is acked and the other stays leased: each row comes due without a ready message.
    const short = await receive('q', { max: 1, visibilityTimeoutSeconds: 1 });
    for (const _ of range(19)) {
      await receive('q', { max: 1, visibilityTimeoutSeconds: 100 });
      short.push(...(await receive('q', { max: 1, visibilityTimeoutSeconds: 1 })));
    }
    await receive('q', { max: 1, visibilityTimeoutSeconds: 100 });
    await ack('q', short);
    clock.advance(2_000);
    await send('q', 'ready');
    expect(await bodies('q', { max: 1 })).toEqual(['ready']);
  });

  it('receive by several receivers at once delivers each message to one of them', async () => {
    const { create, send, another } = driven();
    await create('q');
    for (let at = 0; at < 60; at += 6) await send('q', ...range(60).slice(at, at + 6));
    const receivers = range(6).map(() => another());
    const got: unknown[] = [];
    for (let round = 0; round < 200 && got.length < 60; round++) {
      const calls = await Promise.all(receivers.map((engine) => engine.call('receive', { queue: 'q' }, { max: 7 })));
      got.push(...calls.flatMap(({ messages }) => messages.map(({ body }) => body)));
    }
    expect(got.sort((a, b) => Number(a) - Number(b))).toEqual(range(60));
  });
});
