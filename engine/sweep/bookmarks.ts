/** Where the sweep goes on in a partition of due rows that is too long for one run. All bookmarks are read in one query a run. */
import type { Context } from '../context/context.ts';
import type { Key, Row } from '../port/port.ts';

const kind = 'sweep';

/** A place in the index of due rows: it is what `Range.after` takes. */
export interface Place extends Row {
  shard: string;
  expiry: number;
  id: string;
}

/** By partition. */
export type Bookmarks = ReadonlyMap<string, Place>;

const bookmarkKey = (partition: string): Key => ({ table: 'queues', kind, name: partition });

export async function readBookmarks(ctx: Context): Promise<Bookmarks> {
  const bookmarks = new Map<string, Place>();
  let after: Row | undefined;
  do {
    const page = await ctx.store.range({
      table: 'queues',
      partition: kind,
      limit: 1000,
      consistent: true,
      ...(after ? { after } : {}),
    });
    for (const { name, expiry, id } of page.rows as { name: string; expiry: number; id: string }[]) {
      bookmarks.set(name, { shard: name, expiry, id });
    }
    after = page.next;
  } while (after);
  return bookmarks;
}

/** Sets the bookmark of a partition, or removes it where the end was reached. */
export async function moveBookmark(ctx: Context, bookmarks: Bookmarks, partition: string, to: Place | undefined): Promise<void> {
  const key = bookmarkKey(partition);
  if (to) await ctx.store.write({ key, then: { put: { kind, name: partition, expiry: to.expiry, id: to.id } } });
  else if (bookmarks.has(partition)) await ctx.store.write({ key, then: { remove: true } });
}
