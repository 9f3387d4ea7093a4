/** The end of a history without faults: receives and acks until all queues are empty. */

import { clockMarginMs, readToWriteMsMax, signedRequestMsMax, tombstoneMs } from '../../../contract/limits.ts';
import type { Engine } from '../../../engine/engine.ts';
import type { Clock } from '../../../engine/port/port.ts';
import type { SimulatedProcess } from '../../../engine/simulation/simulation.ts';
import { minuteMs } from '../plan/drawing.ts';
import type { Plan, PlannedMessage } from '../plan/plan.ts';
import { restMsOf } from '../plan/rates.ts';
import { schedulesIn } from '../plan/schedules.ts';
import { expireRows, sweepOnce } from './background.ts';
import { engineOf, runToEnd } from './processes.ts';
import type { World } from './world.ts';

const drainRoundsMax = 40;
/** No queue of a history has more shards. */
const shardsMost = 8;
/** How much longer than its leases the permits of a dead process last. */
const permitMsBeyond = readToWriteMsMax + 2 * clockMarginMs;

const waitSeconds = ({ delaySeconds = 0, deliverSeconds = 0 }: Pick<PlannedMessage, 'delaySeconds' | 'deliverSeconds'>) =>
  Math.max(delaySeconds, deliverSeconds);

/**
 * Receives and acks until all queues are empty, and returns when that was. Then does so again after the tombstones have expired: rows that they
 * wrongly hid would come back.
 */
export async function drain(world: World): Promise<number> {
  const { plan, simulation } = world;
  let drainedAt = 0;
  void runToEnd(world, 'drain', 0, (process) =>
    world.noteDefects(process.name, async () => {
      const engine = engineOf(world, process);
      const drained = () => receiveAll(world, { process: process.name, engine }, process.clock);
      // Requests in transit arrive within the lifetime of their signature.
      await process.clock.sleep(signedRequestMsMax);
      const owned = ownedQueues(world).filter(({ paused }) => paused);
      for (const { name } of [...plan.queues, ...owned]) {
        await world.recorder.call({ process: process.name, engine }, 'updateQueue', { queue: name }, { paused: false });
      }
      // A late transaction may have published to a forgotten shard. Each sweep visits one.
      const sweeps = world.transactions.length > 0 ? shardsMost : 1;
      for (let run = 0; plan.sweepMs !== undefined && run < sweeps; run++) await sweepOnce(world, process, engine);
      await endSchedules(world, process, engine);
      await process.clock.sleep(hiddenMsMax(plan) + permitMsBeyond + plan.silenceMs);
      await drained();
      // The sweep restarts redrives whose process died.
      while (simulation.memory.rows('queues').some(({ kind, state }) => kind === 'task' && state === 'running')) {
        await process.clock.sleep(3 * minuteMs);
        await sweepOnce(world, process, engine);
        await process.clock.sleep(minuteMs);
        await drained();
      }
      drainedAt = simulation.now();
      for (const name of existingQueues(world)) {
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

/** No message is invisible for longer than this, ms. */
function hiddenMsMax({ queues, topics, processes }: Plan): number {
  const seconds = [...queues.map(({ settings }) => settings), ...topics.map(({ queueSettings }) => queueSettings)].map(
    (settings) => {
      const { visibilityTimeoutSeconds = 30, delaySeconds = 0, backoff } = settings;
      return visibilityTimeoutSeconds + delaySeconds + (backoff?.maxSeconds ?? 0);
    },
  );
  const steps = processes.flatMap((process) =>
    process.steps.map((step) => {
      if (step.do === 'receive' || step.do === 'extend') return step.visibilityTimeoutSeconds ?? 0;
      if (step.do === 'release') return step.delaySeconds ?? 0;
      if (step.do === 'change') return waitSeconds(step);
      if (step.do === 'update') return (step.settings.visibilityTimeoutSeconds ?? 0) + (step.settings.backoff?.maxSeconds ?? 0);
      const messages =
        (step.do === 'transact' ? step.publish : step.do === 'publish' || step.do === 'publishToTopic' ? step : undefined)
          ?.messages ?? [];
      return Math.max(0, ...messages.map(waitSeconds));
    }),
  );
  return (Math.max(...seconds) + Math.max(0, ...steps)) * 1000;
}

/** Enough sweeps to publish all missed ticks: each publishes a limited number. */
const sweepsForSchedules = 3;

/** Lets schedules publish their missed ticks, then deletes them. */
async function endSchedules(world: World, process: SimulatedProcess, engine: Engine): Promise<void> {
  const names = schedulesIn(world.plan);
  if (names.length === 0) return;
  for (let sweeps = 1; sweeps <= sweepsForSchedules; sweeps++) {
    world.sweptAt = world.simulation.now();
    await sweepOnce(world, process, engine);
  }
  for (const name of names) await world.recorder.call({ process: process.name, engine }, 'deleteSchedule', { name }, {});
}

/** The queues that subscriptions own now. */
function ownedQueues({ simulation }: World): { name: string; paused: boolean }[] {
  const rows = simulation.memory.rows('queues');
  return rows
    .filter(({ kind, subscription }) => kind === 'queue' && subscription !== undefined)
    .map(({ name, paused = false }) => ({ name: name as string, paused: paused as boolean }));
}

/** The queues of the plan, and those that subscriptions own now. */
function existingQueues(world: World): string[] {
  return [...world.plan.queues, ...ownedQueues(world)].map(({ name }) => name);
}

/** Receives and acks until all queues are empty. */
async function receiveAll(world: World, by: { process: string; engine: Engine }, clock: Clock): Promise<void> {
  const { plan, recorder, shared } = world;
  const restMs = restMsOf(plan);
  // Dead-letter queues come last: they fill up while the others are drained.
  const names = existingQueues(world).reverse();
  for (let round = 1, found = 1; found > 0; round++) {
    if (round > drainRoundsMax) throw new Error(`queues still deliver messages after ${drainRoundsMax} rounds`);
    found = 0;
    for (const queue of names) {
      for (let hasRested = false; ; ) {
        const output = await recorder.call(by, 'receive', { queue }, { max: 20, visibilityTimeoutSeconds: 60 });
        if (!output || output.messages.length === 0) {
          if (hasRested || restMs === 0) break;
          hasRested = true;
          await clock.sleep(restMs);
          continue;
        }
        hasRested = false;
        found += output.messages.length;
        await recorder.call(by, 'ack', { queue }, { receipts: output.messages.map(({ receipt }) => receipt) });
        shared.ended.push(...output.messages.map(({ id }) => ({ queue, id })));
      }
    }
  }
}
