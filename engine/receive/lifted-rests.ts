/**
 * Finds groups that rest longer than the current rate of their queue requires, because the rate was raised or removed. A rest is
 * the pause that a rate imposes on a group. The index holds the end of the old rest, so such a row is not due yet. While old
 * rests may last, each receive also reads some rows that are not due. It continues where the last look of this process ended, so
 * the number of rows read is bounded, whatever is in flight.
 */
import type { GroupSettings } from '../../contract/contract.ts';
import { clockMarginMs, readToWriteMsMax, settingsCacheMs } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { decodeSnapshot, readRows } from '../leases/lease-store.ts';
import { groupDue, withRest } from '../model/group-row.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import type { Found } from './candidates.ts';

/** Rows that one receive reads in one shard. */
const rowsMax = 25;

/** Until when rests by the old rate may last, if the settings change now. Ignores rests of at most `settingsCacheMs`. */
export function restsUntil(record: QueueRecord, groups: GroupSettings | null, now: number): number {
  const [before, after] = [record.groups?.ratePerSecond ?? null, groups?.ratePerSecond ?? null];
  const isLifted = before !== null && (after === null || after > before);
  const restMs = isLifted ? 1000 / before : 0;
  if (restMs <= settingsCacheMs) return record.restsUntil;
  // Other processes apply the old rate until they see the change, and their writes may take F.
  return Math.max(record.restsUntil, now + restMs + settingsCacheMs + readToWriteMsMax + 2 * clockMarginMs);
}

/** Groups of a shard that are not due according to the index, but are due at the current rate of the queue. */
export async function liftedRests(ctx: Context, queue: QueueRecord, shard: string): Promise<Found[]> {
  const from = ctx.clock.now();
  if (queue.restsUntil <= from) return [];
  const bookmark = ctx.restBookmarks.get(shard);
  const { rows, next } = await ctx.store.range({
    ...{ table: 'leases', index: 'due', partition: shard },
    ...{ from, to: queue.restsUntil, limit: rowsMax },
    ...(bookmark && (bookmark.expiry as number) >= from ? { after: bookmark } : {}),
  });
  if (next) ctx.restBookmarks.set(shard, next);
  else ctx.restBookmarks.delete(shard);
  const seen = await readRows(
    ctx,
    rows.map(({ id }) => id as string),
  );
  const now = ctx.clock.now();
  return seen.flatMap((one): Found[] => {
    const { lease } = decodeSnapshot(one, now);
    if (lease?.kind !== 'group' || !lease.group.pace) return [];
    const { group, slots } = withRest(queue, lease);
    const due = slots.some(({ end }) => end === undefined) ? groupDue({ group, slots }) : (group.notBefore ?? 0);
    return due !== undefined && due <= now ? [{ at: now, due: one.id, count: Math.max(1, slots.length) }] : [];
  });
}
