/** StartMessageMoveTask: a redrive of a dead-letter queue, back to where its messages died or to one queue. */
import { randomUUID } from 'node:crypto';
import { defined } from '../../../contract/defined.ts';
import { queueOfArn } from '../addresses.ts';
import { type Action, allow, run, type SqsParts } from '../call.ts';
import { invalidParameter, type SqsError } from '../errors.ts';
import { isFifo } from '../fifo.ts';
import { textOf, wholeOf } from '../input.ts';
import { listedQueues } from '../listed-queues.ts';
import { handleOf, movesMax, noResource, sourceOf, tasksOf } from '../move-tasks.ts';
import type { MoveRecord, SqsQueue } from '../queue-rows.ts';

const ratePerSecondMax = 500;
/** Longer than a call may take. */
const beginMs = 60_000;

export const startMessageMoveTask: Action = async (parts, call) => {
  const { input, addresses } = call;
  const ratePerSecond = wholeOf(input, 'MaxNumberOfMessagesPerSecond', 1, ratePerSecondMax);
  const source = await sourceOf(parts, call);
  const queue = source.record.name;
  allow(call, 'redrive', queue);
  const destinationArn = textOf(input, 'DestinationArn') || undefined;
  const toQueue = destinationArn === undefined ? undefined : queueOfArn(destinationArn);
  if (destinationArn !== undefined && (toQueue === undefined || !(await parts.queues.find(toQueue))))
    throw noResource('DestinationArn');
  if (toQueue === queue) throw invalidParameter('Source queue arn and destination queue arn cannot be the same.');
  if (toQueue !== undefined && isFifo(toQueue) !== isFifo(queue)) {
    throw invalidParameter('Source queue and destination queue must be of the same type.');
  }
  const everyQueue = { ...call, input: {} };
  const { names: sources } = await listedQueues(parts, everyQueue, ({ deadLetter }) => deadLetter?.queue === queue);
  if (sources.length === 0) throw invalidParameter('Source queue must be configured as a Dead Letter Queue.');
  const tasks = await tasksOf(parts, call, source, movesMax);
  if (tasks.some(({ task }) => task.state === 'running')) throw alreadyRunning();
  const { counts } = await run(parts, call, 'getQueue', { queue }, {});
  const terms = defined({ toQueue, ratePerSecond });
  return begin(parts, source, async () => {
    const { id } = await run(parts, call, 'redrive', { queue }, terms);
    const move = { task: id, toMove: counts.ready + counts.dead, ...defined({ destinationArn, ratePerSecond }) };
    return { move, output: { TaskHandle: handleOf(id, addresses.arnOf(queue)) } };
  });
};

/**
 * Begins a task that nothing else begins meanwhile: the row of the queue says so first, on condition that no task was begun since
 * `source` was read. If the process dies, the next call may begin one after `beginMs`.
 */
async function begin(
  { queues, clock }: SqsParts,
  source: SqsQueue,
  start: () => Promise<{ move: MoveRecord; output: object }>,
): Promise<object> {
  const { name } = source.record;
  const by = randomUUID();
  await queues.change(name, ({ extras }) => {
    const isTaken = extras.beginning !== undefined && clock.now() < extras.beginning.until;
    if (isTaken || extras.moves[0]?.task !== source.extras.moves[0]?.task) throw alreadyRunning();
    return { ...extras, beginning: { by, until: clock.now() + beginMs } };
  });
  const end = (moves: MoveRecord[]) =>
    queues.change(name, ({ extras: { beginning, ...extras } }) => ({
      ...extras,
      moves: [...moves, ...extras.moves].slice(0, movesMax),
      ...(beginning !== undefined && beginning.by !== by && { beginning }),
    }));
  const started = await start().catch(async (error: unknown) => {
    // If this fails too, the next call may begin a task after a while.
    await end([]).catch(() => undefined);
    throw error;
  });
  await end([started.move]);
  return started.output;
}

function alreadyRunning(): SqsError {
  return invalidParameter(
    'There is already a task running. Only one active task is allowed for a source queue arn at a given time.',
  );
}
