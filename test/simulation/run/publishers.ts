/** Answers check-backs of prepared messages. The number of the body decides the answer. Some answers are slow. */

import type { Json } from '../../../contract/contract.ts';
import { isJsonText } from '../../../contract/json-text.ts';
import type { EngineParts } from '../../../engine/engine.ts';
import type { SimulatedProcess } from '../../../engine/simulation/simulation.ts';
import { numberOf } from '../plan/bodies.ts';
import type { Asked } from './history.ts';
import type { World } from './world.ts';

const answers: readonly Asked['answer'][] = ['commit', 'rollback', 'unknown'];
const slowShare = 0.2;
const slowMsMax = 1000;

export function publishersOf(world: World, { clock, random }: SimulatedProcess): NonNullable<EngineParts['checkBack']> {
  return async (_, { queue, id, body }) => {
    const value = isJsonText(body) ? (JSON.parse(body.text) as Json) : (body ?? null);
    const answer = answers[numberOf(value) % answers.length]!;
    world.asked.push({ queue, id, at: world.simulation.now(), answer });
    world.count(`publishers asked: ${answer}`);
    if (random.number() < slowShare) await clock.sleep(random.number() * slowMsMax);
    return answer;
  };
}
