/** What one transaction writes to append messages to a group: the group's row, their parcels, and the markers of own ids and dedup keys. */

import type { Context } from '../context/context.ts';
import { readRows, type Snapshot } from '../leases/lease-store.ts';
import type { OffloadedBody } from '../leases/offloaded-bodies.ts';
import { groupWrite, tailOf } from '../lifecycle/group-tail.ts';
import { joinEntries, type StoredContent } from '../model/content-codec.ts';
import { generatedIdOf, type MarkedPlace } from '../model/marker.ts';
import { type QueueRecord, retentionEndAfter } from '../model/queue-record.ts';
import { encodeParcel } from '../model/row-codec.ts';
import { roomForContents } from '../model/row-room.ts';
import { type Parcel, parcelKey } from '../model/rows.ts';
import { visibleAtOf } from '../model/timing.ts';
import type { Write } from '../port/port.ts';
import { displacedBy, markerIdOf, markerWrite } from './markers.ts';
import { inParcels, type Pending } from './parcels.ts';
import { type PlaceBody, placeOwn } from './place-body.ts';

/** Bytes that a group's row needs besides its name and its messages, so that the row usually stays within 1 KB. */
const groupBytes = 200;
/** Bytes of an own id in a list, besides its characters. */
const ownIdBytes = 2;

/** Messages to append to a group, with what does not depend on the group's row. */
export interface Appended {
  rowId: string;
  name: string;
  parcels: readonly AppendedParcel[];
}

interface AppendedParcel {
  messages: readonly Pending[];
  body: OffloadedBody;
  visibleAt: number;
  retentionEnd: number | undefined;
}

/** The rows that the transaction changes, as they were read: that of the group, and the markers by their ids. */
export interface SeenGroup {
  row: Snapshot;
  markers: ReadonlyMap<string, Snapshot>;
}

/** Reads the rows that publishes to these groups change, in one batch. */
export async function readGroups(
  ctx: Context,
  wanted: readonly { queue: QueueRecord; rowId: string; messages: readonly Pending[] }[],
): Promise<SeenGroup[]> {
  const ids = wanted.map(({ queue, rowId, messages }) => [rowId, ...messages.flatMap((one) => markerIdOf(queue, one) ?? [])]);
  const seen = new Map((await readRows(ctx, ids.flat())).map((one) => [one.id, one]));
  return ids.map(([rowId, ...markers]) => ({
    row: seen.get(rowId!)!,
    markers: new Map(markers.map((id) => [id, seen.get(id)!])),
  }));
}

/** Messages in parcels, in order: those of a parcel have the same delay. */
export function groupParcelsOf<Message extends Pick<Pending, 'encoded'> & { timing?: Pending['timing'] }>(
  messages: readonly Message[],
  parcelsOf: (run: readonly Message[]) => Message[][] = inParcels,
): Message[][] {
  const runs: Message[][] = [];
  let timing: string | undefined;
  for (const message of messages) {
    const own = JSON.stringify(message.timing);
    if (runs.length > 0 && own === timing) runs.at(-1)!.push(message);
    else runs.push([message]);
    timing = own;
  }
  return runs.flatMap(parcelsOf);
}

export function appendedTo(
  ctx: Context,
  queue: QueueRecord,
  { rowId, name }: Pick<Appended, 'rowId' | 'name'>,
  parcels: readonly (readonly Pending[])[],
  placeBody: PlaceBody = placeOwn,
): Appended {
  const now = ctx.clock.now();
  const appended = parcels.map((messages): AppendedParcel => {
    const visibleAt = visibleAtOf(messages[0]!.timing, now);
    const retentionEnd = retentionEndAfter(queue, visibleAt);
    const row = roomForContents(messages.length, rowId.length, queue.backoff, queue.deadLetter !== null);
    const ownIds = messages.reduce((sum, { id, content }) => sum + (content || !id ? 0 : id.length + ownIdBytes), 0);
    const room = row - groupBytes - Buffer.byteLength(name) - ownIds;
    const body = placeBody(joinEntries(messages.map(({ encoded }) => encoded)), room, () => ctx.ids.parcel(0), retentionEnd);
    return { messages, body, visibleAt, retentionEnd };
  });
  return { rowId, name, parcels: appended };
}

export interface GroupWrites {
  /** The first one is that of the group's row, and those of the markers come last. */
  writes: [Write, ...Write[]];
  /** The version of each row that is written. */
  version: string;
  /** The parcel that is published last. */
  last: string;
  /** The id of each message. */
  ids: Map<Pending, string>;
  /** Content that nothing names once the writes are applied. */
  displaced: StoredContent[];
}

/** The writes of one transaction, if the rows are as they were read. Each call makes new ids, which sort after the group's tail. */
export function groupWrites(ctx: Context, queue: QueueRecord, { rowId, name, parcels }: Appended, seen: SeenGroup): GroupWrites {
  const now = ctx.clock.now();
  const version = ctx.newVersion();
  const parcelIds = ctx.ids.parcelsAfter(tailOf(ctx, seen.row), parcels.length);
  const ids = new Map<Pending, string>();
  const markers: Write[] = [];
  const displaced: StoredContent[] = [];
  const puts = parcels.map(({ messages, body, visibleAt, retentionEnd }, index): Write => {
    const id = parcelIds[index]!;
    const ownRows = messages.map((pending, slot): string => {
      const marks: MarkedPlace = { group: rowId, parcel: id, slot, at: now };
      const markerId = markerIdOf(queue, pending);
      const isOwn = markerId !== undefined && pending.content === undefined;
      ids.set(pending, isOwn ? pending.id! : generatedIdOf(marks));
      if (markerId === undefined) return '';
      const there = seen.markers.get(markerId)!;
      markers.push(markerWrite(ctx, queue, pending, there, { marks, version, retentionEnd }));
      displaced.push(...displacedBy(there, now));
      return isOwn ? markerId : '';
    });
    const parcel: Parcel = { shard: rowId, id, count: messages.length, since: now, visibleAt, content: body.content, ownRows };
    const row = encodeParcel({ ...parcel, ...(retentionEnd === undefined ? {} : { retentionEnd }) }, queue.deadLetter !== null);
    return { key: parcelKey(rowId, id), then: { put: row } };
  });
  const { visibleAt, retentionEnd } = parcels[0]!;
  const last = parcelIds.at(-1)!;
  const change = groupWrite(ctx, queue, {
    seen: seen.row,
    name,
    first: parcelIds[0]!,
    last,
    version,
    now,
    visibleAt,
    retentionEnd,
  });
  return { writes: [change, ...puts, ...markers], version, last, ids, displaced };
}
