/** The status of a deployment, as its processes keep it in rows. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { version } from '../../../contract/version.ts';
import { createMemoryStore } from '../../../engine/memory/store.ts';
import { type Store, StoreError } from '../../../engine/port/port.ts';
import { seededRandom } from '../../../engine/port/random.ts';
import { createStatus } from '../../../functions/metrics/status.ts';
import { createDrivenClock } from '../../support/driven-clock.ts';

const start = Date.parse('2026-01-31T12:00:00.000Z');
const totals = { queues: 9, visited: 3, asleep: 0, notReached: 4, failed: 2, removed: 0, deadLettered: 0 };

/** Processes on one store, whose writes a test calls throttled. */
function processes() {
  const clock = createDrivenClock(start);
  const store = createMemoryStore({ now: clock.now });
  const process = (over: Partial<Store> = {}) => {
    let throttle = (_shard: string): void => undefined;
    const onThrottled = (listener: typeof throttle) => {
      throttle = listener;
    };
    let throttleRead = (): void => undefined;
    const onThrottledRead = (listener: typeof throttleRead) => {
      throttleRead = listener;
    };
    const status = createStatus({
      store: { ...store, onThrottled, onThrottledRead, ...over },
      clock,
      random: seededRandom(1),
      kind: 'memory',
    });
    return {
      ...status,
      throttle: (times: number) => Array.from({ length: times }, () => throttle('shard')),
      throttleRead: () => throttleRead(),
    };
  };
  return { clock, process, store };
}

it('the status tells the last sweep of any process', async () => {
  const { clock, process } = processes();
  const [one, other] = [process(), process()];
  expect(await one.read()).toEqual({
    version,
    now: '2026-01-31T12:00:00.000Z',
    store: { kind: 'memory', error: null },
    lastSweep: null,
    throttledWrites: 0,
    throttledReads: 0,
  });
  await other.swept({ complete: true, totals });
  clock.advance(60_000);
  await other.swept({ complete: false, totals });
  const lastSweep = { at: '2026-01-31T12:01:00.000Z', complete: false, failedQueues: 2, notReachedQueues: 4 };
  expect(await one.read()).toMatchObject({ lastSweep });
});

it('throttled writes of all processes count for an hour, and are stored once a minute', async () => {
  const { clock, process } = processes();
  const [one, other] = [process(), process()];
  one.throttle(3);
  await one.flush();
  // Not stored yet: only the process itself knows of them.
  expect([(await one.read()).throttledWrites, (await other.read()).throttledWrites]).toEqual([3, 0]);
  clock.advance(60_000);
  other.throttle(2);
  await Promise.all([one.flush(), other.flush()]);
  expect([(await one.read()).throttledWrites, (await other.read()).throttledWrites]).toEqual([5, 5]);
  clock.advance(2 * 3_600_000);
  one.throttle(1);
  await one.flush(true);
  expect((await other.read()).throttledWrites).toBe(1);
});

it('throttled reads count as throttled writes do, also beside a row of an earlier version', async () => {
  const { clock, process, store } = processes();
  const [one, other] = [process(), process()];
  const row = { kind: 'stats', name: '/throttled/2026-01-31T12:00:00.000Z', writes: 4, version: 'v' };
  await store.write({ key: { table: 'queues', kind: row.kind, name: row.name }, then: { put: row } });
  clock.advance(60_000);
  one.throttleRead();
  one.throttleRead();
  await one.flush();
  expect(await other.read()).toMatchObject({ throttledWrites: 4, throttledReads: 2 });
});

it('a table that cannot be read is named in the status, which fails no sweep and no call', async () => {
  const { process } = processes();
  const fail = async () => {
    throw new StoreError('no table "leases"', 'no');
  };
  const broken = process({ get: fail, write: fail, range: fail });
  broken.throttle(1);
  await broken.swept({ complete: true, totals });
  await broken.flush(true);
  expect(await broken.read()).toMatchObject({ store: { error: 'no table "leases"' }, lastSweep: null });
});

it('the version is that of the package', () => {
  expect(JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')).version).toBe(version);
});
