/** Messages of schedules. Each counts as published at its tick by a call whose answer was lost. */
import type { ReceivedMessage } from '../../../contract/contract.ts';
import { contentKey } from './content.ts';
import { type CallOf, endOf } from './outcomes.ts';
import type { Queues } from './queues.ts';
import { type Definition, hasTick, type Schedules } from './schedules.ts';

/** The schedule and the tick that a message names. */
export function tickOf({ attributes }: Pick<ReceivedMessage, 'attributes'>): { name: string; tick: number } | undefined {
  const { schedule, tick } = attributes;
  return typeof schedule === 'string' && typeof tick === 'string' ? { name: schedule, tick: Date.parse(tick) } : undefined;
}

/** The publish that made a message of a schedule. Undefined if the schedule cannot have published it. */
export function publishOf(
  message: ReceivedMessage,
  receive: CallOf<'receive'>,
  { schedules, queues, clockErrorMs }: { schedules: Schedules; queues: Queues; clockErrorMs: number },
): CallOf<'publish'> | undefined {
  const of = tickOf(message);
  if (!of) return undefined;
  const { schedule: _, tick: __, ...attributes } = message.attributes;
  const content = contentKey({ ...message, attributes });
  const definition = schedules.definitions
    .get(of.name)
    ?.find(
      (one) =>
        one.content === content &&
        queues.reachable(one.queue).has(receive.params.queue) &&
        hasTick(one, of.tick) &&
        mayHold(one, of.name, of.tick, schedules, clockErrorMs),
    );
  if (!definition) return undefined;
  const { body, bodyBase64 } = message;
  const sent = bodyBase64 === undefined ? { body: body ?? null } : { bodyBase64 };
  return tickPublish(definition.queue, of.tick, { ...sent, attributes: message.attributes });
}

const tickProcess = 'schedule';

/** Whether the publish is that of a tick, at the time of the tick. */
export function isOfTick({ process }: CallOf<'publish'>): boolean {
  return process === tickProcess;
}

export function tickPublish(
  queue: string,
  tick: number,
  content: Pick<ReceivedMessage, 'body' | 'bodyBase64' | 'attributes'>,
): CallOf<'publish'> {
  return {
    operation: 'publish',
    process: tickProcess,
    params: { queue },
    input: { messages: [{ ...content, delaySeconds: 0 }] },
    startedAt: tick,
    endedAt: undefined,
    answer: { lost: true },
  } as CallOf<'publish'>;
}

/** Whether this definition may have been in force at the tick: not before its put, and not after a certain replacement. */
function mayHold(
  definition: Definition,
  name: string,
  tick: number,
  { definitions, changes }: Schedules,
  errorMs: number,
): boolean {
  const { call } = definition;
  // After a replacement, late ticks of the previous definition are published by the new one.
  const isFirst = definitions.get(name)![0] === definition;
  if (isFirst && tick < call.startedAt - errorMs) return false;
  const isReplaced = changes
    .get(name)!
    .some((later) => 'output' in later.answer && later.startedAt > endOf(call) && tick > endOf(later) + 2 * errorMs);
  return !isReplaced;
}
