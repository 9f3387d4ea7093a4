/**
 * Ack. One update per row, on the tokens alone, with nothing read before. All messages of a row at once make it a tombstone; a part
 * is marked done, and who sees from the answer that all are done makes the tombstone. Where the queue keeps what is done, the row stays as
 * it is, but for its marks and its place in the index.
 */
import type { AckResult, Json } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
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
  writeLease,
} from '../leases/lease-store.ts';
import { removeChunks } from '../leases/removals.ts';
import { returnPermits } from '../limits/limiter.ts';
import type { Placed } from '../model/content-codec.ts';
import { keyedAck } from '../model/dedup-row.ts';
import { behindOthers, wasAcked } from '../model/group-row.ts';
import { isGroupRow, isKeyedRow, messageId } from '../model/ids.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import type { Receipt } from '../model/receipts.ts';
import { encodeLease, encodeTombstone } from '../model/row-codec.ts';
import { isLive, type Lease, newTombstone, type Slot } from '../model/rows.ts';
import { placedRow, slotPath } from '../model/slot-codec.ts';
import type { Condition, Path, Value, Write } from '../port/port.ts';
import { byRow, notHeld } from './receipts-by-row.ts';

/** Throws DumbwaiterError `invalid_input` for a result that the queue would not keep. */
export async function ack(
  ctx: Context,
  queueName: string,
  receipts: readonly unknown[],
  given?: Json,
): Promise<{ results: AckResult[] }> {
  const { keep } = await ctx.settings.get(queueName);
  // Where no result is kept, a null is what some clients send for a field that nobody set.
  const result = given === null && !keep?.doneSeconds ? undefined : given;
  if (result !== undefined && !keep?.doneSeconds) {
    throw new DumbwaiterError('invalid_input', `result: the queue "${queueName}" keeps none (keep.doneSeconds)`);
  }
  const answer = await byRow<AckResult>(ctx, queueName, receipts, async (queue, rowId, held) => {
    const placed = result === undefined ? undefined : await placeOf(ctx, queue, held, result);
    // What was done before is found done: an ack may be repeated.
    const results = await withRetry(createRetryBudget(ctx), async () => {
      const first = await firstAck(ctx, queue, rowId, held, placed);
      return retryOnConflict(ctx, first, (seen) => judge(ctx, queue, seen, held, placed));
    });
    // No message has it after all.
    if (placed && !results.some(({ ok }) => ok)) await removeChunks(ctx, placed);
    results.forEach((one, index) => {
      if (one.ok) ctx.wakeups.wake(endKey(queue.name, messageId(rowId, held[index]!.slot)));
    });
    return results;
  });
  await returnPermits(ctx, queueName, receipts, answer.results);
  return answer;
}

function placeOf(ctx: Context, queue: QueueRecord, held: readonly Receipt[], result: Json): Promise<Placed> {
  const now = ctx.clock.now();
  // Later than the row will say, since the ack itself comes later.
  const until = (keptAs(queue, 'done', now).kept?.until ?? now) + tombstoneMs;
  return placeResult(ctx, result, held[0]!.count, until, now);
}

/** What is noted of a message that is done. */
export type Done = Pick<Slot, 'kept' | 'result'>;

function doneAt(queue: QueueRecord, now: number, result: Placed | undefined): Done {
  const { kept } = keptAs(queue, 'done', now);
  return kept ? { kept, ...(result && { result }) } : {};
}

export const holds = ({ slot, token }: Receipt): Condition => ({ equals: [slotPath(slot, 'token'), token] });

/**
 * And is not done yet, so that what it is a condition of applies once. A copy of it that comes late would bring its version back, and with
 * that any late copy of a write that rests on that version: a message acked since would live again.
 */
export const holdsStill = (held: readonly Receipt[]): Condition[] =>
  held.flatMap((receipt) => [holds(receipt), { absent: slotPath(receipt.slot, 'end') }]);

export const marks = (held: readonly Receipt[], { kept, result }: Done = {}) =>
  held.flatMap(({ slot }): [Path, Value][] => [
    [slotPath(slot, 'end'), 'done'],
    ...(kept ? keptMarks(slot, kept) : []),
    ...(result ? [[slotPath(slot, 'result'), placedRow(result)] as [Path, Value]] : []),
  ]);

const keptMarks = (slot: number, { at, until }: NonNullable<Done['kept']>): [Path, Value][] => [
  [slotPath(slot, 'endedAt'), at],
  [slotPath(slot, 'keptUntil'), until],
];

function firstAck(
  ctx: Context,
  queue: QueueRecord,
  rowId: string,
  held: readonly Receipt[],
  result: Placed | undefined,
): Promise<Snapshot> {
  const now = ctx.clock.now();
  const version = ctx.newVersion();
  const count = held[0]!.count;
  const slots = new Map(held.map((receipt) => [receipt.slot, receipt]));
  // Two receipts of one message: at least one is stale, and which one only the row can tell. Of a group, too, how it goes on.
  if (slots.size < held.length || isGroupRow(rowId)) return readRow(ctx, rowId);
  // Receipts are in their holder's hands: any of them may name another count, or a slot beyond it.
  const tokens = Array.from({ length: count }, (_, slot) => slots.get(slot)).flatMap((one) =>
    one ? [{ token: one.token }] : [],
  );
  const done = doneAt(queue, now, result);
  if (tokens.length === count && held.length === count) {
    // `count`, for the row may have more messages than the receipts say; `ending`, for such a row has more to do when it ends.
    const whole: Condition[] = [{ absent: ['until'] }, { equals: [['count'], count] }, { absent: ['ending'] }];
    const keyed = isKeyedRow(rowId) ? keyedAck(held[0]!, version, now) : undefined;
    if (keyed) whole.push(keyed.agrees);
    if (done.kept) {
      const { when, then } = keptWhole(held, { ...done, kept: done.kept }, version, now);
      return writeLease(ctx, rowId, { all: [...whole, ...when] }, then, now);
    }
    const row = encodeTombstone(newTombstone(rowId, version, tokens, now));
    return writeLease(ctx, rowId, { all: [...whole, ...held.map(holds)] }, keyed?.then ?? { put: row }, now);
  }
  const part: Condition = { all: [{ absent: ['until'] }, ...holdsStill(held)] };
  return writeLease(ctx, rowId, part, { set: [[['version'], version], ...marks(held, done)] }, now);
}

/** The row as it is, with all its messages done, out of the index, for as long as it is kept. */
function keptWhole(
  held: readonly Receipt[],
  done: Done & Required<Pick<Done, 'kept'>>,
  version: string,
  now: number,
): { when: Condition[]; then: Write['then'] } {
  const until = Math.max(now, held[0]!.freeAt ?? 0, done.kept.until - tombstoneMs) + tombstoneMs;
  const when = holdsStill(held);
  // Bodies beside it have to be kept before.
  if (outlastsBodies(until, now)) when.push({ absent: ['beside'] });
  const set: [Path, Value][] = [
    [['version'], version],
    [['until'], until],
    [['ttl'], Math.ceil(until / 1000)],
    ...marks(held, done),
  ];
  return { when, then: { set, unset: [['expiry']] } };
}

/** Whether each message is done by this very token; what still is not, and may be, is marked. */
async function judge(
  ctx: Context,
  queue: QueueRecord,
  seen: Snapshot,
  held: readonly Receipt[],
  result: Placed | undefined,
): Promise<{ done: AckResult[] } | { seen: Snapshot }> {
  const now = ctx.clock.now();
  const judged = decodeSnapshot(seen, now);
  const { lease, tombstone } = judged;
  if (!lease) {
    const isDone = ({ slot, token }: Receipt) =>
      (tombstone?.slots[slot]?.token === token && !tombstone.slots[slot].cancelled) || tombstone?.keyed?.acked === token;
    return { done: held.map((receipt) => (isDone(receipt) ? { ok: true } : notHeld(judged, receipt))) };
  }
  const pending = held.filter(({ slot, token }) => {
    const there = lease.slots[slot];
    return there && isLive(there) && there.token === token;
  });
  if (pending.length > 0) {
    const done = doneAt(queue, now, result);
    const slots = lease.slots.map((slot, index) =>
      pending.some((receipt) => receipt.slot === index) ? { ...slot, end: 'done' as const, ...done } : slot,
    );
    const next: Lease = { ...lease, slots, version: ctx.newVersion() };
    if (isEnded(next)) return { seen: await replaceEnded(ctx, seen, next, next.version, now) };
    // The next in turn may be due from now on.
    if (lease.group) return { seen: await putIfUnchanged(ctx, seen, encodeLease(behindOthers(next, now))) };
    const when: Condition = { all: [{ absent: ['until'] }, ...holdsStill(pending)] };
    const then = { set: [[['version'], next.version] as [Path, Value], ...marks(pending, done)] };
    return { seen: await writeLease(ctx, seen.id, when, then, seen.readAt) };
  }
  const results = held.map((receipt): AckResult => {
    const there = lease.slots[receipt.slot];
    const isDone =
      (there?.end === 'done' && there.token === receipt.token) ||
      lease.keyed?.acked === receipt.token ||
      (lease.group && wasAcked(lease.group, receipt.token, receipt.slot));
    return isDone ? { ok: true } : notHeld(judged, receipt);
  });
  // All done by now, mine or others': the row ends. Should this fail, whoever meets the row when it is due ends it.
  if (isEnded(lease) && lease.slots.length > 0) await replaceEnded(ctx, seen, lease, ctx.newVersion(), now).catch(() => {});
  return { done: results };
}
