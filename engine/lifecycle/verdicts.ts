/**
 * Decides what becomes of a message, by its age, its state and its number of receives: whether it is delivered, dead-lettered or
 * removed.
 */
import type { DeathReason } from '../../contract/contract.ts';
import { clockMarginMs } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import type { Parcel, Slot } from '../model/rows.ts';

/** `waiting`: leased or delayed. `gone`: to be removed. `reason`: to be dead-lettered, for this reason. */
export type Verdict = 'ended' | 'waiting' | 'ready' | 'gone' | { reason: DeathReason };

/** The verdict on messages of this age in this queue, before their slots are considered. */
export function verdictOfAge(queue: QueueRecord, since: number, retentionEnd: number | undefined, now: number): Verdict {
  if (since < queue.purgedBefore) return 'gone';
  if (retentionEnd !== undefined && retentionEnd <= now) return queue.deadLetter ? { reason: 'expired' } : 'gone';
  return 'ready';
}

/**
 * Unreceived messages published before this instant are gone: purged, or past their retention. A receive that finds
 * only such messages skips to this instant, however many of them the sweep still has to remove.
 */
export function livingFrom(queue: QueueRecord, now: number): number {
  const retained = queue.retentionSeconds === null || now < queue.retentionBindsFrom ? 0 : now - queue.retentionSeconds * 1000;
  return Math.max(0, Math.max(queue.purgedBefore, retained) - clockMarginMs);
}

/** Whether a message with the verdict `gone` expired, rather than was purged. */
export function isExpired(queue: QueueRecord, { since }: { since: number }): boolean {
  return since >= queue.purgedBefore;
}

export function reportExpired(ctx: Context, { name }: QueueRecord, messages: number): void {
  ctx.observe?.({ kind: 'expired', queue: name, messages });
}

/** The verdict on one slot now. `aged`: the row, or in a group's row the slot's parcel. */
export function verdictOf(queue: QueueRecord, aged: Pick<Parcel, 'since' | 'retentionEnd'>, slot: Slot, now: number): Verdict {
  if (slot.end) return 'ended';
  if (slot.visibleAt > now) return 'waiting';
  const byAge = verdictOfAge(queue, aged.since, aged.retentionEnd, now);
  if (byAge !== 'ready') return byAge;
  if (queue.deadLetter && slot.receives >= queue.deadLetter.maxReceives) return { reason: 'max_receives' };
  return 'ready';
}
