import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clockMarginMs } from '../../../contract/limits.ts';
import { createCorrectedClock } from '../../../engine/dynamo/corrected-clock.ts';

const noon = Date.UTC(2026, 0, 1, 12);

/** A server with the true time, a local clock that is behind it, and calls between them. */
function world({ behindMs = 0 }: { behindMs?: number } = {}) {
  const state = { trueMs: noon, behindMs };
  const clock = createCorrectedClock(() => state.trueMs - state.behindMs);
  return {
    state,
    clock,
    /** One call, with the times of the way there and of the way back. The header has whole seconds. */
    call({ there = 1, back = 1 }: { there?: number; back?: number } = {}) {
      const sent = clock.local();
      state.trueMs += there;
      const date = Math.floor(state.trueMs / 1000) * 1000;
      state.trueMs += back;
      clock.observe({ date, sent, received: clock.local() });
    },
    /** The error of the queue's time. */
    off: () => clock.now() - state.trueMs,
  };
}

/** Calls at all phases of the second. */
function callOften(one: ReturnType<typeof world>, times = 20) {
  for (let count = 0; count < times; count++) {
    one.call();
    one.state.trueMs += 137;
  }
}

describe('the corrected clock', () => {
  it('the corrected clock does not change a clock that may be right', () => {
    const one = world();
    callOften(one);
    expect([one.off(), one.clock.trusted()]).toEqual([0, true]);
  });

  it('the corrected clock trusts the local clock before the first answer', () => {
    const { clock } = world();
    expect([clock.now(), clock.trusted()]).toEqual([noon, true]);
  });

  it.each([
    3_600_000, 60_000, 1_700, -1_700, -3_600_000,
  ])('the corrected clock corrects a clock that is %i ms behind', (behindMs) => {
    const one = world({ behindMs });
    callOften(one);
    expect(Math.abs(one.off())).toBeLessThanOrEqual(150);
    expect(one.clock.trusted()).toBe(true);
  });

  it('the corrected clock is not trusted from the first answer that shows an error until it knows the time within the margin', () => {
    const one = world({ behindMs: 10_000 });
    one.call();
    expect(one.clock.trusted()).toBe(false);
    expect(Math.abs(one.off())).toBeLessThanOrEqual(1_002);
    callOften(one);
    expect(one.clock.trusted()).toBe(true);
  });

  it('the corrected clock starts over when the local clock is set during the run', () => {
    const one = world();
    callOften(one);
    one.state.behindMs = -20_000;
    one.call();
    expect(one.clock.trusted()).toBe(false);
    callOften(one);
    expect(one.clock.trusted()).toBe(true);
    expect(Math.abs(one.off())).toBeLessThanOrEqual(150);
  });

  it('a slow answer gives the corrected clock little information and costs no trust', () => {
    const one = world();
    one.call({ there: 30_000, back: 10 });
    one.call({ there: 10, back: 30_000 });
    expect([one.off(), one.clock.trusted()]).toEqual([0, true]);
  });

  it('the corrected clock ignores an answer during which the local clock was set back', () => {
    const { clock } = world();
    clock.observe({ date: noon, sent: noon + 60_000, received: noon });
    expect([clock.now(), clock.trusted()]).toEqual([noon, true]);
  });

  it('the corrected clock is within the margin whenever it is trusted and has had an answer', () => {
    const calls = fc.array(
      fc.record({ there: fc.nat({ max: 3_000 }), back: fc.nat({ max: 3_000 }), wait: fc.nat({ max: 5_000 }) }),
      { minLength: 1, maxLength: 30 },
    );
    fc.assert(
      fc.property(fc.integer({ min: -100_000, max: 100_000 }), calls, (behindMs, all) => {
        const one = world({ behindMs });
        for (const call of all) {
          one.call(call);
          one.state.trueMs += call.wait;
          // Errors smaller than the header's second and the time of the answer cannot be seen.
          const hidden = 1_000 + Math.max(...all.map(({ there, back }) => there + back));
          if (one.clock.trusted()) expect(Math.abs(one.off())).toBeLessThanOrEqual(clockMarginMs + hidden);
          else expect(Math.abs(behindMs)).toBeGreaterThan(clockMarginMs);
        }
      }),
    );
  });

  it('the corrected clock ends a sleep when its signal aborts and removes its listener', async () => {
    const { clock } = world();
    const controller = new AbortController();
    await clock.sleep(1, controller.signal);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    const sleeping = clock.sleep(60_000, controller.signal);
    controller.abort();
    await expect(sleeping).rejects.toMatchObject({ name: 'AbortError' });
    await expect(clock.sleep(60_000, controller.signal)).rejects.toMatchObject({ name: 'AbortError' });
  });
});
