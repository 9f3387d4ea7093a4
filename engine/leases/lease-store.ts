/**
 * Reading and replacing rows of `leases`. Every change is one write of one row, conditional on the version that was seen; whoever
 * is refused is handed the row in the way, and judges again on that. A version is never used twice, so a row that carries a
 * version of mine is a write of mine that was applied, whatever became of the answer.
 */
import { endGraceMs, readToWriteMsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { chunkKeys, keptUntil, type Placed } from '../model/content-codec.ts';
import { parcelDone } from '../model/group-row.ts';
import { writeDeadline } from '../model/queue-record.ts';
import { decodeLease, encodeLease, encodeTombstone } from '../model/row-codec.ts';
import { absentAt, endOf, isLive, type Lease, leaseKey, newTombstone, type Parcel, type Tombstone } from '../model/rows.ts';
import { type Condition, type Row, StoreError, type Write } from '../port/port.ts';

/** A row of `leases` as it was read, and when the read began. */
export interface Snapshot {
  id: string;
  row: Row | undefined;
  readAt: number;
  /** Of a group's row: the parcel that it takes next, where that was read with it. */
  first?: Parcel;
  /** Of what a write left: an earlier try of it may have been applied, and what it put may be gone again. */
  maybeApplied?: true;
}

/** Whether a write may still rest on what was seen. */
export function isCurrent(ctx: Context, seen: Snapshot): boolean {
  return ctx.clock.now() - seen.readAt <= readToWriteMsMax;
}

export async function readRows(ctx: Context, ids: readonly string[]): Promise<Snapshot[]> {
  if (ids.length === 0) return [];
  const readAt = ctx.clock.now();
  const rows = await ctx.store.get(ids.map(leaseKey));
  return ids.map((id, index) => ({ id, row: rows[index], readAt }));
}

export async function readRow(ctx: Context, id: string): Promise<Snapshot> {
  const [seen] = await readRows(ctx, [id]);
  return seen!;
}

export interface Judged {
  lease?: Lease;
  tombstone?: Tombstone;
}

/** What was seen: a lease, a tombstone whose time is not over, or nothing. */
export function decodeSnapshot(seen: Snapshot, now: number): Judged {
  if (!seen.row) return {};
  const found = decodeLease(seen.row);
  // A tombstone with something left to remove counts until that is done.
  if ('tombstone' in found && found.tombstone.until < now && !found.tombstone.left) return {};
  return found;
}

/**
 * Writes one row of `leases` under a condition, and answers the row as it is afterwards: the new one, or the one in the way.
 * A lost answer is settled by reading. Rejects with a StoreError only when nothing can be said.
 */
export async function writeLease(
  ctx: Context,
  id: string,
  when: Condition,
  then: Write['then'],
  readAt: number,
): Promise<Snapshot> {
  const startedAt = ctx.clock.now();
  try {
    const written = await ctx.store.write({ key: leaseKey(id), when, then }, writeDeadline(readAt));
    const maybeApplied = !written.ok && written.maybeApplied;
    return { id, row: written.row, readAt: startedAt, ...(maybeApplied && { maybeApplied }) };
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    // Certain not to be applied for want of time: judge again on a new read. For another reason: the caller has to know.
    const isLate = startedAt > writeDeadline(readAt).by || ctx.clock.now() > writeDeadline(readAt).by;
    if (error.applied === 'no' && (error.reason === 'throttled' || !isLate)) throw error;
    return lookAfter(ctx, id, error);
  }
}

/** What is there after a write that failed. */
async function lookAfter(ctx: Context, id: string, failure: StoreError): Promise<Snapshot> {
  const seen = await readRow(ctx, id).catch((unread: unknown) => {
    // A read that failed did nothing for certain; of the write that is not to be said.
    throw unread instanceof StoreError ? failure : unread;
  });
  return failure.applied === 'unknown' ? { ...seen, maybeApplied: true } : seen;
}

/** Puts `row` if the row is as it was seen. It was applied if the answer has the version of `row`. */
export function putIfUnchanged(ctx: Context, seen: Snapshot, row: Row): Promise<Snapshot> {
  const when: Condition = seen.row ? unchanged(seen.row) : { absent: ['id'] };
  return writeLease(ctx, seen.id, when, { put: row }, seen.readAt);
}

/** A row that somebody wrote by hand may have no version. */
function unchanged({ version }: Row): Condition {
  return version === undefined
    ? { all: [{ exists: ['id'] }, { absent: ['version'] }] }
    : { equals: [['version'], version as string] };
}

/** As `replace`, together with other writes: all of them, or none. */
export async function putIfUnchangedWith(ctx: Context, seen: Snapshot, row: Row, others: readonly Write[]): Promise<Snapshot> {
  const startedAt = ctx.clock.now();
  const options = writeDeadline(seen.readAt);
  const write: Write = { key: leaseKey(seen.id), when: unchanged(seen.row!), then: { put: row } };
  try {
    const result = await ctx.store.transact([write, ...others], options);
    if (result.ok) return { id: seen.id, row, readAt: startedAt };
    const inTheWay = result.refused[0];
    if (inTheWay) return { id: seen.id, row: inTheWay.row, readAt: startedAt };
    // For the sake of the others: a copy of it that arrives later may yet find them as they are to be.
    return lookAfter(ctx, seen.id, new StoreError(`others than the row ${seen.id} were in the way`, 'unknown'));
  } catch (error) {
    if (!(error instanceof StoreError) || (error.applied === 'no' && ctx.clock.now() <= options.by)) throw error;
    return lookAfter(ctx, seen.id, error);
  }
}

/** Puts `row` if none is there, or only a tombstone whose time is over. */
export function putIfAbsent(ctx: Context, row: Row, readAt: number): Promise<Snapshot> {
  return writeLease(ctx, row.id as string, absentAt(ctx.clock.now()), { put: row }, readAt);
}

/** How often a change is judged again before the caller is told to try later: more than any crowd on one row has needed. */
const roundsMax = 32;

/** Judges what was seen until `judge` is satisfied (answers `done`), each time on the row as it is then. */
export async function retryOnConflict<T>(
  ctx: Context,
  first: Snapshot,
  judge: (seen: Snapshot) => Promise<{ done: T } | { seen: Snapshot }>,
): Promise<T> {
  let seen = first;
  for (let round = 0; round < roundsMax; round++) {
    if (!isCurrent(ctx, seen)) seen = await readRow(ctx, seen.id);
    const judged = await judge(seen);
    if ('done' in judged) return judged.done;
    seen = judged.seen;
  }
  throw new StoreError(`the row ${first.id} changed ${roundsMax} times while it was to be changed`, 'no');
}

/** The row of a lease all of whose messages are done. */
export function endedRow(lease: Lease, version: string, now: number): Row {
  const shownUntil = Math.max(0, ...lease.slots.map(({ kept }) => kept?.until ?? 0));
  if (lease.group) {
    // What is kept of it, in a row of its own, shows what lies beside it.
    const { ending: _, ...rest } = lease;
    return encodeLease(parcelDone(shownUntil > now ? rest : lease, lease.group, version, now));
  }
  const tombstone = newTombstone(lease.id, version, lease.slots.map(endOf), now, lease.keyed);
  if (shownUntil > now) {
    tombstone.kept = lease;
    tombstone.until = Math.max(tombstone.until, shownUntil);
  }
  if (lease.ending) {
    tombstone.left = { shard: lease.shard, due: now + endGraceMs };
    if (lease.outOfOrder !== undefined) tombstone.left.outOfOrder = lease.outOfOrder;
    if ('beside' in lease.contents) tombstone.left.contents = lease.contents;
  }
  return encodeTombstone(tombstone);
}

export function isEnded(lease: Lease): boolean {
  return !lease.slots.some(isLive);
}

/** Whether what lies beside a row must be removed by hand when the row ends, since no TTL will. */
export function needsEnding(contents: Placed, expiresAt: number | undefined): boolean {
  return 'beside' in contents && expiresAt === undefined;
}

/** Whether the row is one whose bodies lie in this very place beside it: then they must stay. */
export function holdsBodies({ row }: Snapshot, contents: Placed): boolean {
  return 'beside' in contents && row?.beside === contents.beside;
}

/**
 * Sees to it that bodies beside a row outlive a message that may live until then; forever where `expiresAt` is undefined. What has no TTL gets
 * none: a copy that comes late would end what has come to be kept for ever since.
 */
export async function keepBodies(ctx: Context, contents: Placed, expiresAt: number | undefined, visibleAt = 0): Promise<void> {
  if (expiresAt !== undefined) {
    const ttl = keptUntil(expiresAt, visibleAt);
    return changeBodies(ctx, contents, { less: [['ttl'], ttl] }, { set: [[['ttl'], ttl]] });
  }
  await changeBodies(ctx, contents, { exists: ['ttl'] }, { set: [], unset: [['ttl']] });
}

/** Leaves bodies to TTL, also those that have none, when a row that has ended is no longer shown. */
export async function endBodies(ctx: Context, contents: Placed, shownUntil: number): Promise<void> {
  const ttl = keptUntil(shownUntil);
  const isShorter: Condition = { any: [{ absent: ['ttl'] }, { less: [['ttl'], ttl] }] };
  await changeBodies(ctx, contents, { all: [{ exists: ['id'] }, isShorter] }, { set: [[['ttl'], ttl]] });
}

async function changeBodies(ctx: Context, contents: Placed, when: Condition, then: Write['then']): Promise<void> {
  await Promise.all(chunkKeys(contents).map((key) => ctx.store.write({ key, when, then })));
}

/** Nothing is there after a put: it may have been, or it surely went out too late. */
export function unknownOutcome({ maybeApplied }: { maybeApplied?: true } = { maybeApplied: true }): StoreError {
  if (!maybeApplied) return new StoreError('the time in which the message could be stored has passed', 'no', undefined, 'late');
  return new StoreError('the store did not answer whether the message was stored', 'unknown');
}
