/** The bodies of a row that moves as a whole: new ones if its content changes, or if shared ones may be gone too early. */
import type { Context } from '../context/context.ts';
import { holdsBodies, lacksTtl, type Snapshot } from '../leases/lease-store.ts';
import { copiedBody, currentContents, type OffloadedBody, removeLasting } from '../leases/offloaded-bodies.ts';
import { removeChunks } from '../leases/removals.ts';
import {
  bodyTtl,
  type Content,
  contentAt,
  encodeContent,
  joinEntries,
  outlastsShared,
  storeContent,
} from '../model/content-codec.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { roomForContents } from '../model/row-room.ts';
import type { LeaseRow } from '../model/rows.ts';

export interface ContentMove {
  lease: LeaseRow;
  /** The slots that move, all live. */
  slots: readonly number[];
  row: Pick<LeaseRow, 'retentionEnd'>;
  /** Changes the content; undefined: it stays as it is. */
  changeContent?: (content: Content) => Content;
  /** The queue they move to; may be their own. */
  target: QueueRecord;
}

/** The new bodies; undefined if the row keeps those that it has; `changed` if the row has changed since it was read. */
export async function newBodyFor(ctx: Context, move: ContentMove): Promise<OffloadedBody | undefined | 'changed'> {
  const { lease, row, changeContent } = move;
  const ttl = row.retentionEnd && bodyTtl(row.retentionEnd);
  if (changeContent) return (await rewrittenContents(ctx, move, changeContent, ttl)) ?? 'changed';
  return outlastsShared(lease.content, row.retentionEnd) ? copiedBody(ctx, lease.content, ttl) : undefined;
}

async function rewrittenContents(
  ctx: Context,
  { lease, slots, target }: ContentMove,
  contentOf: (content: Content) => Content,
  ttl: number | undefined,
): Promise<OffloadedBody | undefined> {
  const contents = await currentContents(ctx, lease, slots);
  if (!contents) return undefined;
  const entries = contents.map((_, index) => {
    const content = contentAt(contents, index);
    return encodeContent(slots.includes(index) ? contentOf(content) : content);
  });
  const hasDeadLetter = target.deadLetter !== null;
  const room = roomForContents(lease.slots.length, lease.id.length, target.backoff, hasDeadLetter, lease.kind === 'keyed');
  return { ...storeContent(joinEntries(entries), room, () => ctx.ids.parcel(0)), ttl };
}

/**
 * Removes bodies without a TTL that certainly no row names: the old ones after a move, the new ones after a failed move. A
 * write without a response may have been applied and the row changed since, so the bodies that the row names decide. If the row
 * is unchanged, that write may still be applied: both stay. A failure only wastes storage.
 */
export async function removeUnused(
  ctx: Context,
  { seen, lease }: { seen: Snapshot; lease: LeaseRow },
  { applied, after, rewritten }: { applied: boolean; after: Snapshot; rewritten: OffloadedBody },
): Promise<void> {
  const isSettled = applied || !after.maybeApplied || after.row?.version !== seen.row?.version;
  if (!isSettled) return;
  if (!applied && !holdsBodies(after, rewritten.content)) await removeLasting(ctx, [rewritten]);
  else if (lacksTtl(lease.content, lease.retentionEnd)) await removeChunks(ctx, lease.content);
}
