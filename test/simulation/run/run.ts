/**
 * Start here. Runs one history: the processes of a plan until all are done. Then faults stop, all messages are received and acked, and the
 * tables are inspected. The checker checks the recorded calls.
 */

import { clockMarginMs } from '../../../contract/limits.ts';
import type { Key } from '../../../engine/port/port.ts';
import { cronTiming } from '../../../engine/schedules/cron.ts';
import { answerMsMax, type Fault, noFaults } from '../../../engine/simulation/faulty-store.ts';
import { createSimulation } from '../../../engine/simulation/simulation.ts';
import { check } from '../checker/check.ts';
import { ledgerOf } from '../checker/ledger-of.ts';
import { wasFull } from '../checker/limits.ts';
import { minuteMs } from '../plan/drawing.ts';
import type { Plan, PlannedProcess } from '../plan/plan.ts';
import { lateExpiries } from '../report/residue.ts';
import { review } from '../report/review.ts';
import { expireRows, runRedrive, sweepOnce } from './background.ts';
import { takeSteps } from './caller.ts';
import { drain } from './drain.ts';
import type { History, Violation } from './history.ts';
import { countAnswers, noteQueues } from './notes.ts';
import { engineOf, runToEnd } from './processes.ts';
import { tidy } from './tidy.ts';
import { createTopics } from './topics.ts';
import { noteApplied } from './transacting.ts';
import { createWorld, type World } from './world.ts';

export interface Outcome {
  plan: Plan;
  history: History;
  violations: Violation[];
  /** How often each fault, step and answer occurred. */
  counts: Record<string, number>;
  faults: { at: number; fault: Fault; process: string }[];
}

/** After so many sweeps the period is longer: a history can last hours while a process is paused. */
const frequentSweeps = 30;
const longSweepMs = 4 * minuteMs;

/** The engine loads the cron parser on first use, in real time. Load it before the simulation starts. */
const cronLoaded = cronTiming('* * * * *', 'UTC');

export async function runPlan(plan: Plan): Promise<Outcome> {
  const faults = { ...noFaults, rates: { ...noFaults.rates }, pauseMsMax: plan.pauseMsMax };
  const injected: Outcome['faults'] = [];
  const simulation = createSimulation({ seed: plan.seed, faults, observe: (event) => injected.push(event) });
  const world = createWorld(plan, simulation, injected, async (queue, task) => {
    void runRedrive(world, queue, task);
  });

  await cronLoaded;
  await setUp(world);
  Object.assign(faults.rates, plan.rates);
  await work(world);
  noteQueues(world);
  for (const late of lateExpiries(simulation.memory, simulation.now())) world.fail('never-hidden-too-long', late);
  Object.assign(faults.rates, noFaults.rates);
  const drainedAt = await drain(world);
  await tidy(world);
  void runToEnd(world, 'review', 0, (process) =>
    world.noteDefects(process.name, () =>
      review(world, process, async () => void (plan.ttlActs && (await expireRows(world, () => true)))),
    ),
  );
  await simulation.run();

  noteApplied(world.transactions, simulation.memory.rows('queues'));
  const hasNoFaults = Object.values(plan.rates).every((rate) => rate === 0);
  const history: History = {
    calls: world.recorder.calls,
    asked: world.asked,
    transactions: world.transactions,
    circumstances: { clockErrorMs: clockMarginMs, retryMsMin: answerMsMax, hasNoFaults, drainedAt, sweptAt: world.sweptAt },
  };
  for (const [fault, times] of Object.entries(simulation.counts)) world.count(`fault ${fault}`, times);
  countAnswers(world);
  const limited = plan.queues.filter(({ settings }) => settings.limits);
  if (limited.length > 0) {
    const ledger = ledgerOf(history);
    world.count('limited queues that were full', limited.filter(({ name }) => wasFull(ledger, name)).length);
  }
  const refusals = (world.counts['answer unavailable'] ?? 0) + (world.counts['result unavailable'] ?? 0);
  if (hasNoFaults && refusals > 0)
    world.fail('available', `${refusals} answers were \`unavailable\` although the store had no faults`);
  return { plan, history, violations: [...world.violations, ...check(history)], counts: world.counts, faults: injected };
}

async function setUp(world: World): Promise<void> {
  const { plan, simulation, recorder } = world;
  void runToEnd(world, 'setup', 0, async (process) => {
    const by = { process: process.name, engine: engineOf(world, process) };
    for (const { name, settings } of plan.queues) await recorder.call(by, 'createQueue', { queue: name }, settings);
    await createTopics(world, by);
  });
  await simulation.run();
  for (const { name, shards } of plan.queues) {
    const key: Key = { table: 'queues', kind: 'queue', name };
    await simulation.memory.write({
      key,
      then: {
        set: [
          [['shards'], shards],
          [['shardsVisited'], shards],
          [['shardsEver'], shards],
        ],
      },
    });
  }
}

async function work(world: World): Promise<void> {
  const { plan, simulation } = world;
  let working = plan.processes.length;
  for (const { name, skewMs, steps } of plan.processes satisfies PlannedProcess[]) {
    const progress = { at: 0 };
    void runToEnd(world, name, skewMs, (process) => takeSteps(world, process, steps, progress)).then(() => working--);
  }
  // The history lasts until paused sweeps and TTL runs end. Meanwhile further sweeps run without pauses.
  let backgroundRuns = 0;
  const { sweepMs } = plan;
  if (sweepMs !== undefined) {
    // Like a schedule of EventBridge: a paused run does not delay the next one.
    void simulation.spawn(
      'schedule',
      async ({ clock }) => {
        for (let run = 1; working + backgroundRuns > 0; run++) {
          backgroundRuns++;
          void simulation
            .spawn(
              'sweeper',
              (process) => world.noteDefects(process.name, () => sweepOnce(world, process, engineOf(world, process))),
              { steady: working === 0 },
            )
            .then(() => backgroundRuns--);
          await clock.sleep(working > 0 && run < frequentSweeps ? sweepMs : longSweepMs);
        }
      },
      { steady: true },
    );
  }
  if (plan.ttlActs) {
    backgroundRuns++;
    void runToEnd(world, 'ttl', 0, async ({ clock, random }) => {
      while (working > 0) {
        await clock.sleep(minuteMs * 10 * random.number());
        await expireRows(world, () => random.number() < 0.5);
      }
    }).then(() => backgroundRuns--);
  }
  await simulation.run();
}
