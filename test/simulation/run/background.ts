/** What runs besides the callers: sweeps, redrives, and DynamoDB's TTL. */

import { DumbwaiterError } from '../../../contract/errors.ts';
import type { Engine } from '../../../engine/engine.ts';
import type { Key, Row } from '../../../engine/port/port.ts';
import type { SimulatedProcess } from '../../../engine/simulation/simulation.ts';
import { minuteMs } from '../plan/drawing.ts';
import { engineOf } from './processes.ts';
import { rowsDueWhileAsleep } from './sleeping-queues.ts';
import type { World } from './world.ts';

const sweepMsMax = 50_000;
const redriveMsMax = minuteMs;
const redriveTriesMax = 3;

/** One invocation of the sweep. It may fail: the next one does its work. */
export async function sweepOnce(world: World, process: SimulatedProcess, engine: Engine): Promise<void> {
  world.count('sweeps');
  const left = publicationsLeft(world, process.clock.now());
  try {
    const { queues, totals } = await engine.sweep({ until: process.clock.now() + sweepMsMax });
    world.count('sleeping queues skipped by sweeps', totals.asleep);
    for (const { removed, deadLettered } of queues) {
      world.count('rows removed by sweeps', removed);
      world.count('dead-lettered by sweeps', deadLettered);
    }
  } catch (error) {
    if (!(error instanceof DumbwaiterError)) throw error;
  }
  const still = publicationsLeft(world, process.clock.now());
  world.count('publications carried on by sweeps', left.filter((name) => !still.includes(name)).length);
  for (const text of rowsDueWhileAsleep(world.simulation.memory, world.simulation.now()))
    world.fail('asleep-holds-nothing', text);
}

/** The publishes to topics that their processes have left. */
function publicationsLeft({ plan, simulation }: World, now: number): unknown[] {
  if (plan.topics.length === 0) return [];
  return simulation.memory
    .rows('queues')
    .filter(({ kind, state, dueAt }) => kind === 'publication' && state === 'delivering' && (dueAt as number) <= now)
    .map(({ name }) => name);
}

/** The redrive's function: Lambda retries it after an error. After a kill, the sweep starts another. */
export async function runRedrive(world: World, queue: string, task: string): Promise<void> {
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

/** DynamoDB's TTL: removes expired rows, each after an arbitrary time. */
export async function expireRows({ simulation, count }: World, mayExpire: () => boolean): Promise<void> {
  const { memory } = simulation;
  const isOver = (row: Row) => row.ttl !== undefined && (row.ttl as number) * 1000 < simulation.now() && mayExpire();
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
