/**
 * What a queue keeps of messages that have ended, as long as its setting `keep` says: the slot stays as it was, with the instant of its end,
 * and the row, once nothing in it is live, stays as a tombstone that shows what it held. It is found by id alone: no index has it.
 */
import type { EndState, Json } from '../../contract/contract.ts';
import { errorsKeptMax, resultsRowBytesMax, retentionGraceMs, tombstoneMs } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { contentAt, joinEntries, type Placed, packEntry, place, readContents, writeChunks } from '../model/content-codec.ts';
import { parcelIdOf } from '../model/group-row.ts';
import { groupKeyOf, keptRowId, slotRowId } from '../model/ids.ts';
import { type QueueRecord, writeDeadline } from '../model/queue-record.ts';
import { roomForContents } from '../model/row-codec.ts';
import { isLive, type Lease, leaseKey, type Parcel, type Slot, type Tombstone } from '../model/rows.ts';
import type { Write } from '../port/port.ts';
import {
  decodeSnapshot,
  endedRow,
  keepBodies,
  putIfAbsent,
  putIfUnchanged,
  putIfUnchangedWith,
  type Snapshot,
} from './lease-store.ts';

/** What is noted of a slot that ends now, or ended at `at`: nothing where its queue does not keep it. */
export function keptAs(queue: QueueRecord, state: EndState, at: number): Pick<Slot, 'kept'> {
  const seconds = (state === 'done' ? queue.keep?.doneSeconds : queue.keep?.deadSeconds) ?? 0;
  return seconds === 0 ? {} : { kept: { at, until: at + seconds * 1000 } };
}

/** A slot removed for its age or by a purge: without its token, so that a late ack is told that the lease is lost. */
export function removedSlot(queue: QueueRecord, lease: Lease, slot: Slot, now: number): Slot {
  const { token: _, leasedUntil: __, ...rest } = slot;
  const ending = expiry(queue, lease, slot, now);
  return ending ? { ...rest, end: 'expired', kept: ending } : { ...rest, end: 'done' };
}

type Aged = Pick<Lease, 'since' | 'expiresAt'>;

/** When a message expired that nobody holds, where its queue keeps it now; undefined: it did not, or is gone. */
function expiry(queue: QueueRecord, aged: Aged, slot: Pick<Slot, 'visibleAt'>, now: number): Slot['kept'] {
  const { since, expiresAt } = aged;
  const isExpired = expiresAt !== undefined && expiresAt <= now && slot.visibleAt <= now && queue.deadLetter === null;
  if (!isExpired || since < queue.purgedBefore) return undefined;
  const { kept } = keptAs(queue, 'expired', Math.max(expiresAt, slot.visibleAt));
  return kept && kept.until > now ? kept : undefined;
}

/** How a message ended that can still be read. */
export interface Ending {
  state: EndState;
  at: number;
  until: number;
}

/** The end of a message in this queue, also of one that expired and that nobody has met since; undefined: it has not ended, or is gone. */
export function endingOf(queue: QueueRecord, lease: Lease, slot: Slot, now: number): Ending | undefined {
  if (isLive(slot)) {
    const kept = expiry(queue, lease, slot, now);
    return kept && { state: 'expired', ...kept };
  }
  const { end, kept } = slot;
  if (!kept || kept.until <= now || end === 'moved' || lease.since < queue.purgedBefore) return undefined;
  return { state: end!, ...kept };
}

export function endingOfParcel(queue: QueueRecord, parcel: Parcel, now: number): Ending | undefined {
  const kept = expiry(queue, parcel, { visibleAt: parcel.since }, now);
  return kept && { state: 'expired', ...kept };
}

/** Whether a tombstone stands for nothing that a new message under the same id would have to find. */
export function isForgotten(queue: QueueRecord, tombstone: Tombstone, now: number): boolean {
  if (tombstone.until < now) return true;
  const { kept } = tombstone;
  if (kept?.slots.some((slot) => endingOf(queue, kept, slot, now))) return false;
  const isPurged = kept !== undefined && kept.since < queue.purgedBefore;
  if (isPurged && kept.slots.every((slot) => (slot.kept?.at ?? 0) + tombstoneMs < now)) return true;
  // Whoever is done with a message leaves a token; without one, and not cancelled, the message was removed for its age or by a purge.
  return tombstone.slots.every(({ token, cancelled }) => token === undefined && !cancelled);
}

/** What a failure leaves in its slot. Queues that keep messages remember several. */
export function failureIn(queue: QueueRecord, slot: Slot, text: string, at: number): Pick<Slot, 'lastFailure' | 'errors'> {
  if (!queue.keep) return { lastFailure: text };
  return { lastFailure: text, errors: [...(slot.errors ?? []), { at, text }].slice(-errorsKeptMax) };
}

/**
 * Puts the result of messages of one row where it belongs, what lies beside the row before the row. Each of `count` messages has an equal
 * share of the row's room.
 */
export async function placeResult(ctx: Context, body: Json, count: number, until: number, readAt: number): Promise<Placed> {
  const room = Math.floor(resultsRowBytesMax / count);
  const { placed, chunks } = place(joinEntries([packEntry({ body })]), room, () => ctx.ids.parcel(0));
  await writeChunks(ctx.store, placed, chunks, Math.ceil(until / 1000), writeDeadline(readAt));
  return placed;
}

/** Whether what lies beside a row may be gone by then, as far as its TTL was set for the messages' retention. */
export function outlastsBodies(until: number, from: number): boolean {
  return until > from + retentionGraceMs / 2;
}

/**
 * Bodies beside a row must outlive what is kept of it. Before the row is written, for a TTL that is too late does no harm; those that have
 * none, since their queue keeps messages for ever, get one when the row has ended (`finish` in settle.ts).
 */
export async function keepOffloaded(ctx: Context, { contents, expiresAt, slots }: Lease): Promise<void> {
  const until = Math.max(0, ...slots.map(({ kept }) => kept?.until ?? 0));
  if (expiresAt === undefined || !('beside' in contents) || !outlastsBodies(until, expiresAt)) return;
  await keepBodies(ctx, contents, until);
}

/** Ends a row, none of whose messages is live, if it is as it was seen. */
export async function replaceEnded(ctx: Context, seen: Snapshot, lease: Lease, version: string, now: number): Promise<Snapshot> {
  await keepOffloaded(ctx, lease);
  const apart = keptApart(ctx, lease, now);
  const row = endedRow(lease, version, now);
  return apart.length > 0 ? putIfUnchangedWith(ctx, seen, row, apart) : putIfUnchanged(ctx, seen, row);
}

/** A group's row goes on to other messages: what is kept of those that it held gets a row of its own. */
export function keptApart(ctx: Context, lease: Lease, now: number): Write[] {
  const { group, fresh: _, ...rest } = lease;
  if (!group || !lease.slots.some(({ kept }) => kept && kept.until > now)) return [];
  const version = ctx.newVersion();
  const apart: Lease = { ...rest, id: parcelIdOf(lease), version, groupName: group.name };
  return [{ key: leaseKey(apart.id), then: { put: endedRow(apart, version, now) } }];
}

/** What is kept of a message that is cancelled while its group has yet to come to it: a row of its own; undefined: nothing. */
export async function cancelledApart(
  ctx: Context,
  queue: QueueRecord,
  seen: Snapshot,
  parcel: Parcel,
  slot: number,
): Promise<Write | undefined> {
  const now = ctx.clock.now();
  const ending = keptAs(queue, 'cancelled', now);
  const [contents] = ending.kept ? await readContents(ctx.store, [parcel.contents]) : [];
  const group = decodeSnapshot(seen, now).lease?.group;
  if (!ending.kept || !contents || !group) return undefined;
  const id = slotRowId(keptRowId(parcel.id, groupKeyOf(seen.id)), slot);
  const room = roomForContents(1, id.length, null, false);
  const { placed, chunks } = place(joinEntries([packEntry(contentAt(contents, slot))]), room, () => ctx.ids.parcel(0));
  await writeChunks(ctx.store, placed, chunks, Math.ceil(ending.kept.until / 1000), writeDeadline(now));
  const version = ctx.newVersion();
  const lease: Lease = {
    ...{ id, shard: parcel.shard, version, since: parcel.since, contents: placed, groupName: group.name },
    slots: [{ visibleAt: parcel.since, receives: 0, failures: 0, end: 'cancelled', ...ending }],
    ...(parcel.expiresAt === undefined ? {} : { expiresAt: parcel.expiresAt }),
  };
  return { key: leaseKey(id), then: { put: endedRow(lease, version, now) } };
}

/**
 * Puts what is kept of a parcel that nobody received in time into `leases`, where it overrides the one in `messages`. Answers the row as it
 * is then: this, if it has the version of `lease`.
 */
export async function keepExpired(ctx: Context, queue: QueueRecord, lease: Lease, readAt: number): Promise<Snapshot> {
  const now = ctx.clock.now();
  const slots = lease.slots.map((slot) => (isLive(slot) ? removedSlot(queue, lease, slot, now) : slot));
  const ended: Lease = { ...lease, slots };
  await keepOffloaded(ctx, ended);
  return putIfAbsent(ctx, endedRow(ended, lease.version, now), readAt);
}

/** What is told, within this process, to those who wait for a message's end. */
export function endKey(queueName: string, id: string): string {
  return `${queueName}:${id}`;
}
