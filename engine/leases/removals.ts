/** Removes rows, and waits for the response of each removal. */

import type { Context } from '../context/context.ts';
import { chunkKeys, type Placed } from '../model/content-codec.ts';
import { type Parcel, parcelKey } from '../model/rows.ts';
import { type Key, StoreError } from '../port/port.ts';
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

/** Removes bodies, or a result, that no row uses. A failure only wastes storage. */
export async function removeChunks(ctx: Context, ...placed: readonly Placed[]): Promise<void> {
  try {
    await removeAll(ctx, placed.flatMap(chunkKeys));
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
  }
}
