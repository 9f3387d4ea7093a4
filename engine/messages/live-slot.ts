/** Finds a message again in its row, which may have changed since it was found. */
import { messageIdOf } from '../model/held-parcels.ts';
import { incarnationOf, type QueueRecord } from '../model/queue-record.ts';
import { isLive, type LeaseRow, type Slot } from '../model/rows.ts';

/** `lease`: the row as it is now. `moved`: the message lives elsewhere now. `gone`: it has ended, or left the queue. */
export function liveSlot(
  queue: QueueRecord,
  { lease: found, slot }: { lease: LeaseRow; slot: number },
  lease: LeaseRow | undefined,
): { lease: LeaseRow; there: Slot } | 'moved' | 'gone' {
  // The group's row has advanced, so the slot belongs to another message.
  const isOther = lease ? messageIdOf(lease, slot) !== messageIdOf(found, slot) : found.kind === 'group';
  const there = lease?.slots[slot];
  if (isOther || there?.end === 'moved') return 'moved';
  if (!lease || !there || !isLive(there) || incarnationOf(lease.shard) !== queue.incarnation) return 'gone';
  return { lease, there };
}
