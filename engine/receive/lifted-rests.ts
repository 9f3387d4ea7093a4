/**
 * Groups that rest by a rate which has been raised or removed since. The index shows when a rest was to end, so such a row is not due for the
 * while that the former rate asked for. For as long as that may be, each receive also looks at some rows that are not due yet, and takes
 * from the groups among them that rest no more. Each look goes on where the last one of its process ended: it reads a bounded number of rows,
 * whatever is in flight.
 */
import type { GroupSettings } from '../../contract/contract.ts';
import { clockMarginMs, readToWriteMsMax, settingsCacheMs } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { decodeSnapshot, readRows } from '../leases/lease-store.ts';
import { groupDue, withRest } from '../model/group-row.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import type { Found } from './candidates.ts';

/** Rows that one receive looks at in one shard. */
const rowsMax = 25;

/** Until when rests by the former rate may last, after a change of settings now. A rest that is over within `settingsCacheMs` is left alone. */
export function restsUntil(record: QueueRecord, groups: GroupSettings | null, now: number): number {
  const [before, after] = [record.groups?.ratePerSecond ?? null, groups?.ratePerSecond ?? null];
  const isLifted = before !== null && (after === null || after > before);
  const restMs = isLifted ? 1000 / before : 0;
  if (restMs <= settingsCacheMs) return record.restsUntil;
  // Others rest by it until they know of the change, and their writes may take F.
  return Math.max(record.restsUntil, now + restMs + settingsCacheMs + readToWriteMsMax + 2 * clockMarginMs);
}

/** Groups of a shard that are not due by the index, and are by the rate that the queue has now. */
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
    if (!lease?.group?.pace) return [];
    const { group, slots } = withRest(queue, lease);
    const due = slots.some(({ end }) => end === undefined) ? groupDue({ ...lease, group: group! }) : (group!.notBefore ?? 0);
    return due !== undefined && due <= now ? [{ at: now, due: one.id, count: Math.max(1, slots.length) }] : [];
  });
}
