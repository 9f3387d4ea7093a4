/**
 * Decides where the contents of published rows lie. A publish into several queues shares the bodies that do not fit into a row: the
 * chunks are stored once, and each row names them. They have a TTL that all rows outlast by far; no row changes or removes them.
 */
import { retentionSecondsDefault } from '../../contract/limits.ts';
import type { OffloadedBody } from '../leases/offloaded-bodies.ts';
import { bodyTtl, deflateInRowMax, storeContent } from '../model/content-codec.ts';

const daySeconds = 24 * 60 * 60;

/** `room`: bytes that the row has left. `retentionEnd`: when the retention of its messages ends, ms; undefined: never. */
export type PlaceBody = (text: string, room: number, newId: () => string, retentionEnd: number | undefined) => OffloadedBody;

/** A body for one row alone. */
export const placeOwn: PlaceBody = (text, room, newId, retentionEnd) => ({
  ...storeContent(text, room, newId),
  ttl: retentionEnd === undefined ? undefined : bodyTtl(retentionEnd),
});

/** The bodies of one publish into several queues, in one or many transactions. */
export interface SharedBodies {
  /** `retentionsSeconds`: those of the queues that are known beforehand, so that one TTL suits all of them. */
  placeBodyFor(retentionsSeconds: readonly (number | null)[], now: number): PlaceBody;
}

/**
 * The same text is one body. It is the same object each time, and has no `chunks` left once `withBodies` has written it. A row
 * without retention has a body of its own.
 */
export function createSharedBodies(): SharedBodies {
  const known = new Map<string, OffloadedBody[]>();
  return {
    placeBodyFor: (retentionsSeconds, now) => {
      const longest = Math.max(retentionSecondsDefault, ...retentionsSeconds.map((seconds) => seconds ?? 0));
      return (text, room, newId, retentionEnd) => {
        if (retentionEnd === undefined) return placeOwn(text, room, newId, retentionEnd);
        const { length } = text;
        const isOffloaded = length > deflateInRowMax;
        const bodies = known.get(text) ?? [];
        const found = bodies.find(({ ttl }) => ttl! >= bodyTtl(retentionEnd));
        if (found && isOffloaded) return found;
        const placed = placeOwn(text, room, newId, retentionEnd);
        const { content, chunks } = placed;
        if (!('offloaded' in content)) return placed;
        if (found) return found;
        const sharedUntil = sharedTtl(Math.max(retentionEnd, now + longest * 1000));
        const body: OffloadedBody = { content: { ...content, sharedUntil }, chunks, ttl: sharedUntil };
        known.set(text, [...bodies, body]);
        return body;
      };
    },
  };
}

/** At least a day more than the rows need, in whole days: a publication goes on for minutes, and its later rows need more. */
function sharedTtl(retentionEnd: number): number {
  return (Math.ceil(bodyTtl(retentionEnd) / daySeconds) + 1) * daySeconds;
}
