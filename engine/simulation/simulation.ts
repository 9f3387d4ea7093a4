/**
 * A simulated environment for the rules: one store in memory, virtual time, and processes that are paused, killed or have wrong
 * clocks. A seed determines the whole history. Start here; faulty-store.ts injects the faults, virtual-time.ts orders the
 * steps.
 */
import { clockMarginMs } from '../../contract/limits.ts';
import { createMemoryStore, type MemoryStore } from '../memory/store.ts';
import type { Clock, Random, Range, Store } from '../port/port.ts';
import { seededRandom } from '../port/random.ts';
import { createSimulatedStore, type Fault, type Faults } from './faulty-store.ts';
import { createVirtualTime } from './virtual-time.ts';

export interface SimulationOptions {
  seed: number;
  faults: Faults;
  /** When the simulation starts, ms since 1970. */
  start?: number;
  /** Called for every injected fault. */
  observe?: (event: { at: number; fault: Fault; process: string }) => void;
}

/** The parts that the code under test gets from the simulation. */
export interface SimulatedProcess {
  name: string;
  store: Store;
  clock: Clock;
  random: Random;
  /** The error of its clock, ms; may be changed. The clock is `trusted` while the error is at most `clockMarginMs`. */
  skewMs: number;
  /** Suspends the process for this many milliseconds. Its requests in progress still arrive, but it sees no responses. */
  pause(ms: number): void;
  /** Stops the process forever. Its requests in progress still arrive. */
  kill(): void;
}

export interface Simulation {
  /** The true state of the store, for checks: calls take no time and meet no faults. */
  memory: MemoryStore;
  random: Random;
  now(): number;
  /** How often each fault was injected. */
  counts: Record<Fault, number>;
  /** Starts a process. Resolves when it has ended or was killed. */
  spawn(
    name: string,
    body: (process: SimulatedProcess) => Promise<void>,
    options?: { skewMs?: number /** Never paused or killed at random. */; steady?: boolean },
  ): Promise<'ended' | 'killed'>;
  /** Advances time until all processes have ended, or until the instant. Rejects with an error that a process threw. */
  run(until?: number): Promise<void>;
}

const startDefault = Date.UTC(2026, 0, 1);

export function createSimulation({ seed, faults, start = startDefault, observe }: SimulationOptions): Simulation {
  const random = seededRandom(seed);
  const time = createVirtualTime(random, start);
  const counts = Object.fromEntries(Object.keys(faults.rates).map((fault) => [fault, 0])) as Record<Fault, number>;
  const failures: unknown[] = [];
  const living = new Set<{ name: string }>();

  function draw(fault: Fault, process: string): boolean {
    if (random.number() >= faults.rates[fault]) return false;
    counts[fault]++;
    observe?.({ at: time.now(), fault, process });
    return true;
  }

  const memory = createMemoryStore({
    now: time.now,
    lag: {
      now: time.now,
      lagMs: ({ table }: Range) => (draw('stale', table) ? random.number() * faults.lagMsMax : 0),
      lagMsMax: faults.lagMsMax,
    },
  });

  function spawn(
    name: string,
    body: (process: SimulatedProcess) => Promise<void>,
    { skewMs = 0, steady = false }: { skewMs?: number; steady?: boolean } = {},
  ) {
    let frozenUntil = 0;
    let dead = false;
    let died: () => void = () => {};
    const death = new Promise<void>((resolve) => {
      died = resolve;
    });

    /** Resolves when the process may continue: not while it is paused, and never once it is dead. */
    async function awake(): Promise<void> {
      if (!steady && draw('kill', name)) process.kill();
      if (!steady && draw('pause', name)) process.pause(random.number() * faults.pauseMsMax);
      while (!dead && time.now() < frozenUntil) await time.after(frozenUntil - time.now());
      if (dead) await new Promise<never>(() => {});
    }

    const clock: Clock = {
      now: () => Math.round(time.now() + process.skewMs),
      trusted: () => Math.abs(process.skewMs) <= clockMarginMs,
      async sleep(ms, signal) {
        signal?.throwIfAborted();
        await new Promise<void>((resolve, reject) => {
          time.at(time.now() + ms, resolve);
          signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
        });
        await awake();
      },
    };

    const process: SimulatedProcess = {
      name,
      skewMs,
      clock,
      random,
      store: createSimulatedStore({ memory, time, random, clock, faults, awake, draw: (fault) => draw(fault, name) }),
      pause(ms) {
        frozenUntil = Math.max(frozenUntil, time.now() + ms);
      },
      kill() {
        dead = true;
        died();
      },
    };

    living.add(process);
    const end = (async () => {
      await awake();
      await body(process);
    })().catch((error: unknown) => {
      failures.push(error);
    });
    return Promise.race([end.then(() => 'ended' as const), death.then(() => 'killed' as const)]).finally(() =>
      living.delete(process),
    );
  }

  return {
    memory,
    random,
    now: time.now,
    counts,
    spawn,
    async run(until) {
      await time.run(until);
      if (failures.length > 0) throw failures[0];
      if (until === undefined && living.size > 0) {
        throw new Error(
          `these processes wait for something that is not simulated: ${[...living].map(({ name }) => name).join(', ')}`,
        );
      }
    },
  };
}
