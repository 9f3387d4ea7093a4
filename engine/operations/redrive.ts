/**
 * Starts, reads and cancels redrives: tasks that move messages back to the queue they died in, or to another queue.
 * `redrive/run.ts` runs them.
 */
import type { InputOf, RedriveTask } from '../../contract/contract.ts';
import { invalidInput } from '../../contract/errors.ts';
import type { Context } from '../context/context.ts';
import { untilDone } from '../port/until-done.ts';
import { createTask, describeTask, readTask, saveTask, type Task } from '../redrive/task.ts';

const taskIdChars = 16;

export async function redrive(ctx: Context, queueName: string, input: InputOf<'redrive'>): Promise<RedriveTask> {
  // Read the settings uncached: the task must not get the incarnation of a deleted queue of the same name.
  const queue = await ctx.settings.read(queueName);
  const { toQueue, ratePerSecond, ...selection } = input;
  if (toQueue === queueName) throw invalidInput(`toQueue: must be another queue, was "${toQueue}"`);
  if (toQueue !== undefined) ctx.settings.forget(toQueue);
  const target = toQueue === undefined ? undefined : await ctx.settings.find(toQueue);
  if (toQueue !== undefined && !target) throw invalidInput(`toQueue: there is no queue "${toQueue}"`);
  const now = ctx.clock.now();
  const task: Task = {
    id: ctx.random.chars(taskIdChars),
    incarnation: queue.incarnation,
    toIncarnation: target?.incarnation,
    queue: queueName,
    selection,
    toQueue: toQueue ?? null,
    ratePerSecond,
    state: 'running',
    moved: 0,
    skipped: 0,
    startedAt: now,
    updatedAt: now,
    endedAt: null,
    error: null,
    runner: '',
    place: '',
    inGroup: undefined,
    version: ctx.newVersion(),
  };
  await createTask(ctx, task);
  // If the start fails, the sweep finds the task stalled and starts it.
  await ctx.startRedrive?.(queueName, task.id).catch(() => {});
  return describeTask(task);
}

export async function getRedrive(ctx: Context, queueName: string, id: string): Promise<RedriveTask> {
  return describeTask(await readTask(ctx, queueName, id));
}

/** Cancels a task: it stops before its next page, and moved messages stay moved. Cancelling an ended task changes nothing. */
export async function cancelRedrive(ctx: Context, queueName: string, id: string): Promise<RedriveTask> {
  return untilDone(`the redrive "${id}"`, await readTask(ctx, queueName, id), async (task) => {
    if (task.state !== 'running') return { done: describeTask(task) };
    return { seen: await saveTask(ctx, task, { state: 'cancelled', endedAt: ctx.clock.now() }) };
  });
}
