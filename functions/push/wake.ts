/** Finds the queues for which a dispatcher has something to do, among those that the sweep or the streams of the tables name. */
import type { Clock } from '../../engine/port/port.ts';
import { isDeliverable, type TargetRecord, type TargetRecords } from './target-records.ts';

/**
 * The queues among these, by name or incarnation, that have a target with something to do, and which no process holds. Reads no rows
 * where no queue has a target.
 */
export async function queuesToDispatch(
  { records, clock }: { records: TargetRecords; clock: Clock },
  among: { queues: readonly string[] } | { incarnations: ReadonlySet<string> },
): Promise<Set<string>> {
  const candidates =
    'queues' in among
      ? (await records.all()).filter(({ queue }) => among.queues.includes(queue))
      : await records.ofIncarnations(among.incarnations);
  if (candidates.length === 0) return new Set();
  // Read again: a hold that has just ended must not count, or its process would not see the message.
  const targets = await records.readAll(candidates);
  const now = clock.now();
  const isFree = ({ heldUntil = 0 }: TargetRecord) => heldUntil <= now;
  return new Set(targets.filter((target) => isDeliverable(target, now) && isFree(target)).map(({ queue }) => queue));
}
