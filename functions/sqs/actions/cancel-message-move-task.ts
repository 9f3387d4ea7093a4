/** CancelMessageMoveTask: messages that were moved stay moved. */
import { type Action, run } from '../call.ts';
import { SqsError } from '../errors.ts';
import { requiredText } from '../input.ts';
import { noResource, parseHandle, taskOf } from '../move-tasks.ts';

export const cancelMessageMoveTask: Action = async (parts, call) => {
  const { task, source: queue } = parseHandle(requiredText(call.input, 'TaskHandle'));
  if (!(await parts.queues.find(queue))) throw noResource('SourceArn');
  const there = await taskOf(parts, call, queue, task);
  if (!there) throw new SqsError('ResourceNotFoundException', 'Task does not exist.');
  if (there.state !== 'running') throw new SqsError('UnsupportedOperation', 'Only active tasks can be cancelled.');
  const { moved } = await run(parts, call, 'cancelRedrive', { queue, task }, {});
  return { ApproximateNumberOfMessagesMoved: moved };
};
