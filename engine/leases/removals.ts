/** Removes rows, and waits for the response of each removal. */

import type { Context } from '../context/context.ts';
import { ownChunkKeys, type StoredContent } from '../model/content-codec.ts';
import { type LeaseRow, mayOverrideParcel, type Parcel, parcelKey } from '../model/rows.ts';
import { ignoreStoreError, type Key } from '../port/port.ts';
import { keyText } from '../port/row-limits.ts';

/** Removes rows, whether or not they exist. Rejects if any of them may still exist. `keys` may contain duplicates. */
export async function removeAll(ctx: Context, keys: readonly Key[]): Promise<void> {
  if (keys.length === 0) return;
  const once = new Map(keys.map((key) => [keyText(key), key]));
  const errors = await ctx.store.writeAll([...once.values()].map((key) => ({ key, then: { remove: true } })));
  const failure = errors.find((error) => error !== undefined);
  if (failure) throw failure;
}

/** Removes rows of `messages`, as `removeAll` does. */
export function removeParcels(ctx: Context, parcels: readonly Pick<Parcel, 'shard' | 'id'>[]): Promise<void> {
  return removeAll(
    ctx,
    parcels.map(({ shard, id }) => parcelKey(shard, id)),
  );
}

/**
 * Removes rows of `messages` that a row in `leases` overrides, and waits for the responses. Reads them first: usually their first
 * receiver has removed them, and a read costs a fifth of removing nothing. (A delayed duplicate that arrives after the read is
 * overridden as well.)
 */
export async function removeOverridden(ctx: Context, parcels: readonly Pick<Parcel, 'shard' | 'id'>[]): Promise<void> {
  if (parcels.length === 0) return;
  const keys = parcels.map(({ shard, id }) => parcelKey(shard, id));
  const rows = await ctx.store.get(keys);
  await Promise.all(keys.flatMap((key, index) => (rows[index] ? [ctx.store.write({ key, then: { remove: true } })] : [])));
}

/**
 * Removes the parcel that a row overrides, if it may still exist. Call it before the row ends: TTL removes the row's tombstone, and
 * the parcel would become live again. A group's row is due once more instead (`parcelsDone`), and a row that was put out of order is
 * cleaned up after its end.
 */
export async function removeOverriddenBy(ctx: Context, lease: LeaseRow): Promise<void> {
  if (lease.kind !== 'parcel' || lease.outOfOrder !== undefined || !mayOverrideParcel(lease)) return;
  await removeOverridden(ctx, [{ shard: lease.sourceShard!, id: lease.id }]);
}

/** Removes bodies, or a result, that no row uses. Shared bodies stay. A failure only wastes storage. */
export async function removeChunks(ctx: Context, ...contents: readonly StoredContent[]): Promise<void> {
  await removeAll(ctx, contents.flatMap(ownChunkKeys)).catch(ignoreStoreError);
}
