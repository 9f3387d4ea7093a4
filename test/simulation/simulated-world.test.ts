import { describe, expect, it } from 'vitest';
import { clockMarginMs, retryMsMax } from '../../contract/limits.ts';
import { StoreError } from '../../engine/port/port.ts';
import { type Fault, manyFaults, noFaults } from '../../engine/simulation/faulty-store.ts';
import { createSimulation, type SimulatedProcess, type Simulation } from '../../engine/simulation/simulation.ts';

const key = { table: 'leases', id: 'counter' } as const;
const minuteMs = 60_000;

function only(fault: Fault, rate = 1) {
  return { ...noFaults, rates: { ...noFaults.rates, [fault]: rate } };
}

/** Increments a counter under an optimistic lock. The answer to its last write may be lost. */
async function countUp({ name, store, clock, random }: SimulatedProcess, times: number): Promise<void> {
  for (let count = 0; count < times; count++) {
    try {
      const [row] = await store.get([key]);
      const version = random.chars(8);
      const put = { id: key.id, n: ((row?.n as number | undefined) ?? 0) + 1, version, by: name };
      const when = row === undefined ? { absent: ['id'] as const } : { equals: [['version'], row.version as string] as const };
      await store.write({ key, when, then: { put } }, { by: clock.now() + 1000 });
      await store.range({ table: 'leases', index: 'due', partition: 's', limit: 5 });
      await store.writeAll(
        ['a', 'b'].map((id) => ({ key: { table: 'leases', id }, then: { put: { id, shard: 's', expiry: count } } })),
      );
      await store.transact([{ key: { table: 'leases', id: 'c' }, then: { put: { id: 'c' } } }]);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
    await clock.sleep(random.number() * 100);
  }
}

async function history(seed: number): Promise<{ events: string[]; simulation: Simulation }> {
  const events: string[] = [];
  const observe = (event: object) => events.push(JSON.stringify(event));
  const simulation = createSimulation({ seed, faults: manyFaults, observe });
  const ends = ['p', 'q', 'r'].map((name) => simulation.spawn(name, (process) => countUp(process, 60)));
  await simulation.run();
  events.push(...(await Promise.all(ends)), JSON.stringify(simulation.memory.rows('leases')));
  return { events, simulation };
}

/** Runs one process with one fault. Returns its answer, and the rows of the store at that time and at the end. */
async function trial<Answer>(faults: typeof noFaults, body: (process: SimulatedProcess) => Promise<Answer>) {
  const simulation = createSimulation({ seed: 1, faults });
  const outcome: { answer?: Answer | StoreError; took: number; then?: object[]; applied?: unknown } = { took: 0 };
  const end = simulation.spawn('p', async (process) => {
    const began = simulation.now();
    outcome.answer = await body(process).catch((error: StoreError) => error);
    outcome.then = simulation.memory.rows('leases');
    outcome.took = simulation.now() - began;
  });
  await simulation.run();
  return { ...outcome, end: await end, rows: simulation.memory.rows('leases'), counts: simulation.counts };
}

const put = { key, then: { put: { id: key.id } } };

describe('a simulation', () => {
  it('repeats its history for the same seed, and has another history for another seed', async () => {
    const [first, again, other] = [await history(7), await history(7), await history(8)];
    expect(again.events).toEqual(first.events);
    expect(other.events).not.toEqual(first.events);
  });

  it('injects every kind of fault within a few histories', async () => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= 10; seed++) {
      const { simulation } = await history(seed);
      for (const [fault, count] of Object.entries(simulation.counts)) if (count > 0) seen.add(fault);
    }
    expect([...seen].sort()).toEqual(Object.keys(manyFaults.rates).sort());
  });

  it('takes no real time to pass hours of virtual time', async () => {
    const began = performance.now();
    const { took } = await trial(noFaults, ({ clock }) => clock.sleep(minuteMs * 60 * 24));
    expect(took).toBe(minuteMs * 60 * 24);
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  it.each<[Fault, 'no' | 'unknown', number, number]>([
    ['throttled', 'no', 0, 0],
    ['conflict', 'no', 0, 0],
    ['lostRequest', 'unknown', 0, 0],
    ['lostReply', 'unknown', 1, 1],
    ['late', 'unknown', 0, 1],
  ])('reports whether a write with the fault %s was applied', async (fault, applied, rowsThen, rowsLater) => {
    const { answer, then, rows, counts } = await trial(only(fault), ({ store }) => store.write(put));
    expect(answer).toMatchObject({ name: 'StoreError', applied });
    expect([then?.length, rows.length]).toEqual([rowsThen, rowsLater]);
    expect(counts[fault]).toBeGreaterThan(0);
  });

  it('applies a duplicated request a second time, after other writes', async () => {
    const { then, rows } = await trial(only('duplicated'), async ({ store }) => {
      await store.write(put);
    });
    expect([then, rows]).toEqual([[{ id: key.id }], [{ id: key.id }]]);
    const simulation = createSimulation({ seed: 1, faults: only('duplicated') });
    void simulation.spawn('p', async ({ store }) => {
      await store.write(put);
      await simulation.memory.write({ key, then: { remove: true } });
    });
    await simulation.run();
    expect(simulation.memory.rows('leases')).toHaveLength(1);
  });

  it('sends no attempt after the deadline, by the clock of the process', async () => {
    const late = await trial(only('throttled'), ({ store, clock }) => store.write(put, { by: clock.now() - 1 }));
    expect(late.answer).toMatchObject({ applied: 'no' });
    expect(late.counts.throttled).toBe(0);
  });

  it('never continues a killed process, and continues a paused one later', async () => {
    const killed = await trial(only('kill'), ({ store }) => store.write(put));
    expect([killed.end, killed.rows, killed.answer]).toEqual(['killed', [], undefined]);
    const paused = await trial(only('pause', 0.9), ({ store }) => store.write(put));
    expect(paused.end).toBe('ended');
    expect(paused.took).toBeGreaterThan(1_000);
    expect(paused.took).toBeLessThan(10 * retryMsMax);
  });

  it('returns old rows to eventually consistent reads, for no longer than the lag', async () => {
    const simulation = createSimulation({ seed: 3, faults: only('stale') });
    const seen = new Set<unknown>();
    void simulation.spawn('p', async ({ store, clock }) => {
      for (let n = 0; n < 20; n++) {
        await store.write({ key, then: { put: { id: key.id, shard: 's', expiry: n } } });
        const { rows } = await store.range({ table: 'leases', index: 'due', partition: 's', limit: 5 });
        seen.add(rows[0] === undefined ? 'absent' : n - (rows[0].expiry as number));
        expect(await store.get([key])).toMatchObject([{ expiry: n }]);
        await clock.sleep(100);
      }
      await clock.sleep(noFaults.lagMsMax);
      const { rows } = await store.range({ table: 'leases', index: 'due', partition: 's', limit: 5 });
      expect(rows).toMatchObject([{ expiry: 19 }]);
    });
    await simulation.run();
    expect(seen.size).toBeGreaterThan(2);
    expect(simulation.counts.stale).toBeGreaterThan(0);
  });

  it('applies a part of a batch, and reports which', async () => {
    const writes = ['a', 'b', 'c', 'd'].map((id) => ({ key: { table: 'leases' as const, id }, then: { put: { id } } }));
    const { answer, rows } = await trial(only('halfDone'), ({ store }) => store.writeAll(writes));
    const done = writes.filter((_, position) => (answer as unknown[])[position] === undefined);
    expect(rows.map(({ id }) => id)).toEqual(done.map(({ key: { id } }) => id));
    expect(done.length).toBeLessThan(writes.length);
  });

  it('gives each process its own clock, which is not trusted when it is off by more than the margin', async () => {
    const simulation = createSimulation({ seed: 1, faults: noFaults });
    const readings: unknown[] = [];
    for (const skewMs of [0, clockMarginMs, -clockMarginMs - 1]) {
      void simulation.spawn('p', async ({ clock }) => void readings.push([clock.now() - simulation.now(), clock.trusted()]), {
        skewMs,
      });
    }
    await simulation.run();
    expect(readings).toEqual([
      [0, true],
      [clockMarginMs, true],
      [-clockMarginMs - 1, false],
    ]);
  });

  it('rejects with the error of a process, and names processes that wait for something that is not simulated', async () => {
    const simulation = createSimulation({ seed: 1, faults: noFaults });
    void simulation.spawn('stuck', () => new Promise(() => {}));
    await expect(simulation.run()).rejects.toThrow('stuck');
    void simulation.spawn('faulty', async () => {
      throw new Error('a defect');
    });
    await expect(simulation.run()).rejects.toThrow('a defect');
  });
});
