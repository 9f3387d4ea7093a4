/** Reads kept messages at intervals until all of them should be gone. */

import { tombstoneMs } from '../../../contract/limits.ts';
import type { SimulatedProcess } from '../../../engine/simulation/simulation.ts';
import { daySeconds, minuteMs, secondMs } from '../plan/drawing.ts';
import type { Plan } from '../plan/plan.ts';
import { engineOf } from '../run/processes.ts';
import type { World } from '../run/world.ts';

/** How many messages of a history are read. */
const readsMax = 30;
/** Times of the reads after the drain. */
const readsAfterMs = [0, 60 * minuteMs, 50 * daySeconds * secondMs];

/** The longest time that a plan keeps anything, ms. */
function keptMsMost({ queues, processes }: Plan): number {
  const updates = processes.flatMap(({ steps }) => steps.flatMap((step) => (step.do === 'update' ? [step.settings] : [])));
  const seconds = [...queues.map(({ settings }) => settings), ...updates].flatMap(({ keep }) =>
    keep ? [keep.doneSeconds, keep.deadSeconds] : [],
  );
  return Math.max(0, ...seconds) * secondMs;
}

/** `expire`: removes what DynamoDB's TTL would have removed by then. */
export async function review(world: World, process: SimulatedProcess, expire: () => Promise<void>): Promise<void> {
  const { plan, recorder, shared, simulation } = world;
  const keptMs = keptMsMost(plan);
  if (keptMs === 0) return;
  const by = { process: process.name, engine: engineOf(world, process) };
  const beganAt = simulation.now();
  const ended = shared.ended.slice(-readsMax);
  for (const after of readsAfterMs) {
    await process.clock.sleep(Math.max(0, beganAt + after - simulation.now()));
    await expire();
    for (const message of ended) await recorder.call(by, 'getMessage', message, {});
  }
  await process.clock.sleep(Math.max(0, beganAt + keptMs + tombstoneMs + minuteMs - simulation.now()));
  for (const row of simulation.memory.rows('leases')) {
    const isOver = (row.ttl as number) * secondMs < simulation.now();
    if (!isOver) world.fail('nothing-is-left', `a kept message outlives its time: ${JSON.stringify([row.id, row.ttl])}`);
  }
}
