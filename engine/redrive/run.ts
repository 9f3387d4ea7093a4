/**
 * Redrive: the folder that moves messages from one queue to another as a resumable task. Open this file first.
 * Runs a task page by page and saves its progress after each page. Each move is a conditional write of a message that arrived in
 * this queue before the task began. So a message that dies again during the task is not moved twice. A page repeated after a
 * crash no longer finds the messages it moved.
 */
import { DumbwaiterError } from '../../contract/errors.ts';
import { parcelSlotsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { decodeSnapshot, readRows } from '../leases/lease-store.ts';
import { filterOf } from '../messages/filter.ts';
import { holdsDeadLetters } from '../model/group-row.ts';
import { parcelsIn } from '../model/held-parcels.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { StoreError } from '../port/port.ts';
import { diedInGroup, moveSelected } from './move-row.ts';
import { nextPage, type RedriveCandidate } from './pages.ts';
import { readTask, saveTask, type Task } from './task.ts';

/** Runs a task until it ends, or until `until` (clock's ms). Returns `more` if `until` came first. */
export async function runRedrive(
  ctx: Context,
  queueName: string,
  id: string,
  options: { until: number },
): Promise<'done' | 'more'> {
  const runner = ctx.newVersion();
  let task = await readTask(ctx, queueName, id);
  if (task.state === 'running') task = await saveTask(ctx, task, { runner });
  while (task.state === 'running' && task.runner === runner) {
    const startedAt = ctx.clock.now();
    if (startedAt >= options.until) return 'more';
    const { queue, error } = await queueOf(ctx, task);
    if (!queue) {
      task = await saveTask(ctx, task, { state: 'failed', error, endedAt: startedAt });
      continue;
    }
    const { changes, moved } = await runPage(ctx, queue, task).catch(async (error) => {
      // Only a transient error leaves the task running, so that a later run retries it.
      const isTransient = error instanceof StoreError || (error instanceof DumbwaiterError && error.retryable);
      if (!isTransient) await saveTask(ctx, task, { state: 'failed', error: 'a defect; see the logs', endedAt: ctx.clock.now() });
      throw error;
    });
    task = await saveTask(ctx, task, changes);
    // The task was cancelled during the page. Count what the page moved.
    const { moved: movedInAll, skipped } = changes;
    if (task.state === 'cancelled' && task.runner === runner) task = await saveTask(ctx, task, { moved: movedInAll, skipped });
    if (task.ratePerSecond !== undefined) {
      const pause = startedAt + (moved / task.ratePerSecond) * 1000 - ctx.clock.now();
      if (pause > 0) await ctx.clock.sleep(pause);
    }
  }
  return 'done';
}

/** Returns the source queue, or the error that ends the task: the source or target was deleted or recreated meanwhile. */
async function queueOf(
  ctx: Context,
  { queue: name, incarnation, toQueue, toIncarnation }: Task,
): Promise<{ queue: QueueRecord; error?: undefined } | { queue?: undefined; error: string }> {
  const [source, target] = await Promise.all([
    sameQueue(ctx, name, incarnation),
    toQueue === null || toIncarnation === undefined ? undefined : sameQueue(ctx, toQueue, toIncarnation),
  ]);
  if (source.isGone) return { error: `the queue "${name}" was deleted while the task ran${source.suffix}` };
  if (target?.isGone) {
    return { error: `the queue "${toQueue}", to which messages were moved, was deleted while the task ran${target.suffix}` };
  }
  return { queue: source.queue };
}

async function sameQueue(
  ctx: Context,
  name: string,
  incarnation: string,
): Promise<{ isGone: false; queue: QueueRecord } | { isGone: true; suffix: string }> {
  const known = await ctx.settings.find(name);
  if (known?.incarnation === incarnation) return { isGone: false, queue: known };
  // The cached settings may be older than the task.
  ctx.settings.forget(name);
  const queue = await ctx.settings.find(name);
  if (queue?.incarnation === incarnation) return { isGone: false, queue };
  return { isGone: true, suffix: queue ? '; another was made under its name' : '' };
}

/** Messages of one group that a page moves at most. */
const deadLettersMax = 100;

type Progress = Pick<Task, 'moved' | 'skipped'> & Partial<Task>;

/** Moves the selected messages of one page. With a rate, it moves at most one second's share; the next page takes the rest. */
async function runPage(ctx: Context, queue: QueueRecord, task: Task): Promise<{ changes: Progress; moved: number }> {
  const { candidates: found, next } = await nextPage(ctx, queue, task);
  const { candidates, hasGroups } = await inGroupOrder(ctx, found, task.place);
  const filter = await filterOf(ctx, queue, task.selection);
  let place = next;
  let { moved, skipped, inGroup } = task;
  let share = task.ratePerSecond === undefined ? Number.POSITIVE_INFINITY : Math.max(1, Math.floor(task.ratePerSecond));
  // Dead letters of groups move one after the other, to keep their order.
  const [rowsMax, messagesMax] = hasGroups ? [1, deadLettersMax] : [candidates.length, parcelSlotsMax];
  for (let at = 0; at < candidates.length; ) {
    // Run in parallel only as many rows as the share covers if each is full.
    const together = candidates.slice(at, at + Math.max(1, Math.floor(Math.min(share / parcelSlotsMax, rowsMax))));
    const results = await Promise.all(
      together.map((one) => moveSelected(ctx, { queue, task, filter }, one, Math.max(1, Math.min(share, messagesMax)))),
    );
    for (const [index, result] of results.entries()) {
      moved += result.moved;
      skipped += result.skipped;
      share -= result.moved;
      if (result.after !== undefined) inGroup = { row: together[index]!.id, after: result.after };
    }
    if (results.some(({ isDone }) => !isDone)) {
      place = at === 0 ? task.place : candidates[at - 1]!.next;
      break;
    }
    at += together.length;
    // Dead letters of one time move together: the place to resume at is known only before and after them.
    const isTied = hasGroups && isSameTime(candidates[at - 1], candidates[at]);
    if (share <= 0 && at < candidates.length && !isTied) {
      place = candidates[at - 1]!.next;
      break;
    }
  }
  const ended = place === undefined ? { state: 'done' as const, endedAt: ctx.clock.now() } : { place };
  return { changes: { moved, skipped, inGroup, ...ended }, moved: moved - task.moved };
}

/**
 * Dead letters of groups that came at the same time, in the order of their groups. The index has no order for them. Until all of them
 * are done, the place to resume at is before them.
 */
async function inGroupOrder(
  ctx: Context,
  found: readonly RedriveCandidate[],
  start: string,
): Promise<{ candidates: readonly RedriveCandidate[]; hasGroups: boolean }> {
  const seen = await readRows(ctx, [...new Set(found.flatMap(({ id, waiting }) => (waiting ? [] : [id])))]);
  const places = new Map<string, string>();
  let hasGroups = false;
  for (const one of seen) {
    const { lease } = decodeSnapshot(one, ctx.clock.now());
    if (lease && diedInGroup(lease)) places.set(lease.id, lease.death?.place ?? lease.id);
    if (lease?.kind === 'group') hasGroups ||= holdsDeadLetters(lease.group) || parcelsIn(lease).some(({ death }) => death);
  }
  if (places.size === 0) return { candidates: found, hasGroups };
  const placeOf = ({ id }: RedriveCandidate) => places.get(id) ?? id;
  const sorted = found.toSorted((one, other) => {
    if (!isSameTime(one, other)) return found.indexOf(one) - found.indexOf(other);
    return placeOf(one) < placeOf(other) ? -1 : 1;
  });
  let before = start;
  const candidates = sorted.map((one, at) => {
    if (isSameTime(one, sorted[at + 1])) return { ...one, next: before };
    before = found[at]!.next;
    return { ...one, next: before };
  });
  return { candidates, hasGroups: true };
}

function isSameTime(one: RedriveCandidate | undefined, other: RedriveCandidate | undefined): boolean {
  return one?.expiry !== undefined && one.expiry === other?.expiry;
}
