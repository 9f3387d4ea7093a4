/**
 * Publishing messages that share rows: ready ones in parcels of `messages`, delayed ones in rows of `leases`. What a shard was too busy
 * for goes to another, under a new id: it was surely not stored.
 */

import type { PublishResult } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { parcelBytesMax, parcelSlotsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { isTransient, type RetryBudget } from '../context/retry.ts';
import { unavailableEntry } from '../context/unavailable.ts';
import { putIfAbsent, unknownOutcome } from '../leases/lease-store.ts';
import { unreceived } from '../leases/new-lease.ts';
import { type OffloadedBody, removeLasting } from '../leases/offloaded-bodies.ts';
import { type Content, joinEntries, keptUntil, place, wireBytes, writeChunks } from '../model/content-codec.ts';
import { messageId } from '../model/ids.ts';
import { type QueueRecord, retentionEnd, writeDeadline } from '../model/queue-record.ts';
import { encodeLease, encodeParcel, roomForContents } from '../model/row-codec.ts';
import { leaseKey, parcelKey } from '../model/rows.ts';
import { levelIn, randomShard, shardKey } from '../model/shards.ts';
import { type Timing, visibleAtOf } from '../model/timing.ts';
import { type Key, type Row, StoreError } from '../port/port.ts';
import { type Target, targetOf } from '../queues/publish-target.ts';

/** A message to be published: its place in the call, and what it holds. */
export interface Pending {
  index: number;
  packed: string;
  timing: Timing;
  /** Of priority. */
  level: number;
  id?: string;
  group?: string;
  /** Received by nobody until it is committed. */
  prepared?: true;
  /** Under a `dedupKey`, from which it has its id: what is to take the place of that which waits there. */
  content?: Content;
}

/** Publishes them, those of each list in rows of their own, and notes each one's result: of one timing and one level. */
export async function publishShared(
  ctx: Context,
  first: Target,
  shared: Iterable<readonly Pending[]>,
  results: PublishResult[],
  retryBudget: RetryBudget,
): Promise<void> {
  let target = first;
  let parcels = [...shared].flatMap(inParcels).map((group) => parcelWrite(ctx, target.queue, group));
  for (;;) {
    const failures = await writeParcels(ctx, parcels, target.readAt);
    for (const parcel of parcels) {
      const failure = failures.get(parcel);
      parcel.group.forEach((pending, slot) => {
        results[pending.index] = failure
          ? unavailableEntry(ctx, target.queue.name, 'publish', failure)
          : { ok: true, id: messageId(parcel.id, slot) };
      });
    }
    const undone = parcels.filter((parcel) => isTransient(failures.get(parcel)));
    const next = undone.length > 0 && (await retryBudget.pause()) ? await targetNow(ctx, target.queue.name) : undefined;
    // Pieces that were put keep the TTL that they have: by another retention they are put anew.
    const goesOn = next?.queue.retentionSeconds === target.queue.retentionSeconds;
    const isGivenUp = (parcel: ParcelWrite) => failures.get(parcel)?.applied === 'no' && !(goesOn && undone.includes(parcel));
    await removeLasting(ctx, parcels.filter(isGivenUp));
    if (!next) return;
    target = next;
    parcels = undone.map((parcel) => parcelWrite(ctx, next.queue, parcel.group, goesOn ? parcel : undefined));
  }
}

/** The settings as they are by now; undefined where the queue is gone or they can not be read: the results stand as they are. */
async function targetNow(ctx: Context, name: string): Promise<Target | undefined> {
  try {
    return await targetOf(ctx, name);
  } catch (error) {
    if (error instanceof StoreError || error instanceof DumbwaiterError) return undefined;
    throw error;
  }
}

/** Groups of messages for one row each: up to ten, and not more than is good to carry in one answer. */
export function inParcels(pending: readonly Pending[]): Pending[][] {
  const groups: Pending[][] = [];
  let bytes = 0;
  for (const message of pending) {
    const size = wireBytes(message.packed);
    const last = groups.at(-1);
    if (last && last.length < parcelSlotsMax && bytes + size <= parcelBytesMax) {
      last.push(message);
      bytes += size;
    } else {
      groups.push([message]);
      bytes = size;
    }
  }
  return groups;
}

export interface ParcelWrite extends OffloadedBody {
  id: string;
  group: readonly Pending[];
  /** Where it goes: ready messages into `messages`, delayed ones into `leases`. */
  key: Key;
  row: Row;
}

/** `before`: the same messages, in a row that was not written; what lies beside it is used again. */
export function parcelWrite(ctx: Context, queue: QueueRecord, group: readonly Pending[], before?: ParcelWrite): ParcelWrite {
  const shard = randomShard(queue, ctx.random);
  const level = levelIn(queue, group[0]!.level);
  const now = ctx.clock.now();
  // Of this very instant: receives find by the id where messages begin that a purge has left.
  const id = ctx.ids.parcel(shard, level, now);
  const visibleAt = visibleAtOf(group[0]!.timing, now);
  const expiresAt = retentionEnd(queue, visibleAt);
  const room = roomForContents(group.length, id.length, queue.backoff, queue.deadLetter !== null);
  const { placed, chunks } =
    before ?? place(joinEntries(group.map((message) => message.packed)), room, () => ctx.ids.parcel(shard));
  const ttl = expiresAt === undefined ? undefined : keptUntil(expiresAt);
  const at = shardKey(queue, shard, level);
  if (visibleAt > now) {
    const row = encodeLease(unreceived(ctx, queue, { id, at, count: group.length, now, visibleAt, placed }));
    return { id, group, key: leaseKey(id), row, placed, chunks, ttl };
  }
  const parcel = {
    shard: at,
    id,
    count: group.length,
    since: now,
    contents: placed,
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
  const row = encodeParcel(parcel, queue.deadLetter !== null);
  return { id, group, key: parcelKey(at, id), row, placed, chunks, ttl };
}

/** Writes each on its own, and answers which failed. */
async function writeParcels(
  ctx: Context,
  parcels: readonly ParcelWrite[],
  readAt: number,
): Promise<Map<ParcelWrite, StoreError>> {
  const failures = new Map<ParcelWrite, StoreError>();
  const trying = async (parcel: ParcelWrite, run: () => Promise<unknown>) => {
    try {
      await run();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      failures.set(parcel, error);
    }
  };
  await Promise.all(
    parcels.map((parcel) =>
      trying(parcel, () => writeChunks(ctx.store, parcel.placed, parcel.chunks, parcel.ttl, writeDeadline(readAt))),
    ),
  );
  const written = parcels.filter((parcel) => !failures.has(parcel));
  const ready = written.filter(({ key }) => key.table === 'messages');
  const delayed = written.filter(({ key }) => key.table === 'leases');
  await Promise.all([
    // Without a condition: a row of `messages` that arrives late, or twice, is overridden by the row in `leases`.
    ready.length > 0 &&
      ctx.store
        .writeAll(
          ready.map(({ key, row }) => ({ key, then: { put: row } })),
          writeDeadline(readAt),
        )
        .then((errors) => {
          for (const [index, error] of errors.entries()) if (error) failures.set(ready[index]!, error);
        }),
    // Nothing overrides a row of `leases`: a late copy must find the first. Whatever has this id came from this publish.
    ...delayed.map((parcel) =>
      trying(parcel, async () => {
        const after = await putIfAbsent(ctx, parcel.row, readAt);
        if (!after.row) throw unknownOutcome(after);
      }),
    ),
  ]);
  return failures;
}
