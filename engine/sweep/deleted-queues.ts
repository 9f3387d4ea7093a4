/** Removes the rows of deleted queues, which no call can reach any more: a bounded number in each run. */
import { headRowsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import type { Deadline } from '../context/deadline.ts';
import { decodeSnapshot, readRows, type Snapshot } from '../leases/lease-store.ts';
import { endMarkersIn, endMarkersOf } from '../leases/markers.ts';
import { removeAll, removeParcels } from '../leases/removals.ts';
import { processDueRow } from '../lifecycle/due-row.ts';
import { ownChunkKeys } from '../model/content-codec.ts';
import { parcelsIn } from '../model/held-parcels.ts';
import { deletedKey, partitionsOf, preparedPartitionsOf, type QueueRecord, queueKey, targetsOf } from '../model/queue-record.ts';
import { decodeParcel } from '../model/row-codec.ts';
import { type LeaseRow, leaseKey, parcelKey } from '../model/rows.ts';
import { signingKey, sqsKey } from '../model/rows-by-name.ts';
import { permitsRowId } from '../permits/permits.ts';
import type { Key, Write } from '../port/port.ts';
import { settingsForgottenMs } from '../queues/shard-scaling.ts';

/** Pages of one partition that one run reads. */
const pagesMax = 20;

/**
 * Removes the rows of a deleted queue, and then its record. It waits until no process can still act on cached settings: such a
 * process may receive or dead-letter messages, whose bodies must still exist.
 */
export async function removeDeleted(ctx: Context, queue: QueueRecord, deadline: Deadline): Promise<void> {
  if (queue.updatedAt >= ctx.clock.now() - settingsForgottenMs) return;
  const ever = { ...queue, shardsVisited: queue.shardsEver };
  for (const partition of [...partitionsOf(ever), ...preparedPartitionsOf(ever)]) {
    if (!(await emptyShard(ctx, queue, partition, deadline))) return;
  }
  const { rows } = await ctx.store.range(targetsOf(queue));
  await removeAll(ctx, [
    leaseKey(permitsRowId(queue)),
    ...rows.map(({ kind, name }) => ({ table: 'queues', kind, name }) as Key),
  ]);
  await removeRowsByName(ctx, queue);
  await ctx.store.write({ key: deletedKey(queue.incarnation), then: { remove: true } });
}

/** In one transaction with the condition that no queue has the name: the rows of one that was created again must stay. */
async function removeRowsByName(ctx: Context, { name }: QueueRecord): Promise<void> {
  const keys = [signingKey(name), sqsKey(name)];
  const rows = await ctx.store.get(keys);
  const removals = keys.filter((_, index) => rows[index]).map((key): Write => ({ key, then: { remove: true } }));
  if (removals.length === 0) return;
  await ctx.store.transact([{ key: queueKey(name), when: { absent: ['name'] }, then: { remove: true } }, ...removals]);
}

/** Removes the rows of one partition. Returns true if none is left. */
async function emptyShard(ctx: Context, queue: QueueRecord, partition: string, deadline: Deadline): Promise<boolean> {
  for (let page = 0; page < pagesMax; page++) {
    if (deadline.isOver()) return false;
    const [unreceived, due] = await Promise.all([
      ctx.store.range({ table: 'messages', partition, limit: headRowsMax, consistent: true }),
      ctx.store.range({ table: 'leases', index: 'due', partition, limit: headRowsMax }),
    ]);
    const parcels = unreceived.rows.map(decodeParcel);
    const overriding = await readRows(
      ctx,
      parcels.map(({ id }) => id),
    );
    // The offloaded bodies of an overridden parcel belong to its lease, which may be in another queue by now. Keep them.
    const untaken = parcels.filter((_, index) => !overriding[index]!.row);
    const seen = await readRows(
      ctx,
      due.rows.map((row) => row.id as string),
    );
    const { leases, ended, toCome } = sorted(seen, partition, ctx.clock.now());
    for (const lease of leases) await endMarkersIn(ctx, lease, ctx.clock.now());
    const waiting = await Promise.all(leases.filter(({ kind }) => kind === 'group').map(({ id }) => emptyGroup(ctx, id)));
    if (waiting.includes(false)) return false;
    // Before a row, remove its own offloaded bodies, which only the row names, and its overridden parcel, which would become live
    // again.
    await removeAll(ctx, [
      ...[...untaken, ...leases.flatMap(parcelsIn)].flatMap(({ content }) => ownChunkKeys(content)),
      ...leases.flatMap((lease) => (lease.kind === 'group' ? (lease.group.leftover ?? []) : [])).flatMap(ownChunkKeys),
      ...leases.flatMap(overridden),
    ]);
    await removeParcels(ctx, parcels);
    await removeAll(
      ctx,
      leases.map(({ id }) => leaseKey(id)),
    );
    for (const one of ended) await processDueRow(ctx, queue, one);
    if (!unreceived.next && !due.next) return toCome === 0;
  }
  return false;
}

/** Removes the parcels that wait in a group's partition. Returns true if none is left. */
async function emptyGroup(ctx: Context, partition: string): Promise<boolean> {
  const { rows, next } = await ctx.store.range({ table: 'messages', partition, limit: headRowsMax, consistent: true });
  const parcels = rows.map(decodeParcel);
  for (const parcel of parcels) await endMarkersOf(ctx, parcel, ctx.clock.now());
  await removeAll(
    ctx,
    parcels.flatMap(({ content }) => ownChunkKeys(content)),
  );
  await removeParcels(ctx, parcels);
  return next === undefined;
}

/**
 * Sorts rows of the partition: leases, tombstones whose cleanup is due (`ended`), and the number whose cleanup is not due yet.
 */
function sorted(
  seen: readonly Snapshot[],
  partition: string,
  now: number,
): { leases: LeaseRow[]; ended: Snapshot[]; toCome: number } {
  const leases: LeaseRow[] = [];
  const ended: Snapshot[] = [];
  let toCome = 0;
  for (const one of seen) {
    const { lease, tombstone } = decodeSnapshot(one, now);
    if (lease?.shard === partition) leases.push(lease);
    if (tombstone?.pendingCleanup?.shard !== partition) continue;
    if (tombstone.pendingCleanup.dueAt <= now) ended.push(one);
    else toCome++;
  }
  return { leases, ended, toCome };
}

function overridden(lease: LeaseRow): Key[] {
  const { id, sourceShard } = lease;
  return [sourceShard, lease.kind === 'parcel' ? lease.outOfOrder : undefined].flatMap((shard) =>
    shard === undefined ? [] : [parcelKey(shard, id)],
  );
}
