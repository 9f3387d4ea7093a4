/** The processes of a history: their engines, and the replacement of killed ones. */

import type { TransactionItem } from '../../../contract/contract.ts';
import { createEngine } from '../../../engine/create.ts';
import type { Engine } from '../../../engine/engine.ts';
import type { SimulatedProcess } from '../../../engine/simulation/simulation.ts';
import { publishersOf } from './publishers.ts';
import type { World } from './world.ts';

export function engineOf(world: World, process: SimulatedProcess): Engine {
  return createEngine({
    store: world.orphans.watched(process.name, process.store),
    clock: process.clock,
    random: process.random,
    observe: world.observe,
    startRedrive: world.startRedrive,
    checkBack: publishersOf(world, process),
    transactionItem: (write) => write as unknown as TransactionItem,
  });
}

/** Runs a process until it ends. After each kill, another one replaces it. */
export async function runToEnd(world: World, name: string, skewMs: number, body: (process: SimulatedProcess) => Promise<void>) {
  for (let life = 1; ; life++) {
    const called = life === 1 ? name : `${name}.${life}`;
    const end = await world.simulation.spawn(called, body, { skewMs });
    if (end === 'ended') return;
    world.orphans.noteDeath(called);
    world.count('processes replaced');
  }
}
