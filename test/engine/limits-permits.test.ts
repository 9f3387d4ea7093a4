/** Permits of a concurrency limit under extend, slow processes and lost answers. */
import { expect, it } from 'vitest';
import { readToWriteMsMax } from '../../contract/limits.ts';
import { StoreError } from '../../engine/port/port.ts';
import { secondMs } from '../support/durations.ts';
import { concurrencyOf, isPermitRow, limitedQueue, permitGraceMs } from '../support/limited-queue.ts';
import { onEveryStore } from '../support/on-both-stores.ts';
import { noCalls, spyOnStore } from '../support/store-spy.ts';

onEveryStore('permits of a concurrency limit', (driven) => {
  const { ack, count, receive, start } = limitedQueue(driven);

  it('an extended lease keeps its permit to its new end, and the others of its receive end on time', async () => {
    const { call, clock } = driven();
    await start(concurrencyOf(2));
    const [one] = await receive({ max: 2 });
    clock.advance(9 * secondMs);
    for (let times = 0; times < 3; times++) {
      const { results } = await call('extend', 'q', { receipts: [one!.receipt], visibilityTimeoutSeconds: 20 });
      expect(results[0]).toMatchObject({ ok: true, leasedUntil: new Date(clock.now() + 20 * secondMs).toISOString() });
      clock.advance(19 * secondMs);
      const [other, ...more] = await receive();
      expect(more).toEqual([]);
      if (other) await ack([other]);
    }
    const [other] = await receive();
    expect(await count()).toBe(0);
    await ack([one!]);
    expect(await count()).toBe(1);
    await ack([other!]);
  });

  it('an extend that is too late is told lease_lost while other messages hold the permits', async () => {
    const { call, clock } = driven();
    await start(concurrencyOf(1), 1, { priority: { levels: 2, order: 'strict' } });
    const [late] = await receive();
    clock.advance(10 * secondMs + permitGraceMs);
    await driven().publish('q', { body: 'urgent', priority: 1 });
    const [other] = await receive();
    expect(other).toMatchObject({ body: 'urgent' });
    const extend = async () => (await call('extend', 'q', { receipts: [late!.receipt] })).results[0];
    expect(await extend()).toMatchObject({ code: 'lease_lost' });
    await ack([other!]);
    expect(await extend()).toMatchObject({ ok: true });
    await driven().publish('q', { body: 'more', priority: 1 });
    expect(await count()).toBe(0);
    await ack([late!]);
    expect(await count()).toBe(1);
  });

  it('an extend that is too late keeps no permit, however long it asks for', async () => {
    const { call, clock } = driven();
    await start(concurrencyOf(2), 1);
    const [late] = await receive();
    clock.advance(10 * secondMs + permitGraceMs);
    const [taken] = await receive();
    const { results } = await call('extend', 'q', { receipts: [late!.receipt], visibilityTimeoutSeconds: 1000 });
    expect(results[0]).toMatchObject({ code: 'lease_lost' });
    await driven().send('q', 1, 2);
    expect(await count()).toBe(1);
    await ack([taken!]);
    expect(await count()).toBe(1);
  });

  it('an extend ends its lease no later than its permit, even if the process was paused in between', async () => {
    const { clock, spy, another } = driven();
    await start(concurrencyOf(1), 1);
    const [held] = await receive();
    const inner = spyOnStore(spy.store);
    const { write } = inner.store;
    const slow = another(inner.store);
    let permittedAt = 0;
    inner.store.write = async (...call) => {
      const written = await write(...call);
      if (isPermitRow(call[0].key)) {
        permittedAt = clock.now();
        clock.advance(readToWriteMsMax + 3 * secondMs);
      }
      return written;
    };
    clock.advance(secondMs);
    const { results } = await slow.call('extend', { queue: 'q' }, { receipts: [held!.receipt], visibilityTimeoutSeconds: 60 });
    const leasedUntil = new Date(permittedAt + readToWriteMsMax + 60 * secondMs).toISOString();
    expect(results[0]).toEqual({ ok: true, leasedUntil });
  });

  it('a receive returns the permits that it could not use', async () => {
    const { clock, spy, another } = driven();
    await start(concurrencyOf(3), 2);
    const [first] = await receive({ max: 1 });
    const inner = spyOnStore(spy.store);
    const slow = another(inner.store);
    // Another receive takes the message after this one got its permit.
    inner.before = async ({ method, keys }) => {
      if (method !== 'write' || keys.some(isPermitRow)) return;
      inner.before = () => {};
      expect(await count()).toBe(1);
    };
    expect((await slow.call('receive', { queue: 'q' }, {})).messages).toEqual([]);
    await driven().send('q', 1, 2);
    expect(await count()).toBe(1);
    await ack([first!]);
    clock.advance(1);
    expect(await count()).toBe(1);
  });

  it('a receive that delivers fewer messages than permitted returns the other permits', async () => {
    const { spy, another } = driven();
    await start(concurrencyOf(3), 2);
    const inner = spyOnStore(spy.store);
    let claims = 0;
    // Another receive takes the second of two messages.
    inner.before = async ({ method, keys }) => {
      if (method !== 'write' || keys.some(isPermitRow) || ++claims < 2) return;
      inner.before = () => {};
      expect(await count(1)).toBe(1);
    };
    const { messages } = await another(inner.store).call('receive', { queue: 'q' }, { max: 2 });
    expect(messages).toHaveLength(1);
    await driven().send('q', 1, 2);
    expect(await count()).toBe(1);
  });

  it('a receive gives back a lease that ended while it returned permits, and does not count that receive', async () => {
    const { clock, spy, another } = driven();
    await start(concurrencyOf(5), 2);
    const inner = spyOnStore(spy.store);
    let taken: Promise<number> | undefined;
    let returns = 0;
    inner.before = async ({ method, keys }) => {
      if (method !== 'write') return;
      taken ??= keys.some(isPermitRow) ? undefined : receive({ max: 1 }).then(({ length }) => length);
      if (!keys.some(isPermitRow)) await taken;
      else if (taken && ++returns === 1) clock.advance(10 * secondMs);
    };
    const { messages } = await another(inner.store).call('receive', { queue: 'q' }, { max: 2 });
    expect(await taken).toBe(1);
    expect(returns).toBeGreaterThan(0);
    expect(messages.map(({ receives, leasedUntil }) => [receives, Date.parse(leasedUntil) - clock.now()])).toEqual([
      [1, 10 * secondMs],
      [2, 10 * secondMs],
    ]);
  });

  it('a receive gives back a claim that is so late that its permit may end before its lease', async () => {
    const { clock, spy, another } = driven();
    await start(concurrencyOf(1), 0);
    await driven().publish('q', { body: 'due', id: 'own' });
    const inner = spyOnStore(spy.store);
    const { write } = inner.store;
    inner.store.write = async (...call) => {
      const written = await write(...call);
      if (isPermitRow(call[0].key)) clock.advance(readToWriteMsMax + 1);
      return written;
    };
    expect((await another(inner.store).call('receive', { queue: 'q' }, {})).messages).toEqual([]);
    expect(await receive()).toMatchObject([{ receives: 1, failures: 0 }]);
  });

  it('a receive finds nothing, without an error, when the permit row is contended for too long', async () => {
    const { spy, another } = driven();
    await start(concurrencyOf(1000), 3);
    const inner = spyOnStore(spy.store);
    const unlucky = another(inner.store);
    let tries = 0;
    inner.before = ({ method, keys }) => {
      if (method !== 'write' || !keys.some(isPermitRow)) return;
      tries++;
      throw new StoreError('another has it', 'no', undefined, 'throttled');
    };
    expect((await unlucky.call('receive', { queue: 'q' }, {})).messages).toEqual([]);
    expect(tries).toBeGreaterThan(5);
    expect(await count()).toBe(3);
  });

  it('an ack between the read and the write of permits by a receive is not lost', async () => {
    const { spy, another } = driven();
    await start(concurrencyOf(2));
    const [held] = await receive({ max: 1 });
    const inner = spyOnStore(spy.store);
    inner.before = async ({ method, keys }) => {
      if (method !== 'write' || !keys.some(isPermitRow)) return;
      inner.before = () => {};
      await ack([held!]);
    };
    expect((await another(inner.store).call('receive', { queue: 'q' }, { max: 1 })).messages.length).toBe(1);
    expect(await count()).toBe(1);
  });

  it('a receive whose permit write got no answer takes its permit once', async () => {
    const { spy, another } = driven();
    await start(concurrencyOf(2));
    const inner = spyOnStore(spy.store);
    const { write } = inner.store;
    inner.store.write = async (...call) => {
      await write(...call);
      inner.store.write = write;
      expect((await receive({ max: 1 })).length).toBe(1);
      throw new StoreError('the answer was lost', 'unknown');
    };
    expect((await another(inner.store).call('receive', { queue: 'q' }, { max: 1 })).messages.length).toBe(1);
    expect(await count()).toBe(0);
  });

  it('a failed shortening of a lease holds its permit as long as before', async () => {
    const { call, clock, spy, another } = driven();
    await start(concurrencyOf(1));
    const [held] = await receive({ visibilityTimeoutSeconds: 100 });
    const inner = spyOnStore(spy.store);
    inner.before = ({ method, keys }) => {
      if (method === 'write' && !keys.some(isPermitRow)) throw new Error('died');
    };
    const input = { receipts: [held!.receipt], visibilityTimeoutSeconds: 1 };
    await expect(another(inner.store).call('extend', { queue: 'q' }, input)).rejects.toThrow('died');
    clock.advance(50 * secondMs);
    expect(await count()).toBe(0);
    expect((await call('extend', 'q', { ...input, visibilityTimeoutSeconds: 10 })).results[0]).toMatchObject({ ok: true });
  });

  it('an extend under a concurrency limit costs one more write, and one after the ack a refused write', async () => {
    const { spy, call, clock } = driven();
    await start(concurrencyOf(5), 1);
    const [held] = await receive();
    const extend = () => call('extend', 'q', { receipts: [held!.receipt] });
    clock.advance(1);
    spy.takeCounts();
    await extend();
    expect(spy.takeCounts()).toEqual({ ...noCalls, gets: 2, puts: 2 });
    await ack([held!]);
    spy.takeCounts();
    expect((await extend()).results[0]).toMatchObject({ code: 'lease_lost' });
    expect(spy.takeCounts()).toEqual({ ...noCalls, gets: 2, refused: 1 });
  });
});
