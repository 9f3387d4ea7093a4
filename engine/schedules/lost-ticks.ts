/**
 * Finds lost ticks: published ahead to a queue that was deleted before they fell due, so their messages are gone. One transaction
 * cancels the old messages and either publishes the ticks again or moves `nextAt` back to them. So each tick keeps one message.
 */
import { defined } from '../../contract/defined.ts';
import type { Context } from '../context/context.ts';
import { decodeSnapshot, endedRow, readRows, type Snapshot } from '../leases/lease-store.ts';
import { deletedKey, type QueueRecord, readQueue } from '../model/queue-record.ts';
import { isLive, leaseKey } from '../model/rows.ts';
import type { Write } from '../port/port.ts';
import type { Ahead, ScheduleRecord } from './schedule-record.ts';

/** Whether any tick was published ahead to an incarnation other than `queue`, the current queue of that name. */
export function hasMisplaced({ ahead }: Pick<ScheduleRecord, 'ahead'>, queue: QueueRecord | undefined): boolean {
  return ahead.some((one) => isElsewhere(one, queue));
}

function isElsewhere({ incarnation }: Ahead, queue: QueueRecord | undefined): boolean {
  return incarnation !== undefined && incarnation !== queue?.incarnation;
}

/**
 * Returns the schedule as if its lost ticks had not been published, and the writes that cancel their messages. A tick that fell
 * due before its queue was deleted, or whose message was received, counts as published. Returns the same record if no tick is
 * misplaced.
 */
export async function withoutLost(ctx: Context, record: ScheduleRecord): Promise<{ record: ScheduleRecord; writes: Write[] }> {
  if (!hasMisplaced(record, await ctx.settings.find(record.queue))) return { record, writes: [] };
  // The cached settings may be older than the recreated queue.
  ctx.settings.forget(record.queue);
  const queue = await ctx.settings.find(record.queue);
  const misplaced = record.ahead.filter((one) => isElsewhere(one, queue));
  if (misplaced.length === 0) return { record, writes: [] };
  const now = ctx.clock.now();
  const [deletions, seen] = await Promise.all([
    ctx.store.get(misplaced.map(({ incarnation }) => deletedKey(incarnation!))),
    readRows(
      ctx,
      misplaced.map(({ id }) => id),
    ),
  ]);
  const isLost = misplaced.map(({ tick }, index) => {
    const deleted = deletions[index];
    const goneAt = deleted ? readQueue(deleted).updatedAt : (queue?.createdAt ?? now);
    return tick >= goneAt && !wasReceived(seen[index]!, now);
  });
  const nextAt = [record.nextAt, ...misplaced.filter((_, index) => isLost[index]).map(({ tick }) => tick)]
    .filter((at) => at !== undefined)
    .reduce((first, at) => Math.min(first, at), Number.POSITIVE_INFINITY);
  const published = misplaced.filter((_, index) => !isLost[index]);
  // Ticks from `nextAt` on are planned again. Keep those already published, so that they are not published twice.
  const known = published.filter(({ tick }) => tick >= nextAt).map(({ id, tick }): Ahead => ({ id, tick }));
  const lastAt = Math.max(
    record.lastAt ?? 0,
    ...published.map(({ tick }) => tick).filter((tick) => tick < nextAt && tick <= now),
  );
  const { nextAt: _, lastAt: __, ...rest } = record;
  return {
    record: {
      ...rest,
      ahead: [...record.ahead.filter((one) => !misplaced.includes(one)), ...known].sort((one, other) => one.tick - other.tick),
      ...defined({ nextAt: nextAt === Number.POSITIVE_INFINITY ? undefined : nextAt, lastAt: lastAt || undefined }),
    },
    writes: seen.flatMap((one, index) => (isLost[index] ? takingBack(ctx, one, now) : [])),
  };
}

function wasReceived(seen: Snapshot, now: number): boolean {
  const { lease, tombstone } = decodeSnapshot(seen, now);
  return tombstone !== undefined || (lease?.slots.some((slot) => !isLive(slot) || slot.receives > 0) ?? false);
}

/** The writes that cancel the messages of this row, if the row is unchanged. */
export function takingBack(ctx: Context, seen: Snapshot, now: number): Write[] {
  const { lease } = decodeSnapshot(seen, now);
  if (!lease) return [];
  const slots = lease.slots.map((slot) => ({ ...slot, end: 'cancelled' as const }));
  const when = { equals: [['version'], lease.version] } as const;
  return [{ key: leaseKey(lease.id), when, then: { put: endedRow({ ...lease, version: ctx.newVersion(), slots }, now) } }];
}
