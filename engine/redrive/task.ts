/**
 * The record of a redrive task: what to move, and the progress so far. Only its runner and cancel calls change it, each on the
 * condition that its version is unchanged.
 */
import type { RedriveInput, RedriveTask } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import type { Context } from '../context/context.ts';
import { type Key, type Row, StoreError, type Value } from '../port/port.ts';

/** An ended task can be read for this long: one week. */
const keptMs = 7 * 24 * 60 * 60 * 1000;

export interface Task extends Omit<RedriveTask, 'startedAt' | 'updatedAt' | 'endedAt'> {
  /** Incarnations of the source queue and of `toQueue`. The task ignores queues created later under those names. */
  incarnation: string;
  toIncarnation: string | undefined;
  selection: Omit<RedriveInput, 'toQueue' | 'ratePerSecond'>;
  ratePerSecond: number | undefined;
  startedAt: number;
  updatedAt: number;
  endedAt: number | null;
  /** Id of the current run. A later run replaces it, and the earlier run stops at its next save. */
  runner: string;
  /** Where the next page begins: an index into `ids`, or a scan cursor. Empty at the start. */
  place: string;
  version: string;
}

/** The key uses the queue's name, so the task can still be read after its queue is deleted. */
function taskKey({ queue, id }: Pick<Task, 'queue' | 'id'>): Key {
  return { table: 'queues', kind: 'task', name: rowName(queue, id) };
}

function rowName(queue: string, id: string): string {
  return `${queue}:${id}`;
}

function taskRow(task: Task): Row {
  const { id, selection, ratePerSecond, toQueue, toIncarnation, endedAt, error, ...plain } = task;
  const row: Row = { ...plain, kind: 'task', name: rowName(task.queue, id), selection: selection as unknown as Value };
  if (ratePerSecond !== undefined) row.ratePerSecond = ratePerSecond;
  if (toQueue !== null) row.toQueue = toQueue;
  if (toIncarnation !== undefined) row.toIncarnation = toIncarnation;
  if (error !== null) row.error = error;
  if (endedAt !== null) {
    row.endedAt = endedAt;
    row.ttl = Math.ceil((endedAt + keptMs) / 1000);
  }
  return row;
}

export function readTaskRow(row: Row): Task {
  const [, id] = (row.name as string).split(':') as [string, string];
  return {
    id,
    incarnation: row.incarnation as string,
    queue: row.queue as string,
    selection: row.selection as Task['selection'],
    toQueue: (row.toQueue as string | undefined) ?? null,
    toIncarnation: row.toIncarnation as string | undefined,
    ratePerSecond: row.ratePerSecond as number | undefined,
    state: row.state as Task['state'],
    moved: row.moved as number,
    skipped: row.skipped as number,
    startedAt: row.startedAt as number,
    updatedAt: row.updatedAt as number,
    endedAt: (row.endedAt as number | undefined) ?? null,
    error: (row.error as string | undefined) ?? null,
    runner: row.runner as string,
    place: row.place as string,
    version: row.version as string,
  };
}

export function describeTask(task: Task): RedriveTask {
  const { id, queue, toQueue, state, moved, skipped, error } = task;
  const instant = (ms: number) => new Date(ms).toISOString();
  return {
    id,
    queue,
    toQueue,
    state,
    moved,
    skipped,
    startedAt: instant(task.startedAt),
    updatedAt: instant(task.updatedAt),
    endedAt: task.endedAt === null ? null : instant(task.endedAt),
    error,
  };
}

/** Reads a task, even if its queue was deleted. Throws DumbwaiterError `task_not_found`, `queue_not_found`. */
export async function readTask(ctx: Context, queue: string, id: string): Promise<Task> {
  const [row] = await ctx.store.get([taskKey({ queue, id })]);
  if (row) return readTaskRow(row);
  await ctx.settings.get(queue);
  throw new DumbwaiterError('task_not_found', `task: there is no redrive "${id}" of the queue "${queue}"`);
}

export async function createTask(ctx: Context, task: Task): Promise<void> {
  const key = taskKey(task);
  await ctx.store.write({ key, when: { absent: ['name'] }, then: { put: taskRow(task) } });
}

/** Writes the task if its version is unchanged. Returns the stored task, which is another writer's if that write came first. */
export async function saveTask(ctx: Context, task: Task, changes: Partial<Task>): Promise<Task> {
  const next: Task = { ...task, ...changes, updatedAt: ctx.clock.now(), version: ctx.newVersion() };
  const key = taskKey(task);
  try {
    const when = { equals: [['version'], task.version] } as const;
    const written = await ctx.store.write({ key, when, then: { put: taskRow(next) } });
    return written.row ? readTaskRow(written.row) : task;
  } catch (error) {
    if (!(error instanceof StoreError) || error.applied === 'no') throw error;
    const [row] = await ctx.store.get([key]);
    return row ? readTaskRow(row) : task;
  }
}
