/** Encodes and decodes the rows of `messages` and `leases`. The names of attributes are a stored format: never change them. */
import { defined } from '../../contract/defined.ts';
import type { Row, Value } from '../port/port.ts';
import { bodyTtl, decodeStoredContent, encodeStoredContent } from './content-codec.ts';
import { damagedLease, damagedParcel, isSoundLease, isSoundParcel, isSoundTombstone } from './damaged-rows.ts';
import { decodeGroup, encodeGroup, groupDue } from './group-row.ts';
import type { Keyed } from './keyed.ts';
import { decodeMarker, decodeMarks, decodeOwnRows, encodeMarks, encodeOwnRows, type Marker } from './marker.ts';
import {
  type Death,
  type EndedSlot,
  endOf,
  isLive,
  type LeaseRow,
  type LeaseRowFields,
  type Parcel,
  type Prepared,
  removableAt,
  type Tombstone,
} from './rows.ts';
import { decodeMore, decodeSlot, decodeSlots, encodeMore, encodeSlot, encodeSlots } from './slot-codec.ts';

export function encodeParcel(parcel: Parcel, hasDeadLetter: boolean): Row {
  const { shard, id, count, since, publishedAt, visibleAt = 0, retentionEnd, content, death, slot } = parcel;
  const row: Row = { shard, id, count, since, ...encodeStoredContent(content), ...encodeOwnRows(shard, parcel) };
  if (visibleAt > since) row.visibleAt = visibleAt;
  Object.assign(row, defined({ publishedAt, death: death && { ...death }, slot: slot && encodeSlot(slot) }));
  if (retentionEnd !== undefined) {
    row.expiresAt = retentionEnd;
    if (!hasDeadLetter) row.ttl = bodyTtl(retentionEnd);
  }
  return row;
}

export function decodeParcel(row: Row): Parcel {
  if (!isSoundParcel(row)) return damagedParcel(row);
  return defined({
    shard: row.shard as string,
    id: row.id as string,
    count: row.count as number,
    since: row.since as number,
    publishedAt: row.publishedAt as number | undefined,
    visibleAt: row.visibleAt as number | undefined,
    retentionEnd: row.expiresAt as number | undefined,
    content: decodeStoredContent(row),
    death: row.death as unknown as Death | undefined,
    slot: row.slot === undefined ? undefined : decodeSlot(row.slot as Row),
    ...decodeOwnRows(row),
  });
}

export function encodeLease(lease: LeaseRow): Row {
  const live = lease.slots.filter(isLive);
  const { id, shard, version, since, publishedAt, level, maxReceives } = lease;
  const row: Row = {
    ...defined({ id, shard, version, since, publishedAt, level, maxReceives, fresh: lease.sourceShard }),
    count: lease.slots.length,
    ...encodeSlots(lease),
    ...encodeStoredContent(lease.content),
    ...encodeOwnRows(shard, lease),
  };
  const expiry = lease.kind === 'group' ? groupDue(lease) : Math.min(...live.map((slot) => slot.visibleAt));
  if (expiry !== undefined) row.expiry = expiry;
  if (lease.kind === 'group') {
    row.group = encodeGroup(lease.group);
    // Only a group in which no message waits has a TTL.
    if (lease.group.until !== undefined) row.ttl = Math.ceil(lease.group.until / 1000);
    if (lease.more) row.more = encodeMore(lease.more);
  }
  if (lease.kind === 'parcel' && lease.groupName !== undefined) row.groupName = lease.groupName;
  if (lease.kind === 'parcel' && lease.outOfOrder !== undefined) row.outOfOrder = lease.outOfOrder;
  if (lease.kind === 'keyed') Object.assign(row, encodeKeyed(lease.keyed));
  if (lease.kind === 'prepared') row.prepared = encodePrepared(lease.prepared);
  if (lease.needsCleanup) row.ending = true;
  if (lease.death) row.death = { ...lease.death };
  if (maxReceives !== undefined && live.some((slot) => slot.receives >= maxReceives)) row.last = true;
  if (lease.retentionEnd !== undefined) {
    row.expiresAt = lease.retentionEnd;
    if (maxReceives === undefined && lease.kind !== 'group')
      row.ttl = bodyTtl(lease.retentionEnd, Math.max(...live.map((slot) => slot.visibleAt)));
  }
  return row;
}

function encodePrepared({ timing, level, checks }: Prepared): Row {
  return { ...timing, level, checks };
}

function decodePrepared({ level, checks, ...timing }: Row): Prepared {
  return { timing: timing as Prepared['timing'], level: level as number, checks: checks as number };
}

function encodeKeyed({ freeAt, accepted, acked }: Keyed): Row {
  return defined({ accepted: accepted.map(({ at, by }) => [at, by]), freeAt, acked });
}

function decodeKeyed(row: Row): Keyed | undefined {
  if (row.accepted === undefined) return undefined;
  const accepted = (row.accepted as [number, string][]).map(([at, by]) => ({ at, by }));
  return defined({ accepted, freeAt: row.freeAt as number | undefined, acked: row.acked as string | undefined });
}

/** The kept part of an ended row: everything about its messages, without the attributes that the engine acts on. */
function encodeKept(lease: LeaseRow): Row {
  const { expiry: _, ttl: __, fresh: ___, ending: ____, outOfOrder: _____, maxReceives: ______, ...row } = encodeLease(lease);
  return row;
}

function encodeEndedSlot({ token, cancelled }: EndedSlot): { [name: string]: Value } {
  return defined({ t: token, d: cancelled ? 'cancelled' : 'done' });
}

export function encodeTombstone(tombstone: Tombstone): Row {
  const row: Row = {
    ...(tombstone.kept ? encodeKept(tombstone.kept) : { slots: tombstone.slots.map(encodeEndedSlot) }),
    id: tombstone.id,
    version: tombstone.version,
    until: tombstone.until,
    ...(tombstone.keyed ? encodeKeyed(tombstone.keyed) : {}),
    ...(tombstone.marks ? { marks: encodeMarks(tombstone.marks) } : {}),
  };
  if (tombstone.pendingCleanup) {
    // A kept row has `since`, so only `last` makes the sweep read it.
    if (tombstone.kept) row.last = true;
    row.shard = tombstone.pendingCleanup.shard;
    row.expiry = tombstone.pendingCleanup.dueAt;
    if (tombstone.pendingCleanup.outOfOrder !== undefined) row.outOfOrder = tombstone.pendingCleanup.outOfOrder;
    if (tombstone.pendingCleanup.content) Object.assign(row, encodeStoredContent(tombstone.pendingCleanup.content));
  } else {
    row.ttl = tombstone.kept ? Math.ceil(tombstone.until / 1000) : removableAt(tombstone.until);
  }
  return row;
}

/** Decodes a row of `leases`: a lease that still holds messages (or is a group's row), a tombstone, or a marker. */
export function decodeLease(row: Row): { lease: LeaseRow } | { tombstone: Tombstone } | { marker: Marker } {
  const marker = decodeMarker(row);
  if (marker) return { marker };
  if (row.until !== undefined && isSoundTombstone(row)) {
    // Only a tombstone that still shows its messages has `since`.
    const kept = row.since === undefined ? undefined : decodeLive(row);
    const keyed = decodeKeyed(row);
    const tombstone: Tombstone = {
      id: row.id as string,
      version: row.version as string,
      slots: kept ? kept.slots.map(endOf) : (row.slots as Row[]).map(decodeEndedSlot),
      until: row.until as number,
      ...defined({ keyed, kept, marks: decodeMarks(row) }),
    };
    if (row.expiry !== undefined) {
      tombstone.pendingCleanup = { shard: row.shard as string, dueAt: row.expiry as number };
      if (row.outOfOrder !== undefined) tombstone.pendingCleanup.outOfOrder = row.outOfOrder as string;
      if (row.beside !== undefined) tombstone.pendingCleanup.content = decodeStoredContent(row);
    }
    return { tombstone };
  }
  return { lease: isSoundLease(row) ? decodeLive(row) : damagedLease(row) };
}

function decodeEndedSlot(slot: Row): EndedSlot {
  return {
    ...(slot.t === undefined ? {} : { token: slot.t as string }),
    ...(slot.d === 'cancelled' ? { cancelled: true } : {}),
  };
}

function decodeLive(row: Row): LeaseRow {
  const lease: LeaseRowFields = defined({
    ...{ id: row.id as string, shard: row.shard as string },
    version: row.version as string,
    slots: decodeSlots(row),
    since: row.since as number,
    content: decodeStoredContent(row),
    publishedAt: row.publishedAt as number | undefined,
    retentionEnd: row.expiresAt as number | undefined,
    sourceShard: row.fresh as string | undefined,
    death: row.death as unknown as Death | undefined,
    level: row.level as number | undefined,
    maxReceives: row.maxReceives as number | undefined,
    ...decodeOwnRows(row),
  });
  if (row.ending) lease.needsCleanup = true;
  if (row.group !== undefined) {
    const group = decodeGroup(row.group as Row);
    if (!lease.slots.some(isLive) && row.expiry !== undefined) group.dueAt = row.expiry as number;
    return { ...lease, kind: 'group', group, ...(row.more === undefined ? {} : { more: decodeMore(row.more as Row) }) };
  }
  const keyed = decodeKeyed(row);
  if (keyed) return { ...lease, kind: 'keyed', keyed };
  if (row.prepared !== undefined) return { ...lease, kind: 'prepared', prepared: decodePrepared(row.prepared as Row) };
  const { outOfOrder, groupName } = row as { outOfOrder?: string; groupName?: string };
  return { ...lease, kind: 'parcel', ...defined({ outOfOrder, groupName }) };
}
