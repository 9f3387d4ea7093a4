/**
 * Which batches must be handled one after the other. A receive may return several messages of a group. Handled at the same time, a later
 * message could overtake an earlier one.
 */

interface Grouped {
  group?: string | undefined;
}

/** Batches that are handled in this order. The next one begins when all messages of the one before have been handled. */
export type Chain<Message> = Message[][];

/** A queue that gives up the order within groups has chains of one batch only. */
export function chainsOf<Message extends Grouped>(
  batches: readonly Message[][],
  { groups }: { groups?: { concurrency: number } | null | undefined },
): Chain<Message>[] {
  const isOrdered = (groups?.concurrency ?? 1) === 1;
  const chains: Chain<Message>[] = [];
  for (const batch of batches) {
    const last = chains.at(-1);
    const before = last?.at(-1)?.at(-1)?.group;
    if (isOrdered && last && before !== undefined && before === batch[0]!.group) last.push(batch);
    else chains.push([batch]);
  }
  return chains;
}
