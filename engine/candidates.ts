/** What a receive may choose from: the rows at the head of a shard in `messages`, and the due ones in `leases`. */
import { parcelSlotsMax } from '../sdk/limits.ts';
import { sizeOf } from './contents.ts';
import type { Context } from './context.ts';
import { isEnded, judgeable, look, type Seen } from './lease-writes.ts';
import type { Row } from './port.ts';
import { readParcel } from './row-format.ts';
import type { Parcel } from './rows.ts';

/** A row that may be taken: it has been waiting since `at`. */
export type Candidate =
  | { at: number; parcel: Parcel; size: number; count: number }
  | { at: number; seen: Seen; size: number; count: number };

export function rowOf(candidate: Candidate): string {
  return 'seen' in candidate ? candidate.seen.id : candidate.parcel.id;
}

/** Both, the longest waiting first; of the window's rows in an order of this receive's own. */
export async function candidatesOf(
  ctx: Context,
  window: number,
  heads: readonly Row[],
  due: readonly Row[],
): Promise<Candidate[]> {
  return oldestFirst(shuffled(ctx, window, heads), await dueRows(ctx, shuffled(ctx, window, due)));
}

/** Those that other receives of this process have had in hand since they were read come last. */
export function othersLast(ctx: Context, candidates: readonly Candidate[], readAt: number): Candidate[] {
  const isInHand = (candidate: Candidate) => ctx.inHand.touchedSince(rowOf(candidate), readAt);
  return [...candidates.filter((one) => !isInHand(one)), ...candidates.filter(isInHand)];
}

/**
 * The rows of the window in a random order, then those behind it. (From a random row on would be in order, but whoever meets a row
 * taken would go on to its neighbour, which others have come to in the same way.)
 */
function shuffled(ctx: Context, window: number, rows: readonly Row[]): Row[] {
  const order = rows.slice(0, window);
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(ctx.random.number() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return [...order, ...rows.slice(window)];
}

async function dueRows(ctx: Context, rows: readonly Row[]): Promise<Candidate[]> {
  const seen = await look(
    ctx,
    rows.map((row) => row.id as string),
  );
  return seen.map((one, index): Candidate => {
    const { lease } = judgeable(one, ctx.clock.now());
    const size = lease ? sizeOf(lease.contents) : 0;
    // Of a group that goes on to its next parcel, as many as that may hold.
    const count = lease?.group && isEnded(lease) ? parcelSlotsMax : (lease?.slots.length ?? 0);
    return { at: rows[index]!.expiry as number, seen: one, size, count };
  });
}

function oldestFirst(heads: readonly Row[], due: readonly Candidate[]): Candidate[] {
  const fresh = heads.map(readParcel).map((parcel): Candidate => {
    return { at: parcel.since, parcel, size: sizeOf(parcel.contents), count: parcel.count };
  });
  const merged: Candidate[] = [];
  let i = 0;
  let j = 0;
  while (i < fresh.length || j < due.length) {
    const takeFresh = j >= due.length || (i < fresh.length && fresh[i]!.at <= due[j]!.at);
    merged.push(takeFresh ? fresh[i++]! : due[j++]!);
  }
  return merged;
}
