/** Converts rows and slots to messages as callers see them. */
import type { DeathRecord, Json, Message, MessageState, ReceivedMessage } from '../../contract/contract.ts';
import type { Ending } from '../leases/kept-messages.ts';
import type { Content } from '../model/content-codec.ts';
import { parcelIdOf } from '../model/group-row.ts';
import { groupKeyOf, isGroupRow, messageId } from '../model/ids.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { formatReceipt } from '../model/receipts.ts';
import { type Death, isUnreadable, type Lease, leaseEnd, type Parcel, type Slot } from '../model/rows.ts';
import { priorityLevelOf } from '../model/shards.ts';

/** The most that an answer holds per message besides its content, bytes: ids, receipt, timestamps, a death record. */
export const messageOverheadBytes = 1500;

const instant = (ms: number) => new Date(ms).toISOString();

/** JSON stays the text in which it is stored: see `texts` of `Engine.call`. */
function content(from: Content): Pick<Message, 'body' | 'bodyBase64' | 'attributes' | 'unreadable'> {
  const { body = null, bodyBase64, attributes = {}, unreadable } = from;
  if (unreadable !== undefined) return { unreadable, attributes };
  return bodyBase64 === undefined ? { body, attributes } : { bodyBase64, attributes };
}

function priorityOf(row: Pick<Lease, 'shard' | 'level'>): { priority?: number } {
  const level = priorityLevelOf(row);
  return level === 0 ? {} : { priority: level };
}

function groupOf(name: string | undefined): { group?: string } {
  return name === undefined ? {} : { group: name };
}

function deathRecord(death: Death, slot: Slot): DeathRecord {
  return {
    queue: death.queue,
    reason: death.reason,
    ...(death.group === undefined ? {} : { group: death.group }),
    ...(slot.died?.text === undefined ? {} : { text: slot.died.text }),
    at: instant(death.at),
    receives: slot.died?.receives ?? 0,
    failures: slot.died?.failures ?? 0,
  };
}

export function receivedMessage(queue: QueueRecord, lease: Lease, index: number, from: Content): ReceivedMessage {
  const slot = lease.slots[index]!;
  const { incarnation } = queue;
  return {
    id: messageId(parcelIdOf(lease), index),
    ...content(from),
    receipt: formatReceipt({
      incarnation,
      rowId: lease.id,
      slot: index,
      count: lease.slots.length,
      token: slot.token!,
      ...(lease.needsCleanup && { needsCleanup: true }),
      ...(lease.keyed?.freeAt !== undefined && { freeAt: lease.keyed.freeAt }),
    }),
    receives: slot.receives,
    failures: slot.failures,
    ...priorityOf(lease),
    ...groupOf(lease.group?.name),
    publishedAt: instant(lease.publishedAt ?? lease.since),
    leasedUntil: instant(leaseEnd(slot)),
    ...(lease.death ? { deadLetter: deathRecord(lease.death, slot) } : {}),
  };
}

/** The state of a live slot. */
export function stateOf(lease: Lease, slot: Slot, now: number): MessageState {
  if (lease.prepared) return 'prepared';
  if (slot.token !== undefined && leaseEnd(slot) > now) return 'leased';
  if (isUnreadable(lease)) return 'dead';
  if (slot.visibleAt > now) return 'delayed';
  return lease.death ? 'dead' : 'ready';
}

/** How a message ended, and its result. */
export type EndRecord = Ending & { result?: Json };

function endingRecord(ended: EndRecord | undefined): Pick<Message, 'endedAt' | 'keptUntil' | 'result'> {
  if (!ended) return {};
  const { at, until, result } = ended;
  return { endedAt: instant(at), keptUntil: instant(until), ...(result === undefined ? {} : { result }) };
}

function workRecord({ lastFailure, errors, progress }: Slot): Pick<Message, 'lastFailure' | 'errors' | 'progress'> {
  return {
    ...(lastFailure === undefined ? {} : { lastFailure }),
    ...(errors ? { errors: errors.map(({ at, text }) => ({ at: instant(at), message: text })) } : {}),
    ...(progress === undefined ? {} : { progress }),
  };
}

export function leasedMessage(
  queueName: string,
  lease: Lease,
  index: number,
  from: Content,
  now: number,
  ended?: EndRecord,
): Message {
  const slot = lease.slots[index]!;
  return {
    id: messageId(parcelIdOf(lease), index),
    queue: queueName,
    state: ended?.state ?? stateOf(lease, slot, now),
    ...content(from),
    receives: slot.receives,
    failures: slot.failures,
    ...priorityOf(lease),
    ...groupOf(lease.group?.name ?? lease.groupName),
    publishedAt: instant(lease.publishedAt ?? lease.since),
    visibleAt: instant(slot.visibleAt),
    expiresAt: lease.retentionEnd === undefined ? null : instant(lease.retentionEnd),
    ...workRecord(slot),
    ...endingRecord(ended),
    ...(lease.death ? { deadLetter: deathRecord(lease.death, slot) } : {}),
  };
}

export function unreceivedMessage(
  queueName: string,
  parcel: Parcel,
  index: number,
  from: Content,
  group?: string,
  ended?: EndRecord,
): Message {
  const parcelId = isGroupRow(parcel.shard) ? `${parcel.id}-${groupKeyOf(parcel.shard)}` : parcel.id;
  return {
    id: messageId(parcelId, index),
    queue: queueName,
    state: ended?.state ?? 'ready',
    ...content(from),
    receives: 0,
    failures: 0,
    ...priorityOf(parcel),
    ...groupOf(group),
    publishedAt: instant(parcel.since),
    visibleAt: instant(parcel.since),
    expiresAt: parcel.retentionEnd === undefined ? null : instant(parcel.retentionEnd),
    ...endingRecord(ended),
  };
}
