/** What a claim, an extend, an expiry and a give-back do to the slot of a message. */
import { backoffMs } from './backoff.ts';
import type { QueueRecord } from './queue-record.ts';
import type { Slot } from './rows.ts';

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
  const receives = slot.receives + 1;
  // A token that is still here belongs to a lease that expired. That counts as a failure.
  const failures = slot.failures + (slot.token === undefined ? 0 : 1);
  const next: Slot = { ...slot, visibleAt: leasedUntil, token, receives, failures };
  if (receives === 1) next.firstReceivedAt = now;
  delete next.leasedUntil;
  delete next.progress;
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
export function afterLeaseExpiry(slot: Slot): Slot {
  if (slot.token === undefined) return slot;
  const { token: _, leasedUntil: __, ...rest } = slot;
  return { ...rest, failures: slot.failures + 1 };
}

/** The slot as it was before its last receive, except for the lease. */
export function withoutReceive({ firstReceivedAt, ...slot }: Slot): Slot {
  const receives = slot.receives - 1;
  return { ...slot, receives, ...(receives === 0 || firstReceivedAt === undefined ? {} : { firstReceivedAt }) };
}
