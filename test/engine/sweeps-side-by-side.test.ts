/** Sweeps of several processes at the same time. */
import { expect, it } from 'vitest';
import { sweepPeriodMs } from '../../contract/limits.ts';
import { minuteMs } from '../support/durations.ts';
import { onBothStores } from '../support/on-both-stores.ts';
import { range } from '../support/range.ts';

const sweeps = 3;

onBothStores('sweeps of several processes at the same time', (driven) => {
  /** All sweeps begin at the same instant, each in a process of its own. */
  const sweepTogether = () => {
    const { another, clock } = driven();
    return Promise.all(Array.from({ length: sweeps }, () => another().sweep({ until: clock.now() + minuteMs })));
  };

  it('sweeps of several processes at once dead-letter each message once', async () => {
    const { create, send, receive, clock, call } = driven();
    await create('dead');
    await create('q', { deadLetter: { queue: 'dead', maxReceives: 1 } });
    const bodies = range(25);
    await send('q', ...bodies);
    expect(await receive('q', { visibilityTimeoutSeconds: 1 })).toHaveLength(bodies.length);
    clock.advance(sweepPeriodMs);
    await sweepTogether();
    const { messages } = await call('peek', 'dead', { state: 'dead' });
    expect(messages.map(({ body }) => body as number).sort((a, b) => a - b)).toEqual(bodies);
    expect((await call('getQueue', 'q')).counts).toMatchObject({ ready: 0, leased: 0, delayed: 0 });
  });

  it('sweeps of several processes at once publish each tick of a schedule once', async () => {
    const { create, engine, clock, receive, ack } = driven();
    await create('q');
    await engine.call('putSchedule', { name: 's' }, { queue: 'q', message: { body: 'tick' }, everySeconds: 10 });
    const ticks: unknown[] = [];
    for (let minute = 0; minute < 3; minute++) {
      clock.advance(sweepPeriodMs);
      await sweepTogether();
      const received = await receive('q');
      await ack('q', received);
      ticks.push(...received.map(({ attributes }) => attributes.tick));
    }
    expect(ticks.length).toBeGreaterThanOrEqual(18);
    expect(new Set(ticks).size).toBe(ticks.length);
  });

  it('sweeps of several processes at once ask the publisher of a prepared message once', async () => {
    const { create, publish, clock, asked, answer, bodies } = driven();
    answer.now = async () => 'commit';
    await create('q', { prepared: { timeoutSeconds: 60, checkBack: { functionName: 'f' } } });
    await publish('q', { body: 'prepared', prepared: true });
    clock.advance(2 * minuteMs);
    await sweepTogether();
    expect(asked).toHaveLength(1);
    expect(await bodies('q')).toEqual(['prepared']);
  });
});
