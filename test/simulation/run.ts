/**
 * Runs one history: a plan, until all its processes are done; then faults stop, every lease ends, all is received and acked, and the
 * tables are looked at. The checker judges the calls.
 */
import type { Engine } from '../../engine/engine.ts';
import type { Clock, Key, Row } from '../../engine/port.ts';
import { answerMsMax, type Fault, noFaults } from '../../engine/simulated-store.ts';
import { createSimulation, type SimulatedProcess } from '../../engine/simulation.ts';
import { DumbwaiterError } from '../../sdk/errors.ts';
import { clockMarginMs, readToWriteMsMax, signedRequestMsMax, tombstoneMs } from '../../sdk/limits.ts';
import { engineOf, sweepOnce, takeSteps } from './caller.ts';
import { ledgerOf } from './checker/ledger.ts';
import { wasFull } from './checker/limits.ts';
import { check } from './checker.ts';
import type { History, Violation } from './history.ts';
import type { Plan, PlannedProcess } from './plan.ts';
import { restMsOf } from './rates.ts';
import { lateExpiries, residueOf } from './residue.ts';
import { review } from './review.ts';
import { schedulesIn } from './schedules.ts';
import { noteStanding } from './transacting.ts';
import { createWorld, type World } from './world.ts';

export interface Outcome {
  plan: Plan;
  history: History;
  violations: Violation[];
  /** How often what happened: faults, steps, answers of note. */
  counts: Record<string, number>;
  faults: { at: number; fault: Fault; process: string }[];
}

const minuteMs = 60_000;
const redriveMsMax = minuteMs;
const redriveTriesMax = 3;
const drainRoundsMax = 40;
/** More than a history gives any queue. */
const shardsMost = 8;
/** Of a process that died, the permits last so much longer than the leases. */
const permitMsBeyond = readToWriteMsMax + 2 * clockMarginMs;
/** A history that goes on for hours because a process stands still needs no more sweeps than the rules do, ms. */
const sweepsClose = 30;
const sweepMsLate = 4 * minuteMs;

export async function runPlan(plan: Plan): Promise<Outcome> {
  const faults = { ...noFaults, rates: { ...noFaults.rates }, pauseMsMax: plan.pauseMsMax };
  const struck: Outcome['faults'] = [];
  const simulation = createSimulation({ seed: plan.seed, faults, observe: (event) => struck.push(event) });
  const world = createWorld(plan, simulation, async (queue, task) => {
    void runRedrive(world, queue, task);
  });

  await setUp(world);
  Object.assign(faults.rates, plan.rates);
  await work(world);
  noteQueues(world);
  for (const late of lateExpiries(simulation.memory, simulation.now())) world.fail('never-hidden-too-long', late);
  Object.assign(faults.rates, noFaults.rates);
  const drainedAt = await drain(world);
  await tidy(world);
  void revived(world, 'review', 0, (process) =>
    world.noteDefects(process.name, () =>
      review(world, process, async () => void (plan.ttlActs && (await expireRows(world, () => true)))),
    ),
  );
  await simulation.run();

  noteStanding(world.transactions, simulation.memory.rows('queues'));
  const history: History = {
    calls: world.recorder.calls,
    asked: world.asked,
    transactions: world.transactions,
    circumstances: { clockErrorMs: clockMarginMs, retryMsMin: answerMsMax, drainedAt, sweptAt: world.sweptAt },
  };
  for (const [fault, times] of Object.entries(simulation.counts)) world.count(`fault ${fault}`, times);
  countAnswers(world);
  const limited = plan.queues.filter(({ settings }) => settings.limits);
  if (limited.length > 0) {
    const ledger = ledgerOf(history);
    world.count('limited queues that were full', limited.filter(({ name }) => wasFull(ledger, name)).length);
  }
  const isCalm = Object.values(plan.rates).every((rate) => rate === 0);
  const refusals = (world.counts['answer unavailable'] ?? 0) + (world.counts['result unavailable'] ?? 0);
  if (isCalm && refusals > 0) world.fail('available', `${refusals} answers were \`unavailable\` though the store failed nobody`);
  return { plan, history, violations: [...world.violations, ...check(history)], counts: world.counts, faults: struck };
}

/** Runs a process until it has ended, however often it is killed: another takes its place. */
async function revived(world: World, name: string, skewMs: number, body: (process: SimulatedProcess) => Promise<void>) {
  for (let life = 1; ; life++) {
    const end = await world.simulation.spawn(life === 1 ? name : `${name}.${life}`, body, { skewMs });
    if (end === 'ended') return;
    world.count('processes replaced');
  }
}

async function setUp(world: World): Promise<void> {
  const { plan, simulation, recorder } = world;
  void revived(world, 'setup', 0, async (process) => {
    const by = { process: process.name, engine: engineOf(world, process) };
    for (const { name, settings } of plan.queues) await recorder.call(by, 'createQueue', { queue: name }, settings);
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
    void revived(world, name, skewMs, (process) => takeSteps(world, process, steps, progress)).then(() => working--);
  }
  // A sweep, or the TTL, that stands still keeps the history from its end: meanwhile others sweep, that do not stand still.
  let lingering = 0;
  const { sweepMs } = plan;
  if (sweepMs !== undefined) {
    // As by a schedule: a run that stands still does not keep the next one from beginning.
    void simulation.spawn(
      'schedule',
      async ({ clock }) => {
        for (let run = 1; working + lingering > 0; run++) {
          lingering++;
          void simulation
            .spawn(
              'sweeper',
              (process) => world.noteDefects(process.name, () => sweepOnce(world, process, engineOf(world, process))),
              { steady: working === 0 },
            )
            .then(() => lingering--);
          await clock.sleep(working > 0 && run < sweepsClose ? sweepMs : sweepMsLate);
        }
      },
      { steady: true },
    );
  }
  if (plan.ttlActs) {
    lingering++;
    void revived(world, 'ttl', 0, async ({ clock, random }) => {
      while (working > 0) {
        await clock.sleep(minuteMs * 10 * random.number());
        await expireRows(world, () => random.number() < 0.5);
      }
    }).then(() => lingering--);
  }
  await simulation.run();
}

/** DynamoDB's TTL: removes rows whose instant has passed, each when it likes. */
async function expireRows({ simulation, count }: World, isTime: () => boolean): Promise<void> {
  const { memory } = simulation;
  const isOver = (row: Row) => row.ttl !== undefined && (row.ttl as number) * 1000 < simulation.now() && isTime();
  const keys: Key[] = [
    ...memory
      .rows('messages')
      .filter(isOver)
      .map(({ shard, id }): Key => ({ table: 'messages', shard: shard as string, id: id as string })),
    ...memory
      .rows('leases')
      .filter(isOver)
      .map(({ id }): Key => ({ table: 'leases', id: id as string })),
  ];
  count('rows removed by TTL', keys.length);
  await memory.writeAll(keys.map((key) => ({ key, then: { remove: true } })));
}

/** What an invocation of the redrive's function comes to: tried again when it fails; once it is killed, the sweep starts another. */
async function runRedrive(world: World, queue: string, task: string): Promise<void> {
  await world.simulation.spawn('redrive', (process) =>
    world.noteDefects(process.name, async () => {
      const engine = engineOf(world, process);
      for (let tries = 1; tries <= redriveTriesMax; tries++) {
        try {
          while ((await engine.runRedrive(queue, task, { until: process.clock.now() + redriveMsMax })) === 'more');
          return;
        } catch (error) {
          if (!(error instanceof DumbwaiterError)) throw error;
        }
        await process.clock.sleep(minuteMs);
      }
    }),
  );
}

/** No message is out of sight for longer than this, ms. */
function hiddenMsMax({ queues, processes }: Plan): number {
  const seconds = queues.map(({ settings }) => {
    const { visibilityTimeoutSeconds = 30, delaySeconds = 0, backoff } = settings;
    return visibilityTimeoutSeconds + delaySeconds + (backoff?.maxSeconds ?? 0);
  });
  const steps = processes.flatMap((process) =>
    process.steps.map((step) => {
      if (step.do === 'receive' || step.do === 'extend') return step.visibilityTimeoutSeconds ?? 0;
      if (step.do === 'release' || step.do === 'change') return step.delaySeconds ?? 0;
      if (step.do === 'update') return (step.settings.visibilityTimeoutSeconds ?? 0) + (step.settings.backoff?.maxSeconds ?? 0);
      return step.do === 'publish' ? Math.max(0, ...step.messages.map(({ delaySeconds = 0 }) => delaySeconds)) : 0;
    }),
  );
  return (Math.max(...seconds) + Math.max(0, ...steps)) * 1000;
}

/**
 * Receives and acks until nothing comes any more; answers when that was. Then once more, when the tombstones are no more: what had been
 * left behind under them would come back.
 */
async function drain(world: World): Promise<number> {
  const { plan, simulation } = world;
  let drainedAt = 0;
  void revived(world, 'drain', 0, (process) =>
    world.noteDefects(process.name, async () => {
      const engine = engineOf(world, process);
      const drained = () => receiveAll(world, { process: process.name, engine }, process.clock);
      // Requests under way arrive within the life of a signed one.
      await process.clock.sleep(signedRequestMsMax);
      for (const { name } of plan.queues) {
        await world.recorder.call({ process: process.name, engine }, 'updateQueue', { queue: name }, { paused: false });
      }
      // What a transaction published late may lie in a shard that was forgotten: each sweep looks at one.
      const sweeps = world.transactions.length > 0 ? shardsMost : 1;
      for (let run = 0; plan.sweepMs !== undefined && run < sweeps; run++) await sweepOnce(world, process, engine);
      await endSchedules(world, process, engine);
      await process.clock.sleep(hiddenMsMax(plan) + permitMsBeyond + plan.silenceMs);
      await drained();
      // Redrives that have lost their runner are begun again.
      while (simulation.memory.rows('queues').some(({ kind, state }) => kind === 'task' && state === 'running')) {
        await process.clock.sleep(3 * minuteMs);
        await sweepOnce(world, process, engine);
        await process.clock.sleep(minuteMs);
        await drained();
      }
      drainedAt = simulation.now();
      for (const { name } of plan.queues) {
        await world.recorder.call({ process: process.name, engine }, 'peek', { queue: name }, {});
      }
      if (plan.sweepMs !== undefined) await sweepOnce(world, process, engine);
      await process.clock.sleep(tombstoneMs + minuteMs);
      if (plan.ttlActs) await expireRows(world, () => true);
      await drained();
    }),
  );
  await simulation.run();
  return drainedAt;
}

/** Each run of the sweep publishes so many ticks of those that were missed. */
const sweepsForSchedules = 3;

/** Lets schedules publish what they missed, and deletes them: they would go on. */
async function endSchedules(world: World, process: SimulatedProcess, engine: Engine): Promise<void> {
  const names = schedulesIn(world.plan);
  if (names.length === 0) return;
  for (let sweeps = 1; sweeps <= sweepsForSchedules; sweeps++) {
    world.sweptAt = world.simulation.now();
    await sweepOnce(world, process, engine);
  }
  for (const name of names) await world.recorder.call({ process: process.name, engine }, 'deleteSchedule', { name }, {});
}

/** Until no queue has anything to give. */
async function receiveAll(
  { plan, recorder, shared }: World,
  by: { process: string; engine: Engine },
  clock: Clock,
): Promise<void> {
  const restMs = restMsOf(plan);
  // Messages die on their way: first the queues that they die in.
  const names = plan.queues.map(({ name }) => name).reverse();
  for (let round = 1, found = 1; found > 0; round++) {
    if (round > drainRoundsMax) throw new Error('messages keep coming');
    found = 0;
    for (const queue of names) {
      for (let rested = false; ; ) {
        const output = await recorder.call(by, 'receive', { queue }, { max: 20, visibilityTimeoutSeconds: 60 });
        if (!output || output.messages.length === 0) {
          if (rested || restMs === 0) break;
          rested = true;
          await clock.sleep(restMs);
          continue;
        }
        rested = false;
        found += output.messages.length;
        await recorder.call(by, 'ack', { queue }, { receipts: output.messages.map(({ receipt }) => receipt) });
        shared.ended.push(...output.messages.map(({ id }) => ({ queue, id })));
      }
    }
  }
}

/** Whether anything broke off that may have left half of its writes. */
function struckMidway({ counts, simulation }: World): boolean {
  const { stale: _, ...others } = simulation.counts;
  return (counts['processes replaced'] ?? 0) + Object.values(others).reduce((sum, times) => sum + times) > 0;
}

const tidyRoundsLeast = 4;
const tidyRoundsMost = 24;

/** Sweeps until nothing is left to do, and looks at what there is. */
async function tidy(world: World): Promise<void> {
  const { simulation } = world;
  let left: string[] = [];
  const mayOrphan = struckMidway(world);
  void revived(world, 'tidy', 0, (process) =>
    world.noteDefects(process.name, async () => {
      const engine = engineOf(world, process);
      for (let round = 1; round <= tidyRoundsMost; round++) {
        await process.clock.sleep(21 * minuteMs);
        await sweepOnce(world, process, engine);
        left = residueOf(simulation.memory, mayOrphan);
        if (left.length === 0 && round >= tidyRoundsLeast) return;
      }
    }),
  );
  await simulation.run();
  for (const row of simulation.memory.rows('queues'))
    if (row.kind === 'task') world.count('messages redriven', row.moved as number);
  for (const what of left) world.fail('nothing-is-left', what);
}

/** Shards that came to be under load, or will have to go; what redrives have moved. */
function noteQueues({ plan, simulation, count }: World): void {
  for (const row of simulation.memory.rows('queues')) {
    if (row.kind !== 'queue') continue;
    const planned = plan.queues.find(({ name }) => name === row.name)!;
    if ((row.shards as number) > planned.shards) count('queues grown');
    if ((row.shardsVisited as number) > 1) count('shards retired', (row.shardsVisited as number) - 1);
  }
}

/** Answers that show that a history came to what it was meant to try. */
function countAnswers({ recorder, count }: World): void {
  for (const call of recorder.calls) {
    count(`call ${call.operation}`);
    if ('lost' in call.answer) count('answer lost');
    else if ('refused' in call.answer) count(`answer ${call.answer.refused}`);
    else if (call.operation === 'getRedrive' || call.operation === 'cancelRedrive') continue;
    else if (call.operation === 'cancelMessage') count('messages cancelled');
    else if (call.operation === 'updateMessage') count('messages changed');
    else if (call.operation === 'commitMessage') count('messages committed');
    else if (call.operation === 'rollbackMessage') count('messages rolled back');
    else if (call.operation === 'getMessage') {
      if (call.answer.output.endedAt !== undefined) count('ended messages shown');
      if (call.answer.output.result !== undefined) count('results shown');
    } else if ('results' in call.answer.output) {
      for (const result of call.answer.output.results) {
        if (!result.ok) count(`result ${result.code}`);
        else if ('duplicate' in result) count(result.id.startsWith('@') ? 'keys taken' : 'result duplicate');
        else if ('deadLettered' in result) count('result dead-lettered');
      }
    } else if ('messages' in call.answer.output && call.operation === 'receive') {
      count('messages received', call.answer.output.messages.length);
      count('messages received again', call.answer.output.messages.filter(({ receives }) => receives > 1).length);
      count('ticks received', call.answer.output.messages.filter(({ attributes }) => attributes.schedule).length);
      count('messages of groups received', call.answer.output.messages.filter(({ group }) => group !== undefined).length);
      count('dead letters received', call.answer.output.messages.filter(({ deadLetter }) => deadLetter).length);
    }
  }
}
