/** When the messages of a row are next ready, judged by the row alone: for streams, whose readers see one row at a time. */
import type { Row } from '../port/port.ts';
import { groupDue } from './group-row.ts';
import { messageId } from './ids.ts';
import { incarnationOf } from './queue-record.ts';
import { decodeLease } from './row-codec.ts';
import { isLive, type LeaseRow } from './rows.ts';

export interface NextReady {
  incarnation: string;
  messages: number;
  /** Ms; in the past: now. */
  at: number;
  /** Whether they are ready only if a lease ends then without an ack, which is the exception. */
  afterLease: boolean;
}

/** The partitions that receives read, of `messages` and of the index. Groups, prepared messages and bodies have partitions of another form. */
const partition = /^[0-9a-z]{8}:\d+(\.\d+)?$/;

/** Of a row of `messages` that was just put. */
export function parcelReady({ shard, count, since }: Row): NextReady | undefined {
  if (!isPartition(shard)) return undefined;
  const messages = typeof count === 'number' ? count : 1;
  return { incarnation: incarnationOf(shard), messages, at: typeof since === 'number' ? since : 0, afterLease: false };
}

/** Of a row of `leases`. Undefined for a row in which no message waits. */
export function leaseReady(row: Row): NextReady | undefined {
  if (!isPartition(row.shard) || typeof row.expiry !== 'number') return undefined;
  const decoded = decodeLease(row);
  // A tombstone may be due, to remove what it leaves.
  if (!('lease' in decoded)) return undefined;
  const { lease } = decoded;
  const due = { incarnation: incarnationOf(row.shard), at: row.expiry };
  const live = lease.slots.filter(isLive);
  // A group without messages in its row loads its next parcel.
  if (lease.kind === 'group' && live.length === 0) return { ...due, messages: 1, afterLease: false };
  const ready = readyAt(lease, row.expiry);
  if (ready > 0) return { ...due, messages: ready, afterLease: false };
  return live.length === 0 ? undefined : { ...due, messages: live.length, afterLease: true };
}

/** How many messages are ready at this time, without those whose lease would have to end. */
function readyAt(lease: LeaseRow, at: number): number {
  const live = lease.slots.filter(isLive);
  const isReady = (slot: (typeof live)[number]) => slot.token === undefined && slot.visibleAt <= at;
  if (lease.kind !== 'group') return live.filter(isReady).length;
  // They are received in order, so those behind a leased one wait.
  const leased = live.findIndex((slot) => !isReady(slot));
  return (groupDue(lease) ?? at) > at ? 0 : leased < 0 ? live.length : leased;
}

function isPartition(shard: unknown): shard is string {
  return typeof shard === 'string' && partition.test(shard);
}

/**
 * Of a row of `leases`: the message under its caller's own id that the row shows as ended, or dead-lettered. By the incarnation of the
 * queue to which it was published.
 */
export function ownEnd(row: Row): { incarnation: string; id: string } | undefined {
  const { id: rowId } = row;
  const at = typeof rowId === 'string' ? rowId.indexOf('=') : -1;
  if (at < 0) return undefined;
  const decoded = decodeLease(row);
  if ('marker' in decoded) return undefined;
  const isOver = 'tombstone' in decoded || decoded.lease.death !== undefined || !decoded.lease.slots.some(isLive);
  return isOver ? { incarnation: (rowId as string).slice(0, at), id: messageId(rowId as string, 0) } : undefined;
}
