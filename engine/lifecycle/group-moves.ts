/**
 * Moves a message that died in a group back to the end of its group, in the queue where it died or in another one. One transaction appends a
 * parcel to the group, and puts a marker over the message's row, so the message is found under its id as before.
 */
import type { Context } from '../context/context.ts';
import { lacksTtl, readRow, type Snapshot, unchanged } from '../leases/lease-store.ts';
import { markerTtl } from '../leases/markers.ts';
import { currentContents, type OffloadedBody, removeLasting, withBodies } from '../leases/offloaded-bodies.ts';
import { removeChunks } from '../leases/removals.ts';
import { bodyTtl, type Content, contentAt, encodeContent, joinEntries, storeContent } from '../model/content-codec.ts';
import { groupPlace, laneOf } from '../model/group-row.ts';
import { decodeMarks, encodeMarker } from '../model/marker.ts';
import { type QueueRecord, retentionEndAfter, writeDeadline } from '../model/queue-record.ts';
import { encodeParcel, roomForContents } from '../model/row-codec.ts';
import { leaseKey, type Parcel, type ParcelLeaseRow, parcelKey } from '../model/rows.ts';
import { StoreError, type Write } from '../port/port.ts';
import { untilDone } from '../port/until-done.ts';
import { groupWrite, tailOf } from './group-tail.ts';
import type { Moved } from './moves.ts';

/** Bytes that a group's row needs besides its name, its own id and its message. */
const groupBytes = 250;

interface GroupMove {
  seen: Snapshot;
  /** The row of this message alone. */
  lease: Omit<ParcelLeaseRow, 'groupName'> & { groupName: string };
  target: QueueRecord;
}

/** Moves the message if its row is unchanged. Its receives and failures begin again. */
export async function moveToGroup(ctx: Context, move: GroupMove): Promise<Moved> {
  const { seen, lease, target } = move;
  const contents = await currentContents(ctx, lease, [0]);
  if (!contents) return { applied: false, seen: await readRow(ctx, lease.id) };
  const rowId = groupPlace(target, laneOf(target, lease.groupName, ctx.random));
  const body = bodyFor(ctx, move, contentAt(contents, 0));
  /** The parcels that this move tried to append. */
  const ours = new Set<unknown>();
  const by = writeDeadline(seen.readAt);
  let isUnknown = false;
  let refused = '';
  let tail = '';
  const put = async () =>
    untilDone(
      `the group "${lease.groupName}"`,
      await readRow(ctx, rowId),
      async (group): Promise<{ done: Snapshot } | { seen: Snapshot }> => {
        const startedAt = ctx.clock.now();
        tail = tailOf(ctx, group);
        const { writes, parcelId } = movedWrites(ctx, move, group, body);
        ours.add(parcelId);
        try {
          const result = await ctx.store.transact(writes, by);
          if (result.ok) return { done: { id: lease.id, row: writes[0].then.put, readAt: startedAt } };
          const [source, inTheWay] = result.refused;
          if (source) return { done: { id: lease.id, row: source.row, readAt: startedAt } };
          refused = parcelId;
          return { seen: { id: rowId, row: inTheWay?.row, readAt: startedAt } };
        } catch (error) {
          if (!(error instanceof StoreError) || (error.applied === 'no' && ctx.clock.now() <= by.by)) throw error;
          isUnknown = error.applied !== 'no';
          return { done: await readRow(ctx, lease.id) };
        }
      },
    );
  // A late copy of a refused transaction may still be applied, until the group's tail is past it.
  const mayBeNamed = () => isUnknown || refused > tail;
  const after = await withBodies(ctx, [body], by, put, mayBeNamed);
  // The marker names its message also after that has ended.
  const applied = after.row !== undefined && ours.has(decodeMarks(after.row)?.parcel);
  if (applied && (lease.needsCleanup || lacksTtl(lease.content, lease.retentionEnd))) await removeChunks(ctx, lease.content);
  // A row that has changed refuses every copy of the move.
  if (!applied && (after.row?.version !== lease.version || !mayBeNamed())) await removeLasting(ctx, [body]);
  if (applied) ctx.wakeups.wake(target.name);
  return { applied, seen: after };
}

function bodyFor(ctx: Context, { lease, target }: GroupMove, content: Content): OffloadedBody {
  const retentionEnd = retentionEndAfter(target, ctx.clock.now());
  const row = roomForContents(1, lease.id.length, target.backoff, target.deadLetter !== null);
  const room = row - groupBytes - Buffer.byteLength(lease.groupName) - lease.id.length;
  const stored = storeContent(joinEntries([encodeContent(content)]), room, () => ctx.ids.parcel(0));
  return { ...stored, ttl: retentionEnd === undefined ? undefined : bodyTtl(retentionEnd) };
}

/** The first write is that of the message's row. */
function movedWrites(
  ctx: Context,
  { seen, lease, target }: GroupMove,
  group: Snapshot,
  { content }: OffloadedBody,
): { writes: [Write & { then: { put: ReturnType<typeof encodeMarker> } }, Write, Write]; parcelId: string } {
  const now = ctx.clock.now();
  const version = ctx.newVersion();
  const [id] = ctx.ids.parcelsAfter(tailOf(ctx, group), 1) as [string];
  const retentionEnd = retentionEndAfter(target, now);
  const hasDeadLetter = target.deadLetter !== null;
  const ttl = markerTtl(retentionEnd, hasDeadLetter);
  const marks = { group: group.id, parcel: id, slot: 0, at: now };
  const parcel: Parcel = {
    ...{ shard: group.id, id, count: 1, since: now, publishedAt: lease.publishedAt ?? lease.since, content, ownRows: [lease.id] },
    ...(retentionEnd === undefined ? {} : { retentionEnd }),
  };
  const marker = encodeMarker({ id: lease.id, version, marks, ...(ttl === undefined ? {} : { ttl }) });
  const change = { seen: group, name: lease.groupName, first: id, last: id, version, now, visibleAt: now, retentionEnd };
  const writes = [
    { key: leaseKey(lease.id), when: unchanged(seen.row!), then: { put: marker } },
    groupWrite(ctx, target, change),
    { key: parcelKey(group.id, id), then: { put: encodeParcel(parcel, hasDeadLetter) } },
  ] satisfies Write[] as ReturnType<typeof movedWrites>['writes'];
  return { writes, parcelId: id };
}
