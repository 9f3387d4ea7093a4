/** Move tasks, which are redrive tasks of the queue. A handle names the task and its source, as those of SQS do. */
import type { RedriveTask } from '../../contract/contract.ts';
import { queueOfArn } from './addresses.ts';
import { run, type SqsCall, type SqsParts } from './call.ts';
import { invalidParameter, isRefused, SqsError } from './errors.ts';
import { requiredText } from './input.ts';
import type { MoveRecord, SqsQueue } from './queue-rows.ts';

/** How many tasks of a queue are listed: SQS shows the last ten. */
export const movesMax = 10;

/** The dead-letter queue of a call's `SourceArn`. Throws `InvalidParameterValue`, `ResourceNotFoundException`. */
export async function sourceOf({ queues }: SqsParts, { input }: SqsCall): Promise<SqsQueue> {
  const arn = requiredText(input, 'SourceArn');
  const name = queueOfArn(arn);
  if (name === undefined)
    throw invalidParameter(
      'You must use this format to specify the SourceArn: arn:<partition>:<service>:<region>:<account-id>:<resource-id>',
    );
  const queue = await queues.find(name);
  if (!queue) throw noResource('SourceArn');
  return queue;
}

export function noResource(parameter: string): SqsError {
  return new SqsError(
    'ResourceNotFoundException',
    `The resource that you specified for the ${parameter} parameter doesn't exist.`,
  );
}

/** Undefined if the task's record is gone, a week after its end. */
export async function taskOf(parts: SqsParts, call: SqsCall, queue: string, task: string): Promise<RedriveTask | undefined> {
  try {
    return await run(parts, call, 'getRedrive', { queue, task }, {});
  } catch (error) {
    if (isRefused(error, 'task_not_found')) return undefined;
    throw error;
  }
}

/** The tasks of a queue that SQS started, newest first. */
export async function tasksOf(
  parts: SqsParts,
  call: SqsCall,
  { record, extras }: SqsQueue,
  max: number,
): Promise<{ move: MoveRecord; task: RedriveTask }[]> {
  const moves = extras.moves.slice(0, max);
  const tasks = await Promise.all(moves.map((move) => taskOf(parts, call, record.name, move.task)));
  return moves.flatMap((move, index) => (tasks[index] ? [{ move, task: tasks[index] }] : []));
}

export function handleOf(task: string, sourceArn: string): string {
  return Buffer.from(JSON.stringify({ taskId: task, sourceArn })).toString('base64');
}

/** Throws `InvalidParameterValue`. */
export function parseHandle(handle: string): { task: string; source: string } {
  const [, task, arn] =
    /^\{"taskId":"([A-Za-z0-9_-]{1,40})","sourceArn":"([^"]+)"\}$/.exec(Buffer.from(handle, 'base64').toString()) ?? [];
  const source = arn === undefined ? undefined : queueOfArn(arn);
  if (task === undefined || source === undefined) throw invalidParameter('Value for parameter TaskHandle is invalid.');
  return { task, source };
}
