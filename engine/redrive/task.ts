/**
 * The record of a redrive task: what to move, and the progress so far. Only its runner and cancel calls change it, each on the
 * condition that its version is unchanged.
 */
import type { RedriveInput, RedriveTask } from '../../contract/contract.ts';
import { defined } from '../../contract/defined.ts';
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
  /** If the last page ended within a group: its row, and the parcel after which the next page goes on. */
  inGroup: { row: string; after: string } | undefined;
  version: string;
}

/** The key uses the queue's name, so the task can still be read after its queue is deleted. */
function taskKey({ queue, id }: Pick<Task, 'queue' | 'id'>): Key {
  return { table: 'queues', kind: 'task', name: rowName(queue, id) };
}

function rowName(queue: string, id: string): string {
  return `${queue}:${id}`;
}

function taskRow({ id, selection, toQueue, endedAt, error, ...plain }: Task): Row {
  return defined({
    ...plain,
    kind: 'task',
    name: rowName(plain.queue, id),
    selection: selection as unknown as Value,
    toQueue: toQueue ?? undefined,
    error: error ?? undefined,
    endedAt: endedAt ?? undefined,
    ttl: endedAt === null ? undefined : Math.ceil((endedAt + keptMs) / 1000),
  }) as Row;
}

export function readTaskRow({ kind: _, ttl: __, name, ...fields }: Row): Task {
  const [, id] = (name as string).split(':');
  const unset = {
    toQueue: null,
    toIncarnation: undefined,
    ratePerSecond: undefined,
    endedAt: null,
    error: null,
    inGroup: undefined,
  };
  return { ...unset, ...fields, id } as unknown as Task;
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
