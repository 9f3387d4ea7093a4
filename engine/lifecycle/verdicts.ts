/** What becomes of a message by its age and by what it went through. */
import type { DeathReason } from '../../contract/contract.ts';
import { clockMarginMs } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import type { Lease, Slot } from '../model/rows.ts';

export type Verdict = 'ended' | 'held' | 'ready' | 'gone' | { reason: DeathReason };

/** What becomes of messages of this age in this queue, whatever their slots say. */
export function verdictOfAge(queue: QueueRecord, since: number, expiresAt: number | undefined, now: number): Verdict {
  if (since < queue.purgedBefore) return 'gone';
  if (expiresAt !== undefined && expiresAt <= now) return queue.deadLetter ? { reason: 'expired' } : 'gone';
  return 'ready';
}

/**
 * Messages that were published before this instant, and that nobody has received, are gone or dead by now: purged, or past their retention.
 * Receives begin to read from here on, however many such messages the sweep has yet to remove.
 */
export function livingFrom(queue: QueueRecord, now: number): number {
  const retained = queue.retentionSeconds === null || now < queue.retentionBindsFrom ? 0 : now - queue.retentionSeconds * 1000;
  return Math.max(0, Math.max(queue.purgedBefore, retained) - clockMarginMs);
}

/** Whether what is `gone` is so by its age, and not by a purge. */
export function isExpired(queue: QueueRecord, { since }: { since: number }): boolean {
  return since >= queue.purgedBefore;
}

export function tellExpired(ctx: Context, { name }: QueueRecord, messages: number): void {
  ctx.observe?.({ kind: 'expired', queue: name, messages });
}

/** What becomes of one slot now. */
export function verdictOf(queue: QueueRecord, lease: Lease, slot: Slot, now: number): Verdict {
  if (slot.end) return 'ended';
  if (slot.visibleAt > now) return 'held';
  const byAge = verdictOfAge(queue, lease.since, lease.expiresAt, now);
  if (byAge !== 'ready') return byAge;
  if (queue.deadLetter && slot.receives >= queue.deadLetter.maxReceives) return { reason: 'max_receives' };
  return 'ready';
}
