/**
 * Handles prepared messages that were not committed before their timeout. A queue without `checkBack` rolls them back. A queue
 * with it asks the publisher after each timeout, at most `checkBacksMax` times, and then rolls back. A conditional write
 * records each check-back before it is sent. So of several concurrent sweeps only one asks, and a slow publisher is not asked
 * by every sweep.
 */
import { checkBacksMax, headRowsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import type { Deadline } from '../context/deadline.ts';
import type { CheckBackMessage, SweepReport } from '../engine.ts';
import { decodeSnapshot, putIfUnchanged, readRows, type Snapshot } from '../leases/lease-store.ts';
import { processDueRow } from '../lifecycle/due-row.ts';
import { decide, rollBack, timeoutAt } from '../messages/commit-rollback.ts';
import { readContents } from '../model/content-codec.ts';
import { messageId } from '../model/ids.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { encodeLease } from '../model/row-codec.ts';
import { isLive, type PreparedLeaseRow } from '../model/rows.ts';

/** Pages of one partition that one run reads. */
const pagesMax = 20;
const askedAtOnce = 10;

/** Handles the due rows of one partition. Returns false if the deadline ended the run early. */
export async function sweepPrepared(
  ctx: Context,
  queue: QueueRecord,
  partition: string,
  deadline: Deadline,
  swept: SweepReport['queues'][number],
): Promise<boolean> {
  for (let page = 0; page < pagesMax; page++) {
    if (deadline.isOver()) return false;
    const to = ctx.clock.now();
    const { rows } = await ctx.store.range({ table: 'leases', index: 'due', partition, to, limit: headRowsMax });
    let changed = false;
    for (let at = 0; at < rows.length; at += askedAtOnce) {
      if (deadline.isOver()) return false;
      const seen = await readRows(
        ctx,
        rows.slice(at, at + askedAtOnce).map((row) => row.id as string),
      );
      // Re-read the settings: a paused sweep must not roll back a message whose publisher it should ask by the current settings.
      const current = await ctx.settings.find(queue.name);
      if (!current) return true;
      const done = await Promise.all(seen.map((one) => handleTimeout(ctx, current, partition, one, swept)));
      changed ||= done.includes(true);
    }
    // If nothing changed, the index lags, or another process must handle the rest.
    if (rows.length < headRowsMax || !changed) return true;
  }
  return true;
}

/** Returns true if it changed the row, or tried to. */
async function handleTimeout(
  ctx: Context,
  queue: QueueRecord,
  partition: string,
  seen: Snapshot,
  swept: SweepReport['queues'][number],
): Promise<boolean> {
  const now = ctx.clock.now();
  const { lease, tombstone } = decodeSnapshot(seen, now);
  if (tombstone?.pendingCleanup || (lease && lease.since < queue.purgedBefore)) {
    swept.removed += (await processDueRow(ctx, queue, seen)).removed;
    return true;
  }
  const slot = lease?.slots[0];
  if (lease?.kind !== 'prepared' || !slot || !isLive(slot) || lease.shard !== partition || slot.visibleAt > now) return false;
  const asked = queue.prepared?.checkBack ?? null;
  if (asked && !ctx.checkBack) return false;
  if (!asked || lease.prepared.checks >= checkBacksMax) {
    await rollBack(ctx, queue, seen, lease);
    ctx.observe?.({ kind: 'rolled_back', queue: queue.name, row: lease.id, asked: lease.prepared.checks });
    return true;
  }
  const next: PreparedLeaseRow = {
    ...lease,
    version: ctx.newVersion(),
    slots: [{ ...slot, visibleAt: timeoutAt(queue, now) }],
    prepared: { ...lease.prepared, checks: lease.prepared.checks + 1 },
  };
  const after = await putIfUnchanged(ctx, seen, encodeLease(next));
  if (after.row?.version !== next.version) return true;
  const [contents] = await readContents(ctx.store, [lease.content]);
  const content = contents?.[0];
  if (!content || content.unreadable !== undefined) return true;
  const message: CheckBackMessage = {
    queue: queue.name,
    id: messageId(lease.id, 0),
    ...(content.bodyBase64 === undefined ? { body: content.body ?? null } : { bodyBase64: content.bodyBase64 }),
    attributes: content.attributes ?? {},
    publishedAt: new Date(lease.since).toISOString(),
    asked: next.prepared.checks,
  };
  const outcome = await ctx.checkBack!(asked, message);
  if (outcome !== 'unknown') await decide(ctx, queue.name, message.id, outcome);
  return true;
}
