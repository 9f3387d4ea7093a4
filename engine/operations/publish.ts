/**
 * Publish. Messages of one priority that are ready at once share parcels of up to ten in `messages`; delayed ones, those in `leases`, by delay; one
 * under its caller's own id is a row of `leases` of its own, put if absent, so that a second one finds the first.
 */
import type { PublishEntry, PublishResult, Refused } from '../../sdk/contract.ts';
import { DumbwaiterError } from '../../sdk/errors.ts';
import { retryMsMax } from '../../sdk/limits.ts';
import { chunkKeys, joinEntries, keptUntil, type Placed, place, writeChunks } from '../contents.ts';
import type { Context } from '../context.ts';
import { ownRowId } from '../ids.ts';
import { judgeable, needsEnding, putIfAbsent, replace, type Seen } from '../lease-writes.ts';
import { createPatience, patiently } from '../patience.ts';
import { alike, pendingOf } from '../pending.ts';
import { StoreError } from '../port.ts';
import { notSaid, type Pending, publishShared, targetOf, unavailable, unreceived, visibleAtOf } from '../publish-parcels.ts';
import { leaseRow, roomForContents } from '../row-format.ts';
import { expiryOf, type QueueRecord, writeBy } from '../settings.ts';
import { verdictOfAge } from '../settle.ts';
import { levelIn, shardKey } from '../shards.ts';

const isRefused = (entry: PublishEntry | Pending | Refused): entry is Refused => 'ok' in entry;

export async function publish(
  ctx: Context,
  queueName: string,
  entries: readonly (PublishEntry | Refused)[],
): Promise<{ results: PublishResult[] }> {
  const patience = createPatience(ctx);
  const target = await patiently(patience, () => targetOf(ctx, queueName));
  const { queue } = target;
  const results: PublishResult[] = new Array(entries.length);
  const shared: Pending[] = [];
  const own = new Map<string, Pending[]>();
  entries.forEach((entry, index) => {
    const pending = isRefused(entry) ? entry : pendingOf(queue, entry, index, ctx.clock.now());
    if (isRefused(pending)) results[index] = pending;
    else if (pending.id === undefined) shared.push(pending);
    else own.set(pending.id, [...(own.get(pending.id) ?? []), pending]);
  });

  await Promise.all([
    publishShared(ctx, target, alike(shared), results, patience),
    ...[...own.values()].map(async (same) => {
      // The same id twice in one call: the first is published, the others find it.
      for (const pending of same)
        results[pending.index] = await refusing(() => patiently(patience, () => publishOwn(ctx, queueName, pending)));
    }),
  ]);
  ctx.wakeups.wake(queue.name);
  return { results };
}

async function publishOwn(ctx: Context, queueName: string, pending: Pending): Promise<PublishResult> {
  const { queue, readAt } = await targetOf(ctx, queueName);
  const id = ownRowId(queue.incarnation, pending.id!);
  const shard = Math.floor(ctx.random.number() * queue.shards);
  const now = ctx.clock.now();
  const visibleAt = visibleAtOf(pending.timing, now);
  const expiresAt = expiryOf(queue, visibleAt);
  const room = roomForContents(1, id.length, queue.backoff !== null, queue.deadLetter !== null);
  const { placed, chunks } = place(joinEntries([pending.packed]), room, () => ctx.ids.parcel(shard));
  await writeChunks(ctx.store, placed, chunks, expiresAt && keptUntil(expiresAt), writeBy(readAt));
  const lease = unreceived(ctx, queue, {
    id,
    at: shardKey(queue, shard, levelIn(queue, pending.level)),
    count: 1,
    now,
    visibleAt,
    placed,
  });

  let after = await putIfAbsent(ctx, leaseRow(lease), readAt);
  if (after.row?.version !== lease.version && isGone(queue, after, now)) {
    // Later than W after it began, nothing there may mean that the message was published, received and forgotten; and its shard may be.
    if (ctx.clock.now() - readAt > retryMsMax) throw notSaid();
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
  // Whoever is done with a message leaves a token; without one, and not cancelled, the message was removed for its age or by a purge.
  if (!lease)
    return !stone || stone.until < now || stone.slots.every(({ token, cancelled }) => token === undefined && !cancelled);
  if (!lease.shard.startsWith(`${queue.incarnation}:`)) return false;
  // A purged message is gone though somebody holds it: his ack will be told so. One that grew too old in his hands may yet be acked.
  if (lease.since < queue.purgedBefore) return true;
  const held = lease.slots.some((slot) => slot.token !== undefined && slot.visibleAt > now);
  return !held && verdictOfAge(queue, lease.since, lease.expiresAt, now) === 'gone';
}

async function refusing(run: () => Promise<PublishResult>): Promise<PublishResult> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof StoreError) return unavailable(error);
    if (error instanceof DumbwaiterError) return { ok: false, code: error.code, message: error.message };
    throw error;
  }
}
