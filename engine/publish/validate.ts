/** Checks what a message asks for (delay, priority, group, key) against the settings of its queue. */

import { delaySecondsMax } from '../../contract/limits.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import type { Timing } from '../model/timing.ts';

export interface Terms {
  delaySeconds?: number;
  deliverAt?: string;
  priority?: number;
  group?: string;
  dedupKey?: string;
  prepared?: boolean;
}

/** When the message becomes ready; undefined if it does not say. */
export function requestedTiming({ delaySeconds, deliverAt }: Terms): Timing | undefined {
  if (deliverAt !== undefined) return { at: Date.parse(deliverAt) };
  return delaySeconds === undefined ? undefined : { delayMs: delaySeconds * 1000 };
}

/** Why this queue does not accept the message, naming the field, the limit and the given value; undefined: it does. */
export function refusalIn(queue: QueueRecord, terms: Terms, now: number): string | undefined {
  const { deliverAt, priority = 0, group } = terms;
  const levels = queue.priority?.levels ?? 1;
  if (priority >= levels) {
    return `priority: must be at most ${levels - 1}, for the queue "${queue.name}" has ${levels} levels, was ${priority}`;
  }
  if (deliverAt !== undefined && Date.parse(deliverAt) > now + delaySecondsMax * 1000) {
    return `deliverAt: must be at most ${delaySecondsMax} seconds ahead, was ${deliverAt}`;
  }
  if (terms.dedupKey !== undefined && !queue.deduplication) {
    return `dedupKey: the queue "${queue.name}" has no setting "deduplication", was "${terms.dedupKey}"`;
  }
  if (terms.prepared && !queue.prepared) return `prepared: the queue "${queue.name}" has no setting "prepared"`;
  if (group !== undefined && queue.delaySeconds > 0) {
    return `group: messages of a group come without delay, and the queue "${queue.name}" delays by ${queue.delaySeconds} seconds`;
  }
  return undefined;
}
