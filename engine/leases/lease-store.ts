/**
 * Reads and writes rows of `leases`. The other files of leases/ build such rows, offload bodies, remove rows and keep ended
 * messages. Every change is one conditional write of one row. If the condition fails, the store returns the current row and the
 * caller re-evaluates against it. Versions are never reused: a row that carries a version we generated proves our write was
 * applied, even if the response was lost.
 */
import { endGraceMs, readToWriteMsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { bodyTtl, isShared, ownChunkKeys, type StoredContent } from '../model/content-codec.ts';
import { parcelsDone } from '../model/group-row.ts';
import type { Marker } from '../model/marker.ts';
import { writeDeadline } from '../model/queue-record.ts';
import { decodeLease, encodeLease, encodeTombstone } from '../model/row-codec.ts';
import { absentAt, endOf, isLive, type LeaseRow, leaseKey, newTombstone, type Parcel, type Tombstone } from '../model/rows.ts';
import { type Condition, type Row, StoreError, type Write, type WriteOptions } from '../port/port.ts';
import { untilDone } from '../port/until-done.ts';

/** A row of `leases` as a read or a write returned it, and when that call began, ms. */
export interface Snapshot {
  id: string;
  row: Row | undefined;
  readAt: number;
  /** For a group's row: its next parcel, if that was read together with the row. */
  nextParcel?: Parcel;
  /** After a write: an earlier attempt may have been applied, and the row that it put may have changed or gone since. */
  maybeApplied?: true;
}

/** Whether a write may still be based on this snapshot (F, `readToWriteMsMax`). */
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

export interface DecodedRow {
  lease?: LeaseRow;
  tombstone?: Tombstone;
  marker?: Marker;
}

/** The lease of a snapshot, its marker, or its tombstone if that still counts; else empty. */
export function decodeSnapshot(seen: Snapshot, now: number): DecodedRow {
  if (!seen.row) return {};
  const found = decodeLease(seen.row);
  // A tombstone with pending cleanup counts until the cleanup is done.
  if ('tombstone' in found && found.tombstone.until < now && !found.tombstone.pendingCleanup) return {};
  return found;
}

/**
 * Writes one row of `leases` under a condition. Returns the row as it is afterwards: the new one, or the one that failed the
 * condition. Reads the row if the response was lost, or if the write was too late to be sent. Rejects with StoreError if that
 * read fails, or if the write was not applied for another reason.
 */
export async function writeRow(
  ctx: Context,
  id: string,
  when: Condition,
  then: Write['then'],
  readAt: number,
  { isFollowed = false }: Pick<WriteOptions, 'isFollowed'> = {},
): Promise<Snapshot> {
  const startedAt = ctx.clock.now();
  try {
    const written = await ctx.store.write({ key: leaseKey(id), when, then }, { ...writeDeadline(readAt), isFollowed });
    const maybeApplied = !written.ok && written.maybeApplied;
    return { id, row: written.row, readAt: startedAt, ...(maybeApplied && { maybeApplied }) };
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    // Too late to be sent: the caller re-evaluates against a new read. Not applied for another reason: the caller must know.
    const isLate = startedAt > writeDeadline(readAt).by || ctx.clock.now() > writeDeadline(readAt).by;
    if (error.applied === 'no' && (error.reason === 'throttled' || !isLate)) throw error;
    return readAfterFailure(ctx, id, error);
  }
}

/** Reads the row after a failed write. */
async function readAfterFailure(ctx: Context, id: string, failure: StoreError): Promise<Snapshot> {
  const seen = await readRow(ctx, id).catch((unread: unknown) => {
    // A failed read says `applied: 'no'`, but the write may have been applied: report the write's failure.
    throw unread instanceof StoreError ? failure : unread;
  });
  return failure.applied === 'unknown' ? { ...seen, maybeApplied: true } : seen;
}

/** Puts `row` if the row is as in the snapshot. The write was applied if the returned row has the version of `row`. */
export function putIfUnchanged(ctx: Context, seen: Snapshot, row: Row): Promise<Snapshot> {
  const when: Condition = seen.row ? unchanged(seen.row) : { absent: ['id'] };
  return writeRow(ctx, seen.id, when, { put: row }, seen.readAt);
}

/** A row that was edited by hand may have no version. */
export function unchanged({ version }: Row): Condition {
  return version === undefined
    ? { all: [{ exists: ['id'] }, { absent: ['version'] }] }
    : { equals: [['version'], version as string] };
}

/** Like `putIfUnchanged`, in one transaction with other writes: all are applied, or none. */
export async function putIfUnchangedWith(ctx: Context, seen: Snapshot, row: Row, others: readonly Write[]): Promise<Snapshot> {
  const startedAt = ctx.clock.now();
  const options = writeDeadline(seen.readAt);
  const write: Write = { key: leaseKey(seen.id), when: unchanged(seen.row!), then: { put: row } };
  try {
    const result = await ctx.store.transact([write, ...others], options);
    if (result.ok) return { id: seen.id, row, readAt: startedAt };
    const inTheWay = result.refused[0];
    if (inTheWay) return { id: seen.id, row: inTheWay.row, readAt: startedAt };
    // Another write of the transaction failed its condition. A delayed duplicate may still succeed, so the outcome is unknown.
    return readAfterFailure(ctx, seen.id, new StoreError(`others than the row ${seen.id} were in the way`, 'unknown'));
  } catch (error) {
    if (!(error instanceof StoreError) || (error.applied === 'no' && ctx.clock.now() <= options.by)) throw error;
    return readAfterFailure(ctx, seen.id, error);
  }
}

/** Puts `row` if no row exists, or only a tombstone that counts no more (`absentAt`). */
export function putIfAbsent(
  ctx: Context,
  row: Row,
  readAt: number,
  options?: Pick<WriteOptions, 'isFollowed'>,
): Promise<Snapshot> {
  return writeRow(ctx, row.id as string, absentAt(ctx.clock.now()), { put: row }, readAt, options);
}

/** Calls `decide` with the row until it returns `done`: first with `first`, each time with a new read if the row is too old. */
export function retryOnConflict<T>(
  ctx: Context,
  first: Snapshot,
  decide: (seen: Snapshot) => Promise<{ done: T } | { seen: Snapshot }>,
): Promise<T> {
  return untilDone(`the row ${first.id}`, first, async (seen) =>
    decide(isCurrent(ctx, seen) ? seen : await readRow(ctx, seen.id)),
  );
}

/** The row of a lease whose messages have all ended: a tombstone, or for a group its row without messages. */
export function endedRow(lease: LeaseRow, now: number): Row {
  if (lease.kind === 'group') return encodeLease(parcelsDone(lease, now));
  const shownUntil = Math.max(0, ...lease.slots.map(({ kept }) => kept?.until ?? 0));
  const tombstone = newTombstone(
    lease.id,
    lease.version,
    lease.slots.map(endOf),
    now,
    lease.kind === 'keyed' ? lease.keyed : undefined,
  );
  if (shownUntil > now) {
    tombstone.kept = lease;
    tombstone.until = Math.max(tombstone.until, shownUntil);
  }
  if (lease.needsCleanup) {
    tombstone.pendingCleanup = { shard: lease.shard, dueAt: now + endGraceMs };
    if (lease.kind === 'parcel' && lease.outOfOrder !== undefined) tombstone.pendingCleanup.outOfOrder = lease.outOfOrder;
    if (ownChunkKeys(lease.content).length > 0) tombstone.pendingCleanup.content = lease.content;
  }
  return encodeTombstone(tombstone);
}

export function isEnded(lease: LeaseRow): boolean {
  return !lease.slots.some(isLive);
}

/** Whether offloaded bodies must be deleted explicitly when their row ends, because they have no TTL. Shared ones have a TTL. */
export function lacksTtl(content: StoredContent, retentionEnd: number | undefined): boolean {
  return 'offloaded' in content && !isShared(content) && retentionEnd === undefined;
}

/** Whether the row names exactly these offloaded bodies, so that they must stay. */
export function holdsBodies({ row }: Snapshot, content: StoredContent): boolean {
  return 'offloaded' in content && row?.beside === content.offloaded;
}

/**
 * Extends the TTL of a row's own offloaded bodies so that they outlive the message; removes it if `retentionEnd` is undefined (kept forever).
 * Never adds a TTL to bodies without one: a delayed duplicate would expire bodies that are now kept forever.
 */
export async function keepBodies(ctx: Context, content: StoredContent, retentionEnd: number | undefined): Promise<void> {
  if (retentionEnd !== undefined) {
    const ttl = bodyTtl(retentionEnd);
    return changeBodies(ctx, content, { less: [['ttl'], ttl] }, { set: [[['ttl'], ttl]] });
  }
  await changeBodies(ctx, content, { exists: ['ttl'] }, { set: [], unset: [['ttl']] });
}

/** Lets TTL remove the bodies of an ended row after `shownUntil`. Also adds a TTL to bodies without one. */
export async function expireBodies(ctx: Context, content: StoredContent, shownUntil: number): Promise<void> {
  const ttl = bodyTtl(shownUntil);
  const isShorter: Condition = { any: [{ absent: ['ttl'] }, { less: [['ttl'], ttl] }] };
  await changeBodies(ctx, content, { all: [{ exists: ['id'] }, isShorter] }, { set: [[['ttl'], ttl]] });
}

async function changeBodies(ctx: Context, content: StoredContent, when: Condition, then: Write['then']): Promise<void> {
  await Promise.all(ownChunkKeys(content).map((key) => ctx.store.write({ key, when, then })));
}

/** The error for a put after which no row is found: it may have been applied, or it was certainly sent too late. */
export function unknownOutcome({ maybeApplied }: { maybeApplied?: true } = { maybeApplied: true }): StoreError {
  if (!maybeApplied) return new StoreError('the time in which the message could be stored has passed', 'no', undefined, 'late');
  return new StoreError('the store did not answer whether the message was stored', 'unknown');
}
