/** Reads messages of a queue without receiving them, from rows of `messages` and of `leases`. */
import type { Message, MessageState } from '../../contract/contract.ts';
import { headRowsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { decodeSnapshot, readRows } from '../leases/lease-store.ts';
import { slotName } from '../lifecycle/group-parcels.ts';
import { verdictOf, verdictOfAge } from '../lifecycle/verdicts.ts';
import { type Content, contentAt, type StoredContent } from '../model/content-codec.ts';
import { parcelAt } from '../model/held-parcels.ts';
import { incarnationOf, type QueueRecord } from '../model/queue-record.ts';
import { decodeParcel } from '../model/row-codec.ts';
import { type Group, isLive, isUnreadable, type LeaseRow, leaseKey, type Parcel } from '../model/rows.ts';
import type { Row } from '../port/port.ts';
import { leasedMessage, stateOf, unreceivedMessage } from './message-view.ts';

/** One message of a row, and how to show it. */
export interface Sighting {
  state: MessageState;
  /** When it became ready, or will become ready, ms. */
  visibleAt: number;
  content: StoredContent;
  /** Whether it is shown even if its contents are gone. */
  isUnreadable: boolean;
  show: (contents: readonly Content[]) => Message;
}

/** The messages of one row, in the order of their slots. `row` is the key after which a range continues. */
export interface Sightings {
  row: Row;
  messages: Sighting[];
  /** Reads the messages of a group that follow those in its row; undefined if none do. */
  readWaiting?: () => Promise<WaitingSightings>;
}

/** The messages of a group that follow those in its row, up to a limit. */
export interface WaitingSightings {
  messages: Sighting[];
  rowsRead: number;
  /** More messages follow these. */
  more: boolean;
}

/** The messages of rows of `messages`. A row that `leases` overrides has none, nor has one with the verdict `gone`. */
export async function sightParcels(ctx: Context, queue: QueueRecord, rows: readonly Row[]): Promise<Sightings[]> {
  const parcels = rows.map(decodeParcel);
  const overriding = parcels.length > 0 ? await ctx.store.get(parcels.map(({ id }) => leaseKey(id))) : [];
  const now = ctx.clock.now();
  return parcels.map((parcel, index) => ({
    row: { shard: parcel.shard, id: parcel.id },
    messages: overriding[index] ? [] : sightParcel(queue, parcel, now),
  }));
}

function sightParcel(queue: QueueRecord, parcel: Parcel, now: number, group?: string): Sighting[] {
  if (verdictOfAge(queue, parcel.since, parcel.retentionEnd, now) === 'gone') return [];
  const visibleAt = parcel.visibleAt ?? parcel.since;
  return Array.from({ length: parcel.count }, (_, slot) => ({
    state: visibleAt > now ? ('delayed' as const) : ('ready' as const),
    visibleAt,
    content: parcel.content,
    isUnreadable: false,
    show: (contents) => unreceivedMessage(queue.name, parcel, slot, contentAt(contents, slot), now, group),
  }));
}

/** The messages of rows found in the index of `leases`. */
export async function sightLeases(ctx: Context, queue: QueueRecord, rows: readonly Row[]): Promise<Sightings[]> {
  const seen = await readRows(
    ctx,
    rows.map((row) => row.id as string),
  );
  const now = ctx.clock.now();
  return seen.map((one, index): Sightings => {
    const { id, shard, expiry } = rows[index] as { id: string; shard: string; expiry: number };
    const row = { id, shard, expiry };
    const { lease } = decodeSnapshot(one, now);
    if (!lease || incarnationOf(lease.shard) !== queue.incarnation) return { row, messages: [] };
    const messages = sightLease(queue, lease, now);
    if (lease.kind !== 'group' || lease.group.tail <= lease.group.head) return { row, messages };
    const { group } = lease;
    return { row, messages, readWaiting: () => sightWaiting(ctx, queue, id, group) };
  });
}

async function sightWaiting(ctx: Context, queue: QueueRecord, partition: string, group: Group): Promise<WaitingSightings> {
  const from = group.head === '' ? {} : { from: group.head };
  const { rows, next } = await ctx.store.range({ table: 'messages', partition, limit: headRowsMax, consistent: true, ...from });
  const now = ctx.clock.now();
  const messages = rows
    .map(decodeParcel)
    .filter((parcel) => parcel.id > group.head)
    .flatMap((parcel) => {
      const isCancelled = (slot: number) => group.cancelled?.includes(slotName(parcel.id, slot));
      return sightParcel(queue, parcel, now, group.name).filter((_, slot) => !isCancelled(slot));
    });
  return { messages, rowsRead: rows.length, more: next !== undefined && rows.at(-1)?.id !== group.tail };
}

function sightLease(queue: QueueRecord, lease: LeaseRow, now: number): Sighting[] {
  return lease.slots.flatMap((slot, index) => {
    const parcel = parcelAt(lease, index);
    const isPurged = parcel.since < queue.purgedBefore;
    if (!isLive(slot) || isPurged || verdictOf(queue, parcel, slot, now) === 'gone') return [];
    const state = stateOf(lease, slot, now);
    const show = (contents: readonly Content[]) =>
      leasedMessage(queue.name, lease, index, contentAt(contents, index - parcel.from), now);
    return [{ state, visibleAt: slot.visibleAt, content: parcel.content, isUnreadable: isUnreadable(lease), show }];
  });
}
