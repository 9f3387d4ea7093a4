/**
 * Moving messages to another queue: into its dead-letter queue, or back. A message keeps its id. Where all that a row still
 * holds moves, that is one write of the row; where some of a parcel stay, one transaction marks their slots `moved` and puts each
 * under a row of its own.
 */
import { joinEntries, keptUntil, packEntry, place, readContents, writeChunks } from './contents.ts';
import type { Context } from './context.ts';
import { slotRowId } from './ids.ts';
import { endedRow, isEnded, keepBodies, lookAt, needsEnding, replace, type Seen } from './lease-writes.ts';
import { StoreError, type Write } from './port.ts';
import { leaseRow, roomForContents } from './row-format.ts';
import { absentAt, type Death, isLive, type Lease, leaseKey, type Slot } from './rows.ts';
import { expiryOf, incarnationOf, type QueueRecord, shardKey, writeBy } from './settings.ts';

export interface Move {
  seen: Seen;
  lease: Lease;
  /** Which slots, all live. */
  slots: readonly number[];
  target: QueueRecord;
  /** Why they died; undefined when they are brought back to life. */
  death?: Death;
}

export interface Moved {
  applied: boolean;
  /** The row the messages were in, as it is afterwards. */
  seen: Seen;
}

/** Moves messages if the row is as it was seen. */
export async function moveSlots(ctx: Context, move: Move): Promise<Moved> {
  const live = move.lease.slots.filter(isLive).length;
  const moved = move.slots.length === live ? await moveRow(ctx, move) : await moveOut(ctx, move);
  if (moved.applied && move.death) {
    const { queue, reason } = move.death;
    ctx.observe?.({ kind: 'dead_lettered', queue, to: move.target.name, reason, messages: move.slots.length });
  }
  if (moved.applied) ctx.wakeups.wake(move.target.name);
  return moved;
}

/** A slot as it enters its new queue: due at once, never received there. */
function arriving(slot: Slot, now: number, dies: boolean): Slot {
  const next: Slot = { visibleAt: now, receives: 0, failures: 0 };
  if (dies) next.died = { receives: slot.receives, failures: slot.failures };
  if (dies && slot.lastFailure !== undefined) next.lastFailure = slot.lastFailure;
  return next;
}

/** What of a row is the same for all its messages, in their new queue. */
function arrivingRow(ctx: Context, move: Move, now: number): Omit<Lease, 'id' | 'slots' | 'contents'> {
  const { lease, target, death } = move;
  const expiresAt = expiryOf(target, now);
  return {
    shard: shardKey(target, Math.floor(ctx.random.number() * target.shards)),
    version: ctx.newVersion(),
    since: now,
    publishedAt: lease.publishedAt ?? lease.since,
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(death ? { death } : {}),
    ...(target.deadLetter ? { maxReceives: target.deadLetter.maxReceives } : {}),
  };
}

async function moveRow(ctx: Context, move: Move): Promise<Moved> {
  const { seen, lease, death } = move;
  const now = ctx.clock.now();
  const arrived = arrivingRow(ctx, move, now);
  await keepBodies(ctx, lease.contents, arrived.expiresAt);
  const next: Lease = {
    ...arrived,
    id: lease.id,
    slots: lease.slots.map((slot) => (isLive(slot) ? arriving(slot, now, death !== undefined) : slot)),
    contents: lease.contents,
    ...(lease.fresh === undefined ? {} : { fresh: lease.fresh }),
    ...(lease.outOfOrder === undefined ? {} : { outOfOrder: lease.outOfOrder }),
    ...(lease.ending || needsEnding(lease.contents, arrived.expiresAt) ? { ending: true } : {}),
  };
  const after = await replace(ctx, seen, leaseRow(next));
  return { applied: after.row?.version === next.version, seen: after };
}

async function moveOut(ctx: Context, move: Move): Promise<Moved> {
  const { seen, lease, slots, death } = move;
  const [contents] = await readContents(ctx.store, [lease.contents]);
  if (!contents) {
    // They go when the row has ended: whoever slept since he read it sees that.
    const after = await lookAt(ctx, lease.id);
    if (after.row?.version !== lease.version) return { applied: false, seen: after };
    // They go before their row where a queue is deleted: whoever has not learnt of that yet must not fail for it as for a defect.
    ctx.observe?.({
      kind: 'anomaly',
      what: 'the bodies of a message are gone',
      queue: incarnationOf(lease.shard),
      row: lease.id,
    });
    throw new StoreError(`the bodies of ${lease.id} are gone`, 'no');
  }
  const now = ctx.clock.now();
  const arrived = arrivingRow(ctx, move, now);
  const options = writeBy(seen.readAt);

  const puts = await Promise.all(
    slots.map(async (slot): Promise<Write> => {
      const id = slotRowId(lease.id, slot);
      const room = roomForContents(1, id.length, false, move.target.deadLetter !== null);
      const { placed, chunks } = place(joinEntries([packEntry(contents[slot]!)]), room, () => ctx.ids.parcel(0));
      await writeChunks(ctx.store, placed, chunks, arrived.expiresAt && keptUntil(arrived.expiresAt), options);
      const next: Lease = { ...arrived, id, slots: [arriving(lease.slots[slot]!, now, death !== undefined)], contents: placed };
      if (needsEnding(placed, arrived.expiresAt)) next.ending = true;
      return { key: leaseKey(id), when: absentAt(now), then: { put: leaseRow(next) } };
    }),
  );
  const version = ctx.newVersion();
  const rest: Lease = {
    ...lease,
    version,
    slots: lease.slots.map((slot, index) => (slots.includes(index) ? leftBehind(slot) : slot)),
  };
  const row = isEnded(rest) ? endedRow(rest, version, now) : leaseRow(rest);
  const mark: Write = {
    key: leaseKey(lease.id),
    when: { equals: [['version'], lease.version] },
    then: { put: row },
  };
  try {
    const result = await ctx.store.transact([mark, ...puts], options);
    if (result.ok) return { applied: true, seen: { id: lease.id, row, readAt: now } };
    const inTheWay = result.refused[0];
    return { applied: false, seen: inTheWay ? { id: lease.id, row: inTheWay.row, readAt: now } : await lookAt(ctx, lease.id) };
  } catch (error) {
    if (!(error instanceof StoreError) || (error.applied === 'no' && ctx.clock.now() <= options.by)) throw error;
    const after = await lookAt(ctx, lease.id);
    return { applied: after.row?.version === version, seen: after };
  }
}

/** A slot whose message lives on elsewhere; its token is gone with it. */
function leftBehind(slot: Slot): Slot {
  return { visibleAt: slot.visibleAt, receives: 0, failures: 0, end: 'moved' };
}
