/** Converts rows and slots to messages as callers see them. */
import type { DeathRecord, Json, Message, MessageState, ReceivedMessage } from '../../contract/contract.ts';
import { defined } from '../../contract/defined.ts';
import type { Ending } from '../leases/kept-messages.ts';
import type { Content } from '../model/content-codec.ts';
import { groupNameOf } from '../model/group-row.ts';
import { messageIdOf, parcelAt } from '../model/held-parcels.ts';
import { groupKeyOf, isGroupRow, messageId } from '../model/ids.ts';
import { ownIdOf } from '../model/marker.ts';
import { priorityLevelOf, type QueueRecord } from '../model/queue-record.ts';
import { formatReceipt } from '../model/receipts.ts';
import { isUnreadable, type LeaseRow, leaseEnd, type Parcel, type Slot } from '../model/rows.ts';
import { leasesOf } from './lease-history.ts';

/** The most that an answer holds per message besides its content, bytes: ids, receipt, timestamps, a death record. */
export const messageOverheadBytes = 1500;

const instant = (ms: number) => new Date(ms).toISOString();
const instantOf = (ms: number | undefined) => (ms === undefined ? undefined : instant(ms));

/** JSON stays the text in which it is stored: see `texts` of `Engine.call`. */
function content(from: Content): Pick<Message, 'body' | 'bodyBase64' | 'attributes' | 'unreadable'> {
  const { body = null, bodyBase64, attributes = {}, unreadable } = from;
  if (unreadable !== undefined) return { unreadable, attributes };
  return bodyBase64 === undefined ? { body, attributes } : { bodyBase64, attributes };
}

function publishedAt(lease: LeaseRow, index: number): string {
  const parcel = parcelAt(lease, index);
  return instant(parcel.publishedAt ?? parcel.since);
}

/** The priority to show: none for the lowest level. */
function priorityOf(row: Pick<LeaseRow, 'shard' | 'level'>): number | undefined {
  return priorityLevelOf(row) || undefined;
}

/** `slot`: that of the message in the queue in which it is dead. */
function deathRecord({ death }: Pick<Parcel, 'death'>, slot: Slot | undefined): DeathRecord | undefined {
  if (!death) return undefined;
  const { queue, reason, group, at } = death;
  const { text, receives = 0, failures = 0 } = slot?.died ?? {};
  return defined({ queue, reason, group, text, at: instant(at), receives, failures });
}

/** The receipt of a leased message. */
export function receiptOf({ incarnation }: QueueRecord, lease: LeaseRow, index: number, receivedAt?: number): string {
  const freeAt = lease.kind === 'keyed' ? lease.keyed.freeAt : undefined;
  const place = { incarnation, rowId: lease.id, slot: index, count: lease.slots.length, token: lease.slots[index]!.token! };
  return formatReceipt({ ...place, ...defined({ needsCleanup: lease.needsCleanup, freeAt, receivedAt }) });
}

export function receivedMessage(
  queue: QueueRecord,
  lease: LeaseRow,
  index: number,
  from: Content,
  receivedAt?: number,
): ReceivedMessage {
  const slot = lease.slots[index]!;
  return defined({
    id: messageIdOf(lease, index),
    ...content(from),
    receipt: receiptOf(queue, lease, index, receivedAt),
    receives: slot.receives,
    failures: slot.failures,
    priority: priorityOf(lease),
    group: groupNameOf(lease),
    publishedAt: publishedAt(lease, index),
    firstReceivedAt: instantOf(slot.firstReceivedAt),
    leasedUntil: instant(leaseEnd(slot)),
    deadLetter: deathRecord(parcelAt(lease, index), slot),
  });
}

/** The state of the live message in this slot. */
export function stateOf(lease: LeaseRow, index: number, now: number): MessageState {
  const slot = lease.slots[index]!;
  if (lease.kind === 'prepared') return 'prepared';
  if (slot.token !== undefined && leaseEnd(slot) > now) return 'leased';
  if (isUnreadable(lease)) return 'dead';
  if (slot.visibleAt > now) return 'delayed';
  return parcelAt(lease, index).death ? 'dead' : 'ready';
}

/** How a message ended, and its result. */
export type EndRecord = Ending & { result?: Json };

function endingRecord(ended: EndRecord | undefined): Pick<Message, 'endedAt' | 'keptUntil' | 'result'> {
  return ended ? defined({ endedAt: instant(ended.at), keptUntil: instant(ended.until), result: ended.result }) : {};
}

function errorsOf(slot: Slot | undefined): Message['errors'] {
  return slot?.errors?.map(({ at, text }) => ({ at: instant(at), message: text }));
}

export function leasedMessage(
  queue: QueueRecord,
  lease: LeaseRow,
  index: number,
  from: Content,
  now: number,
  ended?: EndRecord,
): Message {
  const slot = lease.slots[index]!;
  const parcel = parcelAt(lease, index);
  const { retentionEnd } = parcel;
  return defined({
    id: messageIdOf(lease, index),
    queue: queue.name,
    state: ended?.state ?? stateOf(lease, index, now),
    ...content(from),
    receives: slot.receives,
    failures: slot.failures,
    priority: priorityOf(lease),
    group: groupNameOf(lease),
    publishedAt: publishedAt(lease, index),
    firstReceivedAt: instantOf(slot.firstReceivedAt),
    visibleAt: instant(slot.visibleAt),
    expiresAt: retentionEnd === undefined ? null : instant(retentionEnd),
    lastFailure: slot.lastFailure,
    errors: errorsOf(slot),
    leases: leasesOf(queue, slot, now),
    progress: slot.progress,
    ...endingRecord(ended),
    deadLetter: deathRecord(parcel, slot),
  });
}

export function unreceivedMessage(
  queue: QueueRecord,
  parcel: Parcel,
  index: number,
  from: Content,
  now: number,
  group?: string,
  ended?: EndRecord,
): Message {
  const visibleAt = parcel.visibleAt ?? parcel.since;
  const parcelId = isGroupRow(parcel.shard) ? `${parcel.id}-${groupKeyOf(parcel.shard)}` : parcel.id;
  return defined({
    id: ownIdOf(parcel, index) ?? messageId(parcelId, index),
    queue: queue.name,
    state: ended?.state ?? waitingState(parcel, now),
    ...content(from),
    receives: 0,
    failures: 0,
    priority: priorityOf(parcel),
    group,
    publishedAt: instant(parcel.publishedAt ?? parcel.since),
    visibleAt: instant(visibleAt),
    expiresAt: parcel.retentionEnd === undefined ? null : instant(parcel.retentionEnd),
    lastFailure: parcel.slot?.lastFailure,
    errors: errorsOf(parcel.slot),
    leases: leasesOf(queue, parcel.slot, now),
    ...endingRecord(ended),
    deadLetter: deathRecord(parcel, parcel.slot),
  });
}

/** The state of messages that wait in `messages`. */
export function waitingState({ since, visibleAt = since, death }: Parcel, now: number): MessageState {
  return visibleAt > now ? 'delayed' : death ? 'dead' : 'ready';
}
