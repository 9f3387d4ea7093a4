/** StartMessageMoveTask: a redrive of a dead-letter queue, back to where its messages died or to one queue. */
import { queueOfArn } from '../addresses.ts';
import { type Action, allow, run } from '../call.ts';
import { invalidParameter, SqsError } from '../errors.ts';
import { isFifo } from '../fifo.ts';
import { textOf, wholeOf } from '../input.ts';
import { listedQueues } from '../listed-queues.ts';
import { handleOf, movesMax, noResource, sourceOf, tasksOf } from '../move-tasks.ts';
import type { MoveRecord } from '../queue-rows.ts';

const ratePerSecondMax = 500;

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
  if (tasks.some(({ task }) => task.state === 'running')) {
    throw new SqsError(
      'UnsupportedOperation',
      'There is already a task running. Only one active task is allowed for a source queue arn at a given time.',
    );
  }
  const { counts } = await run(parts, call, 'getQueue', { queue }, {});
  const terms = { ...(toQueue !== undefined && { toQueue }), ...(ratePerSecond !== undefined && { ratePerSecond }) };
  const { id } = await run(parts, call, 'redrive', { queue }, terms);
  const move: MoveRecord = {
    task: id,
    toMove: counts.ready + counts.dead,
    ...(destinationArn !== undefined && { destinationArn }),
    ...(ratePerSecond !== undefined && { ratePerSecond }),
  };
  await parts.queues.change(queue, ({ extras }) => ({ ...extras, moves: [move, ...extras.moves].slice(0, movesMax) }));
  return { TaskHandle: handleOf(id, addresses.arnOf(queue)) };
};
