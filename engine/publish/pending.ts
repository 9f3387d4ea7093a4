/**
 * Turns the entries of a publish into pending messages and lists those that may share rows. This folder writes them to the store:
 * into shared rows (`parcels.ts`), rows of their own (`own-id.ts`, `dedup-key.ts`) or groups (`groups.ts`).
 * `operations/publish.ts` chooses between these.
 */
import type { PublishEntry, Refused } from '../../contract/contract.ts';
import { type Content, encodeContent } from '../model/content-codec.ts';
import { keyedId } from '../model/ids.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import type { Pending } from './parcels.ts';
import { refusalIn, requestedTiming } from './validate.ts';

/** The pending message for the entry at this index of a call, or why the queue does not accept it. */
export function pendingOf(queue: QueueRecord, entry: PublishEntry, index: number, now: number): Pending | Refused {
  const refused = refusalIn(queue, entry, now);
  if (refused !== undefined) return { ok: false, code: 'invalid_input', message: `messages[${index}].${refused}` };
  const timing = requestedTiming(entry) ?? { delayMs: queue.delaySeconds * 1000 };
  return {
    index,
    encoded: encodeContent(entry),
    timing,
    level: entry.priority ?? 0,
    ...(entry.group === undefined ? {} : { group: entry.group }),
    ...(entry.id === undefined ? {} : { id: entry.id }),
    ...(entry.prepared ? { prepared: true as const } : {}),
    ...(entry.dedupKey === undefined ? {} : { id: keyedId(entry.dedupKey), content: entryContent(entry) }),
  };
}

function entryContent({ body, bodyBase64, attributes }: PublishEntry): Content {
  const others = attributes === undefined ? {} : { attributes };
  return bodyBase64 === undefined ? { body: body!, ...others } : { bodyBase64, ...others };
}

/** Lists of messages that may share rows: same level, same timing. */
export function alike(pending: readonly Pending[]): Pending[][] {
  const lists = new Map<string, Pending[]>();
  for (const one of pending) {
    const shared = JSON.stringify([one.level, one.timing]);
    lists.set(shared, [...(lists.get(shared) ?? []), one]);
  }
  return [...lists.values()];
}
