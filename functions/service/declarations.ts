/** Creates or updates queues and schedules so that they match a declaration in code. */

import type { QueueSettingsInput, ScheduleInput } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { parseInput, parseParams } from '../../contract/schemas/parse.ts';
import type { CallOptions, Engine } from '../../engine/engine.ts';

export type Declarations = ReadonlyMap<string, QueueSettingsInput>;

/** Parses `{"<queue>": {<settings>}}` from JSON text: CloudFormation passes every property as text. Throws `invalid_input`. */
export function parseDeclarations(json: string): Declarations {
  const declared = JSON.parse(json) as Record<string, unknown>;
  return new Map(
    Object.entries(declared).map(([queue, settings]) => [
      parseParams('createQueue', { queue }).queue,
      parseInput('createQueue', settings),
    ]),
  );
}

/** Creates the queues or updates their settings. Dead-letter queues come before the queues that use them. Throws DumbwaiterError. */
export async function declareQueues(engine: Engine, declared: Declarations, options: CallOptions): Promise<void> {
  for (const queue of targetsFirst(declared)) {
    const settings = declared.get(queue) ?? {};
    try {
      await engine.call('createQueue', { queue }, settings, options);
    } catch (error) {
      if (!(error instanceof DumbwaiterError) || error.code !== 'queue_exists') throw error;
      await engine.call('updateQueue', { queue }, settings, options);
    }
  }
}

/** Parses `{"<schedule>": {…}}` from JSON text. Throws `invalid_input`. */
export function parseSchedules(json: string): ReadonlyMap<string, ScheduleInput> {
  const declared = JSON.parse(json) as Record<string, unknown>;
  return new Map(
    Object.entries(declared).map(([name, schedule]) => [
      parseParams('putSchedule', { name }).name,
      parseInput('putSchedule', schedule),
    ]),
  );
}

/** Puts the schedules. A paused schedule stays paused unless its declaration sets `paused`. Throws DumbwaiterError. */
export async function declareSchedules(
  engine: Engine,
  declared: ReadonlyMap<string, ScheduleInput>,
  options: CallOptions,
): Promise<void> {
  for (const [name, schedule] of declared) {
    const paused = schedule.paused ?? (await isPaused(engine, name, options));
    await engine.call('putSchedule', { name }, { ...schedule, paused }, options);
  }
}

async function isPaused(engine: Engine, name: string, options: CallOptions): Promise<boolean> {
  try {
    return (await engine.call('getSchedule', { name }, {}, options)).paused;
  } catch (error) {
    if (error instanceof DumbwaiterError && error.code === 'schedule_not_found') return false;
    throw error;
  }
}

/** Orders dead-letter queues before the queues that use them. Does not reject cycles: the engine does. */
function targetsFirst(declared: Declarations): string[] {
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
