/** release, backoff and extend. */
import { expect, it } from 'vitest';
import { failedCharsMax } from '../../contract/limits.ts';
import { lost } from '../support/expected.ts';
import { onBothStores } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';

onBothStores('release', (driven) => {
  it('release makes a message ready at once, keeps its receives and counts no failure', async () => {
    const { create, send, receive, call } = driven();
    await create('q');
    await send('q', 1);
    const [held] = await receive('q');
    const { results } = await call('release', 'q', { receipts: [held!.receipt] });
    expect(results).toEqual([{ ok: true, visibleAt: new Date(driven().clock.now()).toISOString() }]);
    expect(await receive('q')).toMatchObject([{ body: 1, receives: 2, failures: 0 }]);
  });

  it('what is given back is ready at once and counts no receive, even at the last receive that its queue allows', async () => {
    const { create, send, receive, engine } = driven();
    await create('dead');
    await create('q', { deadLetter: { queue: 'dead', maxReceives: 1 } });
    await send('q', 1);
    for (let round = 0; round < 3; round++) {
      const [held] = await receive('q');
      expect(held).toMatchObject({ body: 1, receives: 1, failures: 0 });
      expect((await engine.giveBack('q', [held!.receipt])).results).toMatchObject([{ ok: true }]);
      expect((await engine.giveBack('q', [held!.receipt])).results).toMatchObject([lost]);
    }
  });

  it('release without a failure makes a message ready at once, whatever the backoff of its queue, alone or in a group', async () => {
    const { create, publish, receive, call, clock } = driven();
    const backoff = { minSeconds: 600, maxSeconds: 600, factor: 1, jitter: 0 };
    const inGroup = (onFailure: 'block' | 'aside') => ({ groups: { concurrency: 1, onFailure, ratePerSecond: null } });
    for (const [queue, settings, group] of [
      ['plain', {}, {}],
      ['block', inGroup('block'), { group: 'g' }],
      ['aside', inGroup('aside'), { group: 'g' }],
    ] as const) {
      await create(queue, { backoff, ...settings });
      await publish(queue, { body: 1, ...group }, { body: 2, ...group });
      const [failed] = await receive(queue, { max: 1 });
      await call('release', queue, { receipts: [failed!.receipt], failed: 'once', delaySeconds: 0 });
      const [held] = await receive(queue, { max: 1 });
      const { results } = await call('release', queue, { receipts: [held!.receipt] });
      expect(results, queue).toEqual([{ ok: true, visibleAt: new Date(clock.now()).toISOString() }]);
      const next = [...(await receive(queue)), ...(await receive(queue))];
      expect(next.map(({ body }) => body).sort(), queue).toEqual([1, 2]);
    }
  });

  it('release with a delay makes a message ready after it, to the millisecond', async () => {
    const { create, send, receive, call, clock } = driven();
    await create('q', { backoff: { minSeconds: 1000, maxSeconds: 1000, factor: 1, jitter: 0 } });
    await send('q', 1);
    const [held] = await receive('q');
    await call('release', 'q', { receipts: [held!.receipt], delaySeconds: 7 });
    clock.advance(6_999);
    expect(await receive('q')).toEqual([]);
    clock.advance(1);
    expect((await receive('q')).length).toBe(1);
  });

  it('release keeps the text of a failure and counts it', async () => {
    const { create, send, receive, call } = driven();
    await create('q');
    const [id] = await send('q', 1);
    const [held] = await receive('q');
    await call('release', 'q', { receipts: [held!.receipt], failed: 'no card' });
    expect(await driven().engine.call('getMessage', { queue: 'q', id: id! }, {})).toMatchObject({
      lastFailure: 'no card',
      receives: 1,
      failures: 1,
    });
    const [again] = await receive('q');
    expect(again).toMatchObject({ receives: 2, failures: 1 });
    await call('release', 'q', { receipts: [again!.receipt], failed: '' });
    expect(await receive('q')).toMatchObject([{ receives: 3, failures: 2 }]);
  });

  it('release cuts a long failure text between characters', async () => {
    const { create, send, receive, call } = driven();
    await create('q');
    const [id] = await send('q', 1);
    const [held] = await receive('q');
    const kept = 'x'.repeat(failedCharsMax - 1);
    await call('release', 'q', { receipts: [held!.receipt], failed: `${kept}\u{1F600} and more` });
    expect((await driven().engine.call('getMessage', { queue: 'q', id: id! }, {})).lastFailure).toBe(kept);
  });

  it('release of some messages of a parcel leaves the others leased', async () => {
    const { create, send, receive, call, ack } = driven();
    await create('q');
    await send('q', ...range(4));
    const held = await receive('q');
    await call('release', 'q', { receipts: [held[1]!.receipt, held[3]!.receipt, held[1]!.receipt] });
    expect((await receive('q')).map(({ body }) => body)).toEqual([1, 3]);
    expect(await ack('q', [held[0]!, held[1]!, held[2]!])).toMatchObject([{ ok: true }, lost, { ok: true }]);
  });

  it('release is told lease_lost after another receive, an ack or a release', async () => {
    const { create, send, receive, call, ack, clock } = driven();
    await create('q');
    await send('q', 1);
    const release = async (message: { receipt: string }) =>
      (await call('release', 'q', { receipts: [message.receipt] })).results[0];
    const [first] = await receive('q');
    clock.advance(30_000);
    const [second] = await receive('q');
    expect(await release(first!)).toMatchObject(lost);
    expect(await release(second!)).toMatchObject({ ok: true });
    expect(await release(second!)).toMatchObject(lost);
    const [third] = await receive('q');
    await ack('q', [third!]);
    expect(await release(third!)).toMatchObject(lost);
  });

  it('release answers an old and a current receipt of one message separately in one call', async () => {
    const { create, send, receive, call, clock } = driven();
    await create('q');
    await send('q', 1, 2);
    const [old] = await receive('q', { max: 1 });
    clock.advance(30_000);
    const held = (await receive('q')).find(({ id }) => id === old!.id);
    const { results } = await call('release', 'q', { receipts: [old!.receipt, held!.receipt] });
    expect(results).toMatchObject([lost, { ok: true }]);
  });

  it('release after a failure waits longer each time, up to the maximum of the backoff', async () => {
    const { create, send, receive, call, clock } = driven();
    await create('q', { backoff: { minSeconds: 2, maxSeconds: 15, factor: 3, jitter: 0 } });
    await send('q', 1);
    const waits: number[] = [];
    for (const _ of range(4)) {
      const [held] = await receive('q');
      const [result] = (await call('release', 'q', { receipts: [held!.receipt], failed: 'x' })).results;
      const until = Date.parse((result as { visibleAt: string }).visibleAt);
      waits.push((until - clock.now()) / 1000);
      clock.advance(until - clock.now() - 1);
      expect(await receive('q')).toEqual([]);
      clock.advance(1);
    }
    expect(waits).toEqual([2, 6, 15, 15]);
  });

  it('release succeeds after so many failures that the backoff factor overflows', async () => {
    const { create, send, receive, call, clock } = driven();
    const cases = {
      none: { minSeconds: 0, maxSeconds: 60, factor: 100, jitter: 0 },
      some: { minSeconds: 1, maxSeconds: 60, factor: 100, jitter: 0 },
    };
    for (const [queue, backoff] of Object.entries(cases)) {
      await create(queue, { backoff });
      await send(queue, 1);
      for (const failures of range(160)) {
        const [held] = await receive(queue);
        expect(held, `${queue} after ${failures} failures`).toMatchObject({ failures });
        const [result] = (await call('release', queue, { receipts: [held!.receipt], failed: 'x' })).results;
        const wait = Date.parse((result as { visibleAt: string }).visibleAt) - clock.now();
        expect(wait, `${queue} after ${failures} failures`).toBe(
          Math.min(backoff.maxSeconds, backoff.minSeconds * (failures === 0 ? 1 : 100)) * 1000,
        );
        clock.advance(wait);
      }
    }
  });

  it('release takes a random share off the wait, no more than the jitter', async () => {
    const { create, send, receive, call, clock } = driven();
    await create('q', { backoff: { minSeconds: 100, maxSeconds: 100, factor: 1, jitter: 0.25 } });
    await send('q', ...range(40));
    const held = await receive('q');
    const { results } = await call('release', 'q', { receipts: held.map(({ receipt }) => receipt), failed: 'x' });
    const waits = results.map((result) => (Date.parse((result as { visibleAt: string }).visibleAt) - clock.now()) / 1000);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(75);
    expect(Math.min(...waits)).toBeLessThan(85);
    expect(Math.max(...waits)).toBeLessThanOrEqual(100);
    expect(Math.max(...waits)).toBeGreaterThan(90);
  });

  it('a lease that ends without an ack waits by the same backoff, and its late ack still succeeds', async () => {
    const { create, send, receive, ack, clock, call } = driven();
    await create('q', { visibilityTimeoutSeconds: 10, backoff: { minSeconds: 5, maxSeconds: 20, factor: 2, jitter: 0 } });
    await send('q', 1);
    const [first] = await receive('q');
    expect(first!.leasedUntil).toBe(new Date(clock.now() + 10_000).toISOString());
    clock.advance(10_000);
    expect((await call('getQueue', 'q')).counts).toMatchObject({ delayed: 1, leased: 0 });
    clock.advance(4_999);
    expect(await receive('q')).toEqual([]);
    clock.advance(1);
    expect(await receive('q')).toMatchObject([{ receives: 2, failures: 1 }]);
    clock.advance(10_000 + 9_999);
    expect(await receive('q')).toEqual([]);
    clock.advance(1);
    const third = await receive('q');
    expect(third).toMatchObject([{ receives: 3, failures: 2 }]);
    clock.advance(15_000);
    expect(await ack('q', third)).toEqual([{ ok: true }]);
  });
});

onBothStores('a queue with the default backoff', (driven) => {
  it('the default backoff retries after a second, doubles each time up to 15 minutes, and half of it is random', async () => {
    const { call, send, receive, clock } = driven();
    expect(await call('createQueue', 'q')).toMatchObject({ backoff: { minSeconds: 1, maxSeconds: 900, factor: 2, jitter: 0.5 } });
    await send('q', 1);
    for (const failures of range(14)) {
      const [held] = await receive('q');
      expect(held).toMatchObject({ failures });
      const [result] = (await call('release', 'q', { receipts: [held!.receipt], failed: 'x' })).results;
      const wait = Date.parse((result as { visibleAt: string }).visibleAt) - clock.now();
      const longest = Math.min(900_000, 1000 * 2 ** failures);
      expect(wait).toBeGreaterThanOrEqual(longest / 2);
      expect(wait).toBeLessThanOrEqual(longest);
      clock.advance(wait);
    }
  });

  it('unacked messages of one row come back together under the default backoff', async () => {
    const { call, send, receive, clock } = driven();
    await call('createQueue', 'q', { visibilityTimeoutSeconds: 10 });
    await send('q', ...range(10));
    expect((await receive('q')).length).toBe(10);
    for (let ms = 10_000; ms < 11_000; ms += 50) {
      clock.advance(ms === 10_000 ? ms : 50);
      const back = await receive('q');
      if (back.length > 0) return expect(back.length).toBe(10);
    }
    expect.unreachable('nothing came back within the backoff');
  });

  it('a message received or extended for 0 s comes back at once under the default backoff', async () => {
    const { call, send, receive } = driven();
    await call('createQueue', 'q');
    await send('q', 1);
    await receive('q', { visibilityTimeoutSeconds: 0 });
    const [held] = await receive('q');
    expect(held).toMatchObject({ receives: 2 });
    await call('extend', 'q', { receipts: [held!.receipt], visibilityTimeoutSeconds: 0 });
    expect(await receive('q')).toMatchObject([{ receives: 3 }]);
  });
});

onBothStores('extend', (driven) => {
  it('extend moves the end of a lease to the given time from now, or to the timeout of the queue', async () => {
    const { create, send, receive, call, clock } = driven();
    await create('q', { visibilityTimeoutSeconds: 10 });
    await send('q', 1);
    const [held] = await receive('q');
    clock.advance(9_000);
    const extend = (input: object) => call('extend', 'q', { receipts: [held!.receipt], ...input });
    const until = (ms: number) => ({ results: [{ ok: true, leasedUntil: new Date(clock.now() + ms).toISOString() }] });
    expect(await extend({})).toEqual(until(10_000));
    expect(await extend({ visibilityTimeoutSeconds: 100 })).toEqual(until(100_000));
    clock.advance(99_999);
    expect(await receive('q')).toEqual([]);
    expect(await extend({ visibilityTimeoutSeconds: 1 })).toEqual(until(1_000));
    clock.advance(1_000);
    expect(await receive('q')).toMatchObject([{ receives: 2, failures: 1 }]);
  });

  it('extend with an expired lease succeeds until another receive takes the message, and 0 s ends the lease at once', async () => {
    const { create, send, receive, call, clock } = driven();
    await create('q');
    await send('q', 1);
    const [first] = await receive('q');
    clock.advance(60_000);
    const extend = async (receipt: string, visibilityTimeoutSeconds: number) =>
      (await call('extend', 'q', { receipts: [receipt], visibilityTimeoutSeconds })).results[0];
    expect(await extend(first!.receipt, 5)).toMatchObject({ ok: true });
    expect(await receive('q')).toEqual([]);
    expect(await extend(first!.receipt, 0)).toMatchObject({ ok: true });
    const [second] = await receive('q');
    expect(await extend(first!.receipt, 5)).toMatchObject(lost);
    expect(second).toMatchObject({ receives: 2 });
  });

  it('extend of some messages of a parcel leaves the leases of the others', async () => {
    const { create, send, receive, call, clock } = driven();
    await create('q', { visibilityTimeoutSeconds: 10 });
    await send('q', 0, 1, 2);
    const held = await receive('q');
    await call('extend', 'q', { receipts: [held[1]!.receipt], visibilityTimeoutSeconds: 20 });
    clock.advance(10_000);
    expect((await receive('q')).map(({ body }) => body)).toEqual([0, 2]);
  });

  it('extend keeps the backoff that follows the lease', async () => {
    const { create, send, receive, call, clock } = driven();
    await create('q', { visibilityTimeoutSeconds: 10, backoff: { minSeconds: 5, maxSeconds: 5, factor: 1, jitter: 0 } });
    await send('q', 1);
    const [held] = await receive('q');
    await call('extend', 'q', { receipts: [held!.receipt], visibilityTimeoutSeconds: 30 });
    clock.advance(34_999);
    expect(await receive('q')).toEqual([]);
    clock.advance(1);
    expect((await receive('q')).length).toBe(1);
  });
});
