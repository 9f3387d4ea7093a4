/**
 * Publish. Messages that are ready at once share parcels of up to ten in `messages`; delayed ones, those in `leases`, by delay; one
 * under its caller's own id is a row of `leases` of its own, put if absent, so that a second one finds the first.
 */
import type { PublishEntry, PublishResult, Refused } from '../../sdk/contract.ts';
import { parcelBytesMax, parcelSlotsMax } from '../../sdk/limits.ts';
import { chunkKeys, joinEntries, keptUntil, type Placed, packEntry, place, wireBytes, writeChunks } from '../contents.ts';
import type { Context } from '../context.ts';
import { growIfThrottled } from '../growth.ts';
import { messageId, ownRowId } from '../ids.ts';
import { judgeable, needsEnding, putIfAbsent, replace, type Seen } from '../lease-writes.ts';
import { type Key, type Row, StoreError } from '../port.ts';
import { leaseRow, parcelRow, roomForContents } from '../row-format.ts';
import { type Lease, leaseKey, parcelKey, type Slot } from '../rows.ts';
import { expiryOf, type QueueRecord, shardKey, writeBy } from '../settings.ts';
import { verdictOfAge } from '../settle.ts';

interface Pending {
  index: number;
  packed: string;
  delaySeconds: number;
  id?: string;
}

const isRefused = (entry: PublishEntry | Refused): entry is Refused => 'ok' in entry;

export async function publish(
  ctx: Context,
  queueName: string,
  entries: readonly (PublishEntry | Refused)[],
): Promise<{ results: PublishResult[] }> {
  const queue = await growIfThrottled(ctx, await ctx.settings.get(queueName));
  const results: PublishResult[] = new Array(entries.length);
  const shared = new Map<number, Pending[]>();
  const own = new Map<string, Pending[]>();
  entries.forEach((entry, index) => {
    if (isRefused(entry)) {
      results[index] = entry;
      return;
    }
    const delaySeconds = entry.delaySeconds ?? queue.delaySeconds;
    const pending: Pending = { index, packed: packEntry(entry), delaySeconds };
    if (entry.id !== undefined) own.set(entry.id, [...(own.get(entry.id) ?? []), { ...pending, id: entry.id }]);
    else shared.set(delaySeconds, [...(shared.get(delaySeconds) ?? []), pending]);
  });

  const parcels = [...shared].flatMap(([delaySeconds, pending]) =>
    inParcels(pending).map((group) => ({ group, ...parcelWrite(ctx, queue, group, delaySeconds) })),
  );
  await Promise.all([
    publishParcels(ctx, parcels, results),
    ...[...own.values()].map(async (same) => {
      // The same id twice in one call: the first is published, the others find it.
      for (const pending of same) results[pending.index] = await refusing(() => publishOwn(ctx, queue, pending));
    }),
  ]);
  ctx.wakeups.wake(queue.name);
  return { results };
}

/** Groups of messages for one row each: up to ten, and not more than is good to carry in one answer. */
function inParcels(pending: readonly Pending[]): Pending[][] {
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

interface ParcelWrite {
  id: string;
  /** Where it goes: ready messages into `messages`, delayed ones into `leases`. */
  key: Key;
  row: Row;
  placed: Placed;
  chunks: Uint8Array[];
  ttl: number | undefined;
}

function parcelWrite(ctx: Context, queue: QueueRecord, group: readonly Pending[], delaySeconds: number): ParcelWrite {
  const shard = Math.floor(ctx.random.number() * queue.shards);
  const id = ctx.ids.parcel(shard);
  const now = ctx.clock.now();
  const visibleAt = now + delaySeconds * 1000;
  const expiresAt = expiryOf(queue, visibleAt);
  const room = roomForContents(group.length, id.length, queue.backoff !== null, queue.deadLetter !== null);
  const text = joinEntries(group.map((message) => message.packed));
  const { placed, chunks } = place(text, room, () => ctx.ids.parcel(shard));
  const ttl = expiresAt === undefined ? undefined : keptUntil(expiresAt);
  const at = shardKey(queue, shard);
  if (delaySeconds > 0) {
    const row = leaseRow(unreceived(ctx, queue, { id, at, count: group.length, now, visibleAt, placed }));
    return { id, key: leaseKey(id), row, placed, chunks, ttl };
  }
  const parcel = {
    shard: at,
    id,
    count: group.length,
    since: now,
    contents: placed,
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
  return { id, key: parcelKey(at, id), row: parcelRow(parcel, queue.deadLetter !== null), placed, chunks, ttl };
}

/** A row of `leases` whose messages nobody has received yet. */
function unreceived(
  ctx: Context,
  queue: QueueRecord,
  {
    id,
    at,
    count,
    now,
    visibleAt,
    placed,
  }: { id: string; at: string; count: number; now: number; visibleAt: number; placed: Placed },
): Lease {
  const expiresAt = expiryOf(queue, visibleAt);
  return {
    id,
    shard: at,
    version: ctx.newVersion(),
    slots: Array.from({ length: count }, (): Slot => ({ visibleAt, receives: 0, failures: 0 })),
    since: now,
    contents: placed,
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(needsEnding(placed, expiresAt) ? { ending: true } : {}),
    ...(queue.deadLetter ? { maxReceives: queue.deadLetter.maxReceives } : {}),
  };
}

async function publishParcels(
  ctx: Context,
  parcels: readonly (ParcelWrite & { group: readonly Pending[] })[],
  results: PublishResult[],
): Promise<void> {
  const readAt = ctx.clock.now();
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
      trying(parcel, () => writeChunks(ctx.store, parcel.placed, parcel.chunks, parcel.ttl, writeBy(readAt))),
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
          writeBy(readAt),
        )
        .then((errors) => {
          for (const [index, error] of errors.entries()) if (error) failures.set(ready[index]!, error);
        }),
    // Nothing overrides a row of `leases`: a late copy must find the first. Whatever has this id came from this publish.
    ...delayed.map((parcel) =>
      trying(parcel, async () => {
        const after = await putIfAbsent(ctx, parcel.row, readAt);
        if (!after.row) throw notSaid();
      }),
    ),
  ]);
  for (const parcel of parcels) {
    const failure = failures.get(parcel);
    parcel.group.forEach((pending, slot) => {
      results[pending.index] = failure ? unavailable(failure) : { ok: true, id: messageId(parcel.id, slot) };
    });
  }
}

function notSaid(): StoreError {
  return new StoreError('the store did not answer whether the message was stored', 'unknown');
}

async function publishOwn(ctx: Context, queue: QueueRecord, pending: Pending): Promise<PublishResult> {
  const id = ownRowId(queue.incarnation, pending.id!);
  const shard = Math.floor(ctx.random.number() * queue.shards);
  const now = ctx.clock.now();
  const visibleAt = now + pending.delaySeconds * 1000;
  const expiresAt = expiryOf(queue, visibleAt);
  const room = roomForContents(1, id.length, queue.backoff !== null, queue.deadLetter !== null);
  const { placed, chunks } = place(joinEntries([pending.packed]), room, () => ctx.ids.parcel(shard));
  await writeChunks(ctx.store, placed, chunks, expiresAt && keptUntil(expiresAt), writeBy(now));
  const lease = unreceived(ctx, queue, { id, at: shardKey(queue, shard), count: 1, now, visibleAt, placed });

  let after = await putIfAbsent(ctx, leaseRow(lease), now);
  if (after.row?.version !== lease.version && isGone(queue, after, now)) {
    const former = judgeable(after, now);
    after = await replace(ctx, after, leaseRow(lease));
    const left = former.stone?.left?.contents ?? (former.lease?.ending && former.lease.contents);
    if (after.row?.version === lease.version && left) await removeChunks(ctx, left);
  }
  if (after.row?.version === lease.version) return { ok: true, id: pending.id! };
  if (after.row === undefined) throw notSaid();
  if (needsEnding(placed, expiresAt)) await removeChunks(ctx, placed);
  return { ok: true, id: pending.id!, duplicate: true };
}

/** Removes what lies beside a row that no TTL will remove. Should it fail, it is only wasted room. */
async function removeChunks(ctx: Context, placed: Placed): Promise<void> {
  await ctx.store.writeAll(chunkKeys(placed).map((key) => ({ key, then: { remove: true } })));
}

/** Whether what is in the way of a message under the same id is only a message that was purged, or is too old. */
function isGone(queue: QueueRecord, seen: Seen, now: number): boolean {
  const { lease, stone } = judgeable(seen, now);
  // Whoever is done with a message leaves a token; without one, the message was removed for its age or by a purge.
  if (!lease) return !stone || stone.until < now || stone.slots.every(({ token }) => token === undefined);
  const held = lease.slots.some((slot) => slot.token !== undefined && slot.visibleAt > now);
  return (
    !held && lease.shard.startsWith(`${queue.incarnation}:`) && verdictOfAge(queue, lease.since, lease.expiresAt, now) === 'gone'
  );
}

function unavailable(error: StoreError): Refused {
  const outcome = error.applied === 'no' ? 'The message was not published' : 'The message may or may not have been published';
  return { ok: false, code: 'unavailable', message: `${outcome}: ${error.message}` };
}

async function refusing(run: () => Promise<PublishResult>): Promise<PublishResult> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof StoreError) return unavailable(error);
    throw error;
  }
}
