/**
 * Reads the next page of a redrive: some of the requested ids, or some rows of the next partition. A scan reads `messages`
 * first, then `leases`, shard by shard. Each candidate carries the place after it, where the redrive resumes once it is done.
 */
import { defined } from '../../contract/defined.ts';
import type { Context } from '../context/context.ts';
import { type Found, findMessage } from '../messages/find.ts';
import { firstPlace, formatPlace, nextPartition, type Place, parsePlace, rowsAt } from '../messages/scan.ts';
import { parcelAt } from '../model/held-parcels.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { decodeParcel } from '../model/row-codec.ts';
import type { Parcel } from '../model/rows.ts';
import type { Ranged, Row } from '../port/port.ts';
import type { Task } from './task.ts';

const pageRowsMax = 25;
/** Rows that are due at the same time are one page, up to as many. */
const tiedRowsMax = 1_000;

export interface RedriveCandidate {
  id: string;
  waiting?: { parcel: Parcel; readAt: number };
  slot?: number;
  /** The place to resume at when this candidate is done. */
  next: string;
  /** Of a message in a group: its parcel. `id` is the group's row. */
  parcelId?: string;
  /** Of a row of `leases`: where it lies in the index, which has no order for rows that are due at the same time. */
  expiry?: number;
}

export interface Page {
  candidates: RedriveCandidate[];
  /** The place to resume at when all candidates are done. Undefined on the last page. */
  next?: string;
}

export function nextPage(ctx: Context, queue: QueueRecord, task: Task): Promise<Page> {
  return task.selection.ids ? pageOfIds(ctx, queue, task, task.selection.ids) : pageOfRows(ctx, queue, task);
}

async function pageOfIds(ctx: Context, queue: QueueRecord, task: Task, ids: readonly string[]): Promise<Page> {
  const from = Number(task.place || 0);
  const to = from + pageRowsMax;
  const found = await Promise.all(ids.slice(from, to).map((id) => findMessage(ctx, queue, id)));
  const candidates = found.flatMap((one, index): RedriveCandidate[] => {
    if (!one) return [];
    const next = String(from + index + 1);
    const inGroup = deadLetterInGroup(one);
    if (inGroup) return [{ ...inGroup, next }];
    // Another message that waits in a group has not been dead-lettered, so it is not a candidate.
    if ('parcel' in one && one.group) return [];
    return 'parcel' in one
      ? [{ id: one.parcel.id, waiting: one, slot: one.slot, next }]
      : [{ id: one.lease.id, slot: one.slot, next }];
  });
  return to < ids.length ? { candidates, next: String(to) } : { candidates };
}

/** The group's row and the parcel of a dead letter that is in a group. */
function deadLetterInGroup(found: Found): Pick<RedriveCandidate, 'id' | 'parcelId'> | undefined {
  if ('parcel' in found) return found.parcel.death && { id: found.parcel.shard, parcelId: found.parcel.id };
  const { lease, slot } = found;
  if (lease.kind !== 'group') return undefined;
  const { id: parcelId, death } = parcelAt(lease, slot);
  return death && { id: lease.id, parcelId };
}

async function pageOfRows(ctx: Context, queue: QueueRecord, task: Task): Promise<Page> {
  const place = task.place ? parsePlace(queue, task.place) : firstPlace(queue, 'messages');
  const readAt = ctx.clock.now();
  const page = await pageAt(ctx, queue, place);
  const rows = place.table === 'leases' && page.next ? withoutLastTied(page.rows) : page.rows;
  const placeAfter = (after: Row) => formatPlace({ ...place, after });
  const candidates = rows.map((row): RedriveCandidate => {
    const candidate = { id: row.id as string, next: placeAfter(row) };
    return place.table === 'messages'
      ? { ...candidate, waiting: { parcel: decodeParcel(row), readAt } }
      : { ...candidate, expiry: row.expiry as number };
  });
  if (page.next) return { candidates, next: rows.length < page.rows.length ? placeAfter(rows.at(-1)!) : placeAfter(page.next) };
  const following = nextPartition(queue, place);
  // A prepared message has not been dead-lettered.
  return following && following.table !== 'prepared' ? { candidates, next: formatPlace(following) } : { candidates };
}

async function pageAt(ctx: Context, queue: QueueRecord, place: Place): Promise<Ranged> {
  let page = await rowsAt(ctx, queue, place, pageRowsMax);
  while (place.table === 'leases' && page.next && page.rows.length < tiedRowsMax && areTied(page.rows)) {
    const { rows, next } = await rowsAt(ctx, queue, { ...place, after: page.next }, pageRowsMax);
    page = { rows: [...page.rows, ...rows], ...defined({ next }) };
  }
  return page;
}

function areTied(rows: readonly Row[]): boolean {
  return rows.every(({ expiry }) => expiry === rows[0]!.expiry);
}

/** The rows without the last ones that are due at the same time: others of that time may be on the next page. */
function withoutLastTied(rows: readonly Row[]): readonly Row[] {
  const first = rows.findIndex(({ expiry }) => expiry === rows.at(-1)!.expiry);
  return first > 0 ? rows.slice(0, first) : rows;
}
