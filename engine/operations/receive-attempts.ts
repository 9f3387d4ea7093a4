/**
 * Receives that can be repeated: a row of `leases`, in no index, remembers the receipts of a receive with an attempt id. It is written
 * before the answer. A repeat extends the leases that the receive still has, and answers their messages. Without such an id nothing
 * is read or written.
 */
import { hash } from 'node:crypto';
import type { InputOf, ReceivedMessage } from '../../contract/contract.ts';
import { attemptMsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { decodeSnapshot, readRows } from '../leases/lease-store.ts';
import { receivedMessage } from '../messages/message-view.ts';
import { readSlotContents } from '../model/held-parcels.ts';
import { type QueueRecord, writeDeadline } from '../model/queue-record.ts';
import { parseReceipt } from '../model/receipts.ts';
import { leaseKey } from '../model/rows.ts';
import { ignoreStoreError } from '../port/port.ts';
import { visibilityTimeoutOf } from '../receive/claims.ts';
import { mayDeliver } from '../receive/deliver.ts';
import { extend } from './extend.ts';
import { isHeldBy } from './receipts-by-row.ts';

/** Of fixed length, because an attempt id may have any characters. */
function attemptRowId({ incarnation }: Pick<QueueRecord, 'incarnation'>, attemptId: string): string {
  return `${incarnation}!attempt:${hash('sha256', attemptId, 'base64url')}`;
}

/** If the store fails, the receive answers all the same, and cannot be repeated. */
export async function rememberAttempt(
  ctx: Context,
  queue: QueueRecord,
  attemptId: string,
  receipts: readonly string[],
): Promise<void> {
  if (receipts.length === 0) return;
  const now = ctx.clock.now();
  const id = attemptRowId(queue, attemptId);
  const row = { id, at: now, receipts: [...receipts], ttl: Math.ceil((now + attemptMsMax) / 1000) };
  await ctx.store.write({ key: leaseKey(id), then: { put: row } }, writeDeadline(now)).catch(ignoreStoreError);
}

/** The messages of an earlier receive with this attempt id that are still leased by it; empty if there is nothing to repeat. */
export async function repeatAttempt(
  ctx: Context,
  queueName: string,
  { attemptId, ...input }: InputOf<'receive'> & { attemptId: string },
): Promise<ReceivedMessage[]> {
  const asked = await ctx.settings.get(queueName);
  const [row] = await ctx.store.get([leaseKey(attemptRowId(asked, attemptId))]);
  // TTL may act late.
  if (asked.paused || !row || (row.at as number) + attemptMsMax <= ctx.clock.now()) return [];
  const texts = row.receipts as string[];
  const { results } = await extend(ctx, queueName, texts, input);
  const held = texts.flatMap((text, index) => {
    const receipt = results[index]!.ok ? parseReceipt(text) : undefined;
    return receipt ? [{ text, receipt }] : [];
  });
  const seen = await readRows(ctx, [...new Set(held.map(({ receipt }) => receipt.rowId))]);
  const found = seen.flatMap((one) => {
    const { lease } = decodeSnapshot(one, ctx.clock.now());
    return lease ? [{ lease, readAt: one.readAt }] : [];
  });
  const contents = await readSlotContents(
    ctx.store,
    found.map(({ lease }) => lease),
  );
  // The settings in force may forbid the delivery since, and the leases may be over.
  const queue = await ctx.settings.inForce(queueName);
  const now = ctx.clock.now();
  const claimer = { queue: asked, visibilityTimeoutMs: visibilityTimeoutOf(asked, input) };
  return held.flatMap(({ text, receipt }): ReceivedMessage[] => {
    const { rowId, slot } = receipt;
    const at = found.findIndex(({ lease }) => lease.id === rowId);
    const content = contents[at]?.[slot];
    const isReadable = content !== undefined && content.unreadable === undefined;
    if (!queue || !found[at] || !isReadable) return [];
    const { lease, readAt } = found[at];
    if (!isHeldBy(lease, receipt) || !mayDeliver(claimer, queue, { lease, slots: [slot], readAt }, now)) return [];
    return [{ ...receivedMessage(queue, lease, slot, content), receipt: text }];
  });
}
