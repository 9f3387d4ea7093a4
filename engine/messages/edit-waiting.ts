/**
 * Changes a message that waits in `leases`: its time, priority or content. A message alone in its row is changed by one
 * conditional write. One that shares its row moves to a row of its own, in one transaction.
 */

import { defined } from '../../contract/defined.ts';
import type { Context } from '../context/context.ts';
import { decodeSnapshot, retryOnConflict, type Snapshot } from '../leases/lease-store.ts';
import { moveMessages, type RowMove } from '../lifecycle/moves.ts';
import { verdictOf } from '../lifecycle/verdicts.ts';
import type { Content } from '../model/content-codec.ts';
import {
  incarnationOf,
  placeAt,
  priorityLevelOf,
  type QueueRecord,
  retentionEndAfter,
  shardNumberOf,
} from '../model/queue-record.ts';
import { isLive, type LeaseRow } from '../model/rows.ts';
import { afterLeaseExpiry } from '../model/slot-lease.ts';
import { type Timing, visibleAtOf } from '../model/timing.ts';
import { stateOf } from './message-view.ts';

/** What to change; undefined: it stays as it is. */
export interface WaitingChange {
  timing?: Timing;
  level?: number;
  changeContent?: (content: Content) => Content;
}

export type Changed = { visibleAt: number } | 'leased' | 'prepared' | 'gone' | 'moved';

/** Changes the message in this slot. Returns when it becomes visible, or why it was not changed. */
export function changeWaiting(
  ctx: Context,
  queue: QueueRecord,
  first: Snapshot,
  slot: number,
  change: WaitingChange,
): Promise<Changed> {
  // The outcome of each attempt, by the row version that it puts: its response may be lost.
  const tried = new Map<string, { visibleAt: number }>();
  return retryOnConflict<Changed>(ctx, first, async (seen) => {
    const ours = seen.row && tried.get(seen.row.version as string);
    if (ours) return { done: ours };
    const now = ctx.clock.now();
    const { lease } = decodeSnapshot(seen, now);
    const there = lease?.slots[slot];
    if (there?.end === 'moved') return { done: 'moved' };
    if (!lease || !there || !isLive(there) || incarnationOf(lease.shard) !== queue.incarnation) return { done: 'gone' };
    const state = stateOf(lease, slot, now);
    if (state === 'leased' || state === 'prepared') return { done: state };
    const verdict = verdictOf(queue, lease, there, now);
    if (verdict !== 'ready' && verdict !== 'waiting') return { done: 'gone' };
    const rowMove = changed(ctx, queue, { seen, lease, slot, now }, change);
    const outcome = { visibleAt: rowMove.slotOf(there).visibleAt };
    tried.set(rowMove.row.version, outcome);
    const moved = await moveMessages(ctx, rowMove);
    if (!moved.applied) return { seen: moved.seen };
    ctx.wakeups.wake(queue.name);
    return { done: outcome };
  });
}

function changed(
  ctx: Context,
  queue: QueueRecord,
  { seen, lease, slot, now }: { seen: Snapshot; lease: LeaseRow; slot: number; now: number },
  { timing, level = priorityLevelOf(lease), changeContent }: WaitingChange,
): RowMove {
  const visibleAt = timing && visibleAtOf(timing, now);
  const retentionEnd = visibleAt === undefined ? lease.retentionEnd : retentionEndAfter(queue, visibleAt);
  return {
    seen,
    lease,
    slots: [slot],
    row: {
      ...placeAt(queue, shardNumberOf(lease.shard), level),
      version: ctx.newVersion(),
      since: lease.since,
      ...defined({ publishedAt: lease.publishedAt, retentionEnd, death: lease.death }),
    },
    slotOf: (former) => ({ ...afterLeaseExpiry(queue, former), visibleAt: visibleAt ?? former.visibleAt }),
    ...defined({ changeContent }),
    target: queue,
  };
}
