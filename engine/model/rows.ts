/**
 * The rows of `messages` and `leases`, and what of them counts.
 *
 * A message's life, by where it lies: published, it is a slot of a parcel in `messages` (ready) or, if it waits for an instant
 * or has its caller's own id, in `leases` (delayed, or due at once). A receive puts the parcel's row into `leases`, then removes it
 * from `messages`; from then on the row in `leases` alone counts. There each slot has its own `visibleAt`: while it lies ahead
 * the message is leased (it has a token) or delayed (it has none); once past, the message is ready again. An ack marks the slot
 * done; the last one makes the row a tombstone. A message that is dead-lettered or redriven changes its row's shard.
 */
import type { DeathReason } from '../../contract/contract.ts';
import { signedRequestMsMax, tombstoneMs } from '../../contract/limits.ts';
import type { Condition, Key } from '../port/port.ts';
import type { Placed } from './content-codec.ts';

export const versionChars = 10;
/** Later than any instant that counts, ms. */
export const farMs = 9_999_999_999_999;
/** Publishes that a row under a key remembers. */
export const acceptedMax = 3;

export interface Slot {
  /** When it can next be received, ms. */
  visibleAt: number;
  /** Proves the lease; none once released. */
  token?: string;
  /** When the lease ends, where a backoff puts `visibleAt` later than that. */
  leasedUntil?: number;
  receives: number;
  failures: number;
  lastFailure?: string;
  /** Receives and failures in the queue where it died, and the text of the last failure there. */
  died?: { receives: number; failures: number; text?: string };
  /** Acked or removed (`done`), cancelled, too old (`expired`, where that is kept), or living on in a row of its own (`moved`). */
  end?: 'done' | 'cancelled' | 'expired' | 'moved';
  /** When it ended, and until when it is shown, ms; where its queue keeps what has ended. */
  kept?: { at: number; until: number };
  /** What was given with its ack. */
  result?: Placed;
  /** As its holder told it last. */
  progress?: number;
  /** The last failures that were told; of queues that keep messages. */
  errors?: { at: number; text: string }[];
  /** The token that held it when it was cancelled: kept apart, for it proves no lease any more. */
  heldBy?: string;
}

/** How the parcel came into a dead-letter queue. */
export interface Death {
  queue: string;
  reason: DeathReason;
  at: number;
  /** The name of the group in which it died. */
  group?: string;
}

/** Whether its messages were set aside since they can not be read: no receive takes them. */
export function isUnreadable({ death }: Pick<Lease, 'death'>): boolean {
  return death?.reason === 'unreadable';
}

/** A row of `messages`. */
export interface Parcel {
  shard: string;
  id: string;
  count: number;
  /** When it was published, ms. */
  since: number;
  /** When it is too old to be delivered, ms; undefined: never. */
  expiresAt?: number;
  contents: Placed;
}

/** What a row of `leases` holds of a group besides the messages of one parcel: see groups.ts. */
export interface Group {
  name: string;
  /** The parcel taken last; its messages are the row's. Empty before the first. */
  head: string;
  /** The parcel published last. */
  tail: string;
  /** The parcel that is next, where nothing lay in the group's partition when it was published: it can be read without a query. */
  first?: string;
  /** While the row holds no message: when the next parcel is to be taken; undefined where none waits. */
  due?: number;
  /** Where none waits: when the row may be removed. A late copy of a publish to it must find it. */
  until?: number;
  /** Until when it rests, by the rate that its queue had when this was written; and what it rests from: see `restEnd`. */
  notBefore?: number;
  pace?: { at: number; taken: number };
  /** Bodies of parcels that are done, which no TTL will remove: see contents.ts. */
  leftover?: { beside: string; chunks: number; size: number }[];
  /** Token and slot of messages acked of late; and of those cancelled while they were held. */
  acked?: string[];
  taken?: string[];
  /** Parcel and slot of messages cancelled before their parcel was taken. */
  cancelled?: string[];
  /** Whether what fails is moved aside, so that the others go on. */
  aside?: true;
}

/** Of a message that was published under a key: see keyed-rows.ts. */
export interface Keyed {
  /** Until when the key is taken, ms, whatever becomes of the message; undefined: as long as the message lives. */
  freeAt?: number;
  /** The publishes that were accepted last, the newest first: when, later than the one before it, and with which version. */
  accepted: { at: number; by: string }[];
  /** The token by which the message before this one was acked. */
  acked?: string;
}

/** Of a message that is prepared: when it is to come once it is committed, at which level, and how often its publisher was asked. */
export interface Prepared {
  timing: { delayMs: number } | { at: number };
  level: number;
  checks: number;
}

/** A row of `leases` that still holds a message, or belongs to a group. */
export interface Lease {
  id: string;
  shard: string;
  version: string;
  slots: Slot[];
  /** When its messages entered the queue where they are. */
  since: number;
  /** When they were published, where they have changed queue since. */
  publishedAt?: number;
  expiresAt?: number;
  contents: Placed;
  /** The shard in which a row of this id may still lie in `messages`. */
  fresh?: string;
  /** There is something to remove after the last message is done: the row then comes due once more. */
  ending?: true;
  /**
   * The shard in which it was taken out of its turn: a late copy of its publish would not be met at the head there, so the row
   * in `messages` is removed once more after the end.
   */
  outOfOrder?: string;
  death?: Death;
  /** Of a message whose priority is above the levels of the queue where it is: it comes back with it to a queue that has them. */
  level?: number;
  group?: Group;
  /** The name of its group, in a row that is kept of it. */
  groupName?: string;
  keyed?: Keyed;
  prepared?: Prepared;
  /** How often a message may be received here; kept in the row for the sweep's sake. */
  maxReceives?: number;
}

/** How a message ended: by the ack of this token, so that a repeated ack is told so; or cancelled, while this token held it. */
export interface Ended {
  token?: string;
  cancelled?: true;
}

/** A row of `leases` whose messages are all done. */
export interface Tombstone {
  id: string;
  version: string;
  slots: Ended[];
  /** Until when it counts, ms. */
  until: number;
  /** What it shows of the messages that it held. */
  kept?: Lease;
  /** The row once had `ending`: what is left to remove, and when. */
  left?: { shard: string; due: number; outOfOrder?: string; contents?: Placed };
  keyed?: Keyed;
}

export function endOf({ end, token, heldBy }: Slot): Ended {
  if (end === 'cancelled') return { cancelled: true, ...(heldBy === undefined ? {} : { token: heldBy }) };
  return end === 'done' && token !== undefined ? { token } : {};
}

export function isLive(slot: Slot): boolean {
  return slot.end === undefined;
}

/** When the lease on it ends: a backoff may put `visibleAt` later than that. */
export function leaseEnd({ leasedUntil, visibleAt }: Slot): number {
  return leasedUntil ?? visibleAt;
}

/** The slot of a message whose holder, if it had one, let the lease run out and holds it no more: a failure that nobody told. */
export function afterLeaseExpiry(slot: Slot): Slot {
  if (slot.token === undefined) return slot;
  const { token: _, leasedUntil: __, ...rest } = slot;
  return { ...rest, failures: slot.failures + 1 };
}

export function parcelKey(shard: string, id: string): Key {
  return { table: 'messages', shard, id };
}

export function leaseKey(id: string): Key {
  return { table: 'leases', id };
}

/** No row, or a tombstone whose time is over, with nothing left to remove: by its value, whether or not TTL has acted. */
export function absentAt(now: number): Condition {
  return { any: [{ absent: ['id'] }, { all: [{ less: [['until'], now] }, { absent: ['expiry'] }] }] };
}

/**
 * When TTL may remove a tombstone, epoch seconds: a request that was signed while it counted, and is refused for it, may arrive so much later.
 */
export function removableAt(until: number): number {
  return Math.ceil((until + signedRequestMsMax) / 1000);
}

/** One of a key outlives the window in which the key is taken by as long as any other outlives its message. */
export function newTombstone(id: string, version: string, slots: Ended[], now: number, keyed?: Keyed): Tombstone {
  const until = Math.max(now, keyed?.freeAt ?? 0) + tombstoneMs;
  return { id, version, slots, until, ...(keyed ? { keyed } : {}) };
}
