/**
 * Bookmarks: where the next sweep resumes in a partition with too many due rows for one run. Each run reads all bookmarks with
 * one paged query.
 */
import type { Context } from '../context/context.ts';
import { pagesOf } from '../port/pages.ts';
import type { Key, Row } from '../port/port.ts';

const kind = 'sweep';

/** A position in the index of due rows, in the form that `Range.after` takes. */
export interface Place extends Row {
  shard: string;
  expiry: number;
  id: string;
}

/** Bookmarks by partition. */
export type Bookmarks = ReadonlyMap<string, Place>;

const bookmarkKey = (partition: string): Key => ({ table: 'queues', kind, name: partition });

export async function readBookmarks(ctx: Context): Promise<Bookmarks> {
  const bookmarks = new Map<string, Place>();
  for await (const rows of pagesOf(ctx.store, { table: 'queues', partition: kind, limit: 1000, consistent: true })) {
    for (const { name, expiry, id } of rows as { name: string; expiry: number; id: string }[]) {
      bookmarks.set(name, { shard: name, expiry, id });
    }
  }
  return bookmarks;
}

/** Sets the bookmark of a partition. Removes it if `to` is undefined: the end was reached. */
export async function moveBookmark(ctx: Context, bookmarks: Bookmarks, partition: string, to: Place | undefined): Promise<void> {
  const key = bookmarkKey(partition);
  if (to) await ctx.store.write({ key, then: { put: { kind, name: partition, expiry: to.expiry, id: to.id } } });
  else if (bookmarks.has(partition)) await ctx.store.write({ key, then: { remove: true } });
}
