/** What a claim, an extend, and the end of a lease do to the slot of a message. */
import { leasesKeptMax } from '../../contract/limits.ts';
import { backoffMs } from './backoff.ts';
import type { QueueRecord } from './queue-record.ts';
import { type EndedLease, isLive, leaseEnd, type Slot } from './rows.ts';

/** What a claim gives each message of a row. */
export interface LeaseTerms {
  queue: QueueRecord;
  token: string;
  visibilityTimeoutMs: number;
  now: number;
  leasedUntil: number;
  /** One random number for all of them, so that those that are not acked become ready together. */
  drawn: number;
}

export function claimedSlot(slot: Slot, { queue, token, visibilityTimeoutMs, now, leasedUntil, drawn }: LeaseTerms): Slot {
  // A token that is still here belongs to a lease that expired.
  const { progress: _, leasedUntil: __, ...former } = afterLeaseExpiry(queue, slot);
  const { failures } = former;
  const receives = slot.receives + 1;
  const next: Slot = { ...former, visibleAt: leasedUntil, token, receives, failures };
  if (receives === 1) next.firstReceivedAt = now;
  else if (queue.keep) next.receivedAt = now;
  const isLast = queue.deadLetter !== null && receives >= queue.deadLetter.maxReceives;
  // A receive with a visibility timeout of 0 only looks at the message: no backoff.
  if (queue.backoff && !isLast && visibilityTimeoutMs > 0) {
    const wait = backoffMs(queue.backoff, failures + 1, drawn);
    if (wait > 0) {
      next.visibleAt = leasedUntil + wait;
      next.leasedUntil = leasedUntil;
    }
  }
  return next;
}

/** A backoff after the lease now starts at its new end. A lease that ends now gives the message back, which is not a failure. */
export function extendedSlot({ leasedUntil: former, ...slot }: Slot, leasedUntil: number, isGivenBack: boolean): Slot {
  if (former === undefined || isGivenBack) return { ...slot, visibleAt: leasedUntil };
  return { ...slot, leasedUntil, visibleAt: leasedUntil + (slot.visibleAt - former) };
}

/** The slot without its expired lease, if it had one. The expiry counts as a failure. */
export function afterLeaseExpiry(queue: QueueRecord, slot: Slot): Slot {
  if (slot.token === undefined) return slot;
  const { token: _, leasedUntil: __, ...rest } = withExpiryRecorded(queue, slot);
  return { ...rest, failures: slot.failures + 1 };
}

/** The slot with the lease on it, which expired, among its ended leases. */
export function withExpiryRecorded(queue: QueueRecord, slot: Slot): Slot {
  if (slot.token === undefined || !isLive(slot)) return slot;
  return withLeaseRecorded(queue, slot, 'expired', leaseEnd(slot));
}

/** The slot with the lease on it among its ended leases, if the queue keeps messages and the slot says when the lease began. */
export function withLeaseRecorded(queue: QueueRecord, slot: Slot, outcome: EndedLease['outcome'], endedAt: number): Slot {
  const at = leaseStart(slot);
  const { receivedAt: _, ...rest } = slot;
  if (!queue.keep || at === undefined) return rest;
  return { ...rest, leases: [...(slot.leases ?? []), { at, endedAt, outcome }].slice(-leasesKeptMax) };
}

/** When the last lease began, ms. Call it only for a slot with a lease. Undefined: it began when the queue kept no messages. */
export function leaseStart({ receives, firstReceivedAt, receivedAt }: Slot): number | undefined {
  return receives === 1 ? firstReceivedAt : receivedAt;
}

/** The slot as it was before its last receive, except for the lease. */
export function withoutReceive({ firstReceivedAt, receivedAt: _, ...slot }: Slot): Slot {
  const receives = slot.receives - 1;
  return { ...slot, receives, ...(receives === 0 || firstReceivedAt === undefined ? {} : { firstReceivedAt }) };
}
