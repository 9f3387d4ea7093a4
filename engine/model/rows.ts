/**
 * The decoded rows of `messages` and `leases`. Start reading `engine/model/` here. The folder holds what is stored (rows,
 * ids, keys, receipts), how it is encoded, and the rules that need only one row.
 */
import type { DeathReason } from '../../contract/contract.ts';
import { signedRequestMsMax, tombstoneMs } from '../../contract/limits.ts';
import type { Condition, Key } from '../port/port.ts';
import type { OffloadedContent, StoredContent } from './content-codec.ts';
import type { Keyed } from './keyed.ts';
import type { MarkedPlace, OwnRows } from './marker.ts';

export const versionChars = 10;
/** Later than any instant that counts, ms. */
export const farMs = 9_999_999_999_999;

/**
 * The state of a message in a row of `leases`. While ready, a message is an entry of a parcel in `messages`; once in `leases`
 * it has a slot.
 *
 * A message that is delayed, or whose caller chose its id, starts in `leases`. A receive puts the parcel's row into `leases`,
 * then removes it from `messages`. From the put on, only the row in `leases` counts. Before its `visibleAt` the message is
 * leased (with a token) or delayed (without one); after it, the message is ready again. An ack marks the slot done. The last
 * ack turns the row into a tombstone. Dead-lettering and redriving change the row's shard.
 */
export interface Slot {
  /** When the message can next be received, ms. */
  visibleAt: number;
  /** Proves the lease. A release clears it. It stays valid after the lease expires, until the next receive or a move. */
  token?: string;
  /** When the lease ends, if a backoff makes `visibleAt` later than that. */
  leasedUntil?: number;
  receives: number;
  /** When it was first received in this queue, ms. Rows of earlier versions do not say it. */
  firstReceivedAt?: number;
  failures: number;
  lastFailure?: string;
  /** For a dead message: receives, failures and the last failure text in the queue where it died. */
  died?: { receives: number; failures: number; text?: string };
  /** `done`: acked (with the token), or removed by a purge or for its age (without). `expired`: too old, in a queue that keeps such messages. `moved`: lives on in a row of its own. */
  end?: 'done' | 'cancelled' | 'expired' | 'moved';
  /** When the message ended and until when it is shown, ms. Only in queues that keep ended messages. */
  kept?: { at: number; until: number };
  /** The result that was passed to ack. */
  result?: StoredContent;
  /** The progress that the lease holder reported last, 0 to 1. */
  progress?: number;
  /** The last reported failures. Only in queues that keep messages. */
  errors?: { at: number; text: string }[];
  /** When the current lease began, ms, if `firstReceivedAt` does not say it. Only in queues that keep messages. */
  receivedAt?: number;
  /** The last leases that ended before. `expired`: no ack or release came in time. Only in queues that keep messages. */
  leases?: { at: number; endedAt: number; outcome: 'failed' | 'released' | 'expired' }[];
  /** The token that held the message when it was cancelled. Not in `token`, because it no longer proves a lease. */
  heldBy?: string;
}

export type EndedLease = NonNullable<Slot['leases']>[number];

/** How the messages of a row, or of a parcel, came into a dead-letter queue. */
export interface Death {
  queue: string;
  reason: DeathReason;
  at: number;
  /** The name of the group in which they died. */
  group?: string;
  /** The place of the message in that group. The row's id says it, except that of an own id. */
  place?: string;
}

/** Whether the messages were set aside because they cannot be read. No receive takes them. */
export function isUnreadable({ death }: Pick<LeaseRow, 'death'>): boolean {
  return death?.reason === 'unreadable';
}

/** Whether rows of `messages` that this row overrides may exist. They are removed before a message is delivered, so before its ack. */
export function mayOverrideParcel({ sourceShard, slots }: LeaseRow): boolean {
  return sourceShard !== undefined && !slots.some(({ end, token }) => end === 'done' && token !== undefined);
}

/** A row of `messages`. Besides `retentionEnd`, only those of groups have optional fields. */
export interface Parcel extends OwnRows {
  shard: string;
  id: string;
  count: number;
  /** When the parcel was published, or when its message entered the queue by a redrive, ms. */
  since: number;
  /** When its message was published, ms, if it has changed queue since. */
  publishedAt?: number;
  /** When its messages can first be received, ms, if that is later. */
  visibleAt?: number;
  /** When its retention ends, ms; undefined: never. */
  retentionEnd?: number;
  content: StoredContent;
  /** Of a dead letter, which is alone in its parcel: how it died, and its slot when it is loaded. */
  death?: Death;
  slot?: Slot;
}

/** A group's part of its row, besides its messages: see `group-row.ts`. */
export interface Group {
  name: string;
  /** The parcel loaded last. Empty before the first. */
  head: string;
  /** The parcel published last. */
  tail: string;
  /** The dead letter that came last, in a queue that keeps dead letters in their groups. */
  lastDeadLetter?: string;
  /** The next parcel, if the group's partition was empty when it was published. It can be read without a query. */
  nextId?: string;
  /** While the row holds no message: when the next parcel may be loaded; undefined if no parcel waits. */
  dueAt?: number;
  /** If no parcel waits: when the row may be removed. Until then, a late copy of a publish finds the row and is refused. */
  until?: number;
  /** When the group's rest ends, by the queue's rate when the row was written, ms. */
  notBefore?: number;
  /** What the group rests from: when its messages were claimed, and how many. See `restEnd`. */
  pace?: { at: number; taken: number };
  /** Offloaded bodies of finished parcels. They have no TTL, so the row removes them when it is next due. */
  leftover?: OffloadedContent[];
  /** Token and slot of messages acked recently (`acked`), or cancelled while they were leased. */
  acked?: string[];
  cancelledTokens?: string[];
  /** Parcel and slot of messages cancelled before their parcel was loaded. */
  cancelled?: string[];
  /** Whether failed messages leave the group, so that the others are not blocked. */
  failedLeave?: true;
}

/** For a prepared message: when it becomes ready once committed, its priority level, and how often its publisher was asked. */
export interface Prepared {
  timing: { delayMs: number } | { at: number };
  level: number;
  checks: number;
}

/** What every kind of row of `leases` has that still holds a message, or belongs to a group. */
export interface LeaseRowFields extends OwnRows {
  id: string;
  shard: string;
  version: string;
  slots: Slot[];
  /** When its messages entered their current queue, ms. */
  since: number;
  /** When they were published, ms, if they have changed queue since. */
  publishedAt?: number;
  retentionEnd?: number;
  content: StoredContent;
  /** The partition of `messages` that may still hold the parcel of this row. Stored as `fresh`. */
  sourceShard?: string;
  /** Cleanup is needed after the last message is done: the row then comes due once more. */
  needsCleanup?: true;
  death?: Death;
  /** The message's priority, if it is above the levels of its current queue. It applies again in a queue that has that level. */
  level?: number;
  /** How often a message may be received here. Stored so that the index shows the sweep which rows have used it up (`last`). */
  maxReceives?: number;
}

/** Messages of a parcel, or one message in a row of its own. */
export interface ParcelLeaseRow extends LeaseRowFields {
  kind: 'parcel';
  /** The shard from which the parcel was taken out of order. No receive meets a late copy there: it is removed after the end. */
  outOfOrder?: string;
  /** The name of the group in which its messages ended, or died. */
  groupName?: string;
}

/** A group, with the messages of the parcels that it loaded last. */
export interface GroupLeaseRow extends LeaseRowFields {
  kind: 'group';
  group: Group;
  /** Only if it holds several parcels: the id of the first, whose age and content are the row's, and the others. */
  more?: { firstId: string; parcels: Omit<Parcel, 'shard' | 'visibleAt' | 'ownRows' | 'slot'>[] };
}

/** A message that was published under a `dedupKey`. */
export interface KeyedLeaseRow extends LeaseRowFields {
  kind: 'keyed';
  keyed: Keyed;
}

/** A message that no receive takes until it is committed. */
export interface PreparedLeaseRow extends LeaseRowFields {
  kind: 'prepared';
  prepared: Prepared;
}

/** A row of `leases` that holds a message, leased or not, or belongs to a group. Variables call it `lease`. */
export type LeaseRow = ParcelLeaseRow | GroupLeaseRow | KeyedLeaseRow | PreparedLeaseRow;

/** How a message ended: acked with this token, so that a repeated ack succeeds; or cancelled while this token held it. */
export interface EndedSlot {
  token?: string;
  cancelled?: true;
}

/** A row of `leases` whose messages are all done. */
export interface Tombstone {
  id: string;
  version: string;
  slots: EndedSlot[];
  /** Until when the tombstone counts, ms. */
  until: number;
  /** The ended messages to show, if the queue keeps them. */
  kept?: LeaseRow;
  /** The pending cleanup of a row with `needsCleanup`: what to remove, and when. */
  pendingCleanup?: { shard: string; dueAt: number; outOfOrder?: string; content?: StoredContent };
  keyed?: Keyed;
  /** Of a marker: the message that it marks. */
  marks?: MarkedPlace;
}

export function endOf({ end, token, heldBy }: Slot): EndedSlot {
  if (end === 'cancelled') return { cancelled: true, ...(heldBy === undefined ? {} : { token: heldBy }) };
  return end === 'done' && token !== undefined ? { token } : {};
}

export function isLive(slot: Slot): boolean {
  return slot.end === undefined;
}

/** When the lease ends. A backoff may make `visibleAt` later. */
export function leaseEnd({ leasedUntil, visibleAt }: Slot): number {
  return leasedUntil ?? visibleAt;
}

export function parcelKey(shard: string, id: string): Key {
  return { table: 'messages', shard, id };
}

export function leaseKey(id: string): Key {
  return { table: 'leases', id };
}

/** No row, or a tombstone past its `until` without pending cleanup. Compares `until` because TTL may act late. */
export function absentAt(now: number): Condition {
  return { any: [{ absent: ['id'] }, { all: [{ less: [['until'], now] }, { absent: ['expiry'] }] }] };
}

/** When TTL may remove a tombstone, epoch seconds. A request that was signed while it counted must still find it. */
export function removableAt(until: number): number {
  return Math.ceil((until + signedRequestMsMax) / 1000);
}

/** A tombstone counts for `tombstoneMs` after its message ended. The one of a `dedupKey` also counts that long after `freeAt`. */
export function newTombstone(id: string, version: string, slots: EndedSlot[], now: number, keyed?: Keyed): Tombstone {
  const until = Math.max(now, keyed?.freeAt ?? 0) + tombstoneMs;
  return { id, version, slots, until, ...(keyed ? { keyed } : {}) };
}
