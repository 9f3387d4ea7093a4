/** The rows that a receive may claim, and their order: parcels in `messages`, and due rows in `leases`. */
import { parcelSlotsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { decodeSnapshot, isEnded, readRows, type Snapshot } from '../leases/lease-store.ts';
import { nextParcelKey } from '../lifecycle/group-parcels.ts';
import { sizeOf } from '../model/content-codec.ts';
import { parcelCount, parcelSince } from '../model/damaged-rows.ts';
import { contentBytes } from '../model/held-parcels.ts';
import { decodeParcel } from '../model/row-codec.ts';
import { isLive, type LeaseRow, type Parcel } from '../model/rows.ts';
import type { Row } from '../port/port.ts';

/** A row that can be claimed now. `isGuess`: `count` is a guess, because not all of the group's next messages were read. */
export type ClaimableRow =
  | { at: number; parcel: Parcel; size: number; count: number }
  | { at: number; seen: Snapshot; size: number; count: number; isGuess?: true };

/**
 * A row that may be claimed; it has waited since `at`. `head`: a row of `messages`, not decoded yet, because most of the rows that are
 * read are not claimed. `due`: the id of a row of `leases`, of which only its entry in the index was read.
 */
export type Found = ClaimableRow | { at: number; head: Row; count: number } | { at: number; due: string; count: number };

export function rowOf(found: Found): string {
  if ('due' in found) return found.due;
  if ('head' in found) return found.head.id as string;
  return 'seen' in found ? found.seen.id : found.parcel.id;
}

/** Merges both lists, longest waiting first. Assumes that each row of the index holds `duePerRow` messages. */
export function oldestFirst(heads: readonly Row[], due: readonly Row[], duePerRow: number): Found[] {
  const unreceived = heads.map((head): Found => ({ at: parcelSince(head), head, count: parcelCount(head) }));
  const dueRows = due.map((row): Found => ({ at: row.expiry as number, due: row.id as string, count: duePerRow }));
  const merged: Found[] = [];
  let i = 0;
  let j = 0;
  while (i < unreceived.length || j < dueRows.length) {
    const takesUnreceived = j >= dueRows.length || (i < unreceived.length && unreceived[i]!.at <= dueRows[j]!.at);
    merged.push(takesUnreceived ? unreceived[i++]! : dueRows[j++]!);
  }
  return merged;
}

/**
 * Divides rows into stretches: neighbouring rows with about `max` messages together. The first `window` stretches come in random
 * order, then the others. Rows that other receives of this process have claimed since `readAt` come last.
 */
export function stretchesOf(ctx: Context, found: readonly Found[], max: number, window: number, readAt: number): Found[][] {
  const free: Found[] = [];
  const claimed: Found[] = [];
  for (const one of found) (ctx.claimsInProgress.touchedSince(rowOf(one), readAt) ? claimed : free).push(one);
  const order = cut(free, max);
  for (let i = Math.min(window, order.length) - 1; i > 0; i--) {
    const j = Math.floor(ctx.random.number() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return [...order, ...cut(claimed, max)];
}

function cut(found: readonly Found[], max: number): Found[][] {
  const stretches: Found[][] = [];
  let messages = max;
  for (const one of found) {
    if (messages >= max) {
      stretches.push([]);
      messages = 0;
    }
    stretches.at(-1)!.push(one);
    messages += one.count;
  }
  return stretches;
}

/** Reads the due rows, so that they can be claimed; the others stay as they are. */
export async function readCandidates(ctx: Context, found: readonly Found[]): Promise<ClaimableRow[]> {
  const seen = await readRows(
    ctx,
    found.flatMap((one) => ('due' in one ? [one.due] : [])),
  );
  const leases = seen.map((row) => decodeSnapshot(row, ctx.clock.now()).lease);
  const parcels = await nextParcels(ctx, leases);
  return found.map((one): ClaimableRow => {
    if ('head' in one) {
      const parcel = decodeParcel(one.head);
      return { at: one.at, parcel, size: sizeOf(parcel.content), count: one.count };
    }
    if (!('due' in one)) return one;
    const row = seen.shift()!;
    const lease = leases.shift();
    const next = lease && parcels.get(lease.id);
    if (next) {
      const known = { at: one.at, seen: { ...row, nextParcel: next }, size: sizeOf(next.content) };
      const isLast = lease.kind === 'group' && lease.group.tail === next.id;
      return isLast || next.count >= parcelSlotsMax
        ? { ...known, count: next.count }
        : { ...known, count: parcelSlotsMax, isGuess: true };
    }
    const size = lease ? contentBytes(lease) : 0;
    // The group advances to parcels that were not read: assume a full row.
    if (lease?.kind === 'group' && isEnded(lease)) return { at: one.at, seen: row, size, count: parcelSlotsMax, isGuess: true };
    return { at: one.at, seen: row, size, count: lease?.slots.filter(isLive).length ?? 0 };
  });
}

/** The next parcel of each group whose row names it, by the id of that row. One batch read replaces a query for each group. */
async function nextParcels(ctx: Context, leases: readonly (LeaseRow | undefined)[]): Promise<Map<string, Parcel>> {
  const keys = leases.flatMap((lease) => (lease && nextParcelKey(lease)) ?? []);
  const rows = keys.length > 0 ? await ctx.store.get(keys) : [];
  return new Map(rows.flatMap((row) => (row ? [[row.shard as string, decodeParcel(row)]] : [])));
}

/**
 * Estimates how many messages a row yields, so that a round claims as many rows side by side as it needs. For groups whose next
 * messages were not all read, uses the average of such groups so far. An estimate that is too high costs extra rounds of a few messages
 * each.
 */
export function createExpectation() {
  let rows = 0;
  let messages = 0;
  return {
    of(candidate: ClaimableRow): number {
      const isGuess = 'isGuess' in candidate && rows > 0;
      return Math.max(1, isGuess ? Math.ceil(messages / rows) : candidate.count);
    },
    met(candidate: ClaimableRow, claimed: number): void {
      if (!('isGuess' in candidate) || claimed === 0) return;
      rows++;
      messages += claimed;
    },
  };
}
