/**
 * Messages that stay readable after their end, for as long as the queue's setting `keep` says. The slot stays as it was, marked
 * with when it ended. Once no message of a row is live, the row becomes a tombstone that still shows them. It is found by id
 * only: no index holds it.
 */
import type { EndState, Json } from '../../contract/contract.ts';
import { defined } from '../../contract/defined.ts';
import { errorsKeptMax, resultsRowBytesMax, retentionGraceMs, tombstoneMs } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import {
  contentAt,
  encodeContent,
  joinEntries,
  readContents,
  type StoredContent,
  storeContent,
  writeChunks,
} from '../model/content-codec.ts';
import { parcelRowId, parcelsIn, slotsOf } from '../model/held-parcels.ts';
import { groupKeyOf, keptRowId, slotRowId } from '../model/ids.ts';
import { type QueueRecord, writeDeadline } from '../model/queue-record.ts';
import { roomForContents } from '../model/row-room.ts';
import { isLive, type LeaseRow, leaseKey, type Parcel, type Slot, type Tombstone } from '../model/rows.ts';
import { withExpiryRecorded } from '../model/slot-lease.ts';
import type { Write } from '../port/port.ts';
import {
  decodeSnapshot,
  endedRow,
  lacksTtl,
  putIfAbsent,
  putIfUnchanged,
  putIfUnchangedWith,
  type Snapshot,
} from './lease-store.ts';
import { markerEnds } from './markers.ts';
import { withLastingBodies } from './offloaded-bodies.ts';
import { removeOverriddenBy } from './removals.ts';

/** The `kept` mark of a slot that ends at `at`; empty if the queue does not keep messages with this end. */
export function keptAs(queue: QueueRecord, state: EndState, at: number): Pick<Slot, 'kept'> {
  const seconds = (state === 'done' ? queue.keep?.doneSeconds : queue.keep?.deadSeconds) ?? 0;
  return seconds === 0 ? {} : { kept: { at, until: at + seconds * 1000 } };
}

/** The slot of a message removed for its age or by a purge. It has no token, so a late ack is answered `lease_lost`. */
export function removedSlot(queue: QueueRecord, aged: Aged, slot: Slot, now: number): Slot {
  const ending = expiredAs(queue, aged, slot, now);
  const { token: _, leasedUntil: __, ...rest } = ending ? withExpiryRecorded(queue, slot) : slot;
  return ending ? { ...rest, end: 'expired', kept: ending } : { ...rest, end: 'done' };
}

/** A message's parcel or row: what tells the age of the message. */
type Aged = Pick<Parcel, 'since' | 'retentionEnd'>;

/**
 * The `kept` mark of a message that expired while no lease was on it. Undefined if it has not expired, was purged, or is not
 * kept by the queue now.
 */
function expiredAs(queue: QueueRecord, aged: Aged, slot: Pick<Slot, 'visibleAt'>, now: number): Slot['kept'] {
  const { since, retentionEnd } = aged;
  const isExpired = retentionEnd !== undefined && retentionEnd <= now && slot.visibleAt <= now && queue.deadLetter === null;
  if (!isExpired || since < queue.purgedBefore) return undefined;
  const { kept } = keptAs(queue, 'expired', Math.max(retentionEnd, slot.visibleAt));
  return kept && kept.until > now ? kept : undefined;
}

/** How and when a message ended, and until when it can be read, ms. */
export interface Ending {
  state: EndState;
  at: number;
  until: number;
}

/**
 * How a message of this queue ended. Includes a message that expired although no process has marked its row yet. Undefined if
 * it has not ended, or is not shown any more.
 */
export function endingOf(queue: QueueRecord, aged: Aged, slot: Slot, now: number): Ending | undefined {
  if (isLive(slot)) {
    const kept = expiredAs(queue, aged, slot, now);
    return kept && { state: 'expired', ...kept };
  }
  const { end, kept } = slot;
  if (!kept || kept.until <= now || end === 'moved' || aged.since < queue.purgedBefore) return undefined;
  return { state: end!, ...kept };
}

export function endingOfParcel(queue: QueueRecord, parcel: Parcel, now: number): Ending | undefined {
  const kept = expiredAs(queue, parcel, { visibleAt: parcel.visibleAt ?? parcel.since }, now);
  return kept && { state: 'expired', ...kept };
}

/** Whether a new message under the same id may ignore this tombstone. */
export function isForgotten(queue: QueueRecord, tombstone: Tombstone, now: number): boolean {
  if (tombstone.until < now) return true;
  const { kept } = tombstone;
  if (kept?.slots.some((slot) => endingOf(queue, kept, slot, now))) return false;
  if (isMarkedKept(queue, tombstone, now)) return false;
  const isPurged = kept !== undefined && kept.since < queue.purgedBefore;
  if (isPurged && kept.slots.every((slot) => (slot.kept?.at ?? 0) + tombstoneMs < now)) return true;
  // An ack leaves its token. A slot with no token that was not cancelled was removed for its age or by a purge.
  return tombstone.slots.every(({ token, cancelled }) => token === undefined && !cancelled);
}

/** Whether the tombstone is that of a marker whose message is still shown. */
function isMarkedKept(queue: QueueRecord, { marks }: Tombstone, now: number): boolean {
  return marks !== undefined && marks.at >= queue.purgedBefore && (marks.keptUntil ?? 0) > now;
}

/**
 * The slot's record of a failure. A queue with the setting `keep` records the last few failures, any other queue only the last.
 */
export function failureIn(queue: QueueRecord, slot: Slot, text: string, at: number): Pick<Slot, 'lastFailure' | 'errors'> {
  if (!queue.keep) return { lastFailure: text };
  return { lastFailure: text, errors: [...(slot.errors ?? []), { at, text }].slice(-errorsKeptMax) };
}

/**
 * Decides whether the result of an ack fits in the row, and writes it if it is offloaded: it must exist before the row names
 * it. Each of the row's `count` messages has an equal share of the row's room for results.
 */
export async function placeResult(
  ctx: Context,
  body: Json,
  count: number,
  until: number,
  readAt: number,
): Promise<StoredContent> {
  const room = Math.floor(resultsRowBytesMax / count);
  const { content, chunks } = storeContent(joinEntries([encodeContent({ body })]), room, () => ctx.ids.parcel(0));
  await writeChunks(ctx.store, content, chunks, Math.ceil(until / 1000), writeDeadline(readAt));
  return content;
}

/** Whether TTL may have removed offloaded bodies by `until`, if it was set for a retention that ends at `from`. */
export function outlastsBodies(until: number, from: number): boolean {
  return until > from + retentionGraceMs / 2;
}

/**
 * The row with bodies that outlive its kept messages, for a row that ends. Call it before the row is written. Bodies without a TTL
 * (unlimited retention) get one after the row has ended (`finishCleanup` in lifecycle/due-row.ts).
 */
export async function keepOffloaded<Lease extends LeaseRow>(ctx: Context, lease: Lease): Promise<Lease> {
  return withLastingBodies(ctx, lease, (parcel) => {
    const until = Math.max(0, ...slotsOf(lease, parcel).map(({ kept }) => kept?.until ?? 0));
    return outlastsBodies(until, parcel.retentionEnd) ? until : undefined;
  });
}

/** Writes the end of a row that has no live message, if the row is unchanged. `others`: writes of the same transaction. */
export async function replaceEnded(
  ctx: Context,
  seen: Snapshot,
  lease: LeaseRow,
  now: number,
  others: readonly Write[] = [],
): Promise<Snapshot> {
  await removeOverriddenBy(ctx, lease);
  const ended = await keepOffloaded(ctx, lease);
  const apart = [...others, ...keptApart(ctx, ended, now), ...(await markerEnds(ctx, ended, now))];
  const row = endedRow(ended, now);
  return apart.length > 0 ? putIfUnchangedWith(ctx, seen, row, apart) : putIfUnchanged(ctx, seen, row);
}

/** The writes that put a group's kept messages into a row for each parcel, because the group's row advances to other messages. */
export function keptApart(ctx: Context, lease: LeaseRow, now: number): Write[] {
  if (lease.kind !== 'group') return [];
  const {
    group,
    more: _,
    sourceShard: __,
    retentionEnd: ___,
    publishedAt: ____,
    needsCleanup: _____,
    death: ______,
    ...rest
  } = lease;
  return parcelsIn(lease).flatMap((parcel): Write[] => {
    const { since, publishedAt, retentionEnd, content, death } = parcel;
    const slots = slotsOf(lease, parcel);
    if (!slots.some(({ kept }) => kept && kept.until > now)) return [];
    const id = parcelRowId(lease, parcel);
    const needsCleanup = lacksTtl(content, retentionEnd) || undefined;
    const ownRows = lease.ownRows?.slice(parcel.from, parcel.from + parcel.count);
    const aged = { since, content, ...defined({ publishedAt, retentionEnd, needsCleanup, ownRows, death }) };
    const apart: LeaseRow = { ...rest, kind: 'parcel', id, version: ctx.newVersion(), slots, ...aged, groupName: group.name };
    return [{ key: leaseKey(id), then: { put: endedRow(apart, now) } }];
  });
}

/**
 * The write that keeps a message cancelled before its group reached it, in a row of its own; undefined if there is nothing to
 * keep. Offloads the content first if necessary.
 */
export async function cancelledApart(
  ctx: Context,
  queue: QueueRecord,
  seen: Snapshot,
  parcel: Parcel,
  slot: number,
): Promise<Write | undefined> {
  const now = ctx.clock.now();
  const ending = keptAs(queue, 'cancelled', now);
  const [contents] = ending.kept ? await readContents(ctx.store, [parcel.content]) : [];
  const { lease: groupLease } = decodeSnapshot(seen, now);
  if (!ending.kept || !contents || groupLease?.kind !== 'group') return undefined;
  const id = parcel.ownRows?.[slot] || slotRowId(keptRowId(parcel.id, groupKeyOf(seen.id)), slot);
  const room = roomForContents(1, id.length, null, false);
  const { content, chunks } = storeContent(joinEntries([encodeContent(contentAt(contents, slot))]), room, () =>
    ctx.ids.parcel(0),
  );
  await writeChunks(ctx.store, content, chunks, Math.ceil(ending.kept.until / 1000), writeDeadline(now));
  const version = ctx.newVersion();
  const lease: LeaseRow = {
    ...{ kind: 'parcel', id, shard: parcel.shard, version, since: parcel.since, content, groupName: groupLease.group.name },
    slots: [{ visibleAt: parcel.since, receives: 0, failures: 0, ...parcel.slot, end: 'cancelled', ...ending }],
    ...defined({ retentionEnd: parcel.retentionEnd, death: parcel.death }),
  };
  return { key: leaseKey(id), then: { put: endedRow(lease, now) } };
}

/**
 * Ends a parcel that was not received in time, in a row of `leases` that overrides the one in `messages`. Returns the row as it
 * is afterwards. This call put it if it has the version of `lease`.
 */
export async function keepExpired(ctx: Context, queue: QueueRecord, lease: LeaseRow, readAt: number): Promise<Snapshot> {
  const now = ctx.clock.now();
  const slots = lease.slots.map((slot) => (isLive(slot) ? removedSlot(queue, lease, slot, now) : slot));
  const ended = await keepOffloaded(ctx, { ...lease, slots });
  return putIfAbsent(ctx, endedRow(ended, now), readAt);
}

/** The key under which calls in this process wait for a message's end (`ctx.wakeups`). */
export function endKey(queueName: string, id: string): string {
  return `${queueName}:${id}`;
}
