/**
 * The leases of a message, as callers see them. The slot records those that ended before. The last one follows from the slot's
 * token and end, so that a message acked at its first receive records nothing.
 */
import type { LeaseRecord } from '../../contract/contract.ts';
import { leasesKeptMax } from '../../contract/limits.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { isLive, leaseEnd, type Slot } from '../model/rows.ts';
import { leaseStart } from '../model/slot-lease.ts';

interface Lease {
  at: number;
  endedAt?: number;
  outcome: LeaseRecord['outcome'];
}

export function leasesOf({ keep }: Pick<QueueRecord, 'keep'>, slot: Slot | undefined, now: number): LeaseRecord[] | undefined {
  if (!slot) return undefined;
  const before: readonly Lease[] = slot.leases ?? [];
  const last = keep ? lastLease(slot, now) : undefined;
  const leases = last ? [...before, last] : before;
  return leases.length === 0 ? undefined : leases.slice(-leasesKeptMax).map((lease) => leaseRecord(lease, slot));
}

function leaseRecord({ at, endedAt, outcome }: Lease, { errors }: Slot): LeaseRecord {
  const record: LeaseRecord = { receivedAt: new Date(at).toISOString(), outcome };
  if (endedAt === undefined) return record;
  record.endedAt = new Date(endedAt).toISOString();
  const failure = outcome === 'failed' ? errors?.find((error) => error.at === endedAt) : undefined;
  if (failure) record.failure = failure.text;
  return record;
}

/** The lease on the message, or the one that it ended under. */
function lastLease(slot: Slot, now: number): Lease | undefined {
  const { token, heldBy, kept } = slot;
  const at = leaseStart(slot);
  if ((token ?? heldBy) === undefined || at === undefined) return undefined;
  if (slot.end === 'done') return kept && { at, endedAt: kept.at, outcome: 'acked' };
  // A cancel of a message whose lease has expired needs no force.
  const until = isLive(slot) ? now : (kept?.at ?? now);
  if (leaseEnd(slot) <= until) return { at, endedAt: leaseEnd(slot), outcome: 'expired' };
  return isLive(slot) ? { at, outcome: 'running' } : { at, endedAt: until, outcome: 'cancelled' };
}
