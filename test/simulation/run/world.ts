/** What the processes of one history have in common. */

import { retryMsMax, throttledMsMax } from '../../../contract/limits.ts';
import type { EngineEvent } from '../../../engine/engine.ts';
import type { Simulation } from '../../../engine/simulation/simulation.ts';
import type { Plan } from '../plan/plan.ts';
import { createOrphans, type Orphans, type Struck } from '../report/orphans.ts';
import type { Asked, Transaction, Violation } from './history.ts';
import { createRecorder, type Recorder } from './recorder.ts';

export interface World {
  plan: Plan;
  simulation: Simulation;
  recorder: Recorder;
  orphans: Orphans;
  /** Known to every caller: ids that were answered, redrives that were begun. */
  shared: {
    ids: string[];
    published: { queue: string; id: string }[];
    prepared: { queue: string; id: string }[];
    /** Those that were acked, or cancelled. */
    ended: { queue: string; id: string }[];
    tasks: { queue: string; task: string }[];
  };
  /** See `Circumstances`. */
  sweptAt: number | undefined;
  /** What publishers were asked. */
  asked: Asked[];
  transactions: Transaction[];
  /** How often what happened. */
  counts: Record<string, number>;
  count(what: string, times?: number): void;
  /** What is wrong whatever the callers saw. */
  violations: Violation[];
  fail(promise: string, text: string): void;
  observe(event: EngineEvent): void;
  startRedrive: (queue: string, task: string) => Promise<void>;
  /** Runs what must throw nothing; what it throws is a violation. */
  noteDefects(process: string, run: () => Promise<void>): Promise<void>;
}

/** How long a call goes on, besides the time for which its process stands still, ms. */
const callMsMax = throttledMsMax + retryMsMax;

export function createWorld(
  plan: Plan,
  simulation: Simulation,
  struck: readonly Struck[],
  startRedrive: World['startRedrive'],
): World {
  const counts: Record<string, number> = {};
  const violations: Violation[] = [];
  const world: World = {
    plan,
    simulation,
    recorder: createRecorder(simulation.now),
    orphans: createOrphans(simulation.now, struck, callMsMax + plan.pauseMsMax),
    shared: { ids: [], published: [], prepared: [], ended: [], tasks: [] },
    sweptAt: undefined,
    asked: [],
    transactions: [],
    counts,
    violations,
    count(what, times = 1) {
      counts[what] = (counts[what] ?? 0) + times;
    },
    fail(promise, text) {
      violations.push({ promise, text, calls: [] });
    },
    observe(event) {
      world.count(event.kind === 'dead_lettered' ? `dead letters: ${event.reason}` : event.kind);
      if (event.kind === 'anomaly' && !isExplained(plan, event.what))
        world.fail('no-anomaly', `the engine says: ${event.what} (${event.queue}, ${event.row})`);
    },
    startRedrive,
    async noteDefects(process, run) {
      try {
        await run();
      } catch (error) {
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
        world.fail('no-defect', `${process} threw ${text}`);
      }
    },
  };
  return world;
}

/** Whoever has not learnt of a purge, or of the end of a queue, may take a message whose bodies are already removed: it delivers nothing. */
function isExplained({ processes }: Plan, what: string): boolean {
  const isRemoving = processes.some(({ steps }) => steps.some((step) => step.do === 'purge' || step.do === 'remake'));
  return isRemoving && what === 'the bodies of a message are gone';
}
