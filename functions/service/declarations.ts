/** Creates or updates queues and schedules so that they match a declaration in code. */

import type { CheckedInputOf } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { parseInput, parseParams } from '../../contract/schemas/parse.ts';
import type { CallOptions, Engine } from '../../engine/engine.ts';

const nameOf = { createQueue: 'queue', putSchedule: 'name' } as const;

/** By name: the checked inputs of the operation that creates each. */
type Declared<Name extends keyof typeof nameOf> = ReadonlyMap<string, CheckedInputOf<Name>>;

/** Parses `{"<name>": {…}}` from JSON text: CloudFormation passes every property as text. Throws `invalid_input`. */
export function parseDeclared<Name extends keyof typeof nameOf>(operation: Name, json: string): Declared<Name> {
  const declared = Object.entries(JSON.parse(json) as Record<string, unknown>);
  for (const [name] of declared) parseParams(operation, { [nameOf[operation]]: name });
  return new Map(declared.map(([name, input]) => [name, parseInput(operation, input)]));
}

/** Creates the queues or updates their settings. Dead-letter queues come before the queues that use them. Throws DumbwaiterError. */
export async function declareQueues(engine: Engine, declared: Declared<'createQueue'>, options: CallOptions): Promise<void> {
  for (const queue of targetsFirst(declared)) {
    const settings = declared.get(queue) ?? {};
    try {
      await engine.callChecked('createQueue', { queue }, settings, options);
    } catch (error) {
      if (!(error instanceof DumbwaiterError) || error.code !== 'queue_exists') throw error;
      await engine.callChecked('updateQueue', { queue }, settings, options);
    }
  }
}

/** Puts the schedules. A paused schedule stays paused unless its declaration sets `paused`. Throws DumbwaiterError. */
export async function declareSchedules(engine: Engine, declared: Declared<'putSchedule'>, options: CallOptions): Promise<void> {
  for (const [name, schedule] of declared) {
    const paused = schedule.paused ?? (await isPaused(engine, name, options));
    await engine.callChecked('putSchedule', { name }, { ...schedule, paused }, options);
  }
}

async function isPaused(engine: Engine, name: string, options: CallOptions): Promise<boolean> {
  try {
    return (await engine.callChecked('getSchedule', { name }, {}, options)).paused;
  } catch (error) {
    if (error instanceof DumbwaiterError && error.code === 'schedule_not_found') return false;
    throw error;
  }
}

/** Orders dead-letter queues before the queues that use them. Does not reject cycles: the engine does. */
function targetsFirst(declared: Declared<'createQueue'>): string[] {
  const ordered = new Set<string>();
  const visit = (queue: string, path: readonly string[]): void => {
    const settings = declared.get(queue);
    if (settings === undefined || ordered.has(queue) || path.includes(queue)) return;
    const target = settings.deadLetter?.queue;
    if (target !== undefined) visit(target, [...path, queue]);
    ordered.add(queue);
  };
  for (const queue of declared.keys()) visit(queue, []);
  return [...ordered];
}
