/**
 * When a subscription's queue was last used, for subscriptions that end without use. A use is a receive, or an extension of a lease.
 * It is recorded at most once in a quarter of that time. So the sweep waits a quarter longer before it ends the subscription: no use is
 * that much later than the last one that was recorded.
 */
import { clockMarginMs } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { ignoreStoreError } from '../port/port.ts';
import { changeQueue } from './change-queue.ts';

function msSinceNoted({ lastReceivedAt, createdAt }: QueueRecord, now: number): number {
  return now - (lastReceivedAt ?? createdAt);
}

function isNoteDue(queue: QueueRecord, now: number): boolean {
  const seconds = queue.subscription?.expiresAfterSeconds;
  return seconds !== undefined && msSinceNoted(queue, now) >= (seconds * 1000) / 4;
}

/** Whether the queue's subscription ended because nothing used the queue for too long. */
export function isOverdue(queue: QueueRecord, now: number): boolean {
  const seconds = queue.subscription?.expiresAfterSeconds;
  return seconds !== undefined && msSinceNoted(queue, now) >= (seconds * 1000 * 5) / 4 + 2 * clockMarginMs;
}

/**
 * Notes that the queue is used, if that is due. It and the end of the subscription are conditional writes of the same row: the first one wins.
 * Throws `queue_not_found` if the subscription has ended.
 */
export async function noteUse(ctx: Context, queue: QueueRecord): Promise<void> {
  if (!isNoteDue(queue, ctx.clock.now())) return;
  // After a failure the next use tries again.
  await changeQueue(ctx, queue.name, (record, now) =>
    isNoteDue(record, now) ? { ...record, lastReceivedAt: now } : record,
  ).catch(ignoreStoreError);
}
