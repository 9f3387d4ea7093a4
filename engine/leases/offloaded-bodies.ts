/**
 * Offloaded bodies: contents that do not fit in their row. They are written before the row that names them, and deleted if that
 * row was certainly not written: nothing else deletes bodies without a TTL. Bodies that a row may still name must stay, so a
 * crash or a lost response can leave some behind (docs/design.md, "What a call costs").
 */

import type { Context } from '../context/context.ts';
import {
  bodyTtl,
  type Content,
  chunkKeys,
  isShared,
  outlastsShared,
  type StoredContent,
  writeChunks,
} from '../model/content-codec.ts';
import { type HeldParcel, parcelsIn, readSlotContents, withContents } from '../model/held-parcels.ts';
import { incarnationOf } from '../model/queue-record.ts';
import { encodeLease } from '../model/row-codec.ts';
import type { LeaseRow } from '../model/rows.ts';
import { failureOf, StoreError, type WriteOptions } from '../port/port.ts';
import {
  decodeSnapshot,
  expireBodies,
  holdsBodies,
  keepBodies,
  putIfUnchanged,
  readRow,
  readRows,
  retryOnConflict,
  type Snapshot,
} from './lease-store.ts';
import { removeChunks } from './removals.ts';

export interface OffloadedBody {
  content: StoredContent;
  /** Those that are still to be written. */
  chunks: Uint8Array[];
  /** When TTL may remove them, epoch seconds; undefined: never. */
  ttl: number | undefined;
}

/** Removes the bodies without a TTL. TTL removes the others. */
export async function removeLasting(ctx: Context, bodies: readonly Pick<OffloadedBody, 'content' | 'ttl'>[]): Promise<void> {
  await removeChunks(ctx, ...bodies.filter(({ ttl }) => ttl === undefined).map(({ content }) => content));
}

/**
 * Writes bodies, then runs `write`, which writes the rows that name them. If that fails and certainly wrote nothing, removes
 * the bodies. `mayBeNamed` says whether an earlier attempt within `write` may still be applied: then the bodies stay.
 */
export async function withBodies<T>(
  ctx: Context,
  bodies: readonly OffloadedBody[],
  options: WriteOptions,
  write: () => Promise<T>,
  mayBeNamed = () => false,
): Promise<T> {
  try {
    // Wait for all of them: a body written after its removal would stay.
    const put = await Promise.allSettled(
      onlyOnce(bodies).map(async ({ content, chunks, ttl }) => {
        await writeChunks(ctx.store, content, chunks, ttl, options);
        // Nothing removes shared bodies, so no later row has to write them again.
        if (isShared(content)) chunks.length = 0;
      }),
    );
    const failure = failureOf(put);
    if (failure !== undefined) throw failure;
    return await write();
  } catch (error) {
    if (error instanceof StoreError && error.applied === 'no' && !mayBeNamed()) await removeLasting(ctx, bodies);
    throw error;
  }
}

/** Shared bodies come with each row that names them. */
export function onlyOnce(bodies: readonly OffloadedBody[]): OffloadedBody[] {
  return [...new Map(bodies.map((body) => ['offloaded' in body.content ? body.content.offloaded : body, body])).values()];
}

/**
 * The row with offloaded bodies that last until `untilOf` says for their parcel, ms; it is not asked about bodies without a TTL.
 * The row's own bodies get a later TTL. Shared bodies that may be gone before are copied. Call it before the row is written, and
 * write the row that it returns: a TTL that is too late, or a copy that no row names, does no harm.
 */
export async function withLastingBodies<Lease extends LeaseRow>(
  ctx: Context,
  lease: Lease,
  untilOf: (parcel: HeldParcel & { retentionEnd: number }) => number | undefined,
): Promise<Lease> {
  const parcels = parcelsIn(lease);
  if (!parcels.some(({ content }) => 'offloaded' in content)) return lease;
  const contents = await Promise.all(
    parcels.map((parcel) => {
      const { retentionEnd, content } = parcel;
      const until = retentionEnd !== undefined && 'offloaded' in content ? untilOf({ ...parcel, retentionEnd }) : undefined;
      return until === undefined ? content : lastingContent(ctx, content, until);
    }),
  );
  return contents.every((content, index) => content === parcels[index]!.content) ? lease : withContents(lease, contents);
}

async function lastingContent(ctx: Context, content: StoredContent, until: number): Promise<StoredContent> {
  if (!isShared(content)) {
    await keepBodies(ctx, content, until);
    return content;
  }
  const copy = outlastsShared(content, until) ? await copiedBody(ctx, content, bodyTtl(until)) : undefined;
  if (!copy) return content;
  await writeChunks(ctx.store, copy.content, copy.chunks, copy.ttl);
  return copy.content;
}

/** A copy of shared bodies for one row alone, not written yet; undefined if they cannot be read. */
export async function copiedBody(
  ctx: Context,
  content: StoredContent,
  ttl: number | undefined,
): Promise<OffloadedBody | undefined> {
  if (!isShared(content)) return undefined;
  const chunks = (await ctx.store.get(chunkKeys(content))).map((row) => row?.bytes);
  if (!chunks.every((bytes) => bytes instanceof Uint8Array)) return undefined;
  const { sharedUntil: _, ...own } = content;
  return { content: { ...own, offloaded: ctx.ids.parcel(0) }, chunks, ttl };
}

/**
 * Removes the bodies of rows that were not put. Their put was conditional on another row (`seen`; `after` is that row now).
 * While that row is unchanged, an attempt without a response may still be applied: the bodies stay. Once it has changed, the
 * rows under their ids show whether such an attempt was applied. A failure only wastes storage.
 */
export async function removeUnnamed(
  ctx: Context,
  { seen, after }: { seen: Snapshot; after: Snapshot },
  rows: readonly (OffloadedBody & { id: string })[],
): Promise<void> {
  const lasting = rows.filter(({ content, ttl }) => 'offloaded' in content && ttl === undefined);
  const mayBePut = after.maybeApplied && after.row?.version === seen.row?.version;
  if (lasting.length === 0 || mayBePut) return;
  try {
    const found = await readRows(
      ctx,
      lasting.map(({ id }) => id),
    );
    await removeLasting(
      ctx,
      lasting.filter(({ content }, index) => !holdsBodies(found[index]!, content)),
    );
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
  }
}

/**
 * Call it after a failed move that had removed the bodies' TTL; `after` is the row then. A live row that names the bodies is
 * marked to delete them when it ends. A tombstone that names them gives them a TTL, unless its own cleanup is pending.
 * Otherwise they are deleted now. Returns the row as it is afterwards.
 */
export function ensureBodyCleanup(ctx: Context, after: Snapshot, content: StoredContent): Promise<Snapshot> {
  return retryOnConflict<Snapshot>(ctx, after, async (seen) => {
    const { lease, tombstone } = decodeSnapshot(seen, ctx.clock.now());
    const isNamed = holdsBodies(seen, content);
    if (lease && isNamed) {
      const isSeenTo = lease.needsCleanup || lease.retentionEnd === undefined;
      if (isSeenTo) return { done: seen };
      return { seen: await putIfUnchanged(ctx, seen, encodeLease({ ...lease, version: ctx.newVersion(), needsCleanup: true })) };
    }
    if (!isNamed) await removeChunks(ctx, content);
    else if (tombstone && !tombstone.pendingCleanup) await expireBodies(ctx, content, tombstone.until);
    return { done: seen };
  });
}

/** Like `ensureBodyCleanup`, on the row as it is now. A failure only wastes storage. */
export async function tryBodyCleanup(ctx: Context, rowId: string, content: StoredContent): Promise<void> {
  try {
    await ensureBodyCleanup(ctx, await readRow(ctx, rowId), content);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
  }
}

/**
 * The row's contents by slot; undefined if the row has changed since it was read. Throws StoreError if an unchanged row has lost
 * the bodies of one of these slots.
 */
export async function currentContents(
  ctx: Context,
  lease: LeaseRow,
  slots: readonly number[],
): Promise<(Content | undefined)[] | undefined> {
  const [contents] = await readSlotContents(ctx.store, [lease]);
  if (slots.every((slot) => contents![slot])) return contents;
  // Bodies are deleted after their row has ended: a process that paused since its read finds the row changed.
  const after = await readRow(ctx, lease.id);
  if (after.row?.version !== lease.version) return undefined;
  // In a deleted queue the bodies go before their row. A caller that has not seen the deletion must get a StoreError, not a
  // defect.
  ctx.observe?.({
    kind: 'anomaly',
    what: 'the bodies of a message are gone',
    queue: incarnationOf(lease.shard),
    row: lease.id,
  });
  throw new StoreError(`the bodies of ${lease.id} are gone`, 'no');
}
