/** What one transaction writes to append messages to a group: the group's row, their parcels, and the markers of own ids and dedup keys. */

import { idleLaneLeadMsMax, tombstoneMs } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { removedSlot } from '../leases/kept-messages.ts';
import { decodeSnapshot, readRows, type Snapshot } from '../leases/lease-store.ts';
import type { OffloadedBody } from '../leases/offloaded-bodies.ts';
import { joinEntries, type StoredContent } from '../model/content-codec.ts';
import { parcelDone, restEnd } from '../model/group-row.ts';
import { generatedIdOf, type MarkedPlace } from '../model/marker.ts';
import { type QueueRecord, randomShard, retentionEndAfter, shardKey } from '../model/queue-record.ts';
import { encodeLease, encodeParcel, roomForContents } from '../model/row-codec.ts';
import { type Group, type GroupLeaseRow, isLive, leaseKey, type Parcel, parcelKey } from '../model/rows.ts';
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

/** The parcel of the group that was published last. */
export function tailOf(ctx: Context, seen: Snapshot): string {
  const { lease } = decodeSnapshot(seen, ctx.clock.now());
  return lease?.kind === 'group' ? lease.group.tail : '';
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

interface GroupChange {
  seen: Snapshot;
  name: string;
  first: string;
  last: string;
  version: string;
  now: number;
  /** Of the first parcel. */
  visibleAt: number;
  retentionEnd: number | undefined;
}

/** The write to the group's row that appends these parcels to what was published before. */
function groupWrite(
  ctx: Context,
  queue: QueueRecord,
  { seen, name, first, last, version, now, visibleAt, retentionEnd }: GroupChange,
): Write {
  const key = leaseKey(seen.id);
  const delayEnd = visibleAt > now ? visibleAt : 0;
  const shard = shardKey(queue, randomShard(queue, ctx.random));
  const expiring = retentionEnd === undefined ? {} : { retentionEnd };
  if (!seen.row) {
    const group: Group = {
      name,
      head: '',
      nextId: first,
      tail: last,
      dueAt: Math.max(delayEnd, dueAfterIdle(queue, undefined, now)),
    };
    const fields = { id: seen.id, shard, version, slots: [], since: now, content: { text: '[]' }, ...expiring };
    const row = encodeLease({ kind: 'group', ...fields, group });
    return { key, when: { absent: ['id'] }, then: { put: row } };
  }
  const { lease } = decodeSnapshot(seen, now);
  // The lease on purged messages must not delay what is published after the purge.
  if (lease?.kind === 'group' && lease.since < queue.purgedBefore && lease.slots.some(isLive)) {
    const removed = {
      ...lease,
      version,
      group: { ...lease.group, tail: last },
      slots: lease.slots.map((slot) => removedSlot(queue, lease, slot, now)),
    };
    const next = removed.ownRows ? withEndDue(removed, now) : parcelDone(removed, now);
    return { key, when: { equals: [['version'], lease.version] }, then: { put: encodeLease({ ...next, ...expiring }) } };
  }
  const follows = { less: [['group', 'tail'], last] } as const;
  if (seen.row.expiry !== undefined) {
    const then: Write['then'] = {
      set: [
        [['version'], version],
        [['group', 'tail'], last],
      ],
    };
    return { key, when: { all: [{ exists: ['expiry'] }, follows] }, then };
  }
  const idle = lease?.kind === 'group' ? lease.group : undefined;
  return {
    key,
    when: { all: [{ exists: ['id'] }, { absent: ['expiry'] }, follows] },
    then: {
      set: [
        [['version'], version],
        [['group', 'tail'], last],
        [['group', 'first'], first],
        // The row may name a shard that is retired by now.
        [['shard'], shard],
        [['expiry'], Math.max(dueAfterIdle(queue, idle?.until, now), delayEnd, idle ? restEnd(queue, idle) : 0)],
        [['since'], now],
        ...(retentionEnd === undefined ? [] : [[['expiresAt'], retentionEnd] as const]),
      ],
      unset: [['ttl']],
    },
  };
}

/** The row with messages that have ended and whose markers are to end: it is due at once, and the process that finds it ends both. */
function withEndDue(lease: GroupLeaseRow, now: number): GroupLeaseRow {
  return { ...lease, group: { ...lease.group, dueAt: now } };
}

/**
 * When a group in which nothing waited becomes due, by the `until` of its row. A group of one lane: now. A lane of several comes
 * before all lanes that were served after it: otherwise it would wait for each lane of a group that has a backlog. The lead is
 * bounded, so that groups that never waited before do not hold up a backlog for long.
 */
function dueAfterIdle(queue: QueueRecord, until: number | undefined, now: number): number {
  if ((queue.groups?.concurrency ?? 1) === 1) return now;
  const servedAt = until === undefined ? 0 : until - tombstoneMs;
  return Math.min(now, Math.max(servedAt, now - idleLaneLeadMsMax, queue.purgedBefore));
}
