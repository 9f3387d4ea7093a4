/** Limits of a queue under random races, crashes and lost answers. */
import { expect, it } from 'vitest';
import type { Json, ReceivedMessage } from '../../contract/contract.ts';
import { clockMarginMs, readToWriteMsMax } from '../../contract/limits.ts';
import { createEngine } from '../../engine/create.ts';
import type { Engine } from '../../engine/engine.ts';
import { parseReceipt } from '../../engine/model/receipts.ts';
import { StoreError } from '../../engine/port/port.ts';
import { seededRandom } from '../../engine/port/random.ts';
import { secondMs } from '../support/durations.ts';
import { onBothStores } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';
import { testSeed } from '../support/seed.ts';
import { spyOnStore } from '../support/store-spy.ts';

const stepsOfLife = 20;

/**
 * Consumers in parallel, each a process with its own clock. They receive, ack, release, extend, pause and die between any two calls of the
 * store, and some answers are lost. The rows alone show what is under a lease.
 */
onBothStores('limits under races, crashes and lost answers', (driven) => {
  it.each([
    { concurrency: 1, ratePerSecond: null },
    { concurrency: 4, ratePerSecond: null },
    { concurrency: 5, ratePerSecond: 20 },
    { concurrency: null, ratePerSecond: 5 },
  ])('the limits %j are never exceeded, whatever crashes and whatever answer is lost', async (limits) => {
    const { clock, create, spy, rows } = driven();
    const seed = testSeed;
    const random = seededRandom(seed);
    const chance = (share: number) => random.number() < share;
    const below = (count: number) => Math.floor(random.number() * count);
    const visibilityTimeoutSeconds = 5;
    await create('q', { visibilityTimeoutSeconds, limits, retentionSeconds: null });
    const delivered = new Map<string, ReceivedMessage>();
    const calls: { from: number; to: number; count: number }[] = [];
    let largest = 0;

    const check = async () => {
      const held = new Set([...delivered.keys()].map(parseReceipt).map((one) => `${one!.rowId} ${one!.slot} ${one!.token}`));
      let out = 0;
      for (const row of await rows('leases')) {
        for (const [index, slot] of ((row.slots ?? []) as { t?: string; d?: string; v: number; l?: number }[]).entries()) {
          if (slot.d !== undefined || !held.has(`${row.id} ${index} ${slot.t}`)) continue;
          // The clock of the holder may be behind.
          if ((slot.l ?? slot.v) + clockMarginMs > clock.now()) out++;
        }
      }
      largest = Math.max(largest, out);
      expect(out, `messages under a lease; seed ${seed}`).toBeLessThanOrEqual(limits.concurrency ?? Number.POSITIVE_INFINITY);
    };

    let seeds = seed;
    const processOf = (): Engine => {
      const skew = limits.ratePerSecond === null ? below(2 * clockMarginMs + 1) - clockMarginMs : 0;
      const inner = spyOnStore(spy.store);
      let isDead = false;
      inner.before = async ({ method }) => {
        for (let ticks = below(4); ticks > 0; ticks--) await Promise.resolve();
        if (chance(0.02)) clock.advance(below(7 * secondMs));
        if (chance(0.005)) isDead = true;
        if (isDead) throw new Error('died');
        if (method === 'write' && chance(0.02)) throw new StoreError('busy', 'no', undefined, 'throttled');
      };
      const { write } = inner.store;
      inner.store.write = async (...call) => {
        const written = await write(...call);
        if (chance(0.03)) throw new StoreError('the answer was lost', 'unknown');
        return written;
      };
      return createEngine({
        store: inner.store,
        clock: { ...clock, now: () => clock.now() + skew },
        random: seededRandom(seeds++),
      });
    };

    const life = async () => {
      for (let deaths = 0; deaths < 3; deaths++) {
        const engine = processOf();
        const held: ReceivedMessage[] = [];
        for (let step = 0; step < stepsOfLife; step++) {
          try {
            await act(engine, held);
          } catch (error) {
            const { message, code } = error as Error & { code?: string };
            if (message === 'died') break;
            if (code !== 'unavailable') throw error;
          }
          await check();
          if (chance(0.3)) clock.advance(below(1500));
        }
      }
    };
    const act = async (engine: Engine, held: ReceivedMessage[]) => {
      const queue = { queue: 'q' };
      const receipts = held.splice(0, 1 + below(held.length)).map(({ receipt }) => receipt);
      const share = random.number();
      if (share < 0.4 || receipts.length === 0) {
        const from = clock.now();
        const { messages } = await engine.call('receive', queue, { max: 1 + below(8) });
        for (const message of messages) delivered.set(message.receipt, message);
        calls.push({ from, to: clock.now(), count: messages.length });
        held.push(...messages);
      } else if (share < 0.7) await engine.call('ack', queue, { receipts });
      else if (share < 0.8) await engine.call('release', queue, { receipts });
      else {
        await engine.call('extend', queue, { receipts, visibilityTimeoutSeconds: 1 + below(10) });
        held.push(...receipts.map((receipt) => delivered.get(receipt)!));
      }
    };
    const publisher = async () => {
      for (let times = 0; times < 40; times++) {
        const bodies: Json[] = range(1 + below(10));
        await driven().send('q', ...bodies);
      }
    };
    await publisher();
    await Promise.all(range(6).map(life));
    expect(delivered.size, `seed ${seed}`).toBeGreaterThan(3);
    if (limits.concurrency !== null && limits.ratePerSecond === null) expect(largest, `seed ${seed}`).toBe(limits.concurrency);

    const { ratePerSecond } = limits;
    if (ratePerSecond !== null) {
      for (const { from } of calls) {
        for (const { to } of calls.filter((call) => call.to >= from)) {
          const within = calls.filter((call) => call.from >= from && call.to <= to).reduce((sum, one) => sum + one.count, 0);
          const allowed = Math.max(1, ratePerSecond) + ((to - from) * ratePerSecond) / secondMs;
          expect(within, `from ${from} to ${to}; seed ${seed}`).toBeLessThanOrEqual(allowed + 1e-6);
        }
      }
    }

    // All consumers are dead by now, so all permits come free.
    clock.advance(20 * secondMs + readToWriteMsMax + 2 * clockMarginMs);
    await driven().send('q', ...range(10));
    let free = 0;
    for (let more = 1; more > 0; free += more) more = (await driven().receive('q', { max: 10 })).length;
    expect(free, `seed ${seed}`).toBe(Math.min(limits.concurrency ?? 100, limits.ratePerSecond ?? 100));
  }, 120_000);
});
