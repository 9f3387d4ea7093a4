/**
 * Claims rows for a receive, stretch by stretch, as many rows side by side as needed. If other receivers use the shard, the first
 * row of a stretch is tried alone. A receiver that has that row is about to claim the rows behind it as well.
 */
import { callBytesMax, tombstoneMs } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { decodeSnapshot } from '../leases/lease-store.ts';
import { overriddenParcels } from '../lifecycle/group-parcels.ts';
import { messageOverheadBytes } from '../messages/message-view.ts';
import { contentBytes } from '../model/held-parcels.ts';
import { ignoreStoreError, StoreError } from '../port/port.ts';
import { type ClaimableRow, createExpectation, type Found, readCandidates, rowOf } from './candidates.ts';
import { type Claimer, type ClaimOutcome, claimDue, claimUnreceived, clearParcel, giveBack } from './claims.ts';
import type { Claims, ParcelToRemove } from './deliver.ts';

export interface ClaimPlan {
  stretches: readonly (readonly Found[])[];
  max: number;
  /** Whether other receivers use the same shards. */
  isShared: boolean;
  readAt: number;
  /** Collects the rows that are being claimed; the caller releases them. */
  claiming: string[];
}

interface Attempt {
  candidate: ClaimableRow;
  want: number;
}

export function messagesOf({ claimed }: Claims): number {
  return claimed.reduce((sum, { slots }) => sum + slots.length, 0);
}

/**
 * Claims until there are `max` messages, one answer is full, or no row is left; adds to `claims`. `isExhausted`: all
 * rows were tried, no other receiver interfered, and there is room for more.
 */
export async function claimInRounds(
  ctx: Context,
  claimer: Claimer,
  claims: Claims,
  { stretches, max, isShared, readAt, claiming }: ClaimPlan,
): Promise<{ isExhausted: boolean }> {
  let failure: StoreError | undefined;
  let messages = messagesOf(claims);
  let bytes = claims.claimed.reduce(
    (sum, { lease, slots }) => sum + contentBytes(lease) + slots.length * messageOverheadBytes,
    0,
  );
  const expected = createExpectation();
  let isFull = false;
  let isUndisturbed = true;
  let isOverlapping = false;

  /** Takes the next rows of a stretch: as many as are needed and fit the answer. */
  function plan(candidates: ClaimableRow[], rowsMax: number): Attempt[] {
    const round: Attempt[] = [];
    let planned = 0;
    while (candidates.length > 0 && planned < max - messages && round.length < rowsMax) {
      const candidate = candidates[0]!;
      const size = candidate.size + candidate.count * messageOverheadBytes;
      isFull = bytes > 0 && bytes + size > callBytesMax;
      if (isFull) break;
      const want = Math.min(expected.of(candidate), max - messages - planned);
      round.push({ candidate, want });
      planned += want;
      bytes += size;
      candidates.shift();
    }
    // If the rows run out, the last group may load more messages than expected.
    const last = round.at(-1);
    const rest = max - messages - planned;
    if (last && candidates.length === 0 && rest > 0 && 'isGuess' in last.candidate) last.want += rest;
    return round;
  }

  async function claimAll(round: Attempt[]): Promise<ClaimOutcome[]> {
    const outcomes = await Promise.all(
      round.map(async ({ candidate, want }) => {
        try {
          return await claim(ctx, claimer, candidate, want, readAt, claims.removals);
        } catch (error) {
          // Deliver what the other claims yield, even if this one fails.
          if (!(error instanceof StoreError)) throw error;
          failure = error;
          if (error.applied === 'unknown') await giveBack(ctx, claimer, rowOf(candidate)).catch(ignoreStoreError);
          return undefined;
        }
      }),
    );
    // Keep the order of the candidates, whichever claim finishes first.
    for (const [index, claimed] of outcomes.entries()) {
      if (!claimed || claimed === 'lost') continue;
      // A row found both in `messages` and among the due rows is claimed once, but returned twice.
      if (claims.claimed.some(({ lease }) => lease.id === claimed.lease.id)) continue;
      claims.claimed.push(claimed);
      messages += claimed.slots.length;
      expected.met(round[index]!.candidate, claimed.slots.length);
    }
    return outcomes;
  }

  const isDone = () => messages >= max || isFull || failure !== undefined || isOverlapping;
  for (const stretch of stretches) {
    if (isDone()) break;
    // Before anything is awaited: another receive of this process that has read the same rows chooses next, and must choose others.
    for (const row of stretch.map(rowOf)) {
      ctx.claimsInProgress.take(row);
      claiming.push(row);
    }
    const candidates = await readCandidates(ctx, stretch).catch((error: unknown) => {
      if (!(error instanceof StoreError)) throw error;
      failure = error;
      return [];
    });
    let isFirst = isShared;
    while (candidates.length > 0 && !isDone()) {
      const outcomes = await claimAll(plan(candidates, isFirst ? 1 : candidates.length));
      const isLost = outcomes.includes('lost');
      if (isLost) isUndisturbed = false;
      if (isLost && isFirst) break;
      // Stop here. Taking part of the next stretch would cut it in two, and another receiver would conflict in its middle.
      isOverlapping = isLost && messages > 0;
      isFirst = false;
    }
  }
  if (isUndisturbed) for (const { lease } of claims.claimed) ctx.windows.undisturbed(lease.shard);
  if (failure && claims.claimed.length === 0) throw failure;
  return { isExhausted: isUndisturbed && !isDone() };
}

async function claim(
  ctx: Context,
  claimer: Claimer,
  candidate: ClaimableRow,
  want: number,
  readAt: number,
  removals: ParcelToRemove[],
): Promise<ClaimOutcome> {
  if ('seen' in candidate) {
    const claimed = await claimDue(ctx, claimer, candidate.seen, want);
    if (claimed === undefined || claimed === 'lost') return claimed;
    // Only for groups. Any other row with `sourceShard` was claimed by this receive, which found its parcel in `messages` too.
    if (claimed.lease.kind === 'group') removals.push(...overriddenParcels(claimed.lease));
    return claimed;
  }
  const { parcel } = candidate;
  const cleared = await clearParcel(ctx, claimer.queue, parcel, readAt);
  if (cleared) {
    if (cleared.remove) removals.push(parcel);
    return undefined;
  }
  const result = await claimUnreceived(ctx, claimer, parcel, want, readAt);
  if ('claimed' in result) {
    removals.push(parcel);
    return result.claimed;
  }
  ctx.windows.conflicted(parcel.shard);
  const { lease, tombstone } = decodeSnapshot(result.inTheWay, ctx.clock.now());
  // Another receiver's row: that receiver removes the parcel. A tombstone made since the read: its writer removes the parcel. The
  // writer of an older tombstone may have died. (If that writer's clock is behind, one removal is superfluous; if ahead, a later
  // look removes the parcel.)
  if (tombstone && tombstone.until - tombstoneMs <= readAt) removals.push(parcel);
  if (!lease || (result.inTheWay.row!.expiry as number) > ctx.clock.now()) return 'lost';
  return (await claimDue(ctx, claimer, result.inTheWay, want)) ?? 'lost';
}
