/**
 * Ack: one write per row, conditional on the tokens. It reads first only for a group, or for two receipts of one message. An ack
 * of all messages of a row puts a tombstone over the row. An ack of a part marks those messages done; the call whose response
 * shows that all are done puts the tombstone. If the queue keeps done messages, an ack of the whole row only marks its messages
 * done and removes the row from the index.
 */
import type { AckResult, Json } from '../../contract/contract.ts';
import { invalidInput } from '../../contract/errors.ts';
import { tombstoneMs } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { createRetryBudget, withRetry } from '../context/retry.ts';
import { endKey, keptAs, outlastsBodies, placeResult, replaceEnded } from '../leases/kept-messages.ts';
import {
  decodeSnapshot,
  isEnded,
  putIfUnchanged,
  readRow,
  retryOnConflict,
  type Snapshot,
  writeRow,
} from '../leases/lease-store.ts';
import { removeChunks } from '../leases/removals.ts';
import { encodeStoredContent, type StoredContent } from '../model/content-codec.ts';
import { keyedAck } from '../model/dedup-row.ts';
import { behindOthers, wasAcked } from '../model/group-row.ts';
import { messageIdOf } from '../model/held-parcels.ts';
import { isGroupRow, isKeyedRow, messageId } from '../model/ids.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import type { Receipt } from '../model/receipts.ts';
import { encodeLease, encodeTombstone } from '../model/row-codec.ts';
import { type LeaseRow, newTombstone, type Slot } from '../model/rows.ts';
import { slotPath } from '../model/slot-codec.ts';
import { returnPermits } from '../permits/limiter.ts';
import type { Condition, Path, Value, Write } from '../port/port.ts';
import { answerByRow, inOrder, isHeldBy, notHeld, parseReceipts } from './receipts-by-row.ts';

/** Throws DumbwaiterError `invalid_input` for a result that the queue would not keep. */
export async function ack(
  ctx: Context,
  queueName: string,
  texts: readonly unknown[],
  given?: Json,
): Promise<{ results: AckResult[] }> {
  const queue = await ctx.settings.get(queueName);
  // Some clients send null for an unset field. Treat it as no result if the queue keeps none.
  const result = given === null && !queue.keep?.doneSeconds ? undefined : given;
  if (result !== undefined && !queue.keep?.doneSeconds) {
    throw invalidInput(`result: the queue "${queueName}" keeps none (keep.doneSeconds)`);
  }
  const receipts = parseReceipts(queue, texts);
  const answers = await answerByRow<AckResult>(ctx, queue, receipts, (rowId, ofRow) => ackRow(ctx, queue, rowId, ofRow, result));
  await returnPermits(ctx, queue, answers);
  return { results: inOrder(receipts, answers) };
}

async function ackRow(
  ctx: Context,
  queue: QueueRecord,
  rowId: string,
  receipts: readonly Receipt[],
  result: Json | undefined,
): Promise<AckResult[]> {
  const stored = result === undefined ? undefined : await storeResult(ctx, queue, receipts, result);
  // A repeated ack finds the messages done and succeeds, so it is safe to retry.
  const acked = new Map<number, string>();
  const results = await withRetry(createRetryBudget(ctx), async () => {
    const first = await firstAck(ctx, queue, rowId, receipts, stored);
    return retryOnConflict(ctx, first, (seen) => ackAfterRead(ctx, queue, seen, receipts, stored, acked));
  });
  // No message was acked, so no row names the stored result.
  if (stored && !results.some(({ ok }) => ok)) await removeChunks(ctx, stored);
  results.forEach(({ ok }, index) => {
    const { slot } = receipts[index]!;
    if (ok) ctx.wakeups.wake(endKey(queue.name, acked.get(slot) ?? messageId(rowId, slot)));
  });
  return results;
}

function storeResult(ctx: Context, queue: QueueRecord, receipts: readonly Receipt[], result: Json): Promise<StoredContent> {
  const now = ctx.clock.now();
  // The ack runs later than this, so the row will be kept longer than computed here: add a margin to the chunks' TTL.
  const until = (keptAs(queue, 'done', now).kept?.until ?? now) + tombstoneMs;
  return placeResult(ctx, result, receipts[0]!.count, until, now);
}

/** What the slot of a done message records if the queue keeps it. */
export type Done = Pick<Slot, 'kept' | 'result'>;

function doneAt(queue: QueueRecord, now: number, result: StoredContent | undefined): Done {
  const { kept } = keptAs(queue, 'done', now);
  return kept ? { kept, ...(result && { result }) } : {};
}

export const tokenMatches = ({ slot, token }: Receipt): Condition => ({ equals: [slotPath(slot, 'token'), token] });

/**
 * Also requires that the message is not done, so that the write applies at most once. A delayed duplicate would restore its old
 * version and revive delayed writes that depend on it: a message acked since would become live again.
 */
export const stillLeased = (receipts: readonly Receipt[]): Condition[] =>
  receipts.flatMap((receipt) => [tokenMatches(receipt), { absent: slotPath(receipt.slot, 'end') }]);

export const doneMarks = (receipts: readonly Receipt[], { kept, result }: Done = {}) =>
  receipts.flatMap(({ slot }): [Path, Value][] => [
    [slotPath(slot, 'end'), 'done'],
    ...(kept ? keptMarks(slot, kept) : []),
    ...(result ? [[slotPath(slot, 'result'), encodeStoredContent(result)] as [Path, Value]] : []),
  ]);

const keptMarks = (slot: number, { at, until }: NonNullable<Done['kept']>): [Path, Value][] => [
  [slotPath(slot, 'endedAt'), at],
  [slotPath(slot, 'keptUntil'), until],
];

async function firstAck(
  ctx: Context,
  queue: QueueRecord,
  rowId: string,
  receipts: readonly Receipt[],
  result: StoredContent | undefined,
): Promise<Snapshot> {
  const now = ctx.clock.now();
  const version = ctx.newVersion();
  const slots = new Set(receipts.map(({ slot }) => slot));
  // Read first if a message has two receipts: only the row tells which is stale. Also for a group: the row tells how it
  // continues.
  if (slots.size < receipts.length || isGroupRow(rowId)) return readRow(ctx, rowId);
  const done = doneAt(queue, now, result);
  const whole = wholeRow(rowId, receipts, version, now);
  if (whole && done.kept) {
    const { when, then } = keptWhole(receipts, { ...done, kept: done.kept }, version, now);
    return writeRow(ctx, rowId, { all: [...whole.when, ...when] }, then, now);
  }
  if (whole) return writeRow(ctx, rowId, { all: [...whole.when, ...receipts.map(tokenMatches)] }, whole.then, now);
  const part: Condition = { all: [{ absent: ['until'] }, ...stillLeased(receipts)] };
  return writeRow(ctx, rowId, part, { set: [[['version'], version], ...doneMarks(receipts, done)] }, now);
}

/** The write that ends a row; undefined if the receipts do not cover each of its messages once. `when` lacks the tokens. */
export function wholeRow(
  rowId: string,
  receipts: readonly Receipt[],
  version: string,
  now: number,
): { when: Condition[]; then: Write['then'] } | undefined {
  const { count } = receipts[0]!;
  // The client could alter a receipt, so it may name a wrong count, or a slot beyond the count.
  const bySlot = new Map(receipts.map(({ slot, token }) => [slot, { token }]));
  const tokens = Array.from({ length: count }, (_, slot) => bySlot.get(slot) ?? []).flat();
  if (tokens.length !== count || receipts.length !== count) return undefined;
  const keyed = isKeyedRow(rowId) ? keyedAck(receipts[0]!, version, now) : undefined;
  // `count`: the row may hold more messages than the receipts say. `ending`: the row needs cleanup when it ends.
  const when: Condition[] = [{ absent: ['until'] }, { equals: [['count'], count] }, { absent: ['ending'] }];
  const row = encodeTombstone(newTombstone(rowId, version, tokens, now));
  return { when: [...when, ...(keyed ? [keyed.agrees] : [])], then: keyed?.then ?? { put: row } };
}

/** Marks all messages of the row done and removes the row from the index. The row stays as long as its messages are kept. */
function keptWhole(
  receipts: readonly Receipt[],
  done: Done & Required<Pick<Done, 'kept'>>,
  version: string,
  now: number,
): { when: Condition[]; then: Write['then'] } {
  const until = Math.max(now, receipts[0]!.freeAt ?? 0, done.kept.until - tombstoneMs) + tombstoneMs;
  const when = stillLeased(receipts);
  // Offloaded bodies may expire before the row: refuse this write, so that the slower path extends their TTL first.
  if (outlastsBodies(until, now)) when.push({ absent: ['beside'] });
  const set: [Path, Value][] = [
    [['version'], version],
    [['until'], until],
    [['ttl'], Math.ceil(until / 1000)],
    ...doneMarks(receipts, done),
  ];
  return { when, then: { set, unset: [['expiry']] } };
}

/**
 * Returns for each receipt whether its message is done by its token. Marks live messages that the token still holds. `acked`: gets their ids,
 * by slot. The row of a group no longer tells them once it has ended.
 */
async function ackAfterRead(
  ctx: Context,
  queue: QueueRecord,
  seen: Snapshot,
  receipts: readonly Receipt[],
  result: StoredContent | undefined,
  acked: Map<number, string>,
): Promise<{ done: AckResult[] } | { seen: Snapshot }> {
  const now = ctx.clock.now();
  const found = decodeSnapshot(seen, now);
  const { lease, tombstone } = found;
  if (!lease) {
    const isDone = ({ slot, token }: Receipt) =>
      (tombstone?.slots[slot]?.token === token && !tombstone.slots[slot].cancelled) || tombstone?.keyed?.acked === token;
    return { done: receipts.map((receipt) => (isDone(receipt) ? { ok: true } : notHeld(found, receipt))) };
  }
  const pending = receipts.filter((receipt) => isHeldBy(lease, receipt));
  if (pending.length > 0) {
    for (const { slot } of pending) acked.set(slot, messageIdOf(lease, slot));
    const done = doneAt(queue, now, result);
    const slots = lease.slots.map((slot, index) =>
      pending.some((receipt) => receipt.slot === index) ? { ...slot, end: 'done' as const, ...done } : slot,
    );
    const next: LeaseRow = { ...lease, slots, version: ctx.newVersion() };
    if (isEnded(next)) return { seen: await replaceEnded(ctx, seen, next, now) };
    // The next message of the group may become due now.
    if (lease.kind === 'group') return { seen: await putIfUnchanged(ctx, seen, encodeLease(behindOthers(next, now))) };
    const when: Condition = { all: [{ absent: ['until'] }, ...stillLeased(pending)] };
    const then = { set: [[['version'], next.version] as [Path, Value], ...doneMarks(pending, done)] };
    return { seen: await writeRow(ctx, seen.id, when, then, seen.readAt) };
  }
  const results = receipts.map((receipt): AckResult => {
    const slot = lease.slots[receipt.slot];
    const isDone =
      (slot?.end === 'done' && slot.token === receipt.token) ||
      (lease.kind === 'keyed' && lease.keyed.acked === receipt.token) ||
      (lease.kind === 'group' && wasAcked(lease.group, receipt.token, receipt.slot));
    return isDone ? { ok: true } : notHeld(found, receipt);
  });
  // All messages are done, by this or other calls: end the row. If this fails, the process that finds the row due ends it.
  const ended = isEnded(lease) && lease.slots.length > 0 && { ...lease, version: ctx.newVersion() };
  if (ended) await replaceEnded(ctx, seen, ended, now).catch(() => {});
  return { done: results };
}
