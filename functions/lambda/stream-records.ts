/**
 * Reads records of the streams of `messages` and `leases`: in which queues something is ready, or will be. Records of `leases` need new images.
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
 */
import { fromItem, type Item } from '../../engine/dynamo/attribute-values.ts';
import { leaseReady, type NextReady, ownEnd, parcelReady } from '../../engine/model/next-ready.ts';

export interface StreamRecord {
  eventName?: string;
  dynamodb?: { Keys?: Item; NewImage?: Item };
}

/** The stream is late by about as much: what is due within this time counts as due. */
const soonMs = 1_000;

/** What the records say, one entry for each that says something. */
export function readyIn(records: readonly StreamRecord[]): NextReady[] {
  return records.flatMap(({ eventName, dynamodb: { Keys, NewImage } = {} }) => {
    // Only keys of `messages` have a shard. Rows of `messages` are put once and never changed.
    if (Keys?.shard !== undefined) return (eventName === 'INSERT' && parcelReady(fromItem({ ...Keys, ...NewImage }))) || [];
    return (NewImage && leaseReady(fromItem(NewImage))) ?? [];
  });
}

/** The incarnations of the queues in which something is due, by these records. */
export function incarnationsIn(records: readonly StreamRecord[], now: number): Set<string> {
  return new Set(readyIn(records).flatMap(({ incarnation, at }) => (at <= now + soonMs ? [incarnation] : [])));
}

/** What to tell listeners of each queue: messages that are ready, and the first of those that will be. Leases that may end are left out. */
export function wakesIn(
  records: readonly StreamRecord[],
  now: number,
): { incarnation: string; messages: number; inMs: number }[] {
  const waiting = readyIn(records).filter(({ afterLease }) => !afterLease);
  return [...Map.groupBy(waiting, ({ incarnation }) => incarnation)].flatMap(([incarnation, all]) => {
    const messages = (some: readonly NextReady[]) => some.reduce((sum, one) => sum + one.messages, 0);
    const [due, later] = [all.filter(({ at }) => at <= now + soonMs), all.filter(({ at }) => at > now + soonMs)];
    return [
      ...(due.length > 0 ? [{ incarnation, messages: messages(due), inMs: 0 }] : []),
      ...(later.length > 0
        ? [{ incarnation, messages: messages(later), inMs: Math.min(...later.map(({ at }) => at)) - now }]
        : []),
    ];
  });
}

/** The messages under own ids that have ended, or were dead-lettered. */
export function endsIn(records: readonly StreamRecord[]): { incarnation: string; id: string }[] {
  return records.flatMap(({ dynamodb: { Keys, NewImage } = {} }) => {
    const end = Keys?.shard === undefined && NewImage ? ownEnd(fromItem(NewImage)) : undefined;
    return end ? [end] : [];
  });
}
