/** Reading messages of a queue without receiving them: those in `messages`, then those in `leases`, shard by shard. */
import type { Message, MessageState } from '../sdk/contract.ts';
import { headRowsMax } from '../sdk/limits.ts';
import type { Content, Placed } from './contents.ts';
import type { Context } from './context.ts';
import { slotName } from './group-parcels.ts';
import { judgeable, look } from './lease-writes.ts';
import type { Row } from './port.ts';
import { readParcel } from './row-format.ts';
import { isLive, type Lease, leaseKey, type Parcel } from './rows.ts';
import type { QueueRecord } from './settings.ts';
import { incarnationOf } from './shards.ts';
import { verdictOf, verdictOfAge } from './verdicts.ts';
import { freshMessage, leasedMessage, stateOf } from './views.ts';

/** One message that counts, and how to show it. */
export interface Sighting {
  state: MessageState;
  /** Since when it has been waiting, or until when it will, ms. */
  visibleAt: number;
  contents: Placed;
  show: (contents: readonly Content[]) => Message;
}

/** The messages of one row, in the order of their slots. `row` is what a range goes on after. */
export interface Sightings {
  row: Row;
  messages: Sighting[];
  /** Of a group: there are more that are not among these. */
  more?: true;
}

/** The messages of rows of `messages`: none where `leases` overrides the row, or the message is too old or purged. */
export async function sightParcels(ctx: Context, queue: QueueRecord, rows: readonly Row[]): Promise<Sightings[]> {
  const parcels = rows.map(readParcel);
  const overriding = parcels.length > 0 ? await ctx.store.get(parcels.map(({ id }) => leaseKey(id))) : [];
  const now = ctx.clock.now();
  return parcels.map((parcel, index) => ({
    row: { shard: parcel.shard, id: parcel.id },
    messages: overriding[index] ? [] : sightParcel(queue, parcel, now),
  }));
}

function sightParcel(queue: QueueRecord, parcel: Parcel, now: number, group?: string): Sighting[] {
  if (verdictOfAge(queue, parcel.since, parcel.expiresAt, now) === 'gone') return [];
  return Array.from({ length: parcel.count }, (_, slot) => ({
    state: 'ready' as const,
    visibleAt: parcel.since,
    contents: parcel.contents,
    show: (contents) => freshMessage(queue.name, parcel, slot, contents[slot]!, group),
  }));
}

/** The messages of rows found in the index of `leases`. */
export async function sightLeases(ctx: Context, queue: QueueRecord, rows: readonly Row[]): Promise<Sightings[]> {
  const seen = await look(
    ctx,
    rows.map((row) => row.id as string),
  );
  const now = ctx.clock.now();
  const sightings = seen.map((one, index): Sightings => {
    const { id, shard, expiry } = rows[index] as { id: string; shard: string; expiry: number };
    const { lease } = judgeable(one, now);
    const isHere = lease && incarnationOf(lease.shard) === queue.incarnation;
    return { row: { id, shard, expiry }, messages: isHere ? sightLease(queue, lease, now) : [] };
  });
  for (const [index, one] of seen.entries()) {
    const { lease } = judgeable(one, now);
    if (lease?.group && incarnationOf(lease.shard) === queue.incarnation)
      await sightWaiting(ctx, queue, lease, sightings[index]!);
  }
  return sightings;
}

/** Of a group, the messages that follow those in its row: a bounded number. */
async function sightWaiting(ctx: Context, queue: QueueRecord, { id, group }: Lease, sightings: Sightings): Promise<void> {
  if (group!.tail <= group!.head) return;
  const from = group!.head === '' ? {} : { from: group!.head };
  const { rows, next } = await ctx.store.range({
    table: 'messages',
    partition: id,
    limit: headRowsMax,
    consistent: true,
    ...from,
  });
  const now = ctx.clock.now();
  for (const parcel of rows.map(readParcel)) {
    if (parcel.id <= group!.head) continue;
    const messages = sightParcel(queue, parcel, now, group!.name);
    sightings.messages.push(...messages.filter((_, slot) => !group!.cancelled?.includes(slotName(parcel.id, slot))));
  }
  if (next) sightings.more = true;
}

function sightLease(queue: QueueRecord, lease: Lease, now: number): Sighting[] {
  return lease.slots.flatMap((slot, index) => {
    const isPurged = lease.since < queue.purgedBefore;
    if (!isLive(slot) || isPurged || verdictOf(queue, lease, slot, now) === 'gone') return [];
    const state = stateOf(lease, slot, now);
    const show = (contents: readonly Content[]) => leasedMessage(queue.name, lease, index, contents[index]!, now);
    return [{ state, visibleAt: slot.visibleAt, contents: lease.contents, show }];
  });
}
