/** Messages to be published: judged by the queue's settings, and put together by what they have in common. */
import type { PublishEntry, Refused } from '../../contract/contract.ts';
import { type Content, packEntry } from '../model/content-codec.ts';
import { keyedId } from '../model/ids.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import type { Pending } from './parcels.ts';
import { refusalIn, timingOf } from './validate.ts';

/** The entry at this place of a call as it is to be published, or why this queue does not take it. */
export function pendingOf(queue: QueueRecord, entry: PublishEntry, index: number, now: number): Pending | Refused {
  const refused = refusalIn(queue, entry, now);
  if (refused !== undefined) return { ok: false, code: 'invalid_input', message: `messages[${index}].${refused}` };
  const timing = timingOf(entry) ?? { delayMs: queue.delaySeconds * 1000 };
  return {
    index,
    packed: packEntry(entry),
    timing,
    level: entry.priority ?? 0,
    ...(entry.group === undefined ? {} : { group: entry.group }),
    ...(entry.id === undefined ? {} : { id: entry.id }),
    ...(entry.prepared ? { prepared: true as const } : {}),
    ...(entry.dedupKey === undefined ? {} : { id: keyedId(entry.dedupKey), content: contentOf(entry) }),
  };
}

function contentOf({ body, bodyBase64, attributes }: PublishEntry): Content {
  const others = attributes === undefined ? {} : { attributes };
  return bodyBase64 === undefined ? { body: body!, ...others } : { bodyBase64, ...others };
}

/** Those that may share rows: of one level and one time. */
export function alike(pending: readonly Pending[]): Pending[][] {
  const lists = new Map<string, Pending[]>();
  for (const one of pending) {
    const shared = JSON.stringify([one.level, one.timing]);
    lists.set(shared, [...(lists.get(shared) ?? []), one]);
  }
  return [...lists.values()];
}
