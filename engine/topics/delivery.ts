/**
 * What a publish to a topic writes into one queue, as parts of one transaction. Each part is what a publish to that queue would
 * write. If the row of a part is in the way, the transaction is refused as a whole, and only that part is decided again.
 */
import { DumbwaiterError } from '../../contract/errors.ts';
import type { Context } from '../context/context.ts';
import { type DecodedRow, decodeSnapshot, lacksTtl, retryOnConflict, type Snapshot, unchanged } from '../leases/lease-store.ts';
import type { OffloadedBody } from '../leases/offloaded-bodies.ts';
import { removeChunks } from '../leases/removals.ts';
import type { StoredContent } from '../model/content-codec.ts';
import { type Attempt, accept, wasAccepted } from '../model/dedup-row.ts';
import { groupPlace, laneOf } from '../model/group-row.ts';
import { type QueueRecord, writeDeadline } from '../model/queue-record.ts';
import { encodeLease } from '../model/row-codec.ts';
import { absentAt, leaseKey } from '../model/rows.ts';
import type { Condition, Write } from '../port/port.ts';
import { ackedBy, keyedOf, keyStateOf, onTaken } from '../publish/dedup-key.ts';
import { readGroups } from '../publish/group-writes.ts';
import { displacedContent, isFree, newOwnRow } from '../publish/own-id.ts';
import { type ParcelWrite, type Pending, parcelWrite } from '../publish/parcels.ts';
import type { SharedBodies } from '../publish/place-body.ts';
import { growIfThrottled } from '../queues/shard-scaling.ts';
import { type GroupShare, groupDelivery } from './group-delivery.ts';
import type { Delivery, Told } from './one-delivery.ts';
import { rowsOf, type Share } from './shares.ts';
import { pendingFor, type TopicMessage } from './topic-message.ts';

/** What the deliveries of one publish have in common. */
export interface Delivering {
  told: Told;
  bodies: SharedBodies;
}

type NewOwnRow = ReturnType<typeof newOwnRow>;

export interface Deliveries {
  deliveries: Delivery[];
  /** The last instant at which they may be sent. */
  by: number;
  /** The names of the queues. */
  queues: string[];
  /** The shares whose queue exists. */
  shares: Share[];
}

/**
 * What to write for these shares, by the settings now. A subscription whose queue is gone, or was created again since, has ended:
 * it is left out. `startedAt`: from when delays count, ms; undefined: from now.
 */
export async function deliveriesOf(
  ctx: Context,
  all: readonly Share[],
  { told, bodies }: Delivering,
  startedAt?: number,
): Promise<Deliveries> {
  const readAt = ctx.clock.now();
  const queues = await ctx.settings.findAll(all.map(({ subscription }) => subscription.queue));
  const shares = all.filter(({ subscription }) => queues.get(subscription.queue)?.incarnation === subscription.queueIncarnation);
  const retentions = shares.map(({ subscription }) => queues.get(subscription.queue)!.retentionSeconds);
  const placeBody = bodies.placeBodyFor(retentions, readAt);
  const inGroups: GroupShare[] = [];
  const deliveries: Delivery[] = [];
  for (const { subscription, messages } of shares) {
    const queue = await grown(ctx, queues.get(subscription.queue)!);
    const { parcels, groups, own } = rowsOf(messages);
    const asPending = (message: TopicMessage) => pendingFor(queue, message, startedAt);
    for (const parcel of parcels) {
      deliveries.push(sharedRow(ctx, parcelWrite(ctx, queue, parcel.map(asPending), undefined, placeBody)));
    }
    for (const one of own.map(asPending)) {
      const row = newOwnRow(ctx, queue, one, one.content !== undefined, placeBody);
      deliveries.push(one.content ? keyedRow(ctx, queue, one, row, told) : ownRow(ctx, queue, one, row, told));
    }
    for (const [name, ofGroup] of groups) {
      const parcels = ofGroup.map((parcel) => parcel.map(asPending));
      const rowId = groupPlace(queue, laneOf(queue, name, ctx.random));
      inGroups.push({ queue, name, rowId, parcels, messages: parcels.flat() });
    }
  }
  const seen = inGroups.length > 0 ? await readGroups(ctx, inGroups) : [];
  for (const [index, share] of inGroups.entries()) {
    const delivery = groupDelivery(ctx, share, seen[index]!, { told, placeBody });
    if (delivery) deliveries.push(delivery);
  }
  return { deliveries, by: writeDeadline(readAt).by, queues: shares.map(({ subscription }) => subscription.queue), shares };
}

/** A queue that was deleted since keeps the settings that were read: the sweep removes what is written to it now. */
function grown(ctx: Context, queue: QueueRecord): Promise<QueueRecord> {
  return growIfThrottled(ctx, queue).catch((error: unknown) => {
    if (!(error instanceof DumbwaiterError) || error.code !== 'queue_not_found') throw error;
    return queue;
  });
}

/** A parcel under an id that was never used: only an earlier request of this publish can be in its way. */
function sharedRow(ctx: Context, { key, row, content, chunks, ttl }: ParcelWrite): Delivery {
  const isReady = key.table === 'messages';
  const write: Write = { key, ...(isReady ? {} : { when: absentAt(ctx.clock.now()) }), then: { put: row } };
  return { writes: [write], bodies: [{ content, chunks, ttl }], again: async () => 'applied' };
}

function ownRow(ctx: Context, queue: QueueRecord, pending: Pending, { lease, body }: NewOwnRow, told: Told): Delivery {
  const put = encodeLease(lease);
  const under = (when: Condition, displaced?: StoredContent): Delivery => ({
    writes: [{ key: leaseKey(lease.id), when, then: { put } }],
    bodies: [body],
    displaced: displaced ? [displaced] : [],
    async again([inTheWay], sentAt) {
      const seen: Snapshot = { id: lease.id, row: inTheWay?.row, readAt: sentAt };
      if (seen.row?.version === lease.version) return 'applied';
      const now = ctx.clock.now();
      if (isFree(queue, seen, now)) return under(stillAs(seen), displacedContent(decodeSnapshot(seen, now)));
      return drop(ctx, queue, body, pending, told);
    },
  });
  return under(absentAt(ctx.clock.now()));
}

function keyedRow(ctx: Context, queue: QueueRecord, pending: Pending, { lease, body }: NewOwnRow, told: Told): Delivery {
  const attempt: Attempt = { startedAt: ctx.clock.now(), versions: new Set(), applied: false, maybeApplied: false };
  const over = (former: DecodedRow, when: Condition): Delivery => {
    const version = ctx.newVersion();
    attempt.versions.add(version);
    const keyed = accept(queue, keyedOf(former), version, ctx.clock.now(), ackedBy(former));
    return {
      writes: [{ key: leaseKey(lease.id), when, then: { put: encodeLease({ ...lease, kind: 'keyed', version, keyed }) } }],
      bodies: [body],
      displaced: [displacedContent(former)].filter((content) => content !== undefined),
      again: ([inTheWay], sentAt) =>
        retryOnConflict<Delivery | 'applied' | 'nothing'>(
          ctx,
          { id: lease.id, row: inTheWay?.row, readAt: sentAt },
          async (seen) => {
            const now = ctx.clock.now();
            const found = decodeSnapshot(seen, now);
            if (wasAccepted(keyedOf(found), attempt) === 'yes') return { done: 'applied' };
            const state = keyStateOf(queue, found, now);
            if (state === 'free') return { done: over(found, stillAs(seen)) };
            if (state !== 'taken' && queue.deduplication?.onDuplicate !== 'ignore') told.changed();
            const taken = await onTaken(ctx, queue, pending, seen, state);
            return 'seen' in taken ? taken : { done: await drop(ctx, queue, body, pending, told) };
          },
        ),
    };
  };
  return over({}, absentAt(ctx.clock.now()));
}

/** The row in the way refuses every request that is still in flight, so the body is not needed. */
async function drop(
  ctx: Context,
  queue: QueueRecord,
  { content, ttl }: OffloadedBody,
  pending: Pending,
  told: Told,
): Promise<'nothing'> {
  told.duplicate(pending.index, queue.name);
  if (ttl === undefined && lacksTtl(content, undefined)) await removeChunks(ctx, content);
  return 'nothing';
}

function stillAs({ row }: Snapshot): Condition {
  return row ? unchanged(row) : { absent: ['id'] };
}
