/**
 * Moves messages to the end of their group, mostly in another queue: when they die and stay in their group, and when messages that died in a
 * group are redriven. One transaction takes them out of where they are, appends a parcel to the group for each, and puts a marker over the
 * row that each has outside groups. So a message is found under its id as before.
 */
import { defined } from '../../contract/defined.ts';
import type { Context } from '../context/context.ts';
import { readRow, type Snapshot } from '../leases/lease-store.ts';
import { markerTtl } from '../leases/markers.ts';
import { type OffloadedBody, removeLasting, withBodies } from '../leases/offloaded-bodies.ts';
import { removeChunks } from '../leases/removals.ts';
import { bodyTtl, encodeContent, joinEntries, storeContent } from '../model/content-codec.ts';
import { groupPlace, laneOf } from '../model/group-row.ts';
import { decodeMarks, encodeMarker } from '../model/marker.ts';
import { type QueueRecord, retentionEndAfter, writeDeadline } from '../model/queue-record.ts';
import { encodeParcel } from '../model/row-codec.ts';
import { roomForContents } from '../model/row-room.ts';
import { type Death, type LeaseRow, leaseKey, type Parcel, parcelKey } from '../model/rows.ts';
import { type Row, StoreError, type Write } from '../port/port.ts';
import { untilDone } from '../port/until-done.ts';
import { groupWrite, tailOf } from './group-tail.ts';
import { type Leaving, type LeavingMessage, leavingParcel, leavingRow } from './leaving-messages.ts';
import { type Moved, slotInNewQueue } from './moved-slots.ts';

/** Bytes that a group's row needs besides its name, its own id and its message. */
const groupBytes = 250;

interface Destination {
  target: QueueRecord;
  groupName: string;
  /** Why they are dead-lettered; undefined for a redrive. */
  death?: Death;
}

/** Moves these slots of a row if it is unchanged. Their receives and failures begin again. */
export async function moveToGroup(
  ctx: Context,
  { seen, lease, slots, ...to }: Destination & { seen: Snapshot; lease: LeaseRow; slots: readonly number[] },
): Promise<Moved> {
  const leaving = await leavingRow(ctx, seen, lease, slots);
  return leaving ? append(ctx, leaving, to) : { applied: false, seen: await readRow(ctx, seen.id) };
}

/** Moves a message that waits in a group, alone in its parcel, if the row of that group (`seen`) is unchanged. */
export async function moveParcelToGroup(
  ctx: Context,
  { seen, parcel, ...to }: Destination & { seen: Snapshot; parcel: Parcel },
): Promise<Moved> {
  const leaving = await leavingParcel(ctx, seen, parcel);
  return leaving ? append(ctx, leaving, to) : { applied: false, seen: await readRow(ctx, seen.id) };
}

async function append(ctx: Context, leaving: Leaving, to: Destination): Promise<Moved> {
  const { seen, messages } = leaving;
  const { target, groupName } = to;
  const rowId = groupPlace(target, laneOf(target, groupName, ctx.random));
  const bodies = messages.map((message) => bodyFor(ctx, to, message));
  /** The parcels that this move tried to append. */
  const ours = new Set<unknown>();
  const by = writeDeadline(seen.readAt);
  let isUnknown = false;
  let refused = '';
  let tail = '';
  const put = async () =>
    untilDone(
      `the group "${groupName}"`,
      await readRow(ctx, rowId),
      async (group): Promise<{ done: Snapshot | undefined } | { seen: Snapshot }> => {
        const startedAt = ctx.clock.now();
        tail = tailOf(ctx, group);
        const { writes, parcelIds, row } = movedWrites(ctx, leaving, to, group, bodies);
        for (const id of parcelIds) ours.add(id);
        try {
          const result = await ctx.store.transact(writes, by);
          if (result.ok) return { done: { id: seen.id, row, readAt: startedAt } };
          const [inTheWay, ...others] = result.refused;
          if (others.some((one) => one !== undefined)) return { done: undefined };
          refused = parcelIds.at(-1)!;
          return { seen: { id: rowId, row: inTheWay?.row, readAt: startedAt } };
        } catch (error) {
          if (!(error instanceof StoreError) || (error.applied === 'no' && ctx.clock.now() <= by.by)) throw error;
          isUnknown = error.applied !== 'no';
          return { done: undefined };
        }
      },
    );
  // A late copy of a refused transaction may still be applied, until the group's tail is past it.
  const mayBeNamed = () => isUnknown || refused > tail;
  const done = await withBodies(ctx, bodies, by, put, mayBeNamed);
  const after = done ?? (await readRow(ctx, seen.id));
  const applied = done !== undefined || (await isMarked(ctx, after, messages[0]!, ours));
  if (applied) {
    await removeChunks(ctx, ...leaving.unnamed);
    ctx.wakeups.wake(target.name);
  }
  // A row that has changed refuses every copy of the move.
  if (!applied && (after.row?.version !== seen.row?.version || !mayBeNamed())) await removeLasting(ctx, bodies);
  return { applied, seen: after };
}

/** Whether the marker of the message names one of these parcels. It does also after the message has ended. */
async function isMarked(ctx: Context, after: Snapshot, { rowId }: LeavingMessage, parcels: Set<unknown>): Promise<boolean> {
  const { row } = after.id === rowId ? after : await readRow(ctx, rowId);
  return row !== undefined && parcels.has(decodeMarks(row)?.parcel);
}

function bodyFor(ctx: Context, { target, groupName }: Destination, { rowId, content }: LeavingMessage): OffloadedBody {
  const retentionEnd = retentionEndAfter(target, ctx.clock.now());
  const row = roomForContents(1, rowId.length, target.backoff, target.deadLetter !== null);
  const room = row - groupBytes - Buffer.byteLength(groupName) - rowId.length;
  const stored = storeContent(joinEntries([encodeContent(content)]), room, () => ctx.ids.parcel(0));
  return { ...stored, ttl: retentionEnd === undefined ? undefined : bodyTtl(retentionEnd) };
}

/** The first write is that of the group's row. `row`: the row that the messages leave, as it is afterwards. */
function movedWrites(
  ctx: Context,
  { messages, change }: Leaving,
  { target, groupName, death }: Destination,
  group: Snapshot,
  bodies: readonly OffloadedBody[],
): { writes: [Write, ...Write[]]; parcelIds: readonly string[]; row: Row } {
  const now = ctx.clock.now();
  const version = ctx.newVersion();
  const parcelIds = ctx.ids.parcelsAfter(tailOf(ctx, group), messages.length);
  const retentionEnd = retentionEndAfter(target, now);
  const hasDeadLetter = target.deadLetter !== null;
  const ttl = markerTtl(retentionEnd, hasDeadLetter);
  const markers: Row[] = [];
  const puts = messages.flatMap(({ rowId, when, publishedAt, slot }, index): Write[] => {
    const id = parcelIds[index]!;
    const marks = { group: group.id, parcel: id, slot: 0, at: now };
    const dead = death && { death: { ...death, group: groupName }, slot: slotInNewQueue(slot, now, true) };
    const { content } = bodies[index]!;
    const parcel: Parcel = { shard: group.id, id, count: 1, since: now, publishedAt, content, ownRows: [rowId], ...dead };
    const marker = encodeMarker({ id: rowId, version, marks, ...defined({ ttl }) });
    markers.push(marker);
    return [
      { key: leaseKey(rowId), when, then: { put: marker } },
      { key: parcelKey(group.id, id), then: { put: encodeParcel({ ...parcel, ...defined({ retentionEnd }) }, hasDeadLetter) } },
    ];
  });
  const [first, last] = [parcelIds[0]!, parcelIds.at(-1)!];
  const appended = { seen: group, name: groupName, first, last, version, now, visibleAt: now, retentionEnd };
  const left = change?.(version);
  return {
    writes: [groupWrite(ctx, target, { ...appended, areDeadLetters: death !== undefined }), ...(left?.writes ?? []), ...puts],
    parcelIds,
    row: left?.row ?? markers[0]!,
  };
}
