/**
 * Moves messages: to a dead-letter queue, back from it, or within their queue to another time, priority or content. A message
 * keeps its id. If all live messages of a row move, one write changes the row. If only some move, one transaction marks their
 * slots `moved` and puts each message into a row of its own.
 */

import { defined } from '../../contract/defined.ts';
import type { Context } from '../context/context.ts';
import { endKey } from '../leases/kept-messages.ts';
import { keepBodies, lacksTtl, putIfUnchanged, putIfUnchangedWith, readRow, type Snapshot } from '../leases/lease-store.ts';
import { rowsOfMarkers } from '../leases/markers.ts';
import { newLeaseRow } from '../leases/new-lease-row.ts';
import {
  currentContents,
  ensureBodyCleanup,
  type OffloadedBody,
  removeUnnamed,
  tryBodyCleanup,
  withBodies,
} from '../leases/offloaded-bodies.ts';
import { bodyTtl, type Content, contentAt, encodeContent, joinEntries, storeContent } from '../model/content-codec.ts';
import { groupNameOf, shardOfGroup } from '../model/group-row.ts';
import { type HeldParcel, messageIdOf, parcelAt, parcelRowId, readSlotContents } from '../model/held-parcels.ts';
import { slotRowId, unkeyedRowId } from '../model/ids.ts';
import {
  incarnationOf,
  placeAt,
  priorityLevelOf,
  type QueueRecord,
  randomShard,
  retentionEndAfter,
  writeDeadline,
} from '../model/queue-record.ts';
import { encodeLease } from '../model/row-codec.ts';
import { roomForContents } from '../model/row-room.ts';
import { absentAt, type Death, farMs, isLive, type LeaseRow, leaseKey, type ParcelLeaseRow, type Slot } from '../model/rows.ts';
import { type Row, StoreError, type Write } from '../port/port.ts';
import { moveToGroup } from './group-moves.ts';
import { type ContentMove, newBodyFor, removeUnused } from './moved-bodies.ts';
import { type Moved, slotInNewQueue, withoutMoved } from './moved-slots.ts';

/** Messages to move: to another queue, or to another time, priority or content in their own. */
export interface RowMove extends ContentMove {
  seen: Snapshot;
  /** The part of the new row that is the same for all of them. */
  row: Pick<LeaseRow, 'shard' | 'version' | 'since' | 'publishedAt' | 'retentionEnd' | 'death' | 'level'>;
  /** What else each message keeps of its parcel, where it moves to a row of its own. */
  ageOf?: (parcel: HeldParcel) => Partial<Pick<LeaseRow, 'since' | 'publishedAt' | 'retentionEnd' | 'death'>>;
  slotOf: (slot: Slot) => Slot;
}

export interface Move {
  seen: Snapshot;
  lease: LeaseRow;
  /** The slots that move, all live. */
  slots: readonly number[];
  target: QueueRecord;
  /** Why they are dead-lettered; undefined for a redrive. */
  death?: Death;
}

/** Moves messages to another queue if their row is unchanged. */
export async function moveSlots(ctx: Context, move: Move): Promise<Moved> {
  const { lease, target, death } = move;
  const groupName = groupNameOf(lease);
  const isOrdered = death && death.reason !== 'unreadable' && target.groups?.deadLetters === 'ordered';
  const moved = await (isOrdered && groupName !== undefined
    ? moveToGroup(ctx, { ...move, groupName })
    : moveApart(ctx, move, groupName));
  if (moved.applied && death && target.name !== death.queue) {
    ctx.observe?.({
      kind: 'dead_lettered',
      queue: death.queue,
      to: target.name,
      reason: death.reason,
      messages: move.slots.length,
    });
    // Wake the calls that wait for a result: none will come.
    for (const slot of move.slots) ctx.wakeups.wake(endKey(death.queue, messageIdOf(lease, slot)));
  }
  if (moved.applied) ctx.wakeups.wake(target.name);
  return moved;
}

/** Moves messages to another queue, where they belong to no group. */
async function moveApart(ctx: Context, move: Move, groupName: string | undefined): Promise<Moved> {
  const { lease, target, death } = move;
  const now = ctx.clock.now();
  const retentionEnd = retentionEndAfter(target, now);
  // Dead letters of one group lie in the order of their deaths, so that a redrive moves them in that order.
  const shard = death && groupName !== undefined ? shardOfGroup(target, groupName) : randomShard(target, ctx.random);
  return moveMessages(ctx, {
    ...move,
    row: {
      ...placeAt(target, shard, priorityLevelOf(lease)),
      version: ctx.newVersion(),
      since: now,
      publishedAt: lease.publishedAt ?? lease.since,
      ...defined({ retentionEnd, death: death && { ...death, ...defined({ group: groupName, place: lease.death?.place }) } }),
    },
    ageOf: ({ since, publishedAt = since }) => ({ publishedAt }),
    // No receive takes an unreadable message: it stays until its retention ends, or until it is cancelled or redriven.
    slotOf: (slot) => slotInNewQueue(slot, death?.reason === 'unreadable' ? (retentionEnd ?? farMs) : now, death !== undefined),
  });
}

/** Moves messages if their row is unchanged: all live messages by one write of the row, some of them by a transaction. */
export async function moveMessages(ctx: Context, rowMove: RowMove): Promise<Moved> {
  const live = rowMove.lease.slots.filter(isLive).length;
  // A group's row stays in place. So does a key's row if the queue changes: it records until when the key is taken.
  const { lease, target } = rowMove;
  const staysAlone = lease.kind === 'group' || (lease.kind === 'keyed' && incarnationOf(lease.shard) !== target.incarnation);
  // Kept messages of the row stay in the queue where they ended.
  const isShared = lease.slots.some(({ kept }) => kept);
  const together = rowMove.slots.length === live && !staysAlone && !isShared;
  return together ? moveWholeRow(ctx, rowMove) : moveToOwnRows(ctx, rowMove);
}

async function moveWholeRow(ctx: Context, rowMove: RowMove): Promise<Moved> {
  const { seen, lease, row, slotOf } = rowMove;
  const rewritten = await newBodyFor(ctx, rowMove);
  if (rewritten === 'changed') return { applied: false, seen: await readRow(ctx, lease.id) };
  const content = rewritten?.content ?? lease.content;
  // Bodies without a TTL get none until the move is certain; the row deletes them when it ends.
  if (!rewritten && lease.retentionEnd !== undefined) await keepBodies(ctx, content, row.retentionEnd);
  const slots = lease.slots.map((slot) => (isLive(slot) ? slotOf(slot) : slot));
  const moved: ParcelLeaseRow = {
    ...newLeaseRow(ctx, rowMove.target, { ...row, id: lease.id, slots, content }),
    ...defined({ sourceShard: lease.sourceShard, needsCleanup: lease.needsCleanup }),
    ...defined({ outOfOrder: lease.kind === 'parcel' ? lease.outOfOrder : undefined }),
    ...defined({ groupName: lease.kind === 'parcel' ? lease.groupName : undefined }),
  };
  const next: LeaseRow = lease.kind === 'keyed' ? { ...moved, kind: 'keyed', keyed: lease.keyed } : moved;
  const losesTtl = !rewritten && lacksTtl(content, row.retentionEnd) && lease.retentionEnd !== undefined;
  const move = () => putIfUnchanged(ctx, seen, encodeLease(next));
  const after = await withBodies(ctx, rewritten ? [rewritten] : [], writeDeadline(seen.readAt), move).catch(
    async (error: unknown) => {
      if (losesTtl && error instanceof StoreError) await tryBodyCleanup(ctx, lease.id, content);
      throw error;
    },
  );
  const applied = after.row?.version === next.version;
  if (rewritten) await removeUnused(ctx, rowMove, { applied, after, rewritten });
  return { applied, seen: !applied && losesTtl ? await ensureBodyCleanup(ctx, after, content) : after };
}

async function moveToOwnRows(ctx: Context, rowMove: RowMove): Promise<Moved> {
  const { seen, lease, slots } = rowMove;
  const isLost = rowMove.row.death?.reason === 'unreadable';
  const contents = isLost ? (await readSlotContents(ctx.store, [lease]))[0] : await currentContents(ctx, lease, slots);
  if (!contents) return { applied: false, seen: await readRow(ctx, lease.id) };
  const now = ctx.clock.now();
  let version: unknown;
  const markers = await rowsOfMarkers(ctx, lease, slots);
  const ownRows = slots.map((slot) => ownRow(ctx, rowMove, slot, contentAt(contents, slot), markers.get(slot)?.id));
  const puts = ownRows.map(({ id, row }, index): Write => {
    return { key: leaseKey(id), when: markers.get(slots[index]!)?.when ?? absentAt(now), then: { put: row } };
  });
  const after = await withBodies(ctx, ownRows, writeDeadline(seen.readAt), async () => {
    const { row, others } = await withoutMoved(ctx, lease, slots);
    version = row.version;
    return putIfUnchangedWith(ctx, seen, row, [...puts, ...others]);
  });
  const applied = after.row !== undefined && after.row.version === version;
  if (!applied) await removeUnnamed(ctx, { seen, after }, ownRows);
  return { applied, seen: after };
}

/** The row of its own that a message moves to, with the body to offload for it, if any. `marker`: the row of its own id. */
function ownRow(
  ctx: Context,
  { lease, row: common, ageOf, slotOf, changeContent, target }: RowMove,
  slot: number,
  content: Content,
  marker: string | undefined,
): OffloadedBody & { id: string; row: Row } {
  const parcel = parcelAt(lease, slot);
  const place = slotRowId(parcelRowId(lease, parcel), slot - parcel.from);
  const aged = { ...common, ...ageOf?.(parcel) };
  const { death } = aged;
  const row = { ...aged, ...(marker === undefined || !death ? {} : { death: { ...death, place } }) };
  const groupName = death && groupNameOf(lease);
  const id = lease.kind === 'keyed' ? unkeyedRowId(lease.id, ctx.newVersion()) : (marker ?? place);
  const room = roomForContents(1, id.length, target.backoff, target.deadLetter !== null);
  const encoded = joinEntries([encodeContent(changeContent ? changeContent(content) : content)]);
  const { content: stored, chunks } = storeContent(encoded, room, () => ctx.ids.parcel(0));
  const arrived = slotOf(lease.slots[slot]!);
  const next = { ...newLeaseRow(ctx, target, { ...row, id, slots: [arrived], content: stored }), ...defined({ groupName }) };
  return {
    id,
    row: encodeLease(next),
    content: stored,
    chunks,
    ttl: row.retentionEnd && bodyTtl(row.retentionEnd, arrived.visibleAt),
  };
}
