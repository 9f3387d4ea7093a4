/**
 * Release: gives messages back before their lease ends. They become ready after `delaySeconds`. Without it, they become ready
 * at once, or after the queue's backoff if they failed. A message that the caller rejects, or whose receives are used up, is
 * dead-lettered with the text of `failed`. `release-message.ts` releases a message by its id.
 */
import type { InputOf, Refused, ReleaseResult } from '../../contract/contract.ts';
import { failedCharsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { failureIn } from '../leases/kept-messages.ts';
import { decodeSnapshot, readRow, retryOnConflict, type Snapshot } from '../leases/lease-store.ts';
import { replaceSlots } from '../lifecycle/due-row.ts';
import { leaveGroup } from '../lifecycle/leave-group.ts';
import { moveSlots } from '../lifecycle/moves.ts';
import { backoffMs } from '../model/backoff.ts';
import { parcelAt } from '../model/held-parcels.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import type { Receipt } from '../model/receipts.ts';
import type { Death, LeaseRow, Slot } from '../model/rows.ts';
import { withLeaseRecorded, withoutReceive } from '../model/slot-lease.ts';
import { returnPermits } from '../permits/limiter.ts';
import { keepThroughLease } from '../receive/claims.ts';
import { answerByRow, inOrder, isHeldBy, notHeld, parseReceipts } from './receipts-by-row.ts';

/** A failure that the caller reports. `text` may be empty. */
interface Failure {
  text: string;
}

/** `isUnhandled`: the holder did not handle the messages at all, so this receive is not counted. */
export type ReleaseTerms = Omit<InputOf<'release'>, 'receipts'> & { isUnhandled?: boolean };

export async function release(
  ctx: Context,
  queueName: string,
  texts: readonly unknown[],
  terms: ReleaseTerms,
): Promise<{ results: ReleaseResult[] }> {
  const queue = await ctx.settings.get(queueName);
  const receipts = parseReceipts(queue, texts);
  const answers = await answerByRow<ReleaseResult>(ctx, queue, receipts, async (rowId, ofRow) => {
    // Keyed by receipt, not by slot: a call may contain both a stale and a valid receipt of one message.
    const results = new Map<Receipt, ReleaseResult>();
    return retryOnConflict(ctx, await readRow(ctx, rowId), async (seen) => {
      const found = decodeSnapshot(seen, ctx.clock.now());
      const { lease } = found;
      const pending = ofRow.filter((receipt) => isHeldBy(lease, receipt));
      if (!lease || pending.length === 0)
        return { done: ofRow.map((receipt) => results.get(receipt) ?? notHeld(found, receipt)) };
      const { released, seen: after } = await releaseSlots(
        ctx,
        queue,
        { seen, lease, slots: pending.map(({ slot }) => slot) },
        terms,
      );
      for (const receipt of pending) {
        const result = released.get(receipt.slot);
        if (result) results.set(receipt, result);
      }
      return { seen: after };
    });
  });
  await returnPermits(ctx, queue, answers);
  return { results: inOrder(receipts, answers) };
}

export type Released = Exclude<ReleaseResult, Refused>;

/**
 * Gives leased messages of one row back, if the row is unchanged. Messages that die go first, by a write of their own: then
 * `released` has only those. Empty: none was released.
 */
export async function releaseSlots(
  ctx: Context,
  queue: QueueRecord,
  { seen, lease, slots: givenBack }: { seen: Snapshot; lease: LeaseRow; slots: readonly number[] },
  { delaySeconds, failed, deadLetter: isRejected = false, isUnhandled = false }: ReleaseTerms,
): Promise<{ released: ReadonlyMap<number, Released>; seen: Snapshot }> {
  const now = ctx.clock.now();
  const failure: Failure | undefined = failed === undefined && !isRejected ? undefined : { text: cut(failed ?? '') };
  const recorded = (slot: Slot) => withLeaseRecorded(queue, slot, failure ? 'failed' : 'released', now);
  const next: LeaseRow = {
    ...lease,
    version: ctx.newVersion(),
    slots: lease.slots.map((slot, index) =>
      givenBack.includes(index)
        ? released(ctx, queue, isUnhandled ? withoutReceive(slot) : recorded(slot), now, delaySeconds, failure)
        : slot,
    ),
  };
  const { deadLetter } = queue;
  const isPurged = (slot: number) => parcelAt(lease, slot).since < queue.purgedBefore;
  const isOver = (slot: number) => isRejected || lease.slots[slot]!.receives >= deadLetter!.maxReceives;
  const dying = deadLetter && !isUnhandled ? givenBack.filter((slot) => !isPurged(slot) && isOver(slot)) : [];
  // If the dead-letter queue does not exist, the message is retried instead: a missing queue never drops a message.
  const target = dying.length > 0 && deadLetter ? await ctx.settings.find(deadLetter.queue) : undefined;
  if (target) {
    const death: Death = { queue: queue.name, reason: isRejected ? 'rejected' : 'max_receives', at: now };
    const slots = lease.slots.map((slot, index) => (dying.includes(index) ? next.slots[index]! : slot));
    const moved = await moveSlots(ctx, { seen, lease: { ...lease, slots }, slots: dying, target, death });
    const dead: Released = { ok: true, deadLettered: true };
    return { released: new Map(moved.applied ? dying.map((slot) => [slot, dead]) : []), seen: moved.seen };
  }
  const visible = (slot: number): Released => ({ ok: true, visibleAt: new Date(next.slots[slot]!.visibleAt).toISOString() });
  const all = () => new Map(givenBack.map((slot) => [slot, visible(slot)]));
  if (lease.kind === 'group' && lease.group.failedLeave && failure) {
    const slotOf = (slot: Slot) => next.slots[lease.slots.indexOf(slot)]!;
    const moved = await leaveGroup(ctx, queue, { seen, lease, slots: givenBack }, slotOf);
    return { released: moved.applied ? all() : new Map(), seen: moved.seen };
  }
  const after = await replaceSlots(ctx, seen, await keepThroughLease(ctx, next), now);
  const isApplied = after.row?.version === next.version;
  if (isApplied) ctx.wakeups.wake(queue.name);
  return { released: isApplied ? all() : new Map(), seen: after };
}

/** Cuts the text to `failedCharsMax` without splitting a surrogate pair: rows hold well-formed Unicode. */
function cut(failed: string): string {
  return failed
    .slice(0, failedCharsMax)
    .replace(/[\uD800-\uDBFF]$/, '')
    .toWellFormed();
}

function released(
  ctx: Context,
  queue: QueueRecord,
  slot: Slot,
  now: number,
  delaySeconds: number | undefined,
  failure: Failure | undefined,
): Slot {
  const { token: _, leasedUntil: __, ...rest } = slot;
  const failures = slot.failures + (failure ? 1 : 0);
  const backoff = failure && queue.backoff ? backoffMs(queue.backoff, failures, ctx.random.number()) : 0;
  const visibleAt = now + (delaySeconds === undefined ? backoff : delaySeconds * 1000);
  return { ...rest, visibleAt, failures, ...(failure?.text ? failureIn(queue, slot, failure.text, now) : {}) };
}
