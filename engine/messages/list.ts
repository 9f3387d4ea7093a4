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
import { leasedMessage, stateOf, unreceivedMessage, waitingState } from './message-view.ts';

/** One message of a row, and how to show it. */
export interface Sighting {
  state: MessageState;
  /** Its slot in the row. */
  slot: number;
  /** When it arrived in its queue, ms. */
  since: number;
  /** When it became ready, or will become ready, ms. */
  visibleAt: number;
  content: StoredContent;
  /** Whether it is shown even if its contents are gone. */
  isUnreadable: boolean;
  show: (contents: readonly Content[]) => Message;
}

/** Messages of one row, in the order of their slots. `row` is the key after which a range continues. */
export interface Sightings {
  row: Row;
  messages: readonly Sighting[];
  /** The group of the row, if messages wait in it besides those in its row. */
  group?: Group;
}

/** The rows of a group's messages that follow those in its row, up to a limit. */
export interface WaitingSightings {
  rows: Sightings[];
  /** More rows follow these. */
  more: boolean;
}

/** The messages of rows of `messages`. A row with the verdict `gone` has none. Rows of `leases` may override them. */
export function sightParcels(ctx: Context, queue: QueueRecord, rows: readonly Row[]): Sightings[] {
  const now = ctx.clock.now();
  return rows.map(decodeParcel).map((parcel) => ({
    row: { shard: parcel.shard, id: parcel.id },
    messages: sightParcel(queue, parcel, now),
  }));
}

/** These rows of `messages`; those that `leases` overrides without their messages. */
export async function withoutOverridden(ctx: Context, sighted: readonly Sightings[]): Promise<Sightings[]> {
  const keys = sighted.flatMap(({ row, messages }) => (messages.length > 0 ? [leaseKey(row.id as string)] : []));
  const overriding = new Set((keys.length > 0 ? await ctx.store.get(keys) : []).map((row) => row?.id));
  return sighted.map((one) => (overriding.has(one.row.id) ? { ...one, messages: [] } : one));
}

export function sightParcel(queue: QueueRecord, parcel: Parcel, now: number, group?: string): Sighting[] {
  if (verdictOfAge(queue, parcel.since, parcel.retentionEnd, now) === 'gone') return [];
  const visibleAt = parcel.visibleAt ?? parcel.since;
  return Array.from({ length: parcel.count }, (_, slot) => ({
    slot,
    since: parcel.since,
    state: waitingState(parcel, now),
    visibleAt,
    content: parcel.content,
    isUnreadable: false,
    show: (contents) => unreceivedMessage(queue, parcel, slot, contentAt(contents, slot), now, group),
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
    return { row, messages, group: lease.group };
  });
}

/** The messages of a group after the parcel `after`, and not before the id `from`. `partition`: the id of the group's row. */
export async function sightWaiting(
  ctx: Context,
  queue: QueueRecord,
  partition: string,
  group: Group,
  after = group.head,
  from = '',
): Promise<WaitingSightings> {
  const first = after > from ? after : from;
  const range = { table: 'messages', partition, limit: headRowsMax, consistent: true } as const;
  const { rows, next } = await ctx.store.range({ ...range, ...(first !== '' && { from: first }) });
  const now = ctx.clock.now();
  const parcels = rows.map(decodeParcel).filter(({ id }) => id > after);
  const sighted = parcels.map((parcel): Sightings => {
    const isCancelled = (slot: number) => group.cancelled?.includes(slotName(parcel.id, slot));
    const messages = sightParcel(queue, parcel, now, group.name).filter(({ slot }) => !isCancelled(slot));
    return { row: { shard: parcel.shard, id: parcel.id }, messages };
  });
  return { rows: sighted, more: next !== undefined && rows.at(-1)?.id !== group.tail };
}

export function sightLease(queue: QueueRecord, lease: LeaseRow, now: number): Sighting[] {
  return lease.slots.flatMap((slot, index) => {
    const parcel = parcelAt(lease, index);
    const isPurged = parcel.since < queue.purgedBefore;
    if (!isLive(slot) || isPurged || verdictOf(queue, parcel, slot, now) === 'gone') return [];
    const state = stateOf(lease, index, now);
    const show = (contents: readonly Content[]) =>
      leasedMessage(queue, lease, index, contentAt(contents, index - parcel.from), now);
    return [
      {
        state,
        slot: index,
        since: parcel.since,
        visibleAt: slot.visibleAt,
        content: parcel.content,
        isUnreadable: isUnreadable(lease),
        show,
      },
    ];
  });
}
