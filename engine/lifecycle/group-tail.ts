/** The write to a group's row that appends parcels to it. */
import { idleLaneLeadMsMax, tombstoneMs } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { removedSlot } from '../leases/kept-messages.ts';
import { decodeSnapshot, type Snapshot } from '../leases/lease-store.ts';
import { parcelsDone, restEnd } from '../model/group-row.ts';
import { parcelAt } from '../model/held-parcels.ts';
import { type QueueRecord, randomShard, shardKey } from '../model/queue-record.ts';
import { encodeLease } from '../model/row-codec.ts';
import { type Group, type GroupLeaseRow, isLive, leaseKey } from '../model/rows.ts';
import type { Write } from '../port/port.ts';

/** The parcel of the group that was published last. */
export function tailOf(ctx: Context, seen: Snapshot): string {
  const { lease } = decodeSnapshot(seen, ctx.clock.now());
  return lease?.kind === 'group' ? lease.group.tail : '';
}

/** What is appended to a group. */
export interface GroupChange {
  seen: Snapshot;
  name: string;
  first: string;
  last: string;
  version: string;
  now: number;
  /** Of the first parcel. */
  visibleAt: number;
  retentionEnd: number | undefined;
  /** Whether the parcels are dead letters. */
  areDeadLetters?: boolean;
}

/** The write to the group's row that appends these parcels to what was published before. */
export function groupWrite(
  ctx: Context,
  queue: QueueRecord,
  { seen, name, first, last, version, now, visibleAt, retentionEnd, areDeadLetters = false }: GroupChange,
): Write {
  const key = leaseKey(seen.id);
  const delayEnd = visibleAt > now ? visibleAt : 0;
  const shard = shardKey(queue, randomShard(queue, ctx.random));
  const expiring = retentionEnd === undefined ? {} : { retentionEnd };
  const deadLetters = areDeadLetters ? { lastDeadLetter: last } : {};
  const ends = Object.entries({ tail: last, ...deadLetters }).map(([end, id]) => [['group', end], id] as const);
  if (!seen.row) {
    const group: Group = {
      name,
      head: '',
      nextId: first,
      tail: last,
      ...deadLetters,
      dueAt: Math.max(delayEnd, dueAfterIdle(queue, undefined, now)),
    };
    const fields = { id: seen.id, shard, version, slots: [], since: now, content: { text: '[]' }, ...expiring };
    const row = encodeLease({ kind: 'group', ...fields, group });
    return { key, when: { absent: ['id'] }, then: { put: row } };
  }
  const { lease } = decodeSnapshot(seen, now);
  // The lease on purged messages must not delay what is published after the purge.
  const live = lease?.slots.flatMap((slot, index) => (isLive(slot) ? [parcelAt(lease, index)] : [])) ?? [];
  if (lease?.kind === 'group' && live.length > 0 && live.every((parcel) => parcel.since < queue.purgedBefore)) {
    const removed = {
      ...lease,
      version,
      group: { ...lease.group, tail: last, ...deadLetters },
      slots: lease.slots.map((slot, index) => removedSlot(queue, parcelAt(lease, index), slot, now)),
    };
    const next = removed.ownRows ? withEndDue(removed, now) : parcelsDone(removed, now);
    return { key, when: { equals: [['version'], lease.version] }, then: { put: encodeLease({ ...next, ...expiring }) } };
  }
  // Nor must a delay of purged messages that the row has not loaded. Due too early is harmless.
  const { dueAt = 0 } = lease?.kind === 'group' ? lease.group : {};
  if (lease?.kind === 'group' && live.length === 0 && dueAt > now && lease.since < queue.purgedBefore) {
    const set = [
      [['version'], version],
      ...ends,
      [['expiry'], Math.min(dueAt, Math.max(now, restEnd(queue, lease.group)))],
    ] as const;
    return { key, when: { equals: [['version'], lease.version] }, then: { set } };
  }
  const follows = { less: [['group', 'tail'], last] } as const;
  if (seen.row.expiry !== undefined) {
    const then: Write['then'] = {
      set: [[['version'], version], ...ends],
    };
    return { key, when: { all: [{ exists: ['expiry'] }, follows] }, then };
  }
  const idle = lease?.kind === 'group' ? lease.group : undefined;
  return {
    key,
    when: { all: [{ exists: ['id'] }, { absent: ['expiry'] }, follows] },
    then: {
      set: [
        [['version'], version],
        ...ends,
        [['group', 'first'], first],
        // The row may name a shard that is retired by now.
        [['shard'], shard],
        [['expiry'], Math.max(dueAfterIdle(queue, idle?.until, now), delayEnd, idle ? restEnd(queue, idle) : 0)],
        [['since'], now],
        ...(retentionEnd === undefined ? [] : [[['expiresAt'], retentionEnd] as const]),
      ],
      unset: [['ttl']],
    },
  };
}

/** The row with messages that have ended and whose markers are to end: it is due at once, and the process that finds it ends both. */
function withEndDue(lease: GroupLeaseRow, now: number): GroupLeaseRow {
  return { ...lease, group: { ...lease.group, dueAt: now } };
}

/**
 * When a group in which nothing waited becomes due, by the `until` of its row. A group of one lane: now. A lane of several comes
 * before all lanes that were served after it: otherwise it would wait for each lane of a group that has a backlog. The lead is
 * bounded, so that groups that never waited before do not hold up a backlog for long.
 */
function dueAfterIdle(queue: QueueRecord, until: number | undefined, now: number): number {
  if ((queue.groups?.concurrency ?? 1) === 1) return now;
  const servedAt = until === undefined ? 0 : until - tombstoneMs;
  return Math.min(now, Math.max(servedAt, now - idleLaneLeadMsMax, queue.purgedBefore));
}
