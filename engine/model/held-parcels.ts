/**
 * The parcels whose messages a row of `leases` holds. A row holds one; the row of a group may hold several, that one receive
 * loaded together. Its slots are then those of its parcels, one after the other, and each parcel keeps its own age and content.
 */
import type { Store } from '../port/port.ts';
import { type Content, contentAt, readContents, type StoredContent, sizeOf } from './content-codec.ts';
import { groupKeyOf, keptRowId, messageId } from './ids.ts';
import { ownIdOf } from './marker.ts';
import type { LeaseRow, Parcel, Slot } from './rows.ts';

/** What a row keeps of a parcel that it loaded, besides its slots. */
export type LoadedParcel = Omit<Parcel, 'shard' | 'visibleAt' | 'ownRows' | 'slot'>;

/** A parcel in a row. `from`: the first of its slots. */
export type HeldParcel = LoadedParcel & { from: number };

export function parcelsIn(lease: LeaseRow): HeldParcel[] {
  const parcels = [firstParcel(lease)];
  for (const parcel of lease.kind === 'group' ? (lease.more?.parcels ?? []) : []) {
    const { from, count } = parcels.at(-1)!;
    parcels.push({ ...parcel, from: from + count });
  }
  return parcels;
}

function firstParcel(lease: LeaseRow): HeldParcel {
  const { since, publishedAt, retentionEnd, content, slots, death } = lease;
  const more = lease.kind === 'group' ? lease.more : undefined;
  const count = slots.length - (more?.parcels ?? []).reduce((sum, parcel) => sum + parcel.count, 0);
  const id = lease.kind === 'group' ? (more?.firstId ?? lease.group.head) : lease.id;
  const parcel: HeldParcel = { id, count, since, content, from: 0 };
  if (publishedAt !== undefined) parcel.publishedAt = publishedAt;
  if (retentionEnd !== undefined) parcel.retentionEnd = retentionEnd;
  if (death) parcel.death = death;
  return parcel;
}

/** The parcel of a slot. */
export function parcelAt(lease: LeaseRow, slot: number): HeldParcel {
  const parcels = parcelsIn(lease);
  return parcels.findLast(({ from }) => from <= slot) ?? parcels[0]!;
}

export function slotsOf({ slots }: Pick<LeaseRow, 'slots'>, { from, count }: HeldParcel): Slot[] {
  return slots.slice(from, from + count);
}

/** The row of its own for a parcel of this row, as the ids of the parcel's messages begin. */
export function parcelRowId(lease: LeaseRow, { id }: Pick<HeldParcel, 'id'>): string {
  return lease.kind === 'group' ? keptRowId(id, groupKeyOf(lease.id)) : lease.id;
}

/** The parcel of the message in this slot, and its slot in that parcel. */
export function slotInParcel(lease: LeaseRow, slot: number): { parcel: string; slot: number } {
  const { id, from } = parcelAt(lease, slot);
  return { parcel: id, slot: slot - from };
}

/** The id of the message in a slot. */
export function messageIdOf(lease: LeaseRow, slot: number): string {
  const parcel = parcelAt(lease, slot);
  return ownIdOf(lease, slot) ?? messageId(parcelRowId(lease, parcel), slot - parcel.from);
}

/** The row with its contents stored elsewhere: one for each parcel, in order. */
export function withContents<Lease extends LeaseRow>(lease: Lease, [first, ...others]: readonly StoredContent[]): Lease {
  const next: Lease = { ...lease, content: first! };
  if (next.kind !== 'group' || !next.more) return next;
  const parcels = next.more.parcels.map((parcel, index) => ({ ...parcel, content: others[index]! }));
  return { ...next, more: { ...next.more, parcels } };
}

/** The size of a row's contents in an answer, bytes. */
export function contentBytes(lease: LeaseRow): number {
  return parcelsIn(lease).reduce((sum, { content }) => sum + sizeOf(content), 0);
}

/** The contents of each row by slot, with one read for all chunks. Undefined for a message whose chunk is missing. */
export async function readSlotContents(store: Store, leases: readonly LeaseRow[]): Promise<(Content | undefined)[][]> {
  const parcels = leases.map(parcelsIn);
  const contents = await readContents(
    store,
    parcels.flat().map(({ content }) => content),
  );
  return parcels.map((held) =>
    held.flatMap(({ count }) => {
      const read = contents.shift();
      return Array.from({ length: count }, (_, index) => read && contentAt(read, index));
    }),
  );
}
