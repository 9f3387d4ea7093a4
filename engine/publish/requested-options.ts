/** What a message asks of its queue besides its body: whether the queue accepts it, and when the message becomes ready. */
import type { PublishEntry } from '../../contract/contract.ts';
import { delaySecondsMax } from '../../contract/limits.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import type { Timing } from '../model/timing.ts';

export type RequestedOptions = Pick<PublishEntry, 'delaySeconds' | 'deliverAt' | 'priority' | 'group' | 'dedupKey' | 'prepared'>;

/** When the message becomes ready; undefined if it does not say. */
export function requestedTiming({ delaySeconds, deliverAt }: RequestedOptions): Timing | undefined {
  if (deliverAt !== undefined) return { at: Date.parse(deliverAt) };
  return delaySeconds === undefined ? undefined : { delayMs: delaySeconds * 1000 };
}

/** Why this queue does not accept the message, naming the field, the limit and the given value; undefined: it does. */
export function refusalIn(queue: QueueRecord, options: RequestedOptions, now: number): string | undefined {
  const { deliverAt, priority = 0, group } = options;
  const levels = queue.priority?.levels ?? 1;
  if (priority >= levels) {
    return `priority: must be at most ${levels - 1}, because the queue "${queue.name}" has ${levels} levels, was ${priority}`;
  }
  if (deliverAt !== undefined && Date.parse(deliverAt) > now + delaySecondsMax * 1000) {
    return `deliverAt: must be at most ${delaySecondsMax} seconds ahead, was ${deliverAt}`;
  }
  if (options.dedupKey !== undefined && !queue.deduplication) {
    return `dedupKey: the queue "${queue.name}" has no setting "deduplication", was "${options.dedupKey}"`;
  }
  if (options.prepared && !queue.prepared) return `prepared: the queue "${queue.name}" has no setting "prepared"`;
  if (group !== undefined && options.dedupKey !== undefined) return keyRefusalInGroup(queue);
  return undefined;
}

/** A group takes a key for a fixed time, and its messages keep their places. */
function keyRefusalInGroup({ name, deduplication }: QueueRecord): string | undefined {
  const { windowSeconds, onDuplicate } = deduplication!;
  if (windowSeconds === null) {
    return `dedupKey: in a group, the queue "${name}" must have the setting "deduplication.windowSeconds", was null`;
  }
  if (onDuplicate === 'ignore') return undefined;
  return `dedupKey: in a group, the queue "${name}" must have "deduplication.onDuplicate" ignore, was ${onDuplicate}`;
}
