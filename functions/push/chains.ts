/**
 * Which batches must be delivered one after the other. A receive may return several messages of a group, and the batch size may part
 * them: without chains, two batches would be delivered at the same time, and the second could overtake the first.
 */
import type { ReceivedMessage } from '../../contract/contract.ts';
import type { QueueRecord } from '../../engine/model/queue-record.ts';

/** Batches that are delivered in this order. The next one begins when all messages of the one before are acked. */
export type Chain = ReceivedMessage[][];

/** A queue that gives up the order within groups has chains of one batch only. */
export function chainsOf(batches: readonly ReceivedMessage[][], { groups }: Pick<QueueRecord, 'groups'>): Chain[] {
  const isOrdered = (groups?.concurrency ?? 1) === 1;
  const chains: Chain[] = [];
  for (const batch of batches) {
    const last = chains.at(-1);
    const before = last?.at(-1)?.at(-1)?.group;
    if (isOrdered && last && before !== undefined && before === batch[0]!.group) last.push(batch);
    else chains.push([batch]);
  }
  return chains;
}
