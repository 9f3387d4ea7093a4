/** What the processes of one history share. */

import { retryMsMax, throttledMsMax } from '../../../contract/limits.ts';
import type { EngineEvent } from '../../../engine/engine.ts';
import type { Simulation } from '../../../engine/simulation/simulation.ts';
import type { Plan, Step } from '../plan/plan.ts';
import { createOrphans, type InjectedFault, type Orphans } from '../report/orphans.ts';
import type { Asked, Transaction, Violation } from './history.ts';
import { createRecorder, type Recorder } from './recorder.ts';

export interface World {
  plan: Plan;
  simulation: Simulation;
  recorder: Recorder;
  orphans: Orphans;
  /** Known to every caller: published ids, started redrives. */
  shared: {
    ids: string[];
    published: { queue: string; id: string }[];
    prepared: { queue: string; id: string }[];
    /** Prepared publishes to topics. */
    publications: { topic: string; id: string }[];
    /** Messages that were acked or cancelled. */
    ended: { queue: string; id: string }[];
    tasks: { queue: string; task: string }[];
  };
  /** See `Circumstances`. */
  sweptAt: number | undefined;
  /** The check-backs so far. */
  asked: Asked[];
  transactions: Transaction[];
  /** How often each thing happened. */
  counts: Record<string, number>;
  count(what: string, times?: number): void;
  /** Violations found without the checker. */
  violations: Violation[];
  fail(promise: string, text: string): void;
  observe(event: EngineEvent): void;
  startRedrive: (queue: string, task: string) => Promise<void>;
  /** Runs code that must not throw. An error is a violation. */
  noteDefects(process: string, run: () => Promise<void>): Promise<void>;
}

/** The longest duration of a call, not counting pauses of its process, ms. */
const callMsMax = throttledMsMax + retryMsMax;

export function createWorld(
  plan: Plan,
  simulation: Simulation,
  injected: readonly InjectedFault[],
  startRedrive: World['startRedrive'],
): World {
  const counts: Record<string, number> = {};
  const violations: Violation[] = [];
  const world: World = {
    plan,
    simulation,
    recorder: createRecorder(simulation.now),
    orphans: createOrphans(simulation.now, injected, callMsMax + plan.pauseMsMax),
    shared: { ids: [], published: [], prepared: [], publications: [], ended: [], tasks: [] },
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
        world.fail('no-anomaly', `the engine reports: ${event.what} (${event.queue}, ${event.row})`);
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

const removing: readonly Step['do'][] = ['purge', 'remake'];

/**
 * A receive with outdated settings may claim a message whose bodies a purge or deletion has removed. It delivers nothing. The queues of
 * subscriptions may end at any time.
 */
function isExplained({ processes, topics }: Plan, what: string): boolean {
  // Faults and pauses hold a publish up for longer than it should take. In the end nothing of it may be left.
  if (what === 'a publish to a topic does not reach all its subscriptions') return true;
  const isRemoving = processes.some(({ steps }) => steps.some((step) => removing.includes(step.do)));
  return (isRemoving || topics.length > 0) && what === 'the bodies of a message are gone';
}
