/** ListMessageMoveTasks: the last tasks that StartMessageMoveTask began, newest first. */
import type { RedriveTask } from '../../../contract/contract.ts';
import { type Action, allow } from '../call.ts';
import { wholeOf } from '../input.ts';
import { handleOf, movesMax, sourceOf, tasksOf } from '../move-tasks.ts';

const statuses: { readonly [State in RedriveTask['state']]: string } = {
  running: 'RUNNING',
  done: 'COMPLETED',
  cancelled: 'CANCELLED',
  failed: 'FAILED',
};

export const listMessageMoveTasks: Action = async (parts, call) => {
  const max = wholeOf(call.input, 'MaxResults', 1, movesMax) ?? 1;
  const source = await sourceOf(parts, call);
  const queue = source.record.name;
  allow(call, 'getRedrive', queue);
  const sourceArn = call.addresses.arnOf(queue);
  const tasks = await tasksOf(parts, call, source, max);
  const results = tasks.map(({ move, task }) => ({
    // Only a task that runs has a handle.
    ...(task.state === 'running' && { TaskHandle: handleOf(task.id, sourceArn) }),
    Status: statuses[task.state],
    SourceArn: sourceArn,
    ...(move.destinationArn !== undefined && { DestinationArn: move.destinationArn }),
    ...(move.ratePerSecond !== undefined && { MaxNumberOfMessagesPerSecond: move.ratePerSecond }),
    ApproximateNumberOfMessagesMoved: task.moved,
    ApproximateNumberOfMessagesToMove: Math.max(move.toMove, task.moved),
    ...(task.error !== null && { FailureReason: task.error }),
    StartedTimestamp: Date.parse(task.startedAt),
  }));
  return results.length === 0 ? {} : { Results: results };
};
