/** What `group-moves.ts` moves: messages that leave a row of their own, the row of their group, or the partition of their group. */
import type { Context } from '../context/context.ts';
import { lacksTtl, type Snapshot, unchanged } from '../leases/lease-store.ts';
import { rowOfWaiting, rowsOfMarkers } from '../leases/markers.ts';
import { currentContents } from '../leases/offloaded-bodies.ts';
import { type Content, contentAt, readContents, type StoredContent } from '../model/content-codec.ts';
import { parcelAt, parcelRowId } from '../model/held-parcels.ts';
import { slotRowId } from '../model/ids.ts';
import { absentAt, type LeaseRow, leaseKey, type Parcel, parcelKey, type Slot } from '../model/rows.ts';
import type { Condition, Row, Write } from '../port/port.ts';
import { withoutMoved } from './moved-slots.ts';

export interface LeavingMessage {
  /** The row of its own that the message has outside groups. Its marker takes the place of that row. */
  rowId: string;
  when: Condition;
  content: Content;
  publishedAt: number;
  slot: Slot;
}

export interface Leaving {
  /** The row on whose version the move depends. */
  seen: Snapshot;
  messages: readonly LeavingMessage[];
  /** Besides the markers: the row `seen` as it is afterwards, and the writes that take the messages out. */
  change?: (version: string) => { row: Row; writes: readonly Write[] };
  /** Content that nothing names afterwards. */
  unnamed: readonly StoredContent[];
}

/** Messages of a row of `leases`: some of a group, or the one that the row holds. Undefined: the row has changed. */
export async function leavingRow(
  ctx: Context,
  seen: Snapshot,
  lease: LeaseRow,
  slots: readonly number[],
): Promise<Leaving | undefined> {
  const contents = await currentContents(ctx, lease, slots);
  if (!contents) return undefined;
  const markers = await rowsOfMarkers(ctx, lease, slots);
  const now = ctx.clock.now();
  const isApart = lease.kind !== 'group';
  const messages = slots.map((slot): LeavingMessage => {
    const parcel = parcelAt(lease, slot);
    const place = { id: slotRowId(parcelRowId(lease, parcel), slot - parcel.from), when: absentAt(now) };
    const { id: rowId, when } = isApart ? { id: lease.id, when: unchanged(seen.row!) } : (markers.get(slot) ?? place);
    const publishedAt = parcel.publishedAt ?? parcel.since;
    return { rowId, when, content: contentAt(contents, slot), publishedAt, slot: lease.slots[slot]! };
  });
  if (isApart) {
    const isLasting = lease.needsCleanup || lacksTtl(lease.content, lease.retentionEnd);
    return { seen, messages, unnamed: isLasting ? [lease.content] : [] };
  }
  const { row, others } = await withoutMoved(ctx, lease, slots);
  const when = unchanged(seen.row!);
  const change = (version: string) => {
    const next = { ...row, version };
    return { row: next, writes: [{ key: leaseKey(lease.id), when, then: { put: next } }, ...others] };
  };
  // The group's row removes the bodies of its parcels when it ends.
  return { seen, messages, change, unnamed: [] };
}

/**
 * A message that is alone in its parcel and waits in the partition of its group. `seen`: the group's row. It gets a new version, so
 * a receive that has read the parcel cannot load it. Undefined: the parcel is gone.
 */
export async function leavingParcel(ctx: Context, seen: Snapshot, parcel: Parcel): Promise<Leaving | undefined> {
  const [contents] = await readContents(ctx.store, [parcel.content]);
  if (!contents) return undefined;
  const { id: rowId, when } = await rowOfWaiting(ctx, parcel, 0);
  const { shard, id, since, publishedAt = since, content, retentionEnd } = parcel;
  const slot = parcel.slot ?? { visibleAt: since, receives: 0, failures: 0 };
  return {
    seen,
    messages: [{ rowId, when, content: contentAt(contents, 0), publishedAt, slot }],
    change: (version) => ({
      row: { ...seen.row!, version },
      writes: [
        { key: leaseKey(shard), when: unchanged(seen.row!), then: { set: [[['version'], version]] } },
        { key: parcelKey(shard, id), when: { exists: ['id'] }, then: { remove: true } },
      ],
    }),
    unnamed: lacksTtl(content, retentionEnd) ? [content] : [],
  };
}
