/**
 * Publishes under a `dedupKey`. If the key is taken, the publish is ignored, or changes the message that waits under the key.
 * That is a change of its content (`replace`), or also of its timing (`debounce`). A key is taken while its message waits or is
 * leased. It is also taken until its window ends, even if the message is done or dead-lettered by then.
 */

import type { PublishResult } from '../../contract/contract.ts';
import { retryMsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { type RetryBudget, withRetry } from '../context/retry.ts';
import {
  type DecodedRow,
  decodeSnapshot,
  lacksTtl,
  putIfAbsent,
  putIfUnchanged,
  readRow,
  retryOnConflict,
  type Snapshot,
  unknownOutcome,
} from '../leases/lease-store.ts';
import { withBodies } from '../leases/offloaded-bodies.ts';
import { removeChunks } from '../leases/removals.ts';
import { processDueRow } from '../lifecycle/due-row.ts';
import { verdictOf } from '../lifecycle/verdicts.ts';
import { changeWaiting } from '../messages/edit-waiting.ts';
import { type Attempt, accept, isTaken, wasAccepted } from '../model/dedup-row.ts';
import { generatedIdOf } from '../model/marker.ts';
import { type QueueRecord, writeDeadline } from '../model/queue-record.ts';
import { encodeLease } from '../model/row-codec.ts';
import { isLive, type LeaseRow } from '../model/rows.ts';
import { StoreError } from '../port/port.ts';
import { type Target, targetOf } from '../queues/publish-target.ts';
import { displacedContent, newOwnRow } from './own-id.ts';
import type { Pending } from './parcels.ts';

/** Throws StoreError if the message was not published, or if the outcome is unknown. */
export function publishKeyed(
  ctx: Context,
  queueName: string,
  pending: Pending,
  retryBudget: RetryBudget,
): Promise<PublishResult> {
  const attempt: Attempt = { startedAt: ctx.clock.now(), versions: new Set(), applied: false, maybeApplied: false };
  const publishOnce = async (): Promise<PublishResult> => {
    try {
      return await publishKeyedOnce(ctx, queueName, pending, attempt);
    } catch (error) {
      if (attempt.applied && error instanceof StoreError) return { ok: true, id: pending.id! };
      throw error;
    }
  };
  return withRetry(retryBudget, publishOnce).catch((error: unknown) => {
    // A try may have been applied earlier; no later failure can rule that out.
    throw attempt.maybeApplied && error instanceof StoreError ? unknownOutcome() : error;
  });
}

/** `attempt` is shared by all tries of one publish. */
async function publishKeyedOnce(ctx: Context, queueName: string, pending: Pending, attempt: Attempt): Promise<PublishResult> {
  const target = await targetOf(ctx, queueName);
  const { lease, body } = newOwnRow(ctx, target.queue, pending, true);
  const put = () => putKeyed(ctx, target, pending, lease, attempt);
  return withBodies(ctx, [body], writeDeadline(target.readAt), put, () => attempt.maybeApplied || attempt.applied);
}

async function putKeyed(
  ctx: Context,
  { queue, readAt }: Target,
  pending: Pending,
  first: LeaseRow,
  attempt: Attempt,
): Promise<PublishResult> {
  const accepted = { ok: true as const, id: pending.id! };

  const write = async (from: Snapshot | undefined, former: DecodedRow): Promise<Snapshot> => {
    const version = ctx.newVersion();
    attempt.versions.add(version);
    const keyed = accept(queue, keyedOf(former), version, ctx.clock.now(), ackedBy(former));
    const row = encodeLease({ ...first, kind: 'keyed', version, keyed });
    const after = await (from ? putIfUnchanged(ctx, from, row) : putIfAbsent(ctx, row, readAt));
    attempt.applied ||= after.row?.version === version;
    attempt.maybeApplied ||= after.maybeApplied ?? false;
    return after;
  };

  let displaced: LeaseRow['content'] | undefined;
  const result = await retryOnConflict<PublishResult>(ctx, await write(undefined, {}), async (seen) => {
    const now = ctx.clock.now();
    const found = decodeSnapshot(seen, now);
    const acceptance = attempt.applied ? 'yes' : wasAccepted(keyedOf(found), attempt);
    if (acceptance === 'yes') {
      if (displaced && attempt.versions.has(seen.row?.version as string)) await removeChunks(ctx, displaced);
      return { done: accepted };
    }
    // After W, the row that listed this publish may be gone and another publish's row be there: the outcome is unknown.
    if (acceptance === 'unknown' || (attempt.maybeApplied && now - attempt.startedAt > retryMsMax)) throw unknownOutcome();
    const keyState = keyStateOf(queue, found, now);
    if (keyState === 'free') {
      // This late, the shard may be forgotten too.
      if (now - readAt > retryMsMax) throw unknownOutcome({});
      displaced = displacedContent(found);
      return { seen: await write(seen, found) };
    }
    const taken = await onTaken(ctx, queue, pending, seen, keyState);
    return 'seen' in taken ? taken : { done: { ...accepted, id: holderOf(found) ?? pending.id!, duplicate: true } };
  });
  if (result.ok && result.duplicate && lacksTtl(first.content, first.retentionEnd)) await removeChunks(ctx, first.content);
  return result;
}

/** Handles a publish whose key is taken, as the queue's setting says. Answers `done`, or the row to evaluate again. */
export async function onTaken(
  ctx: Context,
  queue: QueueRecord,
  pending: Pending,
  seen: Snapshot,
  keyState: 'taken' | 'live' | 'due',
): Promise<{ done: undefined } | { seen: Snapshot }> {
  if (keyState === 'taken') return { done: undefined };
  if (keyState === 'live') return changeLive(ctx, queue, pending, seen);
  const { ready } = await processDueRow(ctx, queue, seen);
  return ready ? changeLive(ctx, queue, pending, ready.seen) : { seen: await readRow(ctx, seen.id) };
}

/** Changes the live message that has the key. A leased message stays as it is. */
async function changeLive(
  ctx: Context,
  queue: QueueRecord,
  pending: Pending,
  seen: Snapshot,
): Promise<{ done: undefined } | { seen: Snapshot }> {
  const mode = queue.deduplication?.onDuplicate ?? 'ignore';
  if (mode === 'ignore') return { done: undefined };
  const changed = await changeWaiting(ctx, queue, seen, 0, {
    changeContent: () => pending.content!,
    ...(mode === 'debounce' ? { timing: pending.timing } : {}),
  });
  if (typeof changed === 'object' || changed === 'leased') return { done: undefined };
  return { seen: await readRow(ctx, seen.id) };
}

/** The id of the message in a group that has the key. */
export function holderOf({ tombstone }: DecodedRow): string | undefined {
  return tombstone?.marks && generatedIdOf(tombstone.marks);
}

export function keyedOf({ lease, tombstone }: DecodedRow) {
  return lease?.kind === 'keyed' ? lease.keyed : tombstone?.keyed;
}

export function ackedBy({ lease, tombstone }: DecodedRow): string | undefined {
  const slot = lease?.slots[0];
  if (slot) return slot.end === 'done' ? slot.token : undefined;
  const ended = tombstone?.slots[0];
  return ended?.cancelled ? undefined : ended?.token;
}

/**
 * The state of the key. `free`: it can be taken. `taken`: its message has ended, but its window has not. `live`: its message is
 * live. `due`: its message must be moved first, since it is expired or was received too often. A purge frees all keys.
 */
export function keyStateOf(queue: QueueRecord, found: DecodedRow, now: number): 'free' | 'taken' | 'live' | 'due' {
  const keyed = keyedOf(found);
  if (!keyed || keyed.accepted[0]!.at < queue.purgedBefore) return 'free';
  const ended = isTaken(queue, keyed, now) ? 'taken' : 'free';
  const { lease } = found;
  const slot = lease?.slots[0];
  if (!lease || !slot || !isLive(slot)) return ended;
  const verdict = verdictOf(queue, lease, slot, now);
  if (verdict === 'gone') return ended;
  return typeof verdict === 'object' ? 'due' : 'live';
}
