/** Sweeps after the drain. Then the tables may hold only what TTL removes. */

import { minuteMs } from '../plan/drawing.ts';
import { residueOf } from '../report/residue.ts';
import { sweepOnce } from './background.ts';
import { engineOf, runToEnd } from './processes.ts';
import type { World } from './world.ts';

const tidyRoundsLeast = 4;
const tidyRoundsMost = 24;

/** Sweeps until nothing is left, and reports what remains. */
export async function tidy(world: World): Promise<void> {
  const { simulation } = world;
  let left: string[] = [];
  void runToEnd(world, 'tidy', 0, (process) =>
    world.noteDefects(process.name, async () => {
      const engine = engineOf(world, process);
      for (let round = 1; round <= tidyRoundsMost; round++) {
        await process.clock.sleep(21 * minuteMs);
        await sweepOnce(world, process, engine);
        const mayBeLate = world.transactions.some(({ topicPublishes = [] }) => topicPublishes.length > 0);
        left = residueOf(simulation.memory, world.orphans.mayBe, mayBeLate);
        if (left.length === 0 && round >= tidyRoundsLeast) return;
      }
    }),
  );
  await simulation.run();
  for (const row of simulation.memory.rows('queues'))
    if (row.kind === 'task') world.count('messages redriven', row.moved as number);
  for (const what of left) world.fail('nothing-is-left', what);
}
