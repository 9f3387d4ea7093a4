/**
 * Bodies beside rows: put before the rows that name them, and removed again where surely none will. Those that have no TTL, since they are
 * kept for ever, nothing else would remove. What may be named yet stays: a process that died, or was never told of its write, leaves it.
 */

import type { Context } from '../context/context.ts';
import { type Content, type Placed, readContents, writeChunks } from '../model/content-codec.ts';
import { encodeLease } from '../model/row-codec.ts';
import type { Lease } from '../model/rows.ts';
import { incarnationOf } from '../model/shards.ts';
import { StoreError, type WriteOptions } from '../port/port.ts';
import {
  decodeSnapshot,
  endBodies,
  holdsBodies,
  putIfUnchanged,
  readRow,
  readRows,
  retryOnConflict,
  type Snapshot,
} from './lease-store.ts';
import { removeChunks } from './removals.ts';

export interface OffloadedBody {
  placed: Placed;
  chunks: Uint8Array[];
  /** When TTL may remove them, epoch seconds; undefined: never. */
  ttl: number | undefined;
}

/** Removes those that no TTL will. */
export async function removeLasting(ctx: Context, bodies: readonly Pick<OffloadedBody, 'placed' | 'ttl'>[]): Promise<void> {
  await removeChunks(ctx, ...bodies.filter(({ ttl }) => ttl === undefined).map(({ placed }) => placed));
}

/**
 * Puts bodies, and then runs `write`, which names them. Where that rejects, and surely nothing was written, they are removed again;
 * `mayBeNamed` tells of writes before its last that may be made yet.
 */
export async function withBodies<T>(
  ctx: Context,
  bodies: readonly OffloadedBody[],
  options: WriteOptions,
  write: () => Promise<T>,
  mayBeNamed = () => false,
): Promise<T> {
  try {
    // All of them are waited for: one that arrived after its removal would stay.
    const put = await Promise.allSettled(
      bodies.map(({ placed, chunks, ttl }) => writeChunks(ctx.store, placed, chunks, ttl, options)),
    );
    const failed = put.find((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
    return await write();
  } catch (error) {
    if (error instanceof StoreError && error.applied === 'no' && !mayBeNamed()) await removeLasting(ctx, bodies);
    throw error;
  }
}

/**
 * Removes bodies whose rows were to be put if a row was as it was `seen`, and were not: `after` is that row by now. Once it has changed they
 * never will be; whether they were, without word of it, the rows under their ids tell. Should it fail, it is only wasted room.
 */
export async function removeUnnamed(
  ctx: Context,
  { seen, after }: { seen: Snapshot; after: Snapshot },
  rows: readonly (OffloadedBody & { id: string })[],
): Promise<void> {
  const lasting = rows.filter(({ placed, ttl }) => 'beside' in placed && ttl === undefined);
  const mayBePut = after.maybeApplied && after.row?.version === seen.row?.version;
  if (lasting.length === 0 || mayBePut) return;
  try {
    const found = await readRows(
      ctx,
      lasting.map(({ id }) => id),
    );
    await removeLasting(
      ctx,
      lasting.filter(({ placed }, index) => !holdsBodies(found[index]!, placed)),
    );
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
  }
}

/**
 * Of bodies that lost their TTL, for a move to where they were to be kept for ever that did not come about: the row, as it is `after` that,
 * is to remove them when it ends. Where it has ended they go at once, or when it is no longer shown. Answers the row as it is then.
 */
export function ensureBodyCleanup(ctx: Context, after: Snapshot, contents: Placed): Promise<Snapshot> {
  return retryOnConflict<Snapshot>(ctx, after, async (seen) => {
    const { lease, tombstone } = decodeSnapshot(seen, ctx.clock.now());
    const isNamed = holdsBodies(seen, contents);
    if (lease && isNamed) {
      const isSeenTo = lease.ending || lease.expiresAt === undefined;
      if (isSeenTo) return { done: seen };
      return { seen: await putIfUnchanged(ctx, seen, encodeLease({ ...lease, version: ctx.newVersion(), ending: true })) };
    }
    if (!isNamed) await removeChunks(ctx, contents);
    else if (tombstone && !tombstone.left) await endBodies(ctx, contents, tombstone.until);
    return { done: seen };
  });
}

/** Should it fail, too, they are only wasted room. */
export async function tryToEnd(ctx: Context, rowId: string, contents: Placed): Promise<void> {
  try {
    await ensureBodyCleanup(ctx, await readRow(ctx, rowId), contents);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
  }
}

/** Undefined where the row has changed since; throws where the bodies of a row that stands are gone. */
export async function contentsOf(ctx: Context, lease: Lease): Promise<Content[] | undefined> {
  const [contents] = await readContents(ctx.store, [lease.contents]);
  if (contents) return contents;
  // They go when the row has ended: whoever slept since he read it sees that.
  const after = await readRow(ctx, lease.id);
  if (after.row?.version !== lease.version) return undefined;
  // They go before their row where a queue is deleted: whoever has not learnt of that yet must not fail for it as for a defect.
  ctx.observe?.({
    kind: 'anomaly',
    what: 'the bodies of a message are gone',
    queue: incarnationOf(lease.shard),
    row: lease.id,
  });
  throw new StoreError(`the bodies of ${lease.id} are gone`, 'no');
}
