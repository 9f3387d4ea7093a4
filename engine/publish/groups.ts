/**
 * Publishes to a group: parcels and the group's row in one transaction. The row's `tail` only grows, so parcels lie in the order
 * of publishing, and none gets an id before a parcel that was taken. If nothing waits in the group, its row becomes due.
 */

import type { PublishResult } from '../../contract/contract.ts';
import { idleLaneLeadMsMax, tombstoneMs } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { type RetryBudget, withRetry } from '../context/retry.ts';
import { removedSlot } from '../leases/kept-messages.ts';
import { decodeSnapshot, readRow, type Snapshot } from '../leases/lease-store.ts';
import { type OffloadedBody, withBodies } from '../leases/offloaded-bodies.ts';
import { joinEntries } from '../model/content-codec.ts';
import { groupPlace, laneOf, parcelDone, restEnd } from '../model/group-row.ts';
import { groupKeyOf, messageId } from '../model/ids.ts';
import { type QueueRecord, randomShard, retentionEndAfter, shardKey, writeDeadline } from '../model/queue-record.ts';
import { encodeLease, encodeParcel, roomForContents } from '../model/row-codec.ts';
import { type Group, isLive, leaseKey, parcelKey } from '../model/rows.ts';
import type { Write } from '../port/port.ts';
import { untilDone } from '../port/until-done.ts';
import { targetOf } from '../queues/publish-target.ts';
import { inParcels, type Pending } from './parcels.ts';
import { type PlaceBody, placeOwn } from './place-body.ts';

/**
 * Parcels in one transaction, which takes 100 writes:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
 */
const parcelsPerTransaction = 50;
/** Bytes that a group's row needs besides its name and its messages, so that the row usually stays within 1 KB. */
const groupBytes = 200;

/** Publishes messages in order and records each result. Throws StoreError if the rest was not published, or may not have been. */
export async function publishGroup(
  ctx: Context,
  queueName: string,
  name: string,
  pending: readonly Pending[],
  results: PublishResult[],
  retryBudget: RetryBudget,
): Promise<void> {
  const parcels = inParcels(pending);
  for (let at = 0; at < parcels.length; at += parcelsPerTransaction) {
    const together = parcels.slice(at, at + parcelsPerTransaction);
    const { key, ids } = await withRetry(retryBudget, () => publishTogether(ctx, queueName, name, together));
    for (const [index, messages] of together.entries()) {
      messages.forEach((one, slot) => {
        results[one.index] = { ok: true, id: messageId(`${ids[index]}-${key}`, slot) };
      });
    }
  }
}

async function publishTogether(
  ctx: Context,
  queueName: string,
  name: string,
  parcels: readonly (readonly Pending[])[],
): Promise<{ key: string; ids: string[] }> {
  const { queue, readAt } = await targetOf(ctx, queueName);
  const appended = appendedTo(ctx, queue, name, parcels);
  const { rowId } = appended;
  let refused = '';
  let tail = '';
  const withTail = (seen: Snapshot) => {
    tail = tailOf(ctx, seen);
    return seen;
  };
  const putAll = async (seen: Snapshot) => {
    const now = ctx.clock.now();
    const { writes, ids } = groupWrites(ctx, queue, appended, seen);
    const result = await ctx.store.transact(writes, writeDeadline(Math.min(readAt, seen.readAt)));
    if (result.ok) return { done: { key: groupKeyOf(rowId), ids } };
    refused = ids.at(-1)!;
    const inTheWay = result.refused[0];
    return { seen: withTail(inTheWay ? { id: rowId, row: inTheWay.row, readAt: now } : await readRow(ctx, rowId)) };
  };
  const put = async () => untilDone(`the group "${name}"`, withTail(await readRow(ctx, rowId)), putAll, 'throttled');
  // A delayed duplicate of a refused transaction may still be applied, until the group's tail is past it.
  return withBodies(ctx, appended.bodies, writeDeadline(readAt), put, () => refused > tail);
}

function tailOf(ctx: Context, seen: Snapshot): string {
  const { lease } = decodeSnapshot(seen, ctx.clock.now());
  return lease?.kind === 'group' ? lease.group.tail : '';
}

/** Parcels to append to a group, with what does not depend on the group's row. */
export interface Appended {
  rowId: string;
  name: string;
  parcels: readonly (readonly Pending[])[];
  /** One for each parcel. */
  bodies: OffloadedBody[];
  retentionEnd: number | undefined;
}

export function appendedTo(
  ctx: Context,
  queue: QueueRecord,
  name: string,
  parcels: readonly (readonly Pending[])[],
  placeBody: PlaceBody = placeOwn,
): Appended {
  const rowId = groupPlace(queue, laneOf(queue, name, ctx.random));
  const retentionEnd = retentionEndAfter(queue, ctx.clock.now());
  const bodies = parcels.map((messages) => {
    const row = roomForContents(messages.length, rowId.length, queue.backoff, queue.deadLetter !== null);
    const room = row - groupBytes - Buffer.byteLength(name);
    return placeBody(joinEntries(messages.map(({ encoded }) => encoded)), room, () => ctx.ids.parcel(0), retentionEnd);
  });
  return { rowId, name, parcels, bodies, retentionEnd };
}

/**
 * The writes of one transaction that append parcels to a group whose row is as in the snapshot. The first one is that of the
 * group's row. Each call makes new ids, which sort after the group's tail.
 */
export function groupWrites(
  ctx: Context,
  queue: QueueRecord,
  { rowId, name, parcels, bodies, retentionEnd }: Appended,
  seen: Snapshot,
): { writes: [Write, ...Write[]]; ids: string[] } {
  const now = ctx.clock.now();
  const ids = ctx.ids.parcelsAfter(tailOf(ctx, seen), parcels.length);
  const puts = parcels.map((messages, index): Write => {
    const parcel = { shard: rowId, id: ids[index]!, count: messages.length, since: now, content: bodies[index]!.content };
    const row = encodeParcel({ ...parcel, ...(retentionEnd === undefined ? {} : { retentionEnd }) }, queue.deadLetter !== null);
    return { key: parcelKey(rowId, ids[index]!), then: { put: row } };
  });
  const change = groupWrite(ctx, queue, { seen, name, first: ids[0]!, last: ids.at(-1)!, now, retentionEnd });
  return { writes: [change, ...puts], ids };
}

/** The write to the group's row that appends these parcels to what was published before. */
function groupWrite(
  ctx: Context,
  queue: QueueRecord,
  {
    seen,
    name,
    first,
    last,
    now,
    retentionEnd,
  }: { seen: Snapshot; name: string; first: string; last: string; now: number; retentionEnd: number | undefined },
): Write {
  const key = leaseKey(seen.id);
  const version = ctx.newVersion();
  const shard = shardKey(queue, randomShard(queue, ctx.random));
  const expiring = retentionEnd === undefined ? {} : { retentionEnd };
  if (!seen.row) {
    const group: Group = { name, head: '', nextId: first, tail: last, dueAt: dueAfterIdle(queue, undefined, now) };
    const fields = { id: seen.id, shard, version, slots: [], since: now, content: { text: '[]' }, ...expiring };
    const row = encodeLease({ kind: 'group', ...fields, group });
    return { key, when: { absent: ['id'] }, then: { put: row } };
  }
  const { lease } = decodeSnapshot(seen, now);
  // The lease on purged messages must not delay what is published after the purge.
  if (lease?.kind === 'group' && lease.since < queue.purgedBefore && lease.slots.some(isLive)) {
    const removed = {
      ...lease,
      version,
      group: { ...lease.group, tail: last },
      slots: lease.slots.map((slot) => removedSlot(queue, lease, slot, now)),
    };
    const next = parcelDone(removed, now);
    return { key, when: { equals: [['version'], lease.version] }, then: { put: encodeLease({ ...next, ...expiring }) } };
  }
  const follows = { less: [['group', 'tail'], last] } as const;
  if (seen.row.expiry !== undefined) {
    const then: Write['then'] = {
      set: [
        [['version'], version],
        [['group', 'tail'], last],
      ],
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
        [['group', 'tail'], last],
        [['group', 'first'], first],
        // The row may name a shard that is retired by now.
        [['shard'], shard],
        [['expiry'], Math.max(dueAfterIdle(queue, idle?.until, now), idle ? restEnd(queue, idle) : 0)],
        [['since'], now],
        ...(retentionEnd === undefined ? [] : [[['expiresAt'], retentionEnd] as const]),
      ],
      unset: [['ttl']],
    },
  };
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
