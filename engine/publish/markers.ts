/** The markers that a publish to a group writes: whether the own id or dedup key of a message is free, and the write that takes it. */

import { tombstoneMs } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { decodeSnapshot, type Snapshot, unchanged } from '../leases/lease-store.ts';
import { markerTtl } from '../leases/markers.ts';
import type { StoredContent } from '../model/content-codec.ts';
import { accept } from '../model/dedup-row.ts';
import { ownRowId } from '../model/ids.ts';
import { encodeMarker, type MarkedPlace } from '../model/marker.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { encodeTombstone } from '../model/row-codec.ts';
import { leaseKey } from '../model/rows.ts';
import type { Condition, Write } from '../port/port.ts';
import { ackedBy, holderOf, keyedOf, keyStateOf } from './dedup-key.ts';
import { displacedContent, isFree } from './own-id.ts';
import type { Pending } from './parcels.ts';

/** The id of the marker of a message of a group; undefined: it has neither an own id nor a dedup key. */
export function markerIdOf({ incarnation }: QueueRecord, { id }: Pick<Pending, 'id'>): string | undefined {
  return id === undefined ? undefined : ownRowId(incarnation, id);
}

/** The id of the message that has the own id or the dedup key; undefined: it is free. */
export function takenBy(queue: QueueRecord, { id, content }: Pending, seen: Snapshot, now: number): string | undefined {
  if (content === undefined) return isFree(queue, seen, now) ? undefined : id;
  const found = decodeSnapshot(seen, now);
  return keyStateOf(queue, found, now) === 'free' ? undefined : (holderOf(found) ?? id);
}

/**
 * The write that takes the id or the key, if the row is as it was read. A late copy of the transaction is refused by the `tail` of its
 * group, so a marker need not outlast its message as the tombstone of a message without a group does.
 */
export function markerWrite(
  ctx: Context,
  queue: QueueRecord,
  pending: Pending,
  seen: Snapshot,
  { marks, version, retentionEnd }: { marks: MarkedPlace; version: string; retentionEnd: number | undefined },
): Write {
  const { id } = seen;
  const when: Condition = seen.row ? unchanged(seen.row) : { absent: ['id'] };
  if (pending.content === undefined) {
    const ttl = markerTtl(retentionEnd, queue.deadLetter !== null);
    return {
      key: leaseKey(id),
      when,
      then: { put: encodeMarker({ id, version, marks, ...(ttl === undefined ? {} : { ttl }) }) },
    };
  }
  const found = decodeSnapshot(seen, ctx.clock.now());
  const keyed = accept(queue, keyedOf(found), version, marks.at, ackedBy(found));
  const until = (keyed.freeAt ?? marks.at) + tombstoneMs;
  return { key: leaseKey(id), when, then: { put: encodeTombstone({ id, version, slots: [{}], until, keyed, marks }) } };
}

/** The content that nothing names any more once a marker is put over this row. */
export function displacedBy(seen: Snapshot, now: number): StoredContent[] {
  const content = displacedContent(decodeSnapshot(seen, now));
  return content ? [content] : [];
}
