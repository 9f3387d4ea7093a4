/**
 * Ack. One update per row, on the tokens alone, with nothing read before. All messages of a row at once make it a tombstone; a part
 * is marked done, and who sees from the answer that all are done makes the tombstone.
 */
import type { AckResult } from '../../sdk/contract.ts';
import type { Context } from '../context.ts';
import { behindOthers, wasAcked } from '../groups.ts';
import { isGroupRow, isKeyedRow } from '../ids.ts';
import { keyedAck } from '../keyed-rows.ts';
import { endedRow, isEnded, judgeable, lookAt, replace, type Seen, untilSettled, writeLease } from '../lease-writes.ts';
import { createPatience, patiently } from '../patience.ts';
import type { Condition, Path, Value } from '../port.ts';
import type { Receipt } from '../receipts.ts';
import { leaseRow, slotPath, tombstoneRow } from '../row-format.ts';
import { isLive, tombstone } from '../rows.ts';
import { byRow, notHeld } from './by-row.ts';

export function ack(ctx: Context, queueName: string, receipts: readonly unknown[]): Promise<{ results: AckResult[] }> {
  return byRow<AckResult>(ctx, queueName, receipts, async (_queue, rowId, held) => {
    // What was done before is found done: an ack may be repeated.
    return patiently(createPatience(ctx), async () => {
      const first = await firstAck(ctx, rowId, held);
      return untilSettled(ctx, first, (seen) => judge(ctx, seen, held));
    });
  });
}

export const holds = ({ slot, token }: Receipt): Condition => ({ equals: [slotPath(slot, 'token'), token] });

export const marks = (held: readonly Receipt[]) => held.map(({ slot }): [Path, Value] => [slotPath(slot, 'end'), 'done']);

function firstAck(ctx: Context, rowId: string, held: readonly Receipt[]): Promise<Seen> {
  const now = ctx.clock.now();
  const version = ctx.newVersion();
  const count = held[0]!.count;
  const slots = new Map(held.map((receipt) => [receipt.slot, receipt]));
  // Two receipts of one message: at least one is stale, and which one only the row can tell. Of a group, too, how it goes on.
  if (slots.size < held.length || isGroupRow(rowId)) return lookAt(ctx, rowId);
  // Receipts are in their holder's hands: any of them may name another count, or a slot beyond it.
  const tokens = Array.from({ length: count }, (_, slot) => slots.get(slot)).flatMap((one) =>
    one ? [{ token: one.token }] : [],
  );
  if (tokens.length === count && held.length === count) {
    const row = tombstoneRow(tombstone(rowId, version, tokens, now));
    const keyed = isKeyedRow(rowId) ? keyedAck(held[0]!, version, now) : undefined;
    // `count`, for the row may have more messages than the receipts say; `ending`, for such a row has more to do when it ends.
    const whole: Condition = {
      all: [
        { absent: ['until'] },
        { equals: [['count'], count] },
        { absent: ['ending'] },
        ...held.map(holds),
        ...(keyed ? [keyed.agrees] : []),
      ],
    };
    return writeLease(ctx, rowId, whole, keyed?.then ?? { put: row }, now);
  }
  const part: Condition = { all: [{ absent: ['until'] }, ...held.map(holds)] };
  return writeLease(ctx, rowId, part, { set: [[['version'], version], ...marks(held)] }, now);
}

/** Whether each message is done by this very token; what still is not, and may be, is marked. */
async function judge(ctx: Context, seen: Seen, held: readonly Receipt[]): Promise<{ done: AckResult[] } | { seen: Seen }> {
  const now = ctx.clock.now();
  const judged = judgeable(seen, now);
  const { lease, stone } = judged;
  if (!lease) {
    const isDone = ({ slot, token }: Receipt) =>
      (stone?.slots[slot]?.token === token && !stone.slots[slot].cancelled) || stone?.keyed?.acked === token;
    return { done: held.map((receipt) => (isDone(receipt) ? { ok: true } : notHeld(judged, receipt))) };
  }
  const pending = held.filter(({ slot, token }) => {
    const there = lease.slots[slot];
    return there && isLive(there) && there.token === token;
  });
  if (pending.length > 0) {
    const slots = lease.slots.map((slot, index) =>
      pending.some((receipt) => receipt.slot === index) ? { ...slot, end: 'done' as const } : slot,
    );
    const next = { ...lease, slots, version: ctx.newVersion() };
    if (isEnded(next)) return { seen: await replace(ctx, seen, endedRow(next, next.version, now)) };
    // The next in turn may be due from now on.
    if (lease.group) return { seen: await replace(ctx, seen, leaseRow(behindOthers(next, now))) };
    const when: Condition = { all: [{ absent: ['until'] }, ...pending.map(holds)] };
    const then = { set: [[['version'], next.version] as [Path, Value], ...marks(pending)] };
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
  if (isEnded(lease) && lease.slots.length > 0) await replace(ctx, seen, endedRow(lease, ctx.newVersion(), now)).catch(() => {});
  return { done: results };
}
