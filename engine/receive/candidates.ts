/** What a receive may choose from: the rows at the head of a shard in `messages`, and the due ones in `leases`. */
import { parcelSlotsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { decodeSnapshot, isEnded, readRows, type Snapshot } from '../leases/lease-store.ts';
import { firstKey } from '../lifecycle/group-parcels.ts';
import { sizeOf } from '../model/content-codec.ts';
import { decodeParcel } from '../model/row-codec.ts';
import { isLive, type Lease, type Parcel } from '../model/rows.ts';
import type { Row } from '../port/port.ts';

/** A row that may be taken, ready to be claimed. */
export type Candidate =
  | { at: number; parcel: Parcel; size: number; count: number }
  | { at: number; seen: Snapshot; size: number; count: number; isGuess?: true };

/** A row that may be taken: it has been waiting since `at`. Of a due one the index shows only that it is due: it is still to be read. */
export type Found = Candidate | { at: number; due: string; count: number };

export function rowOf(found: Found): string {
  if ('due' in found) return found.due;
  return 'seen' in found ? found.seen.id : found.parcel.id;
}

/** Both, the longest waiting first. A row of the index is taken to hold `duePerRow` messages. */
export function oldestFirst(heads: readonly Row[], due: readonly Row[], duePerRow: number): Found[] {
  const unreceived = heads.map(decodeParcel).map((parcel): Found => {
    return { at: parcel.since, parcel, size: sizeOf(parcel.contents), count: parcel.count };
  });
  const received = due.map((row): Found => ({ at: row.expiry as number, due: row.id as string, count: duePerRow }));
  const merged: Found[] = [];
  let i = 0;
  let j = 0;
  while (i < unreceived.length || j < received.length) {
    const takesUnreceived = j >= received.length || (i < unreceived.length && unreceived[i]!.at <= received[j]!.at);
    merged.push(takesUnreceived ? unreceived[i++]! : received[j++]!);
  }
  return merged;
}

/**
 * Stretches of neighbouring rows, each of about `max` messages: the first `window` of them in a random order, then those behind. Rows that
 * other receives of this process have claimed since they were read come last.
 */
export function stretchesOf(ctx: Context, found: readonly Found[], max: number, window: number, readAt: number): Found[][] {
  const isClaimed = (one: Found) => ctx.claimsInProgress.touchedSince(rowOf(one), readAt);
  const order = cut(
    found.filter((one) => !isClaimed(one)),
    max,
  );
  for (let i = Math.min(window, order.length) - 1; i > 0; i--) {
    const j = Math.floor(ctx.random.number() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return [...order, ...cut(found.filter(isClaimed), max)];
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

/** Reads the due rows among them. */
export async function readCandidates(ctx: Context, found: readonly Found[]): Promise<Candidate[]> {
  const seen = await readRows(
    ctx,
    found.flatMap((one) => ('due' in one ? [one.due] : [])),
  );
  const leases = seen.map((row) => decodeSnapshot(row, ctx.clock.now()).lease);
  const firsts = await firstParcels(ctx, leases);
  return found.map((one): Candidate => {
    if (!('due' in one)) return one;
    const row = seen.shift()!;
    const lease = leases.shift();
    const first = lease && firsts.get(lease.id);
    if (first) return { at: one.at, seen: { ...row, first }, size: sizeOf(first.contents), count: first.count };
    const size = lease ? sizeOf(lease.contents) : 0;
    // Of a group that goes on to its next parcel, as many as that may hold.
    if (lease?.group && isEnded(lease)) return { at: one.at, seen: row, size, count: parcelSlotsMax, isGuess: true };
    return { at: one.at, seen: row, size, count: lease?.slots.filter(isLive).length ?? 0 };
  });
}

/** The parcels that groups take next, by the group's row, where the row says which: read together, rather than by a query for each. */
async function firstParcels(ctx: Context, leases: readonly (Lease | undefined)[]): Promise<Map<string, Parcel>> {
  const keys = leases.flatMap((lease) => (lease && firstKey(lease)) ?? []);
  const rows = keys.length > 0 ? await ctx.store.get(keys) : [];
  return new Map(rows.flatMap((row) => (row ? [[row.shard as string, decodeParcel(row)]] : [])));
}

/**
 * How many messages to expect of a row, so that a round claims as many rows side by side as it takes. Of groups that go on to a parcel that
 * was not read: what those claimed before had on average. To expect too many would take one more round for each few of them.
 */
export function createExpectation() {
  let rows = 0;
  let messages = 0;
  return {
    of(candidate: Candidate): number {
      const isGuess = 'isGuess' in candidate && rows > 0;
      return Math.max(1, isGuess ? Math.ceil(messages / rows) : candidate.count);
    },
    met(candidate: Candidate, claimed: number): void {
      if (!('isGuess' in candidate) || claimed === 0) return;
      rows++;
      messages += claimed;
    },
  };
}
