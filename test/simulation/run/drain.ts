/** The end of a history, when faults have stopped: what is still there is received and acked, until nothing comes any more. */

import { clockMarginMs, readToWriteMsMax, signedRequestMsMax, tombstoneMs } from '../../../contract/limits.ts';
import type { Engine } from '../../../engine/engine.ts';
import type { Clock } from '../../../engine/port/port.ts';
import type { SimulatedProcess } from '../../../engine/simulation/simulation.ts';
import { minuteMs } from '../plan/drawing.ts';
import type { Plan, PlannedMessage } from '../plan/plan.ts';
import { restMsOf } from '../plan/rates.ts';
import { schedulesIn } from '../plan/schedules.ts';
import { expireRows, sweepOnce } from './background.ts';
import { engineOf, revived } from './processes.ts';
import type { World } from './world.ts';

const drainRoundsMax = 40;
/** More than a history gives any queue. */
const shardsMost = 8;
/** Of a process that died, the permits last so much longer than the leases. */
const permitMsBeyond = readToWriteMsMax + 2 * clockMarginMs;

const waitSeconds = ({ delaySeconds = 0, deliverSeconds = 0 }: Pick<PlannedMessage, 'delaySeconds' | 'deliverSeconds'>) =>
  Math.max(delaySeconds, deliverSeconds);

/**
 * Receives and acks until nothing comes any more; answers when that was. Then once more, when the tombstones are no more: what had been
 * left behind under them would come back.
 */
export async function drain(world: World): Promise<number> {
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

/** No message is out of sight for longer than this, ms. */
function hiddenMsMax({ queues, processes }: Plan): number {
  const seconds = queues.map(({ settings }) => {
    const { visibilityTimeoutSeconds = 30, delaySeconds = 0, backoff } = settings;
    return visibilityTimeoutSeconds + delaySeconds + (backoff?.maxSeconds ?? 0);
  });
  const steps = processes.flatMap((process) =>
    process.steps.map((step) => {
      if (step.do === 'receive' || step.do === 'extend') return step.visibilityTimeoutSeconds ?? 0;
      if (step.do === 'release') return step.delaySeconds ?? 0;
      if (step.do === 'change') return waitSeconds(step);
      if (step.do === 'update') return (step.settings.visibilityTimeoutSeconds ?? 0) + (step.settings.backoff?.maxSeconds ?? 0);
      const messages = (step.do === 'transact' ? step.publish : step.do === 'publish' ? step : undefined)?.messages ?? [];
      return Math.max(0, ...messages.map(waitSeconds));
    }),
  );
  return (Math.max(...seconds) + Math.max(0, ...steps)) * 1000;
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
