/**
 * Turns the entries of a publish into pending messages and lists those that may share rows. This folder writes them to the store:
 * into shared rows (`parcels.ts`), rows of their own (`own-id.ts`, `dedup-key.ts`) or groups (`groups.ts`).
 * `operations/publish.ts` chooses between these.
 */
import type { PublishEntry, Refused } from '../../contract/contract.ts';
import { defined } from '../../contract/defined.ts';
import { delaySecondsMax } from '../../contract/limits.ts';
import { type Content, encodeContent } from '../model/content-codec.ts';
import { groupBy } from '../model/group-by.ts';
import { keyedId } from '../model/ids.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import type { Timing } from '../model/timing.ts';
import type { Pending } from './parcels.ts';

/** What a message asks of its queue. */
export type RequestedOptions = Pick<PublishEntry, 'delaySeconds' | 'deliverAt' | 'priority' | 'group' | 'dedupKey' | 'prepared'>;

/** The pending message for the entry at this index of a call, or why the queue does not accept it. */
export function pendingOf(queue: QueueRecord, entry: PublishEntry, index: number, now: number): Pending | Refused {
  const refused = refusalIn(queue, entry, now);
  if (refused !== undefined) return { ok: false, code: 'invalid_input', message: `messages[${index}].${refused}` };
  const { dedupKey, prepared, group, priority: level = 0 } = entry;
  return defined({
    index,
    encoded: encodeContent(entry),
    timing: requestedTiming(entry) ?? { delayMs: queue.delaySeconds * 1000 },
    level,
    group,
    id: dedupKey === undefined ? entry.id : keyedId(dedupKey),
    prepared: prepared ? (true as const) : undefined,
    content: dedupKey === undefined ? undefined : entryContent(entry),
  });
}

function entryContent({ body, bodyBase64, attributes }: PublishEntry): Content {
  return bodyBase64 === undefined ? { body: body!, ...defined({ attributes }) } : { bodyBase64, ...defined({ attributes }) };
}

/** Lists of messages that may share rows: same level, same timing. */
export function shareable(pending: readonly Pending[]): Pending[][] {
  return [...groupBy(pending, ({ level, timing }) => JSON.stringify([level, timing])).values()];
}

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
  if (group !== undefined && queue.delaySeconds > 0) {
    return `group: messages in a group cannot be delayed, and the queue "${queue.name}" delays by ${queue.delaySeconds} seconds`;
  }
  return undefined;
}
