/**
 * Runs a redrive task: page by page, its progress saved after each. A message is moved by a conditional write, and only if it came
 * to this queue before the task began: one that dies again meanwhile is not moved twice, and a page that is done again after a
 * crash finds what it moved gone.
 */
import type { DeathReason } from '../sdk/contract.ts';
import { DumbwaiterError } from '../sdk/errors.ts';
import { adopt } from './adopt.ts';
import type { Context } from './context.ts';
import { formatCursor, parseCursor } from './cursors.ts';
import { findMessage } from './find.ts';
import { judgeable, lookAt, untilSettled } from './lease-writes.ts';
import { moveSlots } from './moves.ts';
import { StoreError } from './port.ts';
import { readTask, saveTask, type Task } from './redrive-task.ts';
import { readParcel } from './row-format.ts';
import { isLive, type Lease, type Parcel } from './rows.ts';
import type { QueueRecord } from './settings.ts';
import { incarnationOf, nextPlace, partitionAt } from './shards.ts';
import { verdictOfAge } from './verdicts.ts';
import { stateOf } from './views.ts';

const pageRowsMax = 25;

type Candidate = { id: string; waiting?: { parcel: Parcel; readAt: number }; slot?: number };

export async function runRedrive(
  ctx: Context,
  queueName: string,
  id: string,
  options: { until: number },
): Promise<'done' | 'more'> {
  const queue = await ctx.settings.find(queueName);
  if (!queue) return 'done';
  const runner = ctx.newVersion();
  let task = await readTask(ctx, queue, id);
  if (task.state === 'running') task = await saveTask(ctx, task, { runner });
  while (task.state === 'running' && task.runner === runner) {
    const startedAt = ctx.clock.now();
    if (startedAt >= options.until) return 'more';
    const { changes, moved } = await runPage(ctx, queue, task).catch(async (error) => {
      // Only what may go better next time is worth a next time.
      const isPassing = error instanceof StoreError || (error instanceof DumbwaiterError && error.retryable);
      if (!isPassing) await saveTask(ctx, task, { state: 'failed', error: 'a defect; see the logs', endedAt: ctx.clock.now() });
      throw error;
    });
    task = await saveTask(ctx, task, changes);
    // Cancelled during the page: what it moved is counted all the same.
    const { moved: movedInAll, skipped } = changes;
    if (task.state === 'cancelled' && task.runner === runner) task = await saveTask(ctx, task, { moved: movedInAll, skipped });
    if (task.ratePerSecond !== undefined) {
      const pause = startedAt + (moved / task.ratePerSecond) * 1000 - ctx.clock.now();
      if (pause > 0) await ctx.clock.sleep(pause);
    }
  }
  return 'done';
}

type Progress = Pick<Task, 'moved' | 'skipped'> & Partial<Task>;

async function runPage(ctx: Context, queue: QueueRecord, task: Task): Promise<{ changes: Progress; moved: number }> {
  const { candidates, place } = await nextPage(ctx, queue, task);
  let { moved, skipped } = task;
  await Promise.all(
    candidates.map(async (candidate) => {
      const result = await moveSelected(ctx, queue, task, candidate);
      moved += result.moved;
      skipped += result.skipped;
    }),
  );
  const ended = place === undefined ? { state: 'done' as const, endedAt: ctx.clock.now() } : { place };
  return { changes: { moved, skipped, ...ended }, moved: moved - task.moved };
}

async function nextPage(ctx: Context, queue: QueueRecord, task: Task): Promise<{ candidates: Candidate[]; place?: string }> {
  // With a rate, no page takes more than a second's share.
  const limit = Math.min(pageRowsMax, task.ratePerSecond ?? pageRowsMax);
  const { ids } = task.selection;
  if (ids) {
    const from = Number(task.place || 0);
    const found = await Promise.all(ids.slice(from, from + limit).map((id) => findMessage(ctx, queue, id)));
    const candidates = found.flatMap((one): Candidate[] => {
      // What waits in a group has not died.
      if (!one || ('parcel' in one && one.group)) return [];
      return 'parcel' in one ? [{ id: one.parcel.id, waiting: one, slot: one.slot }] : [{ id: one.lease.id, slot: one.slot }];
    });
    return from + limit < ids.length ? { candidates, place: String(from + limit) } : { candidates };
  }
  const at = task.place ? parseCursor(task.place, ['table', 'shard']) : { table: 'messages', shard: nextPlace(queue)! };
  const partition = partitionAt(queue, at.shard as number);
  const isFresh = at.table === 'messages';
  const key = isFresh ? { shard: partition, id: at.id! } : { shard: partition, id: at.id!, expiry: at.expiry! };
  const after = at.id === undefined ? {} : { after: key };
  const readAt = ctx.clock.now();
  const { rows, next } = isFresh
    ? await ctx.store.range({ table: 'messages', partition, limit, consistent: true, ...after })
    : await ctx.store.range({ table: 'leases', index: 'due', partition, limit, ...after });
  const candidates = rows.map(
    (row): Candidate =>
      isFresh ? { id: row.id as string, waiting: { parcel: readParcel(row), readAt } } : { id: row.id as string },
  );
  if (next) {
    const { id, expiry } = next as { id: string; expiry?: number };
    return {
      candidates,
      place: formatCursor({ table: at.table!, shard: at.shard!, id, ...(expiry === undefined ? {} : { expiry }) }),
    };
  }
  const shard = nextPlace(queue, at.shard as number);
  if (shard !== undefined) return { candidates, place: formatCursor({ table: at.table!, shard }) };
  return isFresh ? { candidates, place: formatCursor({ table: 'leases', shard: nextPlace(queue)! }) } : { candidates };
}

async function moveSelected(
  ctx: Context,
  queue: QueueRecord,
  task: Task,
  candidate: Candidate,
): Promise<{ moved: number; skipped: number }> {
  const { waiting } = candidate;
  if (waiting) {
    const { parcel } = waiting;
    // Nobody has received it: it has not died, so it has no queue to go back to and no reason.
    if (parcel.since > task.startedAt) return { moved: 0, skipped: 0 };
    const isMovable = task.toQueue !== null && isSelected(task, parcel.since, undefined);
    if (!isMovable) return { moved: 0, skipped: candidate.slot === undefined ? parcel.count : 1 };
  }
  const first = waiting ? (await adopt(ctx, queue, waiting)).seen : await lookAt(ctx, candidate.id);
  let moved = 0;
  return untilSettled(ctx, first, async (seen) => {
    const now = ctx.clock.now();
    const { lease } = judgeable(seen, now);
    // A group keeps its messages in their order: what is in one has not died.
    if (lease?.group) return { done: { moved, skipped: lease.slots.filter(isLive).length } };
    const isHere = lease && incarnationOf(lease.shard) === queue.incarnation && lease.since <= task.startedAt && !lease.prepared;
    if (!isHere || verdictOfAge(queue, lease.since, lease.expiresAt, now) === 'gone') return { done: { moved, skipped: 0 } };
    const { movable, held } = movableSlots(lease, candidate.slot, now);
    if (!isSelected(task, lease.since, lease.death?.reason)) return { done: { moved, skipped: held + movable.length } };
    const targetName = task.toQueue ?? lease.death?.queue;
    const target = targetName === undefined ? undefined : await ctx.settings.find(targetName);
    if (movable.length === 0 || !target) return { done: { moved, skipped: held + movable.length } };
    const result = await moveSlots(ctx, { seen, lease, slots: movable, target });
    if (result.applied) moved += movable.length;
    return { seen: result.seen };
  });
}

function movableSlots(lease: Lease, only: number | undefined, now: number): { movable: number[]; held: number } {
  const wanted = lease.slots.flatMap((slot, index) => (isLive(slot) && (only === undefined || index === only) ? [index] : []));
  const movable = wanted.filter((index) => stateOf(lease, lease.slots[index]!, now) !== 'leased');
  return { movable, held: wanted.length - movable.length };
}

function isSelected(task: Task, since: number, reason: DeathReason | undefined): boolean {
  const { selection } = task;
  if (selection.reason !== undefined && selection.reason !== reason) return false;
  if (selection.from !== undefined && since < Date.parse(selection.from)) return false;
  return selection.until === undefined || since < Date.parse(selection.until);
}
